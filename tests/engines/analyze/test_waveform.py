"""Silence at the ends, clipping and crest factor are what was made."""

from pathlib import Path

import numpy as np
import pytest

from engines import analyze
from engines.analyze.waveform import FULL_SCALE, ClippingCounter, SilentEnds
from tests import signals


def clipped_tone(gain: float) -> signals.FloatArray:
    y: signals.FloatArray = np.clip(signals.tone(100, 1.0, amplitude=gain), -1, 1)
    return y


@pytest.mark.parametrize(("leading", "trailing"), [(0.0, 0.0), (0.5, 0.25), (0.0, 1.5), (2.0, 0.0)])
def test_silence_at_both_ends_is_as_long_as_it_was_made(
    tmp_path: Path, leading: float, trailing: float
) -> None:
    y = np.concatenate([signals.silence(leading), signals.noise(2.0), signals.silence(trailing)])
    other = np.concatenate([signals.silence(leading + 1), signals.noise(1.0), signals.silence(trailing)])
    found = analyze.audio(signals.write(tmp_path / "a.wav", signals.stereo(y, other)))
    assert found.leading_silence == pytest.approx(leading, abs=1e-3)
    assert found.trailing_silence == pytest.approx(trailing, abs=1e-3)


@pytest.mark.parametrize(("amplitude", "silent"), [(0.0009, True), (0.0011, False)])
def test_silence_is_below_minus_60_dbfs(tmp_path: Path, amplitude: float, silent: bool) -> None:
    y = np.full(44100, amplitude, np.float32)
    found = analyze.audio(signals.write(tmp_path / "a.wav", y, encoding="FLOAT"))
    assert (found.leading_silence, found.trailing_silence) == ((1.0, 1.0) if silent else (0.0, 0.0))


def test_ends_do_not_depend_on_how_the_stream_is_cut() -> None:
    y = np.zeros((2, 1000), np.float32)
    y[1, 300:700] = 0.5
    for cuts in ([], [100, 200, 301], [300], [700], [699, 701], [0, 0, 5]):
        ends = SilentEnds()
        for block in np.split(y, cuts, axis=1):
            ends.push(block)
        assert ends.samples() == (300, 300)


def test_every_cut_half_wave_is_one_run(tmp_path: Path) -> None:
    y = clipped_tone(2.0)
    found = analyze.audio(signals.write(tmp_path / "a.wav", y))
    assert found.clipped_runs == 200
    assert found.full_scale_samples == np.count_nonzero(np.abs(y) >= FULL_SCALE)


@pytest.mark.parametrize("encoding", ["PCM_U8", "PCM_16", "PCM_24", "FLOAT"])
def test_clipping_is_seen_at_every_depth(tmp_path: Path, encoding: str) -> None:
    found = analyze.audio(signals.write(tmp_path / "a.wav", clipped_tone(2.0), encoding=encoding))
    assert found.clipped_runs == 200


def test_a_tone_below_full_scale_is_not_clipped(tmp_path: Path) -> None:
    found = analyze.audio(signals.write(tmp_path / "a.wav", 0.99 * clipped_tone(1.0)))
    assert (found.clipped_runs, found.full_scale_samples) == (0, 0)


@pytest.mark.parametrize(
    ("samples", "runs", "full"),
    [
        ([0, 1, 1, 0], 0, 2),
        ([0, 1, 1, 1, 0], 1, 3),
        ([1, 1, 1, 1, 1, 1, 1], 1, 7),
        ([1, 1, -1, -1, 1, 1], 0, 6),
        ([-1, -1, -1, 1, 1, 1], 2, 6),
        ([1.5, 1, 2, 0, 1, 1, 1], 2, 6),
        ([0, 0], 0, 0),
    ],
)
def test_a_run_is_three_samples_of_one_sign_wherever_the_stream_is_cut(
    samples: list[float], runs: int, full: int
) -> None:
    y = np.array([samples, np.zeros(len(samples))], np.float32)
    for cuts in ([], [1], [2], [3], [4], [1, 1, 2, 3, 4, 5]):
        counter = ClippingCounter(2)
        for block in np.split(y, cuts, axis=1):
            counter.push(block)
        assert (counter.runs, counter.samples) == (runs, full), cuts


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (0.5 * signals.tone(100, 1.0), 20 * np.log10(2**0.5)),
        (0.5 * np.sign(signals.tone(100, 1.0, phase=1)), 0.0),
        (np.eye(1, 44100, 22050, dtype=np.float32)[0], 10 * np.log10(44100)),
    ],
    ids=["sine", "square", "impulse"],
)
def test_the_crest_factor_is_peak_over_mean(tmp_path: Path, y: signals.FloatArray, expected: float) -> None:
    found = analyze.audio(signals.write(tmp_path / "a.wav", y.astype(np.float32), encoding="FLOAT"))
    assert found.crest_factor == pytest.approx(expected, abs=0.01)


def test_silence_is_silent_from_both_ends_and_has_no_crest(tmp_path: Path) -> None:
    found = analyze.audio(signals.write(tmp_path / "a.wav", signals.silence(2)))
    assert (found.leading_silence, found.trailing_silence) == (2.0, 2.0)
    assert (found.crest_factor, found.clipped_runs, found.full_scale_samples) == (None, 0, 0)
