"""What instruments are tuned to."""

from pathlib import Path

import pytest

from engines import analyze
from engines.analyze.results import Tuning
from tests import signals


@pytest.mark.parametrize("cents", [-35, 0, 12, 31.8])
def test_a_tuning_is_measured_to_two_cents(tmp_path: Path, cents: float) -> None:
    y = signals.progression(["C:maj", "F:maj", "G:maj", "C:maj"], 1.0, tuning_cents=cents)
    found = analyze.tuning(signals.write(tmp_path / "a.wav", y))
    assert found.tuning_cents == pytest.approx(cents, abs=2)
    assert found.concert_pitch == pytest.approx(440 * 2 ** (cents / 1200), abs=0.5)
    assert found.clarity > 0.8


def test_silence_has_no_tuning(tmp_path: Path) -> None:
    assert analyze.tuning(signals.write(tmp_path / "a.wav", signals.silence(2))) == Tuning(None, None, 0.0)


def test_noise_has_no_clear_tuning(tmp_path: Path) -> None:
    assert analyze.tuning(signals.write(tmp_path / "a.wav", signals.noise(5))).clarity < 0.2
