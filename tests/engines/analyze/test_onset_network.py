"""Onsets of clicks, drums and notes, and what the network's answers are read as."""

from pathlib import Path

import numpy as np
import pytest

from engines import analyze
from engines._errors import NotInstalledError
from engines.analyze import onset_network
from engines.analyze.bands import FRAME_RATE
from engines.analyze.onset_strength import LEAD_S
from tests import signals
from tests.engines.analyze.chance import random_bands, random_network


def onsets_of(path: Path, y: signals.FloatArray) -> signals.FloatArray:
    return np.array(analyze.onsets(signals.write(path / "a.wav", y)).onset_times)


def test_clicks_at_any_time_are_onsets(tmp_path: Path) -> None:
    times = np.cumsum(np.random.default_rng(0).uniform(0.12, 0.9, 30))
    found = onsets_of(tmp_path, signals.mix_at(((t, signals.click()) for t in times), times[-1] + 1))
    assert len(found) == len(times)
    assert np.abs(found - times).max() < 0.02


def test_every_drum_is_an_onset(tmp_path: Path) -> None:
    found = onsets_of(tmp_path, signals.drum_loop(100, 4))
    assert len(found) == pytest.approx(32, abs=1)  # hats in eighths, kick and snare among them


def test_notes_of_a_scale_are_onsets(tmp_path: Path) -> None:
    found = onsets_of(tmp_path, signals.scale("C major", seconds_each=0.4, times=1))
    truth = np.arange(15) * 0.4
    assert sum(np.abs(found - t).min() < 0.05 for t in truth) >= 14
    assert len(found) <= 18


@pytest.mark.parametrize("y", [signals.tone(440, 20), signals.chord("A:min", 20)], ids=["tone", "chord"])
def test_what_is_held_begins_once(tmp_path: Path, y: signals.FloatArray) -> None:
    assert len(onsets_of(tmp_path, y)) <= 1


@pytest.mark.parametrize("y", [signals.silence(3), signals.silence(1 / 44100)])
def test_silence_has_no_onsets(tmp_path: Path, y: signals.FloatArray) -> None:
    assert len(onsets_of(tmp_path, y)) == 0


def test_onsets_are_likely_peaks_apart_from_each_other() -> None:
    likely = np.zeros(200, np.float32)
    likely[[0, 50, 100, 102, 150, 199]] = 0.9, 0.1, 0.8, 0.7, 0.5, 0.6
    times = onset_network.onset_times(likely, 0.5)
    assert times == pytest.approx(np.array([0, 100, 150, 199]) / FRAME_RATE + LEAD_S)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 50])
def test_a_moment_has_an_answer(n: int) -> None:
    said = onset_network.activations(random_bands(n), random_network(onset_network.VIEW, 1, 6))
    assert said.shape == (max(0, n - onset_network.CUT_FRAMES),)
    assert np.isfinite(said).all()


def test_missing_weights_say_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(onset_network, "MODEL", tmp_path / "onsets.npz")
    with pytest.raises(NotInstalledError, match="missing or damaged; reinstall"):
        onset_network.network.__wrapped__()
