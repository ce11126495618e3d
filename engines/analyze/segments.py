"""Stretches of a recording that are labelled."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from engines._audio import FloatArray

Label = TypeVar("Label")


@dataclass(frozen=True)
class Segment:
    """From `start` to `end` in seconds a chord, `label` in Harte's syntax (`C#:min7`, `N`), or a section."""

    start: float
    end: float
    label: str


def joined(
    edges: Sequence[float] | FloatArray, labels: Sequence[Label]
) -> Iterator[tuple[float, float, Label]]:
    """Join neighbours of one label: (start, end, label) of each run; one edge more than labels."""
    start = 0
    for end in range(1, len(labels) + 1):
        if end == len(labels) or labels[end] != labels[start]:
            yield float(edges[start]), float(edges[end]), labels[start]
            start = end
