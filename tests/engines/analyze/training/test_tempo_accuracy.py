"""Accuracy 1 and Accuracy 2 of tempi."""

import pytest

from engines.analyze.training.tempo_accuracy import accuracy_1, accuracy_2


@pytest.mark.parametrize(
    ("tempo", "right", "at_some_level"),
    [
        (124.7, True, True),
        (115.3, True, True),
        (125.0, False, False),
        (60.0, False, True),
        (240.0, False, True),
        (41.0, False, True),
        (350.0, False, True),
        (80.0, False, False),
    ],
)
def test_a_tempo_is_held_to_120(tempo: float, right: bool, at_some_level: bool) -> None:
    assert (accuracy_1(tempo, 120.0), accuracy_2(tempo, 120.0)) == (right, at_some_level)
