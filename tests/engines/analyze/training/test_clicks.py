"""Clicks: an accent on the first beat of each bar, and beats of drum machines beside them."""

import numpy as np
import pytest

from engines.analyze.bands import SR
from engines.analyze.listening import RHYTHM
from engines.analyze.training.clicks import COUNTED, Counted, backbeat, counted, listen_to
from engines.analyze.training.dances import SIGNATURES
from tests.signals import FloatArray

SEEDS = range(12)


def peaks(made: Counted, times: FloatArray) -> FloatArray:
    """Return how loud it is within 50 ms of each time."""
    at = np.round(times * SR).astype(int)
    return np.array([np.abs(made.samples[max(0, i - SR // 20) : i + SR // 20]).max() for i in at])


@pytest.mark.parametrize("written", COUNTED)
@pytest.mark.parametrize("seed", SEEDS)
def test_first_beats_are_louder_than_the_others(written: str, seed: int) -> None:
    made = counted(written, np.random.default_rng(seed))
    signature = SIGNATURES[written]
    assert signature.slowest <= made.tempo <= signature.fastest
    bar = signature.beats * 60 / made.tempo
    assert np.diff(made.downbeats) == pytest.approx(bar)
    others = np.concatenate(
        [made.downbeats[:-1] + bar * k / signature.beats for k in range(1, signature.beats)]
    )
    assert peaks(made, made.downbeats).min() > 1.03 * peaks(made, others).max()
    assert np.abs(made.samples).max() < 1


@pytest.mark.parametrize("seed", SEEDS)
def test_a_backbeat_comes_again_after_two_beats(seed: int) -> None:
    made = backbeat(np.random.default_rng(seed))
    bar = 4 * 60 / made.tempo
    assert np.diff(made.downbeats) == pytest.approx(bar)
    first, third = (peaks(made, made.downbeats[:-1] + bar * share) for share in (0.0, 0.5))
    assert np.median(first) == pytest.approx(np.median(third), rel=0.1)


def test_clicks_depend_on_their_seed_alone() -> None:
    one, again, other = (counted("3-4", np.random.default_rng(seed)).samples for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one[: 10 * SR], other[: 10 * SR])


def test_samples_are_heard_whole() -> None:
    made = counted("2-4", np.random.default_rng(3))
    found = listen_to(made.samples, {RHYTHM})
    assert found.duration == pytest.approx(len(made.samples) / SR)
