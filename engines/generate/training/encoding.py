"""Event sequences as the inputs and labels a model is trained on, exactly as Magenta's encoders make them.

Magenta writes dense SequenceExamples to disk (2 GB for a thousand lead sheets); here a window is encoded when
it is drawn, so that every epoch sees other transpositions and cuts. `tests/engines/generate/training` holds
these to `note_seq`'s own encoders.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from engines.generate.training.corpus import BASS_SHIFT, PACKED_NO_CHORD, Sequence

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

LOWEST, HIGHEST = 48, 83  # the range of Magenta's melody models
CHORD_WIDTH: Final = 37
DRUM_CLASSES: Final = 512
COUNTER_BITS: Final = 6
SLOT_STEPS: Final = 8  # harmony has one event a half bar
HARMONY_BITS: Final = 4
HARMONY_CLASSES: Final = 49


@dataclass(frozen=True)
class Encoded:
    """One window: `inputs` (n, n_in) and the `labels` (n,) that follow them."""

    inputs: FloatArray
    labels: IntArray


def encode(part: str, sequence: Sequence, start: int, length: int, transpose: int = 0) -> Encoded:
    """Encode `length` events of a sequence from `start`.

    N is one less, since the first has nothing before it.

    Parameters
    ----------
    part
        drums, melody, bass or harmony.
    sequence
        What to read.
    start
        A bar line, in the sequence's own steps (half bars for harmony).
    length
        How many events at most.
    transpose
        Semitones up, for what has pitches.
    """
    if part == "drums":
        return _drums(sequence, start, length)
    if part == "harmony":
        return _harmony(sequence, start, length, transpose)
    shift = BASS_SHIFT if part == "bass" else 0
    return _melody(sequence, start, length, transpose + shift)


def counters(positions: IntArray, bits: int) -> FloatArray:
    """Return Magenta's binary counters of the *next* event's position, +1 or -1, shape (n, bits)."""
    ahead = positions[:, None] + 1
    return np.where((ahead >> np.arange(bits)) & 1, 1.0, -1.0).astype(np.float32)


def bar_positions(steps: IntArray, steps_per_bar: int) -> IntArray:
    """Return step numbers that jump to the next multiple of 16 at each bar line.

    So that counters know the bar.

    In 4/4 they are the steps themselves. Other metres were rare in training; a bar line that falls where the
    counters expect one is what lets one model play them.
    """
    bar = -(-steps_per_bar // 16) * 16
    return steps // steps_per_bar * bar + steps % steps_per_bar


def one_hot(classes: IntArray, width: int) -> FloatArray:
    """Return rows with a single 1."""
    rows = np.zeros((len(classes), width), np.float32)
    rows[np.arange(len(classes)), classes] = 1.0
    return rows


def chord_rows(packed: IntArray, transpose: int = 0) -> FloatArray:
    """Return `note_seq.PitchChordsEncoderDecoder` inputs of packed chords, shape (n, 37)."""
    rows = np.zeros((len(packed), CHORD_WIDTH), np.float32)
    silent = packed == PACKED_NO_CHORD
    rows[silent, 0] = 1.0
    sounding = np.flatnonzero(~silent)
    root, bass, tones = packed & 15, packed >> 4 & 15, packed >> 8
    rows[sounding, 1 + (root[sounding] + transpose) % 12] = 1.0
    for tone in range(12):
        rows[sounding, 13 + (tone + transpose) % 12] = tones[sounding] >> tone & 1
    rows[sounding, 25 + (bass[sounding] + transpose) % 12] = 1.0
    return rows


def melody_classes(events: npt.NDArray[np.integer], transpose: int = 0) -> IntArray:
    """Return Magenta's classes: 0 no event, 1 note off, from 2 the pitches 48 to 83.

    The whole sequence moves by the octaves that put most notes in range; the rest fold by octaves, as
    `note_seq.Melody.squash` does.
    """
    pitched = events >= 0
    pitches = events[pitched].astype(np.int64) + transpose
    if len(pitches):
        shifts = np.arange(-5, 6) * 12
        moved = pitches[None, :] + shifts[:, None]
        pitches = moved[
            int(np.argmax(((moved >= LOWEST) & (moved <= HIGHEST)).sum(axis=1) - abs(shifts) * 1e-6))
        ]
        pitches = np.where(pitches < LOWEST, LOWEST + (pitches - LOWEST) % 12, pitches)
        pitches = np.where(pitches > HIGHEST, HIGHEST - 11 + (pitches - HIGHEST - 1) % 12, pitches)
    classes = events.astype(np.int64) + 2
    classes[pitched] = pitches - LOWEST + 2
    return classes


def triad_classes(packed: IntArray, transpose: int = 0) -> IntArray:
    """Return `note_seq.TriadChordOneHotEncoding` classes.

    0 none, then 12 major, minor, augmented, diminished.
    """
    root, tones = packed & 15, packed >> 8
    relative = ((tones >> root) | (tones << (12 - root))) & 0xFFF
    third_minor = (relative >> 3 & 1 == 1) & (relative >> 4 & 1 == 0)
    kind = np.where(third_minor, 1, 0)
    no_fifth = relative >> 7 & 1 == 0
    kind = np.where((kind == 0) & no_fifth & (relative >> 8 & 1 == 1), 2, kind)
    kind = np.where((kind == 1) & no_fifth & (relative >> 6 & 1 == 1), 3, kind)
    return np.where(packed == PACKED_NO_CHORD, 0, 1 + kind * 12 + (root + transpose) % 12)


def harmony_slots(sequence: Sequence) -> IntArray:
    """Return the packed chord of every half bar (in 3/4: of every bar, twice)."""
    if sequence.steps_per_bar == 12:
        return np.repeat(sequence.chords[::12], 2)
    return sequence.chords[::SLOT_STEPS]


def _drums(sequence: Sequence, start: int, length: int) -> Encoded:
    events = sequence.events[start : start + length].astype(np.int64)
    positions = bar_positions(np.arange(len(events) - 1), sequence.steps_per_bar)
    inputs = np.concatenate([one_hot(events[:-1], DRUM_CLASSES), counters(positions, COUNTER_BITS)], axis=1)
    return Encoded(inputs, events[1:])


def _melody(sequence: Sequence, start: int, length: int, transpose: int) -> Encoded:
    classes = melody_classes(sequence.events, transpose)[start : start + length]
    chords = chord_rows(sequence.chords[start : start + length], transpose)
    return Encoded(np.concatenate([chords[1:], one_hot(classes[:-1], 38)], axis=1), classes[1:])


def _harmony(sequence: Sequence, start: int, length: int, transpose: int) -> Encoded:
    classes = triad_classes(harmony_slots(sequence)[start : start + length], transpose)
    positions = np.arange(len(classes) - 1)
    inputs = np.concatenate(
        [one_hot(classes[:-1], HARMONY_CLASSES), counters(positions, HARMONY_BITS)], axis=1
    )
    return Encoded(inputs, classes[1:])
