"""Curves and rows compared with themselves, some time later."""

import numpy as np
import pytest

from engines.analyze.correlation import at, correlate, likeness, summit, tops


def test_a_curve_going_round_correlates_as_if_it_never_ended() -> None:
    beat = np.zeros(100)
    beat[::25] = 1
    assert np.allclose(correlate(beat, 300, around=True)[::25], 1)


def test_a_curve_is_scaled_for_what_overlaps() -> None:
    found = correlate(np.tile([1.0, 0, 0, 0, 0], 40), 150)
    assert found[0] == pytest.approx(1)
    assert found[100] == pytest.approx(1, abs=0.05)


def test_one_curve_follows_another_at_the_lag_between_them() -> None:
    first = np.random.default_rng(0).standard_normal(400)
    assert int(np.argmax(correlate(first, 50, np.roll(first, 7)))) == 7


def test_rows_are_alike_where_they_come_again() -> None:
    phrase = np.random.default_rng(0).random((20, 12))
    found = likeness(np.tile(phrase, (10, 1)), 60)
    assert found[[0, 20, 40]] == pytest.approx(1, abs=0.05)
    assert np.abs(found[[7, 13, 27]]).max() < 0.4


@pytest.mark.parametrize("rows", [np.ones((30, 3)), np.zeros((30, 3))])
def test_rows_that_never_change_say_nothing(rows: np.ndarray) -> None:
    assert np.array_equal(likeness(rows, 10), np.zeros(10))
    assert np.array_equal(correlate(rows[:, 0], 10), np.zeros(10))


def test_between_lags_is_a_line_and_beyond_them_nothing() -> None:
    assert at(np.array([1.0, 0.5, 0.1]), np.array([0.5, 2.0, 9.0])) == pytest.approx([0.75, 0.1, 0.0])


def test_a_top_is_higher_than_what_is_around_it() -> None:
    curve = np.array([5.0, 1.0, 3.0, 2.0, 2.0, 4.0, 4.0, 1.0, 9.0])
    assert tops(curve).tolist() == [2, 6]
    assert len(tops(np.zeros(0))) == len(tops(np.ones(2))) == 0


@pytest.mark.parametrize("highest", [3.7, 4.0, 4.3])
def test_the_highest_point_lies_between_points(highest: float) -> None:
    parabola = 5 - (np.arange(9) - highest) ** 2
    assert summit(parabola, 4) == pytest.approx(highest)
