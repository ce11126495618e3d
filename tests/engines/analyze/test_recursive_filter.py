"""Filtering in runs is filtering."""

import numpy as np
import pytest
import scipy.signal

from engines.analyze.loudness_meter import k_weighting
from engines.analyze.recursive_filter import RecursiveFilter
from tests import signals


@pytest.mark.parametrize("sr", [8000, 48000, 192000])
def test_it_is_scipys_sosfilt_however_the_stream_is_cut(sr: int) -> None:
    x = signals.stereo(signals.noise(0.5, sr), signals.noise(0.5, sr, seed=1))
    running = RecursiveFilter(k_weighting(sr), 2)
    parts = [running.push(block) for block in np.split(x, [1, 6, 40, 1000, 1032, 2100], axis=1)]
    got = np.concatenate([*parts, running.finish()], axis=1)
    assert got.shape == x.shape
    assert np.abs(got - scipy.signal.sosfilt(k_weighting(sr), x)).max() < 1e-9
