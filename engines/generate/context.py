"""Music that is already there.

What a file plays, and how a model goes on from it or fits something into it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engines._notes import Note, Part, Score, read
from engines._units import Progress
from engines.generate import drumming, feel, harmonies, line, play, sampling, store
from engines.generate.events import FIRST_PITCH, NO_EVENT
from engines.generate.hearing import chords_of, key_of
from engines.generate.play import Asked, Written
from engines.generate.request import MAX_BARS, STEPS_PER_QUARTER, TEMPO_RANGE, Frame, read_signature
from engines.generate.result import ModelUsed
from engines.generate.sampling import FREE
from engines.generate.theory import NO_CHORD, Chord, scale_tones

_HEARD_BARS: Final = 8  # how much of what came before a model hears: its windows were 128 steps long
_AFTER_BARS: Final = 2  # how much of what follows a candidate is judged by
_CANDIDATES: Final = 4  # continuations of which the likeliest is taken
_FIT: Final = 3.0  # nats between a triad that holds all of a slot's melody and one that holds none


@dataclass(frozen=True)
class Heard:
    """One part of a file, and what surrounds it.

    Attributes
    ----------
    part
        Its notes, from the file's first bar line.
    role
        drums, bass or melody.
    bars
        How many bars it takes.
    score
        The whole file.
    pitched
        The pitched notes of all parts.
    """

    part: Part
    role: str
    bars: int
    score: Score
    pitched: tuple[Note, ...]


def listen(path: Path, track: int | None) -> Heard:
    """Read a file and choose a part of it.

    Raises
    ------
    ValueError
        If it has no notes, no such track, over 256 bars, or a bar that is not a whole number of sixteenths.
    UndecodableError, TooLongError
        If it is no MIDI file.
    """
    score = read(path)
    if not score.parts:
        raise ValueError("path: the file has no notes")
    if track is not None and track > len(score.parts):
        raise ValueError(f"track: {track}; the file has {len(score.parts)} with notes")
    if track is not None:
        part = score.parts[track - 1]
    else:
        part = next((part for part in score.parts if not part.drums), score.parts[0])
    end = max(note.end if not part.drums else note.start + 1e-3 for note in part.notes)
    bars = max(1, -int(-(end - 1e-6) // score.quarters_per_bar))
    if bars > MAX_BARS:
        raise ValueError(f"path: {bars} bars; must be at most {MAX_BARS}")
    frame_of(score, bars)
    pitched = tuple(note for other in score.parts if not other.drums for note in other.notes)
    mean = sum(note.pitch for note in part.notes) / len(part.notes)
    role = "drums" if part.drums else "bass" if mean < 48 or 32 <= part.program <= 39 else "melody"
    return Heard(part, role, bars, score, pitched)


def frame_of(score: Score, bars: int) -> Frame:
    """Return the frame of a file: its first tempo and time signature, and the key its notes are in.

    Raises
    ------
    ValueError
        If its tempo or time signature is none that can be generated.
    """
    _, numerator, denominator = score.signatures[0]
    read_signature(f"{numerator}/{denominator}")
    tempo = min(max(score.tempo, TEMPO_RANGE[0]), TEMPO_RANGE[1])
    notes = [note for part in score.parts if not part.drums for note in part.notes]
    key, scale = key_of(notes)
    tones = scale_tones(key, scale) | {note.pitch % 12 for note in notes}
    return Frame(bars, tempo, numerator, denominator, key, scale, tones)


def ask(heard: Heard, bars: int, given: Mapping[str, Any], from_bar: int) -> tuple[Asked, list[Chord], int]:
    """Return the request that a file and its parameters make, and the chords of its bars from `from_bar` on.

    Where no chords are given they are those of the file; past its end, those of its last bars again.
    """
    own = frame_of(heard.score, bars)
    wanted = play.asked(
        bars=bars,
        tempo=own.tempo,
        time_signature=f"{own.numerator}/{own.denominator}",
        **{**given, "key": given.get("key") or (own.key if given.get("scale") else None)},
    )
    explicit = given.get("key") or given.get("scale") or given.get("chords")
    if not explicit:
        wanted = replace(wanted, frame=own)
    if wanted.chords:
        return wanted, list(wanted.chords), wanted.slots_per_bar
    per_bar = harmonies.SLOTS_PER_BAR
    if heard.role == "drums" and not heard.pitched:
        return wanted, [NO_CHORD] * (bars * per_bar), per_bar
    slot = own.steps_per_bar / STEPS_PER_QUARTER / per_bar
    there = chords_of(heard.pitched, max(heard.bars, 1) * per_bar, slot, scale_tones(own.key, own.scale))
    if from_bar < heard.bars:
        return wanted, there[from_bar * per_bar :][: bars * per_bar], per_bar
    again = there[-min(heard.bars, 4) * per_bar :]
    return wanted, [again[i % len(again)] for i in range(bars * per_bar)], per_bar


def extend(heard: Heard, asked: Asked, chords: Sequence[Chord], per_bar: int, progress: Progress) -> Written:
    """Write the bars after a part; the model hears its last ones."""
    steps_per_bar = asked.frame.steps_per_bar
    lead_bars = min(heard.bars, _HEARD_BARS)
    lead = lead_bars * steps_per_bar
    offset = (heard.bars - lead_bars) * asked.frame.quarters / asked.frame.bars
    before = [replace(n, start=n.start - offset) for n in heard.part.notes if n.start >= offset - 1e-9]
    count = 1 if asked.temperature == 0 else _CANDIDATES
    if heard.role == "drums":
        model = store.load(asked.model or "drums", "drums")
        forced = np.full((count, lead + asked.frame.steps), FREE, np.int64)
        forced[:, :lead] = drumming.events(tuple(before), lead)
        kit = drumming.Kit(None, asked.density, asked.temperature)
        plan = drumming.plan(model, asked.frame, kit, forced, lead)
        shift = 0
    else:
        model = store.load(asked.model or heard.role, heard.role)
        voice = _voice(heard, asked)
        shift = line.octave_shift(model, voice)
        forced = np.full((count, lead + asked.frame.steps), FREE, np.int64)
        forced[:, :lead] = line.classes(before, lead, shift)
        under = _lead_chords(heard, lead_bars, asked.frame) + line.per_step(chords, asked.frame, per_bar)
        plan, shift = line.plan(model, asked.frame, voice, under, forced, free_from=lead)
        plan.allowed[lead, NO_EVENT] = not plan.allowed[lead, FIRST_PITCH:].any()
    numbers = sampling.uniforms(asked.seed, play.STREAMS[heard.role], count, forced.shape[1])
    drawn = sampling.draw(model.network, model.encoder, plan, numbers, progress, stage=heard.role)
    best = int(np.argmax(drawn.loglik[:, lead:].mean(axis=1)))
    likelihood = float(drawn.loglik[best, lead:].mean())
    used = ModelUsed(heard.role, model.name, model.sha256)
    if heard.role == "drums":
        return Written(_played(asked, drumming.notes(drawn.events[best, lead:])), likelihood, used)
    notes = line.notes(drawn.events[best], shift, start=lead)
    part = play.finished(asked, heard.role, notes)
    return Written(replace(part, program=heard.part.program), likelihood, used)


def fill(
    heard: Heard,
    asked: Asked,
    chords: Sequence[Chord],
    per_bar: int,
    gap: tuple[int, int],
    *,
    candidates: int,
    progress: Progress,
) -> Written:
    """Replace the bars from `gap[0]` up to `gap[1]`, counted from 0.

    Notes that start elsewhere stay as they are.
    """
    frame = asked.frame
    bar = frame.steps_per_bar
    first, last = gap[0] * bar, gap[1] * bar
    begin = max(0, gap[0] - _HEARD_BARS) * bar
    finish = min(frame.steps, last + _AFTER_BARS * bar)
    count = 1 if asked.temperature == 0 else candidates
    if heard.role == "drums":
        model = store.load(asked.model or "drums", "drums")
        there = drumming.events(heard.part.notes, frame.steps)
        forced = np.tile(there[begin:finish], (count, 1))
        forced[:, first - begin : last - begin] = FREE
        plan = drumming.plan(
            model, frame, drumming.Kit(None, asked.density, asked.temperature), forced, first - begin
        )
        shift = 0
    else:
        model = store.load(asked.model or heard.role, heard.role)
        voice = _voice(heard, asked)
        shift = line.octave_shift(model, voice)
        there = line.classes(heard.part.notes, frame.steps, shift)
        forced = np.tile(there[begin:finish], (count, 1))
        forced[:, first - begin : last - begin] = FREE
        under = line.per_step(chords, frame, per_bar)[begin:finish]
        plan, shift = line.plan(model, frame, voice, under, forced, free_from=first - begin)
        if plan.allowed[first - begin, FIRST_PITCH:].any():
            plan.allowed[first - begin, NO_EVENT] = False  # what sounds before does not reach into the gap
    numbers = sampling.uniforms(asked.seed, play.STREAMS[heard.role], count, forced.shape[1])
    drawn = sampling.draw(model.network, model.encoder, plan, numbers, progress, stage=heard.role)
    # What was drawn by its mean likelihood, and what follows by how likely the candidate makes it.
    inside = drawn.loglik[:, first - begin : last - begin].mean(axis=1)
    after = drawn.loglik[:, last - begin :]
    judged = inside + (after.mean(axis=1) if after.size else 0.0)
    best = int(np.argmax(judged))
    made = drawn.events[best, first - begin : last - begin]
    from_quarter, to_quarter = first / STEPS_PER_QUARTER, last / STEPS_PER_QUARTER
    outside = [n for n in heard.part.notes if not from_quarter <= n.start < to_quarter]
    if heard.role == "drums":
        inserted = _played(asked, drumming.notes(made)).notes
    else:
        outside = [
            replace(n, duration=min(n.duration, from_quarter - n.start)) if n.start < from_quarter else n
            for n in outside
        ]
        inserted = play.finished(asked, heard.role, line.notes(made, shift)).notes
    length = to_quarter - from_quarter
    moved = [
        replace(n, start=n.start + from_quarter, duration=min(n.duration, length - n.start)) for n in inserted
    ]
    part = replace(heard.part, notes=tuple(sorted([*outside, *moved])))
    return Written(part, float(inside[best]), ModelUsed(heard.role, model.name, model.sha256))


def pull_of(melody: Sequence[Note], frame: Frame) -> npt.NDArray[np.float32]:
    """Return how much each triad fits a melody in each half bar, in nats, shape (2 * bars, 49)."""
    slots = frame.bars * harmonies.SLOTS_PER_BAR
    length = frame.quarters / slots
    pull = np.zeros((slots, 49), np.float32)
    for slot in range(slots):
        here = np.zeros(12)
        for note in melody:
            here[note.pitch % 12] += max(
                0.0, min(note.end, (slot + 1) * length) - max(note.start, slot * length)
            )
        if here.any():
            here /= here.sum()
            for index, chord in enumerate(harmonies.triad_chords()):
                pull[slot, index + 1] = _FIT * float(here[list(chord.tones)].sum())
    return pull


def _voice(heard: Heard, asked: Asked) -> line.Voice:
    pitches = [note.pitch for note in heard.part.notes]
    low, high = min(pitches) - 3, max(pitches) + 3
    if high - low < 12:
        low, high = low - 3, high + 3
    grounded = heard.role == "bass"
    return line.Voice(max(0, low), min(127, high), asked.density, asked.temperature, grounded)


def _lead_chords(heard: Heard, lead_bars: int, frame: Frame) -> list[Chord]:
    per_bar = harmonies.SLOTS_PER_BAR
    slot = frame.steps_per_bar / STEPS_PER_QUARTER / per_bar
    there = chords_of(heard.pitched, heard.bars * per_bar, slot)[-lead_bars * per_bar :]
    return line.per_step(there, replace(frame, bars=lead_bars), per_bar)


def _played(asked: Asked, hits: tuple[Note, ...]) -> Part:
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([asked.seed, play.STREAMS["feel"], 0])))
    return Part("drums", feel.drums(hits, asked.frame, None, rng, timing=0.0, loudness=1.0), drums=True)
