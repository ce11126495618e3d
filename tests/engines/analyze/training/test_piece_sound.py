"""Pieces that are chopped: sounds end early, and begin when they did."""

import itertools

import numpy as np
import pytest

from engines.analyze.training.piece_sound import BEFORE_ONSET_S, CHOPPED, SHORTEST_CHOPPED_S, chopped

SR = 1000


def test_most_sounds_are_cut_off_and_all_begin() -> None:
    begun = np.arange(0.1, 20, 0.3)
    y = np.ones((21 * SR, 2), np.float32)
    cut = chopped(y, SR, begun, np.random.default_rng(0))
    assert (y == 1).all(), "what is given stays"
    assert cut.shape == y.shape
    for time in begun:
        sounding = cut[round((time - BEFORE_ONSET_S) * SR) + 1 : round((time + SHORTEST_CHOPPED_S / 2) * SR)]
        assert (sounding == 1).all()
    silent = [(cut[round(a * SR) : round(b * SR)] == 0).any() for a, b in itertools.pairwise(begun)]
    assert np.mean(silent) == pytest.approx(CHOPPED, abs=0.2)


def test_short_sounds_are_left() -> None:
    begun = np.arange(0, 2, SHORTEST_CHOPPED_S * 0.9)
    y = np.ones((3 * SR, 1), np.float32)
    assert (chopped(y, SR, begun, np.random.default_rng(0)) == 1).all()
