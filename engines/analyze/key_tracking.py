"""Which key when: a hidden Markov model over the seconds of a recording; its states are the 24 keys.

Changing key costs as much as some seconds of clear evidence say against staying; to a key of the same notes,
of the same tonic, or a fifth away more than to others, since those are what a key is mistaken for.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from engines._audio import FloatArray
from engines.analyze import pitches as pitch
from engines.analyze.keys import PROFILES, correlations, sounding
from engines.analyze.segments import joined
from engines.analyze.viterbi import best_path

# Chosen on 80 songs that `training.songs` rendered; bench/songs.py reports others.
CELL_S = 1.0
MOST_CELLS = 4096  # a longer recording has longer cells
PROFILE_POWER = 0.5  # which notes there are says more than how often they come
CHANGE_COST = 2.0
FIFTH, NEAR = 1.3, 1.9  # times that, to a key a fifth away, and to the relative or parallel key
SOFT = 0.3  # cells with less than this sounding count for less
SHORTEST_S = 8.0  # less is a passing chord


@dataclass(frozen=True)
class KeySegment:
    """A key (C to B major 0 to 11, minor 12 to 23) from `start` to `end` in seconds."""

    start: float
    end: float
    key: int


def find_keys(chroma: FloatArray, duration: float, whole: int) -> list[KeySegment]:
    """Follow the key of pitch classes over time, shape (n_frames, 12), from 0 to the end.

    `whole` is the key of the whole recording, which is the only segment where it does not change.
    """
    cells, cell_s = _cells(sounding(chroma), duration)
    path = best_path(_evidence(cells) * cell_s, _change_costs())
    edges = [0, *(int(i) + 1 for i in np.flatnonzero(np.diff(path))), len(path)]
    edges = _without_short(edges, SHORTEST_S / cell_s)
    keys = [int(correlations(cells[a:b].sum(axis=0)).argmax()) for a, b in pairwise(edges)]
    times = [*(edge * cell_s for edge in edges[:-1]), duration]
    segments = [KeySegment(*run) for run in joined(times, keys)]
    return segments if len(segments) > 1 else [KeySegment(0.0, duration, whole)]


def _cells(classes: FloatArray, duration: float) -> tuple[FloatArray, float]:
    cell_s = max(CELL_S, duration / MOST_CELLS)
    n = max(1, int(np.ceil(duration / cell_s)))
    at = np.minimum((np.arange(len(classes)) / (pitch.FRAME_RATE * cell_s)).astype(int), n - 1)
    cells: FloatArray = np.stack([np.bincount(at, column, minlength=n) for column in classes.T], axis=1)
    return cells / (pitch.FRAME_RATE * cell_s), cell_s


def _evidence(cells: FloatArray) -> FloatArray:
    """Say for how much each cell speaks for each key, shape (n_cells, 24)."""
    shape = PROFILES**PROFILE_POWER
    shape = shape - shape.mean(axis=1, keepdims=True)
    shape /= np.linalg.norm(shape, axis=1, keepdims=True)
    keys = np.stack([np.roll(profile, tonic) for profile in shape for tonic in range(12)], axis=1)
    heard = cells.sum(axis=1, keepdims=True)
    evidence: FloatArray = 3 * (cells - cells.mean(axis=1, keepdims=True)) / (heard + SOFT) @ keys
    return evidence


def _change_costs() -> FloatArray:
    costs = np.full((24, 24), CHANGE_COST)
    for a in range(24):
        tonic, minor = a % 12, a // 12
        for fifth in (5, 7):
            costs[a, 12 * minor + (tonic + fifth) % 12] *= FIFTH
        parallel = tonic + 12 * (1 - minor)
        relative = (tonic + 3) % 12 if minor else 12 + (tonic + 9) % 12
        costs[a, [parallel, relative]] *= NEAR
        costs[a, a] = 0.0
    return costs


def _without_short(edges: list[int], fewest: float) -> list[int]:
    """Give segments of fewer cells than that to their longer neighbour."""
    edges = list(edges)
    while len(edges) > 2:
        sizes = np.diff(edges)
        i = int(sizes.argmin())
        if sizes[i] >= fewest:
            break
        before = sizes[i - 1] if i > 0 else -1
        after = sizes[i + 1] if i + 1 < len(sizes) else -1
        del edges[i if before >= after else i + 1]
    return edges
