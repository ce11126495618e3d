"""One voice over chords: a melody or a bass, drawn inside a scale, a range and exact bars.

Conventions: steps are sixteenths; classes are those of `events` (0 hold, 1 stop, from 2 the pitches from 48);
`shift` is what is added to a model's pitch to get the one that sounds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from engines._notes import Note
from engines._units import Progress, silent
from engines.generate.articulation import articulated
from engines.generate.events import (
    FIRST_PITCH,
    HIGHEST,
    LOWEST,
    MELODY_CLASSES,
    NO_EVENT,
    NOTE_OFF,
    IntArray,
    chord_pitches,
    triads,
)
from engines.generate.request import STEPS_PER_QUARTER, Frame
from engines.generate.sampling import FREE, Judgement, Plan, draw
from engines.generate.store import Model
from engines.generate.theory import NO_CHORD, Chord

_PITCHES: Final = np.arange(LOWEST, HIGHEST + 1)
# How much likelier a chord tone becomes where the bar is strong, in nats: a melody
# is drawn to them, a bass is held to them.
_STRONG_PULL: Final = 0.75
# Odds that a melody begins with a rest rather than a note; a choice, not a measurement. A bass begins on the
# one: its model has no counter of the place in the bar, and takes the beat of its first note for the one.
_REST_FIRST: Final = 0.5
_DENSITY_PULL: Final = 4.0  # nats from the emptiest to the busiest


@dataclass(frozen=True)
class Voice:
    """What a line may do.

    Attributes
    ----------
    low, high
        Lowest and highest pitch that may sound, inclusive.
    density
        0 to 1; 0.5 leaves the model alone.
    temperature
        See `sampling.Plan`.
    grounded
        Whether notes that start where the bar is strong must be chord tones (a bass), or are only drawn to
        them.
    """

    low: int
    high: int
    density: float = 0.5
    temperature: float = 1.0
    grounded: bool = False


def octave_shift(model: Model, voice: Voice) -> int:
    """Return the model's shift, moved by octaves until most of the range is within the model's."""
    best = max(
        (k * 12 for k in range(-5, 6)),
        key=lambda move: (_overlap(voice, model.shift + move), -abs(move)),
    )
    return model.shift + best


def allowed_pitches(voice: Voice, tones: frozenset[int], shift: int) -> npt.NDArray[np.bool_]:
    """Return which of the 36 pitches of a model may sound, shape (36,).

    Raises
    ------
    ValueError
        If none may: the range holds no tone of the scale.
    """
    sounding = _PITCHES + shift
    fit = (sounding >= voice.low) & (sounding <= voice.high) & np.isin(sounding % 12, list(tones))
    if not fit.any():
        raise ValueError(f"low, high: {voice.low} to {voice.high}; holds no tone of the scale")
    return fit


def plan(
    model: Model,
    frame: Frame,
    voice: Voice,
    chords: Sequence[Chord],
    forced: IntArray,
    *,
    free_from: int = 0,
) -> tuple[Plan, int]:
    """Lay out what may be drawn.

    Parameters
    ----------
    model
        A melody or bass model.
    frame
        Bars, metre, scale.
    voice
        Range and manner.
    chords
        One for each step of `forced`.
    forced
        Shape (n_variations, n_steps) of classes in the model's range, -1 where free.
    free_from
        The step on which the first bar begins; earlier ones are a primer.

    Returns
    -------
    tuple
        The plan, and the shift to the pitches that sound.
    """
    shift = octave_shift(model, voice)
    steps = forced.shape[1]
    moved = [chord.transposed(-shift % 12) if shift % 12 else chord for chord in chords]
    pitches = allowed_pitches(voice, frame.tones, shift)
    allowed = np.zeros((steps, MELODY_CLASSES), np.bool_)
    allowed[:, NO_EVENT] = allowed[:, NOTE_OFF] = True
    allowed[:, FIRST_PITCH:] = pitches
    bias = np.zeros((steps, MELODY_CLASSES), np.float32)
    pull = (voice.density - 0.5) * _DENSITY_PULL
    bias[:, FIRST_PITCH:] += pull
    bias[:, NOTE_OFF] -= pull
    in_bar = (np.arange(steps) - free_from) % frame.steps_per_bar
    for step in np.flatnonzero(np.isin(in_bar, frame.strong)).tolist():
        tones = [tone for tone in chords[step].tones if chords[step].root >= 0]
        here = pitches & np.isin((_PITCHES + shift) % 12, tones)
        if not here.any():
            continue
        if voice.grounded:
            allowed[step, FIRST_PITCH:] = here
            root = here & ((_PITCHES + shift) % 12 == chords[step].bass)
            bias[step, FIRST_PITCH:] += np.where(root, _STRONG_PULL, 0.0).astype(np.float32)
            # The songs it learned from are in 4/4: left alone it plays on in bars of sixteen steps.
            if in_bar[step] == 0 and frame.steps_per_bar % 16:
                allowed[step, :FIRST_PITCH] = False
        else:
            bias[step, FIRST_PITCH:] += np.where(here, _STRONG_PULL, 0.0).astype(np.float32)
    if free_from < steps:
        allowed[free_from, NOTE_OFF] &= free_from > 0
    positions = np.arange(steps) - free_from
    control = _control(model, moved)
    known = model.encoder.known(control, positions % 128)
    first = _first(voice, pitches, chords[0], shift)
    return Plan(forced, known, allowed, bias, voice.temperature, monophonic=True, first=first), shift


def _first(voice: Voice, pitches: npt.NDArray[np.bool_], chord: Chord, shift: int) -> npt.NDArray[np.float64]:
    """Return the weights of the first event: a chord tone, likelier the nearer the middle of the range.

    A melody may begin with a rest; a bass begins on the root of its chord more often than not.
    """
    weights = np.zeros(MELODY_CLASSES)
    sounding = _PITCHES + shift
    tones = np.isin(sounding % 12, list(chord.tones)) if chord.root >= 0 else np.ones(len(sounding), np.bool_)
    fit = pitches & tones if (pitches & tones).any() else pitches
    nearness = np.exp(
        -(((sounding - (voice.low + voice.high) / 2) / max(4.0, (voice.high - voice.low) / 4)) ** 2)
    )
    weights[FIRST_PITCH:] = np.where(fit, nearness, 0.0)
    if voice.grounded:
        weights[FIRST_PITCH:] *= np.where(sounding % 12 == chord.bass, 6.0, 1.0)
    weights[FIRST_PITCH:] /= weights[FIRST_PITCH:].sum()
    if not voice.grounded:
        weights[NO_EVENT] = _REST_FIRST * 2 * (1 - voice.density)
    return weights


def compose(
    model: Model,
    frame: Frame,
    voice: Voice,
    chords: Sequence[Chord],
    numbers: npt.NDArray[np.float64],
    *,
    progress: Progress = silent,
) -> list[tuple[tuple[Note, ...], Judgement]]:
    """Draw a line from nothing for each row of `numbers`.

    Returns its notes and what the model thinks of it.
    """
    forced = np.full((len(numbers), frame.steps), FREE, np.int64)
    made, shift = plan(model, frame, voice, chords, forced)
    drawn = draw(model.network, model.encoder, made, numbers, progress, stage=model.role)
    return [(notes(row, shift), it) for row, it in zip(drawn.events, drawn.judged(), strict=True)]


def notes(classes: IntArray, shift: int, start: int = 0) -> tuple[Note, ...]:
    """Turn classes into notes from step `start` on, in quarter notes from there.

    What sounds before is not heard.

    A note lasts until the next one, a stop, or the end.
    """
    steps = len(classes)
    onsets = [(step, int(classes[step])) for step in range(start, steps) if classes[step] != NO_EVENT]
    made = []
    for i, (step, event) in enumerate(onsets):
        if event < FIRST_PITCH:
            continue
        end = onsets[i + 1][0] if i + 1 < len(onsets) else steps
        quarter = (step - start) / STEPS_PER_QUARTER
        made.append(Note(quarter, event - FIRST_PITCH + LOWEST + shift, (end - step) / STEPS_PER_QUARTER, 90))
    return tuple(made)


def classes(line: Sequence[Note], steps: int, shift: int, *, articulate: bool = False) -> IntArray:
    """Write notes as classes on a grid of `steps`; of notes that start together the highest is kept.

    Pitches outside the model's range move in by octaves. A bass is to be articulated, as what its model
    learned from was; it is taken to go on where the grid ends.
    """
    grid = np.full(steps, NO_EVENT, np.int64)
    highest: dict[int, Note] = {}
    for note in line:
        step = int(note.start * STEPS_PER_QUARTER + 0.5)
        if 0 <= step < steps and (step not in highest or note.pitch > highest[step].pitch):
            highest[step] = note
    on_grid = [
        (step, max(step + 1, int(note.end * STEPS_PER_QUARTER + 0.5)), note.pitch - shift)
        for step, note in sorted(highest.items())
    ]
    if articulate:
        on_grid = articulated(on_grid, next_start=steps)
    starts = [step for step, _, _ in on_grid]
    for i, (step, end, pitch) in enumerate(on_grid):
        octaves = max(0, -(-(LOWEST - pitch) // 12)) - max(0, -(-(pitch - HIGHEST) // 12))
        grid[step] = pitch + 12 * octaves - LOWEST + FIRST_PITCH
        if end < (starts[i + 1] if i + 1 < len(starts) else steps):
            grid[end] = NOTE_OFF
    return grid


def _control(model: Model, chords: Sequence[Chord]) -> npt.NDArray[np.float32]:
    if model.encoder.control == 37:
        return chord_pitches(chords)
    if model.encoder.control:
        return triads(chords)
    return np.zeros((len(chords), 0), np.float32)


def _overlap(voice: Voice, shift: int) -> int:
    return min(voice.high, HIGHEST + shift) - max(voice.low, LOWEST + shift)


def per_step(slots: Sequence[Chord], frame: Frame, slots_per_bar: int) -> list[Chord]:
    """Spread chords given by slots of a bar over its steps."""
    steps = frame.steps_per_bar
    return [
        slots[bar * slots_per_bar + step * slots_per_bar // steps] if slots else NO_CHORD
        for bar in range(frame.bars)
        for step in range(steps)
    ]
