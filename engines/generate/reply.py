"""Parts put together as a reply: the MIDI file, the notes, what is measured on them."""

import base64
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean as mean

from engines._notes import Part, Score, write
from engines.generate import harmonies
from engines.generate.play import Asked, Written
from engines.generate.request import Frame
from engines.generate.result import Alternative, Facts, ModelUsed, Piece, Track
from engines.generate.theory import Chord


def piece(
    ask: Asked,
    written: Sequence[Written],
    chords: Sequence[Chord] = (),
    slots_per_bar: int = harmonies.SLOTS_PER_BAR,
    *,
    style: str | None = None,
    chords_by: ModelUsed | None = None,
) -> Piece:
    """Put parts together as a reply."""
    parts = tuple(w.part for w in written)
    fixed = ask.frame
    score = Score(parts, ((0.0, fixed.tempo),), ((0.0, fixed.numerator, fixed.denominator),), fixed.quarters)
    models = tuple(dict.fromkeys(m for m in (*(w.model for w in written), chords_by) if m))
    pitched = any(not part.drums for part in parts)
    judged = [w.judgement for w in written if w.judgement is not None]
    return Piece(
        status="success",
        midi_base64=base64.b64encode(write(score)).decode("ascii"),
        style=style,
        tempo=fixed.tempo,
        bars=fixed.bars,
        time_signature=f"{fixed.numerator}/{fixed.denominator}",
        key=fixed.key if pitched else None,
        scale=fixed.scale if pitched else None,
        chords=_by_bar(chords, slots_per_bar) if pitched else (),
        tracks=tuple(Track(part.name, part.program, part.drums, part.notes) for part in parts),
        seed=ask.seed,
        models=models,
        steered_by=next((w.steered_by for w in written if w.steered_by), None),
        facts=facts(fixed, parts, chords, slots_per_bar),
        log_likelihood=mean(j.log_likelihood for j in judged) if judged else None,
        surprise=mean(j.surprise for j in judged) if judged else None,
    )


def together(pieces: Sequence[Piece]) -> Piece:
    """Return the first of several answers, with the others that are unlike it and each other."""
    first, *others = unlike(pieces)
    return replace(
        first,
        alternatives=tuple(
            Alternative(
                other.midi_base64,
                other.chords,
                other.tracks,
                other.facts,
                other.log_likelihood,
                other.surprise,
            )
            for other in others
        ),
    )


def unlike(pieces: Sequence[Piece]) -> list[Piece]:
    """Drop pieces that have the same notes as an earlier one."""
    kept: dict[tuple[tuple[float, int], ...], Piece] = {}
    for one in pieces:
        notes = tuple((note.start, note.pitch) for track in one.tracks for note in track.notes)
        kept.setdefault(notes, one)
    return list(kept.values())


def facts(fixed: Frame, parts: Sequence[Part], chords: Sequence[Chord], slots_per_bar: int) -> Facts:
    """Measure notes."""
    every = [note for part in parts for note in part.notes]
    pitched = [note for part in parts if not part.drums for note in part.notes]
    bar = fixed.quarters / fixed.bars
    strong = []
    for note in pitched:
        step = round(note.start * 4)
        if step % fixed.steps_per_bar in fixed.strong and chords:
            slot = min(len(chords) - 1, int(step / fixed.steps_per_bar * slots_per_bar + 1e-6))
            if chords[slot].root >= 0:
                strong.append(note.pitch % 12 in chords[slot].tones)
    sounding = {int(note.start / bar + 1e-6) for note in every}
    return Facts(
        bars=fixed.bars,
        notes=len(every),
        notes_per_bar=len(every) / fixed.bars,
        in_key_rate=sum(n.pitch % 12 in fixed.tones for n in pitched) / len(pitched) if pitched else None,
        chord_tone_rate=sum(strong) / len(strong) if strong else None,
        empty_bars=fixed.bars - len(sounding & set(range(fixed.bars))),
    )


def _by_bar(chords: Sequence[Chord], slots_per_bar: int) -> tuple[str, ...]:
    bars = []
    for start in range(0, len(chords), slots_per_bar):
        here = [chord.symbol for chord in chords[start : start + slots_per_bar]]
        bars.append(" ".join(symbol for i, symbol in enumerate(here) if i == 0 or symbol != here[i - 1]))
    return tuple(bars)
