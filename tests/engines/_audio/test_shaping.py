"""Mono, sample rate, and what goes out to files."""

from pathlib import Path

import numpy as np
import pytest

from engines._audio import load, resample, samples_to_seconds, save, seconds_to_samples, to_mono
from tests import signals


def test_mono_is_the_mean_of_the_channels_and_changes_nothing() -> None:
    y = np.stack([signals.tone(440, 0.1), signals.noise(0.1), signals.noise(0.1, seed=1)])
    before = y.copy()
    assert np.allclose(to_mono(y), y.mean(axis=0), atol=1e-6)
    assert np.array_equal(y, before)


def test_mono_of_one_channel_is_a_copy() -> None:
    y = signals.tone(440, 0.1)[None]
    mono = to_mono(y)
    mono[:] = 0
    assert y.any()


@pytest.mark.parametrize("new_sr", [22050, 48000])
def test_resampling_keeps_pitch_and_time(new_sr: int) -> None:
    got = resample(signals.tone(1000, 1.0), 44100, new_sr)
    wanted = signals.tone(1000, 1.0, new_sr)
    assert np.abs(got[1000:-1000] - wanted[1000 : len(got) - 1000]).max() < 1e-3


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    y = signals.stereo(signals.tone(440, 0.5), signals.noise(0.5))
    save(tmp_path / "a.wav", y, 48000)
    got, sr = load(tmp_path / "a.wav")
    assert sr == 48000
    assert np.abs(got - y).max() < 1e-6
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]


def test_samples_and_seconds_are_inverses() -> None:
    assert samples_to_seconds(22050, 44100) == 0.5
    assert seconds_to_samples(0.5, 44100) == 22050
