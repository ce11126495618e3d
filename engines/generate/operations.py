"""The operations of the package's head, each put together from parts.

Imports numpy, so only a worker loads it.
"""

import base64
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from engines._errors import NotInstalledError
from engines._notes import Part, Score, write
from engines._units import Progress, silent
from engines.generate import context, feel, onward, play, styles
from engines.generate.context import Given
from engines.generate.play import Asked, Written
from engines.generate.reply import piece, together, unlike
from engines.generate.request import MAX_BARS, MAX_COUNT, between
from engines.generate.result import Piece, Variations
from engines.generate.theory import Chord, nearest

PARTS: Final = ("drums", "melody", "bass", "harmony")


def midi(style: str, progress: Progress, **given: Any) -> Piece:
    """Write the part `style` names."""
    wanted = style.strip().lower()
    wanted = {"bassline": "bass", "chords": "harmony", "drum": "drums"}.get(wanted, wanted)
    if wanted in PARTS:
        return one_part(wanted, progress, **given)
    try:
        styles.find(wanted)
    except ValueError:
        raise ValueError(f"style: {style[:40]!r}; {nearest(wanted, (*PARTS, *styles.STYLES))}") from None
    return one_part("drums", progress, style=wanted, **given)


def one_part(role: str, progress: Progress, **given: Any) -> Piece:
    """Write drums, a melody, a bass or harmony."""
    ask = play.asked(**given)
    written = _several(role, ask, 1 if ask.temperature == 0 else ask.count, progress)
    return together(written)


def variations(part: str, progress: Progress, **given: Any) -> Variations:
    """Write twice as many as asked for, drop doubles, rank by how like the model's music they are."""
    role = part.strip().lower()
    if role not in PARTS:
        raise ValueError(f"part: {part[:40]!r}; {nearest(role, PARTS)}")
    ask = play.asked(**given)
    pieces = unlike(_several(role, ask, 1 if ask.temperature == 0 else 2 * ask.count, progress))
    pieces.sort(key=lambda one: abs(one.surprise or 0.0))
    return Variations("success", ask.seed, tuple(pieces[: ask.count]))


def _several(role: str, ask: Asked, number: int, progress: Progress) -> list[Piece]:
    """Write a part `number` times; lines share their chords."""
    if role == "drums":
        style = ask.pattern.name if ask.pattern else "drums"
        return [piece(ask, [one], style=style) for one in play.write_drums(ask, number, progress)]
    if role == "harmony":
        found, per_bar, by, judgements = play.write_chords(ask, number, progress)
        return [
            piece(
                ask,
                [play.write_harmony(ask, chords, per_bar, judgement)],
                chords,
                per_bar,
                style=role,
                chords_by=by,
            )
            for chords, judgement in zip(found, judgements, strict=True)
        ]
    (chords, *_), per_bar, by, _ = play.write_chords(ask, 1, progress)
    written = play.write_line(ask, role, chords, per_bar, number, progress=progress)
    return [piece(ask, [one], chords, per_bar, style=role, chords_by=by) for one in written]


def continuation(source: Given, bars: int, progress: Progress, **given: Any) -> Piece:
    """Write the next bars of a part."""
    between("bars", bars, 1, MAX_BARS)
    heard = context.listen(source)
    ask, chords, per_bar = context.ask(heard, bars, given, from_bar=heard.bars)
    made = onward.extend(heard, ask, chords, per_bar, progress)
    return together([piece(ask, [one], chords, per_bar, style=heard.role) for one in made])


def infill(
    source: Given,
    first_bar: int,
    last_bar: int,
    *,
    bars: int | None,
    candidates: int,
    progress: Progress,
    **given: Any,
) -> Piece:
    """Replace bars of a part."""
    heard = context.listen(source, bars)
    if not 1 <= first_bar <= last_bar <= heard.bars:
        raise ValueError(f"first_bar, last_bar: {first_bar} to {last_bar}; must be within 1 to {heard.bars}")
    between("candidates", candidates, 1, MAX_COUNT)
    ask, chords, per_bar = context.ask(heard, heard.bars, given, from_bar=0)
    gap = (first_bar - 1, last_bar)
    made = onward.fill(heard, ask, chords, per_bar, gap, candidates=candidates, progress=progress)
    return together([piece(ask, [one], chords, per_bar, style=heard.role) for one in made])


def humanized(
    source: Given,
    bars: int | None,
    progress: Progress,
    *,
    timing: float,
    loudness: float,
    **given: Any,
) -> Piece:
    """Give music a drummer's feel."""
    for field, value in (("timing", timing), ("loudness", loudness)):
        between(field, value, 0, 1)
    score = source.score()
    end = max(score.quarters, *(note.end for part in score.parts for note in part.notes))
    whole = max(1, -int(-(end - 1e-6) // score.quarters_per_bar))
    frame = context.frame_of(score, context.wide_enough(whole, bars))
    ask = replace(play.asked(bars=1, tempo=120, **given), frame=frame)
    made = []
    for variation in range(ask.count):
        progress(variation / ask.count, "feel")
        made.append(_felt(score, ask, variation, timing, loudness))
    return together(made)


def _felt(score: Score, ask: Asked, variation: int, timing: float, loudness: float) -> Piece:
    """Play a score once; each part of each variation has random numbers of its own."""
    name = ask.pattern.name if ask.pattern else None
    swing, eighths = ask.swing or 0.0, bool(ask.pattern and ask.pattern.eighths)
    parts = []
    for index, part in enumerate(score.parts):
        stream = [ask.seed, play.STREAMS["feel"], index, *([variation] if variation else [])]
        rng = np.random.Generator(np.random.Philox(np.random.SeedSequence(stream)))
        straight = feel.swung(part.notes, swing, eighths)
        amounts = {"timing": timing, "loudness": loudness, "stray": ask.temperature}
        if part.drums:
            shaped = feel.drums(straight, ask.frame, name, rng, **amounts)
        else:
            shaped = feel.pitched(straight, ask.frame, rng, **amounts)
        parts.append(replace(part, notes=shaped))
    made = piece(ask, [Written(part, None, None) for part in parts], style=name)
    # The file's own tempi and signatures, where it changes them.
    midi_bytes = write(Score(tuple(parts), score.tempi, score.signatures, ask.frame.quarters))
    return replace(made, midi_base64=base64.b64encode(midi_bytes).decode("ascii"))


def accompany(source: Given, bars: int | None, progress: Progress, **given: Any) -> Piece:
    """Write the parts around a melody, or all of them over chords."""
    if source:
        ask, melody, chords, per_bar, by = _around(source, bars, given, progress)
        melodies = [melody] * ask.count
    else:
        if given["chords"] is None:
            raise ValueError("path, notes, chords: none; must be one of them")
        tempo, signature = source.tempo or 120, source.time_signature or "4/4"
        ask = play.asked(bars=bars or 8, tempo=tempo, time_signature=signature, **given)
        chords, per_bar, by = ask.chords, ask.slots_per_bar, None
        melodies = play.write_line(
            _for(ask, "melody"), "melody", chords, per_bar, ask.count, progress=progress
        )
    basses = play.write_line(_for(ask, "bass"), "bass", chords, per_bar, ask.count, progress=progress)
    kits = play.write_drums(_for(ask, "drums"), ask.count, progress)
    voiced = play.write_harmony(ask, chords, per_bar, None)
    style = ask.pattern.name if ask.pattern else None
    return together(
        [
            piece(ask, [melody, voiced, bass, kit], chords, per_bar, style=style, chords_by=by)
            for melody, bass, kit in zip(melodies, basses, kits, strict=True)
        ]
    )


def _around(
    source: Given, bars: int | None, given: dict[str, Any], progress: Progress
) -> tuple[Asked, Written, Sequence[Chord], int, Any]:
    """Return the request a melody makes, the melody itself, and the chords found for it."""
    heard = context.listen(source)
    if heard.role == "drums":
        raise ValueError(f"{source.field}: the part is drums; a melody is needed (name it with track)")
    ask, _, _ = context.ask(heard, min(bars or heard.bars, MAX_BARS), given, from_bar=0)
    end = ask.frame.quarters
    kept = tuple(
        replace(n, duration=min(n.duration, end - n.start)) for n in heard.part.notes if n.start < end
    )
    melody = Written(Part("melody", kept, heard.part.program), None, None)
    found, per_bar, by, _ = play.write_chords(ask, 1, progress, context.pull_of(kept, ask.frame))
    return ask, melody, found[0], per_bar, by


def _for(ask: Asked, role: str) -> Asked:
    """Return the request for one of several parts: its drums take no range, its model is of their role."""
    model = ask.model_for(role)
    return replace(ask, model=model, low=None, high=None) if role == "drums" else replace(ask, model=model)


def warm_up() -> None:
    """Load the shipped models and play one bar of each."""
    for part in PARTS:
        try:
            one_part(part, silent, bars=1, tempo=120, seed=0)
        except NotInstalledError:
            # A worker without a model still serves the others; the request that needs it is told.
            continue
