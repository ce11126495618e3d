"""How fast beats go around each of them."""

import numpy as np

from engines.analyze.beat_tracking import local_tempo


def test_the_tempo_of_beats_that_come_sooner_and_sooner_rises() -> None:
    beats = np.cumsum(np.linspace(0.6, 0.4, 40))
    _, tempo = local_tempo(beats)
    assert np.all(np.diff(tempo) > 0)
    assert 100 < tempo[0] < tempo[-1] < 150


def test_the_tempo_of_a_few_beats_is_theirs_together() -> None:
    x, local = local_tempo(np.array([0.0, 0.5, 1.0, 1.5]))
    assert x.tolist() == [0.75]
    assert local.tolist() == [120.0]
