"""Which readings of bars are taught as right."""

import numpy as np
import pytest

from engines.analyze import bars
from engines.analyze.bands import FRAME_RATE
from engines.analyze.pitches import N_BINS, Pitches
from engines.analyze.rhythm_cues import Cues
from engines.analyze.training.train_bars import BACKBEAT, BarExample, clicks, example
from tests.signals import FloatArray

PERIOD = 0.6
BEATS = np.arange(0.5, 30, PERIOD)


def heard(parts: int, beats_per_bar: int) -> BarExample:
    """Describe an onset at each part of each beat, with downbeats that only the truth knows."""
    envelope = np.zeros((round(31 * FRAME_RATE), 4))
    for k in range(parts):
        times: FloatArray = BEATS + PERIOD * k / parts
        envelope[np.round(times * FRAME_RATE).astype(int)] = 5 if k else 20
    cues = Cues(envelope, np.zeros((len(envelope) // 2, 2)))
    found = example(
        "a",
        "g",
        tempo=60 / PERIOD,
        heard=cues,
        pitches=Pitches(np.zeros((0, N_BINS), np.float32), 0.0, 1.0),
        duration=31.0,
        downbeats=BEATS[::beats_per_bar],
    )
    return next(iter(found))


def meters(found: BarExample) -> set[int]:
    """Return the beats a bar of what is taught as right."""
    readings, _ = bars.bar_features(np.zeros((16, bars.N_MOMENT)), np.zeros(2), PERIOD)
    return {readings[i][0] for i in np.flatnonzero(found.right)}


@pytest.mark.parametrize("beats_per_bar", [2, 3, 4])
def test_bars_of_halves_have_one_meter(beats_per_bar: int) -> None:
    assert meters(heard(2, beats_per_bar)) == {beats_per_bar}


def test_a_bar_of_four_dotted_beats_is_right_as_two_bars_of_two() -> None:
    assert meters(heard(3, 4)) == {2, 4}


def test_marches_count_less_than_others() -> None:
    assert heard(2, 2).weight < heard(2, 3).weight == heard(3, 2).weight


def test_clicks_of_every_meter_are_taught_beside_backbeats() -> None:
    taught = [(found.group, frozenset(meters(found))) for found in clicks(10)]
    assert {next(iter(right)) for group, right in taught if group != BACKBEAT} == {2, 3, 4}
    assert {right for group, right in taught if group == BACKBEAT} == {frozenset({4})}
    assert all(found.weight == 1 for found in clicks(5))
