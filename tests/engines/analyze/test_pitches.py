"""What is made of the picture of pitches: means between times, classes without overtones."""

import numpy as np
import pytest

from engines.analyze.pitches import FRAME_RATE, means_between, without_overtones


def test_means_are_of_the_frames_between_two_times() -> None:
    rows = np.arange(20.0).reshape(10, 2)
    starts = np.array([0.0, 2.0, 4.0]) / FRAME_RATE
    assert means_between(rows, starts, starts + 2 / FRAME_RATE).tolist() == [[1, 2], [5, 6], [9, 10]]


@pytest.mark.parametrize(
    ("start", "end", "frame"), [(3.2, 3.3, 3), (-5.0, -4.0, 0), (99.0, 100.0, 9), (9.0, 99.0, 9)]
)
def test_a_mean_is_of_one_frame_at_least_and_of_what_there_is(start: float, end: float, frame: int) -> None:
    rows = np.arange(10.0)[:, None]
    times = np.array([start]) / FRAME_RATE, np.array([end]) / FRAME_RATE
    assert means_between(rows, *times).tolist() == [[frame]]


def test_no_frames_have_means_of_nothing() -> None:
    assert means_between(np.zeros((0, 3)), np.array([0.0]), np.array([1.0])).tolist() == [[0, 0, 0]]


def test_what_overtones_add_is_taken_off() -> None:
    note = np.zeros((1, 12))
    note[0, [0, 4, 7]] = [1.0, 0.3, 0.15]
    assert np.allclose(without_overtones(note, 0.3)[0, [4, 7]], 0)
