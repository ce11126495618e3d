"""Songs with their truth: forms, and where they change key."""

from dataclasses import dataclass, field

import numpy as np
import pretty_midi

from engines._audio import FloatArray
from engines.analyze.keys import MODES, key_name
from engines.analyze.segments import joined

# A letter a section, the same letter the same music; I and O are what begins and ends a song.
FORMS = (
    "ABABCB", "IABABCBO", "AABAC", "IABACABO", "ABCABC", "IAABBAC",
    "ABAB", "IABABCBBO", "AB", "ABACADA", "ABCD",
)  # fmt: skip
LENGTHS = (8, 8, 8, 8, 4, 12, 16)  # bars of a part; I and O have four
EDGE_BARS = 4
SHIFTS = (1, 2, 2, 3, 5, 7, -2, -3)  # semitones a key changes by

Labelled = list[tuple[float, float, str]]


@dataclass
class Song:
    """A score and its truth; times in seconds."""

    name: str
    midi: pretty_midi.PrettyMIDI
    beats: FloatArray
    downbeats: FloatArray
    sections: Labelled
    keys: Labelled
    chords: list[tuple[float, float, int, str]] = field(default_factory=list)  # start, end, root, quality


def merged(pieces: Labelled) -> Labelled:
    """Join neighbours of one label: what follows itself is one section."""
    edges = [start for start, _, _ in pieces] + [end for _, end, _ in pieces[-1:]]
    return list(joined(edges, [label for _, _, label in pieces]))


def key_of(tonic: int, mode: str) -> str:
    """Write a key, whose tonic may be in any octave, as mir_eval does: `C# minor`."""
    return key_name(12 * MODES.index(mode) + tonic % 12)


def modulated(form: str, rng: np.random.Generator) -> list[int]:
    """Choose how many semitones each section is transposed by: mostly none."""
    shifts = [0] * len(form)
    if rng.random() < 0.35 and len(form) > 2:
        by = int(rng.choice(SHIFTS))
        at = int(rng.integers(1, len(form)))
        end = len(form) if rng.random() < 0.6 else at + 1
        shifts[at:end] = [by] * (end - at)
    return shifts
