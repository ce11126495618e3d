"""The operations of the package's head, each put together from parts.

Imports numpy, so only a worker loads it.
"""

import base64
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from engines._errors import NotInstalledError
from engines._notes import Part, Score, read, write
from engines._units import Progress
from engines.generate import context, feel, play, styles
from engines.generate.play import Written
from engines.generate.request import MAX_BARS, between
from engines.generate.result import Piece, Variations
from engines.generate.theory import nearest

PARTS: Final = ("drums", "melody", "bass", "harmony")


def midi(style: str, progress: Progress, **given: Any) -> Piece:
    """Write the part `style` names."""
    wanted = style.strip().lower()
    wanted = {"bassline": "bass", "chords": "harmony", "drum": "drums"}.get(wanted, wanted)
    if wanted in ("melody", "bass"):
        return one_line(wanted, progress, **given)
    if wanted == "harmony":
        return chords_only(progress, **given)
    for field in ("key", "scale", "chords", "low", "high"):
        given.pop(field)
    if wanted == "drums":
        return drums(progress, named="drums", **given)
    try:
        styles.find(wanted)
    except ValueError:
        raise ValueError(f"style: {style[:40]!r}; {nearest(wanted, (*PARTS, *styles.STYLES))}") from None
    return drums(progress, style=wanted, **given)


def drums(progress: Progress, named: str | None = None, **given: Any) -> Piece:
    """Write drums."""
    ask = play.asked(**given)
    written = play.write_drums(ask, 1, progress)
    style = named or (ask.pattern.name if ask.pattern else None)
    return play.piece(ask, written, style=style)


def one_line(role: str, progress: Progress, **given: Any) -> Piece:
    """Write a melody or a bass."""
    ask = play.asked(**given)
    (chords, *_), per_bar, by, _ = play.write_chords(ask, 1, progress)
    written = play.write_line(ask, role, chords, per_bar, 1, progress=progress)
    return play.piece(ask, written, chords, per_bar, style=role, chords_by=by)


def chords_only(progress: Progress, **given: Any) -> Piece:
    """Write or voice a progression."""
    for field in ("density", "swing"):
        given.pop(field, None)
    ask = play.asked(**given)
    (chords, *_), per_bar, by, (likelihood, *_) = play.write_chords(ask, 1, progress)
    written = play.write_harmony(ask, chords, per_bar, likelihood if by else None)
    return play.piece(ask, [written], chords, per_bar, style="harmony", chords_by=by)


def variations(part: str, count: int, progress: Progress, **given: Any) -> Variations:
    """Write several, drop doubles, rank by likelihood."""
    role = part.strip().lower()
    if role not in PARTS:
        raise ValueError(f"part: {part[:40]!r}; {nearest(role, PARTS)}")
    play.check_count(count)
    ask = play.asked(**given)
    pool = 1 if ask.temperature == 0 else 2 * count
    if role == "drums":
        written = play.write_drums(ask, pool, progress)
        pieces = [
            play.piece(ask, [one], style=ask.pattern.name if ask.pattern else None) for one in _best(written)
        ]
    elif role == "harmony":
        found, per_bar, by, likelihoods = play.write_chords(ask, pool, progress)
        voiced = [
            play.write_harmony(ask, *row) for row in zip(found, [per_bar] * pool, likelihoods, strict=True)
        ]
        chords_of = {one.part.notes: chords for one, chords in zip(voiced, found, strict=True)}
        pieces = [
            play.piece(ask, [one], chords_of[one.part.notes], per_bar, style=role, chords_by=by)
            for one in _best(voiced)
        ]
    else:
        (chords, *_), per_bar, by, _ = play.write_chords(ask, 1, progress)
        written = play.write_line(ask, role, chords, per_bar, pool, progress=progress)
        pieces = [play.piece(ask, [one], chords, per_bar, style=role, chords_by=by) for one in _best(written)]
    return Variations("success", ask.seed, tuple(pieces[:count]))


def continuation(path: Path, bars: int, track: int | None, progress: Progress, **given: Any) -> Piece:
    """Write the next bars of a part."""
    between("bars", bars, 1, MAX_BARS)
    heard = context.listen(path, track)
    ask, chords, per_bar = context.ask(heard, bars, given, from_bar=heard.bars)
    made = context.extend(heard, ask, chords, per_bar, progress)
    return play.piece(ask, [made], chords, per_bar, style=heard.role)


def infill(
    path: Path,
    first_bar: int,
    last_bar: int,
    track: int | None,
    *,
    candidates: int,
    progress: Progress,
    **given: Any,
) -> Piece:
    """Replace bars of a part."""
    heard = context.listen(path, track)
    if not 1 <= first_bar <= last_bar <= heard.bars:
        raise ValueError(f"first_bar, last_bar: {first_bar} to {last_bar}; must be within 1 to {heard.bars}")
    play.check_count(candidates)
    ask, chords, per_bar = context.ask(heard, heard.bars, given, from_bar=0)
    made = context.fill(
        heard, ask, chords, per_bar, (first_bar - 1, last_bar), candidates=candidates, progress=progress
    )
    return play.piece(ask, [made], chords, per_bar, style=heard.role)


def humanized(
    path: Path, style: str | None, timing: float, loudness: float, *, swing: float, seed: int | None
) -> Piece:
    """Give a file a drummer's feel."""
    for field, value in (("timing", timing), ("loudness", loudness)):
        between(field, value, 0, 1)
    score = read(path)
    notes = [note for part in score.parts for note in part.notes]
    if not notes:
        raise ValueError("path: the file has no notes")
    end = max(score.quarters, *(note.end for note in notes))
    bars = max(1, -int(-end // score.quarters_per_bar))
    heard = context.frame_of(score, bars)
    ask = play.asked(bars=1, tempo=120, swing=swing, style=style, seed=seed)
    ask = replace(ask, frame=heard)
    name = ask.pattern.name if ask.pattern else None
    parts = []
    for index, part in enumerate(score.parts):
        rng = np.random.Generator(
            np.random.Philox(np.random.SeedSequence([ask.seed, play.STREAMS["feel"], index]))
        )
        straight = feel.swung(part.notes, swing, bool(ask.pattern and ask.pattern.eighths))
        if part.drums:
            shaped = feel.drums(straight, heard, name, rng, timing=timing, loudness=loudness)
        else:
            shaped = feel.pitched(straight, heard, rng, timing=timing, loudness=loudness)
        parts.append(replace(part, notes=shaped))
    made = play.piece(ask, [Written(part, None, None) for part in parts], style=style)
    # The file's own tempi and signatures, where it changes them.
    tempi, signatures = score.tempi, score.signatures
    midi_bytes = write(Score(tuple(parts), tempi, signatures, heard.quarters))
    return replace(made, midi_base64=base64.b64encode(midi_bytes).decode("ascii"), steered_by=None)


def accompany(path: Path | None, track: int | None, progress: Progress, **given: Any) -> Piece:
    """Write the parts around a melody, or all of them over chords."""
    style = given.pop("style")
    fixed = {field: given.pop(field) for field in ("bars", "tempo", "time_signature")}
    if path is None:
        if given["chords"] is None:
            raise ValueError("path, chords: one of them must be given")
        ask = play.asked(
            bars=fixed["bars"] or 8,
            tempo=fixed["tempo"] or 120,
            time_signature=fixed["time_signature"] or "4/4",
            style=style,
            **given,
        )
        melody: Written | None = None
        chords: Sequence[Any] = ask.chords
        per_bar, by = ask.slots_per_bar, None
    else:
        heard = context.listen(path, track)
        if heard.role == "drums":
            raise ValueError("path: the part is drums; a melody is needed (name it with track)")
        bars = min(fixed["bars"] or heard.bars, MAX_BARS)
        ask, _, _ = context.ask(heard, bars, given, from_bar=0)
        ask = replace(ask, pattern=styles.find(style) if style else None)
        ask = replace(ask, swing=ask.pattern.swing if ask.pattern else None)
        end = ask.frame.quarters
        kept = tuple(
            replace(n, duration=min(n.duration, end - n.start)) for n in heard.part.notes if n.start < end
        )
        melody = Written(Part("melody", kept, heard.part.program), None, None)
        found, per_bar, by, _ = play.write_chords(ask, 1, progress, context.pull_of(kept, ask.frame))
        chords = found[0]
    if melody is None:
        melody = play.write_line(ask, "melody", chords, per_bar, 1, progress=progress)[0]
    bass = play.write_line(ask, "bass", chords, per_bar, 1, progress=progress)[0]
    kit = play.write_drums(ask, 1, progress)[0]
    voiced = play.write_harmony(ask, chords, per_bar, None)
    return play.piece(ask, [melody, voiced, bass, kit], chords, per_bar, style=style, chords_by=by)


def warm_up() -> None:
    """Load the shipped models and play one bar of each."""
    silent_seed = 0
    for part in PARTS:
        try:
            midi(
                part,
                lambda fraction, stage: None,
                tempo=120,
                bars=1,
                temperature=1.0,
                key=None,
                scale=None,
                chords=None,
                time_signature="4/4",
                density=0.5,
                swing=None,
                low=None,
                high=None,
                seed=silent_seed,
                model=None,
            )
        except NotInstalledError:
            # A worker without a model still serves the others; the request that needs it is told.
            continue


def _best(written: Sequence[Written]) -> list[Written]:
    """Drop doubles and rank by likelihood."""
    unlike: dict[tuple[tuple[float, int], ...], Written] = {}
    for one in written:
        unlike.setdefault(tuple((note.start, note.pitch) for note in one.part.notes), one)
    return sorted(unlike.values(), key=lambda one: -(one.log_likelihood or 0.0))
