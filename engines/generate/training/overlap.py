"""How much of what a model writes stands in the songs it learned from: the longest run of notes they share.

A pitched line is compared as (interval to the last note, sixteenths since it), which is the same in every
key; drums as what is hit on each sixteenth. A run is as long as its notes (drums: its sixteenths).
"""

from collections.abc import Hashable, Iterable, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from engines import generate
from engines._notes import Note
from engines.generate import drumming
from engines.generate.training import corpus

PROGRESSIONS = ("C Am F G", "Am F C G", "Dm G C A7", "C G Am F", "Em Am D G", "F Fm C G7")
SEED = 20_000


class Runs:
    """Every run of tokens in some songs, up to a length, to look phrases up in."""

    def __init__(self, songs: Iterable[Sequence[Hashable]], longest: int = 64) -> None:
        self.longest = longest
        self.known: list[set[int]] = [set() for _ in range(longest + 1)]
        for line in songs:
            for length in range(2, longest + 1):
                self.known[length].update(_hashes(line, length))

    def shared(self, line: Sequence[Hashable]) -> int:
        """Return the length of the longest run of tokens that a phrase shares with a song."""
        best = 0
        for length in range(2, min(self.longest, len(line)) + 1):
            if self.known[length].isdisjoint(_hashes(line, length)):
                break
            best = length
        return best


def tokens(notes: Iterable[Note]) -> list[tuple[int, int]]:
    """Return a line as intervals with rhythm."""
    return [(b.pitch - a.pitch, round((b.start - a.start) * 4)) for a, b in pairwise(sorted(notes))]


def notes_of(events: npt.NDArray[np.integer]) -> list[Note]:
    """Return a corpus's events (-2 hold, -1 stop, else a pitch) as notes."""
    onsets = [i for i, e in enumerate(events) if e != corpus.NO_EVENT]
    ends = [*onsets[1:], len(events)]
    return [
        Note(i / 4, int(events[i]), (e - i) / 4) for i, e in zip(onsets, ends, strict=True) if events[i] >= 0
    ]


def lengths(part: str, sequences: list[corpus.Sequence], phrases: int) -> tuple[list[int], list[int]]:
    """Return the longest shared run of generated phrases and of held-out songs' phrases, eight bars each.

    Parameters
    ----------
    part
        drums, melody or bass.
    sequences
        Of all splits; train is what is looked up in, test what is compared with.
    phrases
        How many to generate, with the shipped model.
    """
    learned = [_line(part, s.events) for s in sequences if s.split == "train"]
    runs = Runs(learned, 64 if part == "drums" else 32)
    more = 0 if part == "drums" else 1  # a run of intervals has one note more
    real = [
        runs.shared(_line(part, s.events[i : i + 128])) + more
        for s in sequences
        if s.split == "test"
        for i in range(0, len(s.events) - 127, 128)
    ]
    return [runs.shared(_written(part, SEED + i)) + more for i in range(phrases)], real


def spread(found: list[int]) -> str:
    """Say a distribution in words."""
    q = np.percentile(found, [50, 90, 95, 99, 100]).astype(int)
    return f"median {q[0]}, 90 % {q[1]}, 95 % {q[2]}, 99 % {q[3]}, longest {q[4]} ({len(found)} phrases)"


def _line(part: str, events: npt.NDArray[np.integer]) -> Sequence[Hashable]:
    return events.tolist() if part == "drums" else tokens(notes_of(events))


def _written(part: str, seed: int) -> Sequence[Hashable]:
    chords = PROGRESSIONS[seed % len(PROGRESSIONS)]
    if part == "drums":
        line: list[int] = drumming.events(generate.drums(bars=8, seed=seed).tracks[0].notes, 128).tolist()
        return line
    write = generate.melody if part == "melody" else generate.bassline
    return tokens(write(chords=chords, bars=8, seed=seed).tracks[0].notes)


def _hashes(line: Sequence[Hashable], length: int) -> set[int]:
    return {hash(tuple(line[i : i + length])) for i in range(len(line) - length + 1)}
