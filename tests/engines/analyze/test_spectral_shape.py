"""Spectral shape and level are librosa's, frame by frame."""

from pathlib import Path

import numpy as np
import pytest

from engines.analyze.listening import SHAPE, TIMBRE, Shape, listen
from engines.analyze.spectral_shape import Levels
from tests import signals


def shape(path: Path, y: signals.FloatArray, sr: int = signals.SR) -> Shape:
    return listen(signals.write(path / "a.wav", y, sr, encoding="FLOAT"), {SHAPE, TIMBRE}).shape


def by_definition(y: signals.FloatArray) -> dict[str, signals.FloatArray]:
    """Work out what librosa 0.11 does at its defaults, in numpy and float64."""
    padded = np.pad(y.astype(np.float64), 1024)
    frames = np.lib.stride_tricks.sliding_window_view(padded, 2048)[::512]
    S = np.abs(np.fft.rfft(frames * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(2048) / 2048)), axis=1))
    f = np.fft.rfftfreq(2048, 1 / 44100)
    below = np.cumsum(S, axis=1) < 0.85 * S.sum(axis=1, keepdims=True)
    edge = np.lib.stride_tricks.sliding_window_view(np.pad(y, 1024, mode="edge"), 2048)[::512]
    return {
        "centroid": (S @ f) / S.sum(axis=1),
        "rolloff": f[below.sum(axis=1)],
        "rms": np.sqrt((frames**2).mean(axis=1)),
        "zero_crossing_rate": np.diff(edge < 0, axis=1).mean(axis=1),
    }


@pytest.mark.parametrize("name", ["centroid", "rolloff", "rms", "zero_crossing_rate"])
def test_every_mean_is_librosas(tmp_path: Path, name: str) -> None:
    y = signals.noise(3.0) + signals.cadence("A minor", times=1)[: 3 * signals.SR]
    got, expected = getattr(shape(tmp_path, y), name), by_definition(y)[name]
    assert len(got) == len(expected)
    assert got.mean() == pytest.approx(expected.mean(), rel=2e-3)
    assert np.allclose(got[4:-4], expected[4:-4], rtol=1e-2, atol=1e-3)


def test_a_sines_centroid_is_its_frequency(tmp_path: Path) -> None:
    assert shape(tmp_path, signals.tone(1000, 2)).centroid[5:-5] == pytest.approx(1000, abs=5)


def test_a_sample_rate_changes_what_is_heard_little(tmp_path: Path) -> None:
    means = [
        shape(tmp_path, signals.cadence("C major", times=1, sr=sr), sr).centroid.mean()
        for sr in (44100, 48000, 96000)
    ]
    assert means == pytest.approx([means[0]] * 3, rel=0.02)


def test_silence_is_zero_everywhere(tmp_path: Path) -> None:
    silent = shape(tmp_path, signals.silence(1))
    for values in (silent.centroid, silent.rolloff, silent.rms, silent.zero_crossing_rate):
        assert not values.any()


def test_levels_do_not_depend_on_how_the_stream_is_cut() -> None:
    y = signals.noise(1.0)
    whole, cut = Levels(512), Levels(512)
    whole.push(y)
    for block in np.split(y, [1, 511, 513, 5000, 5001]):
        cut.push(block)
    for a, b in zip(whole.finish(), cut.finish(), strict=True):
        assert np.allclose(a, b, rtol=1e-5)


def test_what_phase_1_reported_needs_no_timbre(tmp_path: Path) -> None:
    path = signals.write(tmp_path / "a.wav", signals.drum_loop(120, 1), encoding="FLOAT")
    whole, part = listen(path, {SHAPE, TIMBRE}).shape, listen(path, {SHAPE}).shape
    for name in ("centroid", "rolloff", "rms", "zero_crossing_rate"):
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name))
    assert len(part.contrast) == len(part.flatness) == len(part.bandwidth) == 0
