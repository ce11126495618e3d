"""Runs of one label."""

from engines.analyze.segments import joined


def test_neighbours_of_one_label_are_one_segment() -> None:
    found = list(joined([0.0, 1.0, 2.5, 3.0, 4.0], ["A", "A", "B", "A"]))
    assert found == [(0.0, 2.5, "A"), (2.5, 3.0, "B"), (3.0, 4.0, "A")]


def test_nothing_labelled_is_no_segment() -> None:
    assert list(joined([0.0], [])) == []
