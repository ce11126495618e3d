"""How ours is set beside what other analysers say."""

import pytest

from bench import anchors


def test_a_difference_that_is_the_same_everywhere_is_no_chance() -> None:
    ours, theirs = {"beats F": [0.5, 0.75, 1.0]}, {"beats F": [0.25, 0.5, 0.75]}
    (row,) = anchors.differences(ours, theirs, draws=100)
    assert row == ("beats F", *[pytest.approx(0.25)] * 3)


def test_recordings_are_compared_in_pairs() -> None:
    ((_, mean, low, high),) = anchors.differences({"key": [1.0, 0.0, 1.0]}, {"key": [0.0, 1.0, 0.0]}, 200)
    assert mean == pytest.approx(1 / 3)
    assert (low, high) == (-1, 1)


def test_what_cannot_be_paired_is_left_out() -> None:
    assert not list(anchors.differences({"a": [1.0], "b": []}, {"a": [1.0, 0.0], "b": [], "c": [1.0]}, 100))
