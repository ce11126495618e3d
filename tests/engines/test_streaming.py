"""Blocks on their way to listeners: mixed, and resampled."""

import numpy as np
import pytest

from engines._audio import FloatArray, resample
from engines._streaming import Mixdown, Resampler
from tests import signals

TONE = signals.tone(440, 0.5).astype(np.float32)
OPPOSITE = np.stack([TONE, -0.9 * TONE])


def blocks(y: FloatArray, size: int = 1000) -> list[FloatArray]:
    return [y[..., start : start + size] for start in range(0, y.shape[-1], size)]


def test_channels_are_mixed() -> None:
    mixdown = Mixdown(2)
    mono = np.concatenate([mixdown.push(block) for block in blocks(np.stack([TONE, 0.5 * TONE]))])
    assert np.allclose(mono, 0.75 * TONE, atol=1e-6)
    assert mixdown.instead is None
    assert mixdown.energy == pytest.approx(float(np.vdot(TONE, TONE)) * (1 + 0.25) / 2, rel=1e-3)


@pytest.mark.parametrize(("channels", "loudest"), [(OPPOSITE, 0), (OPPOSITE[::-1], 1)])
def test_the_loudest_channel_is_named_where_they_cancel_out(channels: FloatArray, loudest: int) -> None:
    mixdown = Mixdown(2)
    for block in blocks(channels):
        mixdown.push(block)
    assert mixdown.instead == loudest


def test_one_channel_alone_cancels_nothing() -> None:
    mixdown = Mixdown(2, channel=1)
    mono = np.concatenate([mixdown.push(block) for block in blocks(OPPOSITE)])
    assert np.array_equal(mono, OPPOSITE[1])
    assert mixdown.instead is None


def test_silence_cancels_nothing() -> None:
    mixdown = Mixdown(2)
    mixdown.push(np.zeros((2, 100), np.float32))
    assert mixdown.instead is None


def test_what_is_mixed_is_a_copy() -> None:
    block = OPPOSITE[:, :10].copy()
    Mixdown(2, channel=0).push(block)[:] = 7
    assert np.array_equal(block, OPPOSITE[:, :10])


@pytest.mark.parametrize("new_sr", [11025, 22050, signals.SR])
def test_blocks_are_resampled_as_the_whole_is(new_sr: int) -> None:
    resampler = Resampler(signals.SR, new_sr)
    y = np.concatenate([*(resampler.push(block) for block in blocks(TONE)), resampler.finish()])
    assert len(y) == pytest.approx(len(TONE) * new_sr / signals.SR, abs=1)
    assert np.allclose(y, resample(TONE, signals.SR, new_sr)[: len(y)], atol=1e-3)
