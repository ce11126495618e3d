"""How each of Magenta's models hears what was played: the inputs of a step from the events before it.

Events are classes of the base vocabulary: for melodies 0 "no event", 1 "note off", from 2 the pitches from
48; for drums a bit mask of nine; for chords Magenta's triads. A row of inputs has two parts: what is known
before anything is played (the chord, the place in the bar), and the last event. Where the last event enters
as one index, the sampler looks its gates up instead of multiplying.

References
----------
`note_seq/encoder_decoder.py`, `melody_encoder_decoder.py`, `drums_encoder_decoder.py`,
`chords_encoder_decoder.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from engines.generate.theory import Chord

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

NO_EVENT, NOTE_OFF, FIRST_PITCH = 0, 1, 2
LOWEST, HIGHEST = 48, 83
MELODY_CLASSES: Final = HIGHEST - LOWEST + 3
DRUM_CLASSES: Final = 512
TRIAD_CLASSES: Final = 49
# The first pitch of each of Magenta's nine drums (DEFAULT_DRUM_TYPE_PITCHES), all of them General MIDI.
DRUM_PITCHES: Final = (36, 38, 42, 46, 45, 48, 50, 49, 51)


@dataclass(frozen=True)
class Encoder:
    """What stands between a network and its events.

    Attributes
    ----------
    control
        Inputs before the last event: 0, 37 (chord pitches) or 49 (triads).
    classes
        Size of the event vocabulary.
    counter_bits
        Binary counters of the place in four bars (6), two (5) or half bars (4).
    lookbacks
        Distances at which repeats are heard and can be asked for.
    key_melody
        Whether it is Magenta's KeyMelodyEncoderDecoder (the attention models).
    """

    control: int
    classes: int
    counter_bits: int = 0
    lookbacks: tuple[int, ...] = ()
    key_melody: bool = False
    default: int = 0

    @property
    def n_in(self) -> int:
        """Inputs of a step."""
        if self.key_melody:
            return self.control + (self.classes - 2) + 2 + 2 + len(self.lookbacks) + 7 + 1 + 24
        return (
            self.control + self.classes * (1 + len(self.lookbacks)) + self.counter_bits + len(self.lookbacks)
        )

    @property
    def n_out(self) -> int:
        """Labels: the events, and a repeat for each lookback."""
        return self.classes + len(self.lookbacks)

    @property
    def looks_up(self) -> bool:
        """Whether the last event enters as one index, at `control + event`."""
        return not self.lookbacks and not self.key_melody

    def known(self, control: FloatArray, positions: IntArray) -> FloatArray:
        """Return the inputs known beforehand, shape (n_steps, n_in), for the events at `positions`."""
        rows = np.zeros((len(positions), self.n_in), np.float32)
        rows[:, : self.control] = control
        if self.counter_bits:
            start = self.control + self.classes * (1 + len(self.lookbacks))
            bits = (positions[:, None] >> np.arange(self.counter_bits)) & 1
            rows[:, start : start + self.counter_bits] = bits * 2.0 - 1.0
        return rows

    def heard(self, events: Sequence[int]) -> FloatArray:
        """Return the inputs that depend on the events so far, shape (n_in,).

        The last may be any of the vocabulary.
        """
        row = np.zeros(self.n_in, np.float32)
        if self.key_melody:
            row[self.control :] = _key_melody(events, self.lookbacks)
            return row
        position, at = len(events) - 1, self.control
        row[at + events[-1]] = 1.0
        for distance in self.lookbacks:
            at += self.classes
            back = position - distance + 1
            row[at + (events[back] if back >= 0 else self.default)] = 1.0
        at += self.classes + self.counter_bits
        for i, distance in enumerate(self.lookbacks):
            if position >= distance and events[position] == events[position - distance]:
                row[at + i] = 1.0
        return row

    def event(self, label: int, events: Sequence[int]) -> int:
        """Return the event a label stands for, after these events."""
        if self.key_melody:  # its labels have the pitches first
            pitches = self.classes - 2
            if label < pitches:
                return label + FIRST_PITCH
            if label < pitches + 2:
                return NO_EVENT if label == pitches else NOTE_OFF
        elif label < self.classes:
            return label
        distance = self.lookbacks[label - self.classes]
        return events[-distance] if len(events) >= distance else self.default

    def labels(self, events: Sequence[int]) -> IntArray:
        """Return the event each label stands for, shape (n_out,).

        How a mask over events becomes one over labels.
        """
        return np.array([self.event(label, events) for label in range(self.n_out)])


# Magenta's configurations whose networks this package computes, by the name their bundles carry.
ENCODERS: Final[dict[str, Encoder]] = {
    "drum_kit": Encoder(0, DRUM_CLASSES, counter_bits=6),
    "chord_pitches_improv": Encoder(37, MELODY_CLASSES),
    "basic_improv": Encoder(TRIAD_CLASSES, MELODY_CLASSES),
    "attention_improv": Encoder(TRIAD_CLASSES, MELODY_CLASSES, lookbacks=(16, 32), key_melody=True),
    "basic_rnn": Encoder(0, MELODY_CLASSES),
    "lookback_rnn": Encoder(0, MELODY_CLASSES, counter_bits=5, lookbacks=(16, 32)),
    "attention_rnn": Encoder(0, MELODY_CLASSES, lookbacks=(16, 32), key_melody=True),
    "triad_harmony": Encoder(0, TRIAD_CLASSES, counter_bits=4),
}


def chord_pitches(chords: Sequence[Chord]) -> FloatArray:
    """Return `PitchChordsEncoderDecoder` rows, shape (n, 37): none, root, tones, bass."""
    rows = np.zeros((len(chords), 37), np.float32)
    for row, chord in zip(rows, chords, strict=True):
        if chord.root < 0:
            row[0] = 1.0
            continue
        row[1 + chord.root] = 1.0
        for tone in chord.tones:
            row[13 + tone] = 1.0
        row[25 + chord.bass] = 1.0
    return rows


def triad(chord: Chord) -> int:
    """Return Magenta's triad class of a chord.

    0 none, then 12 each of major, minor, augmented, diminished.
    """
    if chord.root < 0:
        return 0
    relative = {(tone - chord.root) % 12 for tone in chord.tones}
    kind = 1 if 3 in relative and 4 not in relative else 0
    if 7 not in relative:
        kind = 2 if kind == 0 and 8 in relative else 3 if kind == 1 and 6 in relative else kind
    return 1 + kind * 12 + chord.root


def triads(chords: Sequence[Chord]) -> FloatArray:
    """Return `TriadChordOneHotEncoding` rows, shape (n, 49)."""
    rows = np.zeros((len(chords), TRIAD_CLASSES), np.float32)
    rows[np.arange(len(chords)), [triad(chord) for chord in chords]] = 1.0
    return rows


# Pitch classes of the twelve major keys, as `Melody.get_major_key_histogram` counts them.
_MAJOR: Final = np.array(
    [[(tone - key) % 12 in (0, 2, 4, 5, 7, 9, 11) for tone in range(12)] for key in range(12)]
)


def _key_melody(events: Sequence[int], lookbacks: tuple[int, ...]) -> FloatArray:
    """Return KeyMelodyEncoderDecoder's inputs after these events, shape (74,) with two lookbacks."""
    sounding, attack, direction = -1, False, 0.0
    last: list[int] = []
    histogram = np.zeros(12)
    for event in events:
        if event == NO_EVENT:
            attack = False
        elif event == NOTE_OFF:
            sounding = -1  # and the attack stays as it was: so does Magenta's, and its models learned it
        else:
            attack = True
            pitch = event - FIRST_PITCH + LOWEST
            if last and pitch != last[-1]:
                direction = 1.0 if pitch > last[-1] else -1.0
            last = [*[other for other in last if other != pitch][-2:], pitch]
            sounding = pitch
            histogram[pitch % 12] += 1
    range_ = HIGHEST - LOWEST + 1
    row = np.zeros(range_ + 4 + len(lookbacks) + 8 + 24, np.float32)
    if sounding >= 0:
        row[sounding - LOWEST] = row[range_] = 1.0
    else:
        row[range_ + 1] = 1.0
    row[range_ + 2], row[range_ + 3] = float(attack), direction
    at = range_ + 4
    for i, distance in enumerate(lookbacks):
        row[at + i] = float(len(events) > distance and events[-1] == events[-1 - distance])
    at += len(lookbacks)
    n = len(events)
    row[at : at + 7] = [1.0 if n >> i & 1 else -1.0 for i in range(7)]
    row[at + 7] = float(n % 16 == 0)
    recent = np.bincount([pitch % 12 for pitch in last], minlength=12)[:12] if last else np.zeros(12)
    for offset, counts in ((at + 8, histogram), (at + 20, recent)):
        keys = _MAJOR @ counts
        row[offset : offset + 12] = keys == keys.max()
    return row
