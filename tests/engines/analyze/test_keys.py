"""Keys of scales and cadences, all 24 of them."""

from pathlib import Path

import numpy as np
import pytest

from engines import analyze
from engines.analyze.keys import correlations, find_key
from engines.analyze.results import Key
from tests import signals

KEYS = [f"{tonic} {mode}" for mode in ("major", "minor") for tonic in signals.PITCH_CLASSES]


def key_of(path: Path, y: signals.FloatArray, sr: int = signals.SR) -> Key:
    return analyze.key(signals.write(path / "a.wav", y, sr))


@pytest.mark.parametrize("key", KEYS)
def test_a_cadence_is_in_its_key(tmp_path: Path, key: str) -> None:
    found = key_of(tmp_path, signals.cadence(key, times=2))
    assert f"{found.key} {found.mode}" == key
    assert found.key_confidence > 0.5


@pytest.mark.parametrize("key", KEYS)
def test_a_scale_is_in_its_key(tmp_path: Path, key: str) -> None:
    found = key_of(tmp_path, signals.scale(key, times=2))
    assert f"{found.key} {found.mode}" == key


@pytest.mark.parametrize("cents", [-40, -15, 20, 45])
def test_an_instrument_tuned_otherwise_keeps_its_key(tmp_path: Path, cents: float) -> None:
    y = signals.progression(["D:min", "G:min", "A:7", "D:min"] * 2, 1.0, tuning_cents=cents)
    found = key_of(tmp_path, y)
    assert (found.key, found.mode) == ("D", "minor")
    assert found.tuning_cents == pytest.approx(cents, abs=4)


@pytest.mark.parametrize("sr", [8000, 22050, 48000, 96000])
def test_a_sample_rate_does_not_change_the_key(tmp_path: Path, sr: int) -> None:
    found = key_of(tmp_path, signals.cadence("F# minor", times=2, sr=sr), sr)
    assert (found.key, found.mode) == ("F#", "minor")


def test_the_second_key_is_a_neighbour(tmp_path: Path) -> None:
    found = key_of(tmp_path, signals.cadence("C major"))
    assert (found.runner_up_key, found.runner_up_mode) in {
        ("G", "major"),
        ("F", "major"),
        ("A", "minor"),
        ("C", "minor"),
    }


def test_silence_has_no_key(tmp_path: Path) -> None:
    assert key_of(tmp_path, signals.silence(3)) == Key(None, None, 0.0, None, None, None)


def test_noise_has_a_lower_confidence_than_music(tmp_path: Path) -> None:
    assert key_of(tmp_path, signals.noise(10)).key_confidence < 0.5


def test_channels_that_cancel_out_are_heard_one_by_one(tmp_path: Path) -> None:
    y = signals.cadence("E minor", times=2)
    found = key_of(tmp_path, signals.stereo(y, -y))
    assert (found.key, found.mode) == ("E", "minor")


def test_weights_are_probabilities() -> None:
    found = find_key(np.tile(np.eye(12)[[0, 4, 7]].sum(axis=0), (10, 1)))
    assert found is not None
    assert found.weights.sum() == pytest.approx(1)
    assert found.name == "C major"


def test_transposing_the_classes_transposes_the_fit() -> None:
    classes = np.random.default_rng(0).random(12)
    up = correlations(np.roll(classes, 5))
    assert np.allclose(up[:12], np.roll(correlations(classes)[:12], 5))
