"""Chord progressions drawn from a model, and chords voiced so that the voices move little.

Conventions: a progression has two slots a bar. A voicing is the pitches of one chord, low to high; voice
leading follows the usual rules: common tones stay, the others move as little as they can, and parallel fifths
and octaves between neighbours are avoided.

References
----------
D. Tymoczko, "The Geometry of Musical Chords", Science 313, 2006, for distance as the
sum of the voices' motions.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise, product
from typing import Final

import numpy as np
import numpy.typing as npt

from engines._notes import Note
from engines._units import Progress, silent
from engines.generate.events import TRIAD_CLASSES
from engines.generate.request import Frame
from engines.generate.sampling import FREE, Judgement, Plan, draw
from engines.generate.store import Model
from engines.generate.theory import Chord, spell

SLOTS_PER_BAR: Final = 2
_KINDS: Final = ((0, 4, 7), (0, 3, 7), (0, 4, 8), (0, 3, 6))  # Magenta's triads, in its order
_LOW, _HIGH = 52, 76  # where chords are played: E3 to E5
_PARALLEL: Final = 6.0  # semitones of motion that a parallel fifth or octave is as bad as
_HOME: Final = 1.5  # nats towards the tonic in the last bar, so that a progression may be looped


@lru_cache(maxsize=64)
def triad_chords() -> tuple[Chord, ...]:
    """Return the 48 triads of Magenta's vocabulary, in its order."""
    made = []
    for steps in _KINDS:
        for root in range(12):
            tones = frozenset((root + step) % 12 for step in steps)
            made.append(Chord(spell(root, tones), root, root, tones))
    return tuple(made)


def allowed_triads(tones: frozenset[int]) -> npt.NDArray[np.bool_]:
    """Return which of Magenta's 49 classes lie within a scale, shape (49,).

    Where a scale holds fewer than three triads (pentatonics, blues), triads count whose root and one more
    tone are in it; only their tones in the scale are then played.
    """
    for least in (3, 2):
        fit = [chord.root in tones and len(chord.tones & tones) >= least for chord in triad_chords()]
        if sum(fit) >= 3:
            break
    return np.array([False, *fit])


def progression(
    model: Model,
    frame: Frame,
    tonic: int,
    temperature: float,
    numbers: npt.NDArray[np.float64],
    *,
    progress: Progress = silent,
    pull: npt.NDArray[np.float32] | None = None,
) -> list[tuple[list[Chord], Judgement]]:
    """Draw one progression for each row of `numbers`, which needs `2 * frame.bars` columns.

    It begins on the tonic chord, stays within the scale, and is drawn home in its last bar. `pull`, shape (2
    * bars, 49), is added to the logits: a melody that wants to be harmonised. Returned with each is
    what the model thinks of it, in nats a slot.
    """
    slots = frame.bars * SLOTS_PER_BAR
    fit = allowed_triads(frame.tones)
    allowed = np.tile(fit, (slots, 1))
    home = np.array([False] + [chord.root == tonic for chord in triad_chords()]) & fit
    if home.any():
        allowed[0] = home
    bias = np.zeros((slots, TRIAD_CLASSES), np.float32)
    bias[-SLOTS_PER_BAR:, home] += _HOME
    if pull is not None:
        bias += pull
    known = model.encoder.known(np.zeros((slots, 0), np.float32), np.arange(slots) % 16)
    forced = np.full((len(numbers), slots), FREE, np.int64)
    made = Plan(forced, known, allowed, bias, temperature)
    drawn = draw(model.network, model.encoder, made, numbers[:, :slots], progress, stage="harmony")
    triads = triad_chords()
    whole_bars = frame.numerator not in (4, 6, 12)  # a bar of three or five beats has one chord
    return [
        (
            [triads[int(row[slot - slot % 2 if whole_bars else slot]) - 1] for slot in range(slots)],
            it,
        )
        for row, it in zip(drawn.events, drawn.judged(), strict=True)
    ]


def voiced(
    chords: Sequence[Chord],
    frame: Frame,
    slots_per_bar: int = SLOTS_PER_BAR,
    low: int = _LOW,
    high: int = _HIGH,
) -> tuple[Note, ...]:
    """Play chords, `slots_per_bar` to a bar, with voice leading.

    One that stays is struck again at each bar line.

    Only tones of the scale are played; a chord with none of them is left out, as is "no chord".
    """
    length = frame.quarters / (frame.bars * slots_per_bar)
    made: list[Note] = []
    before: tuple[int, ...] = ()
    slot = 0
    while slot < len(chords):
        end = slot + 1
        while end < len(chords) and end % slots_per_bar and chords[end] == chords[slot]:
            end += 1
        tones = chords[slot].tones & frame.tones
        if tones:
            before = _nearest_voicing(tones, before, low, high)
            made += [Note(slot * length, pitch, (end - slot) * length, 72) for pitch in before]
        slot = end
    return tuple(made)


def struck(notes: Sequence[Note], frame: Frame, density: float) -> tuple[Note, ...]:
    """Strike chords as often as a density asks: over 0.75 on every beat, else as they were voiced.

    Under 0.25 what sounds on over a bar line is not struck again.
    """
    if density > 0.75:
        beat = 1.5 if frame.denominator == 8 and frame.numerator % 3 == 0 else 4 / frame.denominator
        return tuple(sorted(part for note in notes for part in _cut(note, beat)))
    if density >= 0.25:
        return tuple(notes)
    held: dict[int, Note] = {}
    made: list[Note] = []
    for note in sorted(notes):
        before = held.get(note.pitch)
        if before is not None and abs(before.end - note.start) < 1e-6:
            made.remove(before)
            note = replace(before, duration=note.end - before.start)  # noqa: PLW2901  it goes on
        made.append(note)
        held[note.pitch] = note
    return tuple(sorted(made))


def _cut(note: Note, beat: float) -> list[Note]:
    """Cut a note at the beats."""
    made = []
    start = note.start
    while start < note.end - 1e-6:
        end = min(note.end, (int(start / beat + 1e-6) + 1) * beat)
        made.append(replace(note, start=start, duration=end - start))
        start = end
    return made


def _nearest_voicing(tones: frozenset[int], before: tuple[int, ...], low: int, high: int) -> tuple[int, ...]:
    choices = _voicings(tones, low, high)
    if not before:
        middle = (low + high) / 2
        return min(choices, key=lambda v: (abs(sum(v) / len(v) - middle), v))
    return min(choices, key=lambda v: (_motion(before, v), v))


@lru_cache(maxsize=4096)
def _voicings(tones: frozenset[int], low: int, high: int) -> tuple[tuple[int, ...], ...]:
    """Return close voicings: each tone once, within an octave and a third where the range allows it."""
    places = [[pitch for pitch in range(low, high + 1) if pitch % 12 == tone] for tone in sorted(tones)[:6]]
    places = [pitches for pitches in places if pitches]
    if not places:
        raise ValueError(f"low, high: {low} to {high}; too narrow for a chord")
    made = sorted({tuple(sorted(chosen)) for chosen in product(*places)})
    close = [v for v in made if v[-1] - v[0] <= 16]
    return tuple(close or made)


def _motion(before: tuple[int, ...], after: tuple[int, ...]) -> float:
    """Return how far the voices move.

    Each tone to the nearest of the other chord, and what parallels cost.
    """
    moved = sum(min(abs(a - b) for b in before) for a in after) + sum(
        min(abs(a - b) for a in after) for b in before
    )
    parallels = 0
    if len(before) == len(after) and before != after:
        for (a, c), (b, d) in zip(pairwise(before), pairwise(after), strict=True):
            if c - a == d - b and (c - a) % 12 in (0, 7) and a != b:
                parallels += 1
    return moved / 2 + parallels * _PARALLEL
