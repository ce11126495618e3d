"""What key and which chords some notes are in, for primers, infills and accompaniments."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from engines._notes import Note
from engines.generate.theory import NO_CHORD, NOTE_NAMES, Chord, spell

# Probe-tone ratings: C. L. Krumhansl, "Cognitive Foundations of Musical Pitch", 1990, table 2.1.
_MAJOR: Final = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
_MINOR: Final = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])


def _turned(profile: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return a profile on each of the twelve tonics, shape (12, 12), without mean and of length one."""
    centred = profile - profile.mean()
    centred /= np.linalg.norm(centred)
    return np.stack([np.roll(centred, tonic) for tonic in range(12)])


# Every tonic's minor and major, shape (24, 12).
_PROFILES: Final = np.stack([_turned(_MINOR), _turned(_MAJOR)], axis=1).reshape(24, 12)
_SEVENTHS: Final = ((0, 4, 7), (0, 3, 7), (0, 4, 7, 10), (0, 3, 7, 10), (0, 4, 7, 11), (0, 3, 6))


def pitch_classes(notes: Sequence[Note], start: float = 0.0, end: float = np.inf) -> npt.NDArray[np.float64]:
    """Return how long each pitch class sounds between two quarter notes, shape (12,)."""
    sounding = np.zeros(12)
    for note in notes:
        sounding[note.pitch % 12] += max(0.0, min(note.end, end) - max(note.start, start))
    return sounding


def key_of(notes: Sequence[Note]) -> tuple[str, str]:
    """Return the likeliest tonic and "major" or "minor" (Krumhansl and Schmuckler); C major without notes."""
    sounding = pitch_classes(notes)
    if not sounding.any() or np.ptp(sounding) == 0:
        return "C", "major"
    # Profiles without mean and of one length: their products rank as correlations would. Rounded, so that
    # ties do not hang on the last bit.
    fits = np.round(_PROFILES @ (sounding / sounding.sum()), 6)
    best = int(fits.argmax())
    return NOTE_NAMES[best // 2], ("minor", "major")[best % 2]


def chords_of(
    notes: Sequence[Note], slots: int, slot_quarters: float, tones: frozenset[int] = frozenset(range(12))
) -> list[Chord]:
    """Return the chord that fits best in each slot of `slot_quarters`, "no chord" where nothing sounds.

    A template's score is the share of sound inside it, less what of it is not heard or not among `tones` (the
    key's); the lowest note counts as root.
    """
    made: list[Chord] = []
    ordered = sorted(notes)
    for slot in range(slots):
        start, end = slot * slot_quarters, (slot + 1) * slot_quarters
        here = [note for note in ordered if note.start < end and note.end > start]
        sounding = pitch_classes(here, start, end)
        if not sounding.any():
            made.append(made[-1] if made else NO_CHORD)
            continue
        sounding = sounding / sounding.sum()
        lowest = min(here, key=lambda note: note.pitch).pitch % 12
        best, chosen = -1.0, NO_CHORD
        for root in range(12):
            for steps in _SEVENTHS:
                wanted = [(root + step) % 12 for step in steps]
                heard = sounding[wanted]
                foreign = sum(tone not in tones for tone in wanted)
                fit = float(heard.sum() + 0.2 * sounding[root] + 0.1 * (root == lowest))
                score = fit - 0.08 * int((heard == 0).sum()) - 0.3 * foreign
                if score > best + 1e-9:
                    best = score
                    notes_of = frozenset(wanted)
                    chosen = Chord(spell(root, notes_of), root, root, notes_of)
        made.append(chosen)
    return made
