"""How a model goes on from a part, or fits something into one."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from engines._notes import Note, Part
from engines._units import Progress
from engines.generate import drumming, feel, harmonies, line, play, sampling, store
from engines.generate.context import Heard
from engines.generate.events import FIRST_PITCH, NO_EVENT
from engines.generate.hearing import chords_of
from engines.generate.play import Asked, Written
from engines.generate.request import STEPS_PER_QUARTER, Frame
from engines.generate.result import ModelUsed
from engines.generate.sampling import FREE
from engines.generate.theory import Chord

_HEARD_BARS: Final = 8  # how much of what came before a model hears: its windows were 128 steps long
_AFTER_BARS: Final = 2  # how much of what follows a candidate is judged by
_CANDIDATES: Final = 4  # continuations of which the one most like the model's music is taken


def extend(
    heard: Heard, asked: Asked, chords: Sequence[Chord], per_bar: int, progress: Progress
) -> list[Written]:
    """Write the bars after a part, of which the model hears the last ones; what is most like music first."""
    steps_per_bar = asked.frame.steps_per_bar
    lead_bars = min(heard.bars, _HEARD_BARS)
    lead = lead_bars * steps_per_bar
    offset = (heard.bars - lead_bars) * asked.frame.quarters / asked.frame.bars
    before = [replace(n, start=n.start - offset) for n in heard.part.notes if n.start >= offset - 1e-9]
    count = 1 if asked.temperature == 0 else _CANDIDATES * asked.count
    if heard.role == "drums":
        model = store.load(asked.model or "drums", "drums")
        forced = np.full((count, lead + asked.frame.steps), FREE, np.int64)
        forced[:, :lead] = drumming.events(tuple(before), lead)
        plan = drumming.plan(model, asked.frame, _kit(asked), forced, lead)
        shift = 0
    else:
        model = store.load(asked.model or heard.role, heard.role)
        voice = _voice(heard, asked)
        shift = line.octave_shift(model, voice)
        forced = np.full((count, lead + asked.frame.steps), FREE, np.int64)
        forced[:, :lead] = line.classes(before, lead, shift, articulate=voice.grounded)
        under = _lead_chords(heard, lead_bars, asked.frame) + line.per_step(chords, asked.frame, per_bar)
        plan, shift = line.plan(model, asked.frame, voice, under, forced, free_from=lead)
        plan.allowed[lead, NO_EVENT] = not plan.allowed[lead, FIRST_PITCH:].any()
    numbers = sampling.uniforms(asked.seed, play.STREAMS[heard.role], count, forced.shape[1])
    drawn = sampling.draw(model.network, model.encoder, plan, numbers, progress, stage=heard.role)
    judged = drawn.judged(lead)
    used = ModelUsed(heard.role, model.name, model.sha256)
    made = []
    for index, row in enumerate(_best(drawn.events[:, lead:], _likeness(judged), asked.count)):
        if heard.role == "drums":
            part = _played(asked, drumming.notes(drawn.events[row, lead:]), index)
        else:
            notes = line.notes(drawn.events[row], shift, start=lead)
            part = replace(play.finished(asked, heard.role, notes, index), program=heard.part.program)
        made.append(Written(part, judged[row], used, _steered_by(heard, asked)))
    return made


def fill(
    heard: Heard,
    asked: Asked,
    chords: Sequence[Chord],
    per_bar: int,
    gap: tuple[int, int],
    *,
    candidates: int,
    progress: Progress,
) -> list[Written]:
    """Replace the bars from `gap[0]` up to `gap[1]`, counted from 0; what fits best comes first.

    Notes that start elsewhere stay as they are.
    """
    frame = asked.frame
    bar = frame.steps_per_bar
    first, last = gap[0] * bar, gap[1] * bar
    begin = max(0, gap[0] - _HEARD_BARS) * bar
    finish = min(frame.steps, last + _AFTER_BARS * bar)
    count = 1 if asked.temperature == 0 else max(candidates, asked.count)
    if heard.role == "drums":
        model = store.load(asked.model or "drums", "drums")
        there = drumming.events(heard.part.notes, frame.steps)
        forced = np.tile(there[begin:finish], (count, 1))
        forced[:, first - begin : last - begin] = FREE
        plan = drumming.plan(model, frame, _kit(asked), forced, first - begin)
        shift = 0
    else:
        model = store.load(asked.model or heard.role, heard.role)
        voice = _voice(heard, asked)
        shift = line.octave_shift(model, voice)
        there = line.classes(heard.part.notes, frame.steps, shift, articulate=voice.grounded)
        forced = np.tile(there[begin:finish], (count, 1))
        forced[:, first - begin : last - begin] = FREE
        under = line.per_step(chords, frame, per_bar)[begin:finish]
        plan, shift = line.plan(model, frame, voice, under, forced, free_from=first - begin)
        if plan.allowed[first - begin, FIRST_PITCH:].any():
            plan.allowed[first - begin, NO_EVENT] = False  # what sounds before does not reach into the gap
    numbers = sampling.uniforms(asked.seed, play.STREAMS[heard.role], count, forced.shape[1])
    drawn = sampling.draw(model.network, model.encoder, plan, numbers, progress, stage=heard.role)
    # What was drawn by how like the model's music it is, what follows by how likely the candidate makes it.
    judged = drawn.judged(first - begin, last - begin)
    fits = _likeness(judged)
    after = drawn.loglik[:, last - begin :]
    if after.size:
        fits += after.mean(axis=1)
    drawn_inside = drawn.events[:, first - begin : last - begin]
    used = ModelUsed(heard.role, model.name, model.sha256)
    made = []
    for index, row in enumerate(_best(drawn_inside, fits, asked.count)):
        inserted = (
            _played(asked, drumming.notes(drawn_inside[row]), index)
            if heard.role == "drums"
            else play.finished(asked, heard.role, line.notes(drawn_inside[row], shift), index)
        )
        part = _put(heard, inserted.notes, first / STEPS_PER_QUARTER, last / STEPS_PER_QUARTER)
        made.append(Written(part, judged[row], used, _steered_by(heard, asked)))
    return made


def _likeness(judged: Sequence[sampling.Judgement]) -> sampling.DoubleArray:
    """Return how like the music it learned a model finds each of some candidates, 0 at the most."""
    return -np.abs(np.array([judgement.surprise for judgement in judged], np.float64))


def _best(events: npt.NDArray[np.int64], judged: npt.NDArray[np.float64], count: int) -> list[int]:
    """Return the rows of the best `count` different candidates, the best first."""
    chosen: dict[bytes, int] = {}
    for row in np.argsort(-judged, kind="stable").tolist():
        chosen.setdefault(events[row].tobytes(), row)
    return list(chosen.values())[:count]


def _put(heard: Heard, inserted: Sequence[Note], from_quarter: float, to_quarter: float) -> Part:
    """Put notes, whose time begins with the gap, into a part; what sounds into the gap ends there."""
    outside = [n for n in heard.part.notes if not from_quarter <= n.start < to_quarter]
    if heard.role != "drums":
        outside = [
            replace(n, duration=min(n.duration, from_quarter - n.start)) if n.start < from_quarter else n
            for n in outside
        ]
    length = to_quarter - from_quarter
    moved = [
        replace(n, start=n.start + from_quarter, duration=min(n.duration, length - n.start)) for n in inserted
    ]
    return replace(heard.part, notes=tuple(sorted([*outside, *moved])))


def _voice(heard: Heard, asked: Asked) -> line.Voice:
    pitches = [note.pitch for note in heard.part.notes]
    low, high = min(pitches) - 3, max(pitches) + 3
    if high - low < 12:
        low, high = low - 3, high + 3
    low, high = play.within(asked, low, high)
    grounded = heard.role == "bass"
    return line.Voice(low, high, asked.density, asked.temperature, grounded)


def _lead_chords(heard: Heard, lead_bars: int, frame: Frame) -> list[Chord]:
    per_bar = harmonies.SLOTS_PER_BAR
    slot = frame.steps_per_bar / STEPS_PER_QUARTER / per_bar
    there = chords_of(heard.pitched, heard.bars * per_bar, slot)[-lead_bars * per_bar :]
    return line.per_step(there, replace(frame, bars=lead_bars), per_bar)


def _kit(asked: Asked) -> drumming.Kit:
    return drumming.Kit(asked.pattern, asked.density, asked.temperature, asked.low, asked.high)


def _steered_by(heard: Heard, asked: Asked) -> str | None:
    return asked.pattern.name if asked.pattern is not None and heard.role == "drums" else None


def _played(asked: Asked, hits: tuple[Note, ...], index: int) -> Part:
    stream = [asked.seed, play.STREAMS["feel"], index]
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence(stream)))
    style = asked.pattern.name if asked.pattern else None
    shaped = feel.drums(hits, asked.frame, style, rng, timing=0.0, loudness=1.0)
    swung = feel.swung(shaped, asked.swing or 0.0, bool(asked.pattern and asked.pattern.eighths))
    return Part("drums", swung, drums=True)
