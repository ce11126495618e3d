"""Kits made from a seed sound where they are struck, each drum in its place of the spectrum."""

import numpy as np
import pytest

from engines._audio import FloatArray
from engines.transcribe.training import drum_machines, kits, scores


def centre_hz(y: FloatArray) -> float:
    power = np.abs(np.fft.rfft(y)) ** 2
    return float((np.fft.rfftfreq(len(y), 1 / scores.SR) * power).sum() / power.sum())


def test_a_made_kit_sounds_where_it_is_struck() -> None:
    kit = drum_machines.made_kit(np.random.default_rng(6))
    y = kits.play([scores.Played(0.5, 36, 0.6, 100), scores.Played(0.9, 42, 1.0, 100)], kit, 2.0)
    assert not y[: round(0.5 * scores.SR)].any()
    assert np.abs(y[round(0.5 * scores.SR) : round(0.6 * scores.SR)]).max() > 0.05


@pytest.mark.parametrize("seed", range(12))
def test_every_sound_is_finite_and_lies_where_its_drum_does(seed: int) -> None:
    kit = drum_machines.made_kit(np.random.default_rng(seed))
    assert {scores.CLASS_OF[key] for key in kit} == set(range(5))
    for (shot,) in kit.values():
        assert np.isfinite(shot).all()
        assert 0.05 < np.abs(shot).max() <= 1.0
    assert centre_hz(kit[36][0]) < centre_hz(kit[38][0])
    assert centre_hz(kit[36][0]) < 0.3 * centre_hz(kit[42][0])
    assert centre_hz(kit[43][0]) < centre_hz(kit[50][0])
    assert len(kit[44][0]) < len(kit[49][0])


def test_an_old_sampler_keeps_few_levels_and_few_hertz() -> None:
    y = np.random.default_rng(1).standard_normal(scores.SR)
    old = drum_machines.sampled(y, 10_000.0, 5)
    assert old.shape == y.shape
    assert len(np.unique(old)) <= 2**5 + 1
    power = np.abs(np.fft.rfft(old)) ** 2
    assert power[:5000].sum() > 4 * power[5000:].sum()
