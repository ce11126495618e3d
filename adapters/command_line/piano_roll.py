"""The piano roll of a generated piece: what is drawn, and how it is drawn in a terminal.

A column is a sixteenth, a row a pitch (or a drum), a full block the start of a note and a shaded one what it
holds on. Bars wrap into as many lines as the width needs. `picture_file.py` draws the same as a picture.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from adapters.command_line.terminal import width

_STEPS_PER_QUARTER: Final = 4
_LABEL: Final = 9  # columns for a note's or drum's name
_WITHOUT_TERMINAL: Final = 100
_NAMES: Final = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
# General MIDI's percussion key map (MMA, "General MIDI System Level 1"), those that are common.
_DRUMS: Final = {
    35: "kick 2",
    36: "kick",
    37: "sidestk",
    38: "snare",
    39: "clap",
    40: "snare 2",
    41: "tom lo2",
    42: "hat",
    43: "tom lo",
    44: "hat ped",
    45: "tom mi2",
    46: "hat open",
    47: "tom mid",
    48: "tom hi2",
    49: "crash",
    50: "tom hi",
    51: "ride",
    52: "china",
    53: "bell",
    54: "tambour",
    55: "splash",
    56: "cowbell",
    57: "crash 2",
    59: "ride 2",
    60: "bongo hi",
    61: "bongo lo",
    62: "conga mu",
    63: "conga hi",
    64: "conga lo",
    69: "cabasa",
    70: "maracas",
    75: "claves",
}


@dataclass(frozen=True)
class Mark:
    """One note, in quarter notes from the first bar line."""

    start: float
    duration: float
    pitch: int
    velocity: int


@dataclass(frozen=True)
class Roll:
    """One part of a piece, ready to be drawn.

    Attributes
    ----------
    title
        What is written over it.
    drums
        Whether pitches are drums.
    marks
        Its notes.
    bars
        How many, all of one length.
    quarters_per_bar
        That length.
    chords
        What is played over each bar; empty where that is not said.
    """

    title: str
    drums: bool
    marks: tuple[Mark, ...]
    bars: int
    quarters_per_bar: float
    chords: tuple[str, ...]

    @property
    def pitches(self) -> list[int]:
        """The rows, from the top: of drums those that are played, else every pitch of the range."""
        used = sorted({mark.pitch for mark in self.marks}, reverse=True)
        return used if self.drums or not used else list(range(used[0], used[-1] - 1, -1))

    def label(self, pitch: int) -> str:
        """Name a row; middle C is C4."""
        if self.drums:
            return _DRUMS.get(pitch, str(pitch))
        return f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"


def rolls(piece: Mapping[str, Any]) -> list[Roll]:
    """Read the parts off an answer of `generate.*`."""
    numerator, denominator = (int(part) for part in piece["time_signature"].split("/"))
    key = f", {piece['key']} {piece['scale']}" if piece.get("key") else ""
    told = f"{piece['tempo']:g} BPM, {piece['time_signature']}, seed {piece['seed']}"
    return [
        Roll(
            f"{_named(track)}{key if not track['drums'] else ''}, {told}",
            track["drums"],
            tuple(Mark(n["start"], n["duration"], n["pitch"], n["velocity"]) for n in track["notes"]),
            piece["bars"],
            numerator * 4 / denominator,
            () if track["drums"] else tuple(piece.get("chords", ())),
        )
        for track in piece["tracks"]
    ]


def _named(track: Mapping[str, Any]) -> str:
    """Return what a part is called; files often leave that out."""
    return str(track["name"] or ("drums" if track["drums"] else "part"))


@dataclass(frozen=True)
class _Ink:
    """The characters a roll is drawn with, and how a note and the grid are coloured."""

    start: str
    hold: str
    soft: str
    beat: str
    bar: str
    note: tuple[str, str] = ("", "")
    grid: tuple[str, str] = ("", "")


def text(roll: Roll) -> Iterator[str]:
    """Draw a roll in lines that fit the terminal, coloured only where that is one."""
    ink = _ink()
    columns = width() if sys.stdout.isatty() else _WITHOUT_TERMINAL
    steps = round(roll.quarters_per_bar * _STEPS_PER_QUARTER)
    in_line = max(1, (columns - _LABEL - 1) // (steps + 1))
    yield roll.title
    if not roll.marks:
        yield "(no notes)"
        return
    grid = {pitch: _row(roll, pitch, steps, ink) for pitch in roll.pitches}
    for first in range(0, roll.bars, in_line):
        bars = range(first, min(first + in_line, roll.bars))
        yield ""
        yield (" " * _LABEL + "".join(_heading(roll, bar, steps) for bar in bars)).rstrip()
        for pitch, row in grid.items():
            cells = ink.bar.join("".join(row[bar * steps : (bar + 1) * steps]) for bar in bars)
            yield _coloured(f"{roll.label(pitch):<{_LABEL - 1}.{_LABEL - 1}}{ink.bar}{cells}{ink.bar}", ink)


def _row(roll: Roll, pitch: int, steps: int, ink: _Ink) -> list[str]:
    cells = [" "] * (roll.bars * steps)
    for beat in range(0, len(cells), _STEPS_PER_QUARTER):
        cells[beat] = ink.beat
    held = [mark for mark in roll.marks if mark.pitch == pitch]
    if not roll.drums:
        for mark in held:
            start, end = (round(t * _STEPS_PER_QUARTER) for t in (mark.start, mark.start + mark.duration))
            for step in range(start, min(end, len(cells))):
                cells[step] = ink.hold
    for mark in held:
        step = min(len(cells) - 1, round(mark.start * _STEPS_PER_QUARTER))
        cells[step] = ink.soft if roll.drums and mark.velocity < 64 else ink.start
    return cells


def _heading(roll: Roll, bar: int, steps: int) -> str:
    chord = f" {roll.chords[bar]}" if bar < len(roll.chords) else ""
    return f"{bar + 1}{chord}"[:steps].ljust(steps + 1)


def _ink() -> _Ink:
    try:
        "█▒▓·│".encode(sys.stdout.encoding or "ascii")
        ink = _Ink("█", "▒", "▓", "·", "│")
    except UnicodeEncodeError:
        ink = _Ink("#", "=", "x", ".", "|")
    plain = not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    if plain:
        return ink
    cyan, dim, end = "\x1b[36m", "\x1b[2m", "\x1b[0m"
    return _Ink(ink.start, ink.hold, ink.soft, ink.beat, ink.bar, (cyan, end), (dim, end))


def _coloured(line: str, ink: _Ink) -> str:
    """Colour the runs of a line that are notes, and those that are grid."""
    if not ink.note[0]:
        return line
    label, drawn = line[: _LABEL - 1], line[_LABEL - 1 :]
    return label + "".join(_runs(drawn, ink))


def _runs(drawn: str, ink: _Ink) -> Iterator[str]:
    notes: Sequence[str] = (ink.start, ink.hold, ink.soft)
    run = ""
    for here, following in zip(drawn, [*drawn[1:], ""], strict=True):
        run += here
        if not following or (here in notes) != (following in notes):
            before, after = ink.note if here in notes else ink.grid
            yield f"{before}{run}{after}"
            run = ""
