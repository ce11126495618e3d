"""Music that is already there: what a file or some notes play, and the request that makes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engines._notes import Note, Part, Score, read
from engines.generate import harmonies, play
from engines.generate.hearing import chords_of, key_of
from engines.generate.play import Asked
from engines.generate.request import (
    MAX_BARS,
    STEPS_PER_QUARTER,
    TEMPO_RANGE,
    Frame,
    between,
    check_notes,
    read_signature,
)
from engines.generate.theory import NO_CHORD, Chord, scale_tones

_FIT: Final = 3.0  # nats between a triad that holds all of a slot's melody and one that holds none


@dataclass(frozen=True)
class Given:
    """What a request hands over: a file, or notes in its place, and what is to hold instead of what it says.

    Attributes
    ----------
    path, notes
        One of them; `drums` says whether the notes are drums.
    track
        Which part of a file, counted from 1; None for the first that is not drums.
    tempo, time_signature
        In place of the file's own; notes are at 120 BPM in 4/4 where they are not given.
    """

    path: Path | None = None
    notes: tuple[Note, ...] | None = None
    drums: bool = False
    track: int | None = None
    tempo: float | None = None
    time_signature: str | None = None

    def __bool__(self) -> bool:
        """Whether anything is handed over at all."""
        return self.path is not None or self.notes is not None

    @property
    def field(self) -> str:
        """The parameter it came in, for messages."""
        return "path" if self.path is not None else "notes"

    def score(self) -> Score:
        """Read it; a pick-up becomes a whole bar.

        Raises
        ------
        ValueError
            If neither or both are given, or it has no notes.
        UndecodableError, TooLongError
            If the file is no MIDI file, is damaged, or too large.
        """
        if (self.path is None) == (self.notes is None):
            came = "neither" if self.path is None else "both"
            raise ValueError(f"path, notes: {came}; must be one of them")
        if self.path is not None:
            score = read(self.path).in_whole_bars()
        else:
            notes = tuple(sorted(self.notes or ()))
            check_notes(notes)
            part = Part("drums" if self.drums else "notes", notes, drums=self.drums)
            score = Score((part,), quarters=max(note.end for note in notes))
        if not score.parts:
            raise ValueError(f"{self.field}: the file has no notes")
        if self.tempo is not None:
            between("tempo", self.tempo, *TEMPO_RANGE, unit=" BPM")
            score = replace(score, tempi=((0.0, float(self.tempo)),))
        if self.time_signature is not None:
            score = replace(score, signatures=((0.0, *read_signature(self.time_signature)),))
        return score


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


def listen(given: Given, bars: int | None = None) -> Heard:
    """Read what is handed over, choose a part of it, and say how many bars it has, or is to have.

    Raises
    ------
    ValueError
        If it has no notes, no such track, over 256 bars, more than `bars`, or a bar that is not a whole
        number of sixteenths.
    UndecodableError, TooLongError
        If it is no MIDI file.
    """
    score = given.score()
    track = given.track
    if track is not None and track > len(score.parts):
        raise ValueError(f"track: {track}; the file has {len(score.parts)} with notes")
    if track is not None:
        part = score.parts[track - 1]
    else:
        part = next((part for part in score.parts if not part.drums), score.parts[0])
    heard_bars = bars_of([part], score)
    if heard_bars > MAX_BARS:
        raise ValueError(f"{given.field}: {heard_bars} bars; must be at most {MAX_BARS}")
    frame_of(score, heard_bars)
    pitched = tuple(note for other in score.parts if not other.drums for note in other.notes)
    mean = sum(note.pitch for note in part.notes) / len(part.notes)
    role = "drums" if part.drums else "bass" if mean < 48 or 32 <= part.program <= 39 else "melody"
    return Heard(part, role, wide_enough(heard_bars, bars), score, pitched)


def bars_of(parts: Sequence[Part], score: Score) -> int:
    """Return how many bars some parts take; a drum's length counts for nothing."""
    end = max(note.start + 1e-3 if part.drums else note.end for part in parts for note in part.notes)
    return max(1, -int(-(end - 1e-6) // score.quarters_per_bar))


def wide_enough(there: int, bars: int | None) -> int:
    """Return the length asked for, or what is there.

    Raises
    ------
    ValueError
        If what is there takes more bars than asked for.
    """
    if bars is None:
        return there
    between("bars", bars, 1, MAX_BARS)
    if bars < there:
        raise ValueError(f"bars: {bars}; must be at least the {there} that are there")
    return bars


def frame_of(score: Score, bars: int) -> Frame:
    """Return the frame of a file: its first tempo and time signature, and the key its notes are in.

    Raises
    ------
    ValueError
        If its tempo or time signature is none that can be generated.
    """
    _, numerator, denominator = score.signatures[0]
    read_signature(f"{numerator}/{denominator}")
    low, high = TEMPO_RANGE
    if not low <= score.tempo <= high:
        raise ValueError(
            f"tempo: the file's is {score.tempo:.4g} BPM; must be between {low:g} and {high:g} BPM, "
            "so give the one that is meant"
        )
    notes = [note for part in score.parts if not part.drums for note in part.notes]
    key, scale = key_of(notes)
    tones = scale_tones(key, scale) | {note.pitch % 12 for note in notes}
    return Frame(bars, score.tempo, numerator, denominator, key, scale, tones)


def ask(heard: Heard, bars: int, given: Mapping[str, Any], from_bar: int) -> tuple[Asked, list[Chord], int]:
    """Return the request that a file and its parameters make, and the chords of its bars from `from_bar` on.

    Where no chords are given they are those of the file; past its end, those of its last bars again.
    """
    own = frame_of(heard.score, bars)
    key, scale = given.get("key"), given.get("scale")
    if key and not scale and not given.get("chords"):
        scale = _mode(key, heard.pitched)
    if scale and not key:
        key = own.key
    wanted = play.asked(
        bars=bars,
        tempo=own.tempo,
        time_signature=f"{own.numerator}/{own.denominator}",
        **{**given, "key": key, "scale": scale},
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


def _mode(key: str, notes: Sequence[Note]) -> str:
    """Return whichever of major and minor holds more of some notes."""
    return max(
        ("major", "minor"), key=lambda mode: sum(n.pitch % 12 in scale_tones(key, mode) for n in notes)
    )


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
