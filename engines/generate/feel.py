"""Velocity and micro-timing as real drummers play them, learned from the Groove MIDI Dataset.

`bundles/groove.npz` holds, for each group of styles, drum and sixteenth of the bar, the mean and spread of
velocity and of how late a hit is, and how much one hit's deviation carries over to the next.
`training/feel.py` makes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from engines._errors import NotInstalledError
from engines._notes import Note
from engines.generate.drumming import DRUM_OF
from engines.generate.inventory import SHIPPED
from engines.generate.request import STEPS_PER_QUARTER, Frame

GROUPS: Final = ("rock", "funk", "jazz", "hiphop", "latin", "other")
# Which of Groove's groups a style of ours is played like.
_PLAYED_LIKE: Final = {
    "rock": ("rock", "hard rock", "metal", "punk", "pop", "country"),
    "funk": ("funk", "soul", "disco", "new orleans"),
    "hiphop": ("hiphop", "boom bap", "lofi"),
    "jazz": ("jazz", "swing", "blues", "shuffle"),
    "latin": ("latin", "bossa", "samba", "salsa", "reggae", "afrobeat"),
}
_GROUP_OF: Final = {style: group for group, styles in _PLAYED_LIKE.items() for style in styles}
_LATEST: Final = 0.45 / STEPS_PER_QUARTER  # no hit moves half way to the next step


# Plain numbers: looked up one by one, which arrays are slow at.
Table = list[list[float]]


@dataclass(frozen=True)
class Feel:
    """Tables of one group, nine rows of sixteen, and the two carry-overs.

    Attributes
    ----------
    velocity, velocity_spread
        MIDI velocity.
    late, late_spread
        Quarter notes.
    velocity_carry, late_carry
        Correlation of a hit's deviation with the one before it.
    """

    velocity: Table
    velocity_spread: Table
    late: Table
    late_spread: Table
    velocity_carry: float
    late_carry: float


@lru_cache(maxsize=8)
def feel(group: str) -> Feel:
    """Return what was learned of a group of styles.

    Raises
    ------
    NotInstalledError
        If the table is missing or damaged.
    """
    try:
        with np.load(SHIPPED / "groove.npz") as data:
            index = GROUPS.index(group)
            tables = [
                data[name][index].tolist() for name in ("velocity", "velocity_spread", "late", "late_spread")
            ]
            carry = data["carry"][index]
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise NotInstalledError("groove.npz: missing or damaged; reinstall the program") from error
    velocity, velocity_spread, late, late_spread = tables
    return Feel(velocity, velocity_spread, late, late_spread, float(carry[0]), float(carry[1]))


def group_of(style: str | None) -> str:
    """Return the group a style is played like."""
    return _GROUP_OF.get(style or "", "other")


def drums(
    line: Sequence[Note],
    frame: Frame,
    style: str | None,
    rng: np.random.Generator,
    *,
    timing: float,
    loudness: float,
    stray: float = 1.0,
) -> tuple[Note, ...]:
    """Play drum hits as a drummer would.

    Parameters
    ----------
    line
        Hits; where they lie between sixteenths, that stays.
    frame
        Metre and length: nothing moves before the first bar or past the last.
    style
        Whose feel, or None for the mean of all.
    rng
        Draws the deviations.
    timing, loudness
        0 leaves time or velocity alone, 1 is as the drummers played.
    stray
        How far hits stray from their mean: 0 not at all, 1 as the drummers' did.
    """
    table = feel(group_of(style))
    made = []
    before_v = before_t = 0.0
    quarters, steps_per_bar = frame.quarters, frame.steps_per_bar
    fresh_v, fresh_t = (1 - table.velocity_carry**2) ** 0.5, (1 - table.late_carry**2) ** 0.5
    draws = (stray * rng.standard_normal((len(line), 2))).tolist()
    for note, (draw_v, draw_t) in zip(sorted(line), draws, strict=True):
        step = round(note.start * STEPS_PER_QUARTER)
        drum, place = DRUM_OF.get(note.pitch, 2), place_in_bar(step, steps_per_bar)
        before_v = table.velocity_carry * before_v + fresh_v * draw_v
        before_t = table.late_carry * before_t + fresh_t * draw_t
        velocity = table.velocity[drum][place] + 0.7 * before_v * table.velocity_spread[drum][place]
        late = table.late[drum][place] + before_t * table.late_spread[drum][place]
        loud = note.velocity + loudness * (velocity - note.velocity)
        start = note.start + timing * min(_LATEST, max(-_LATEST, late))
        start = min(max(0.0, start), quarters - 1 / 480)
        duration = min(note.duration, quarters - start)
        made.append(Note(start, note.pitch, duration, int(min(127, max(1, round(loud))))))
    return tuple(sorted(made))


def pitched(
    line: Sequence[Note],
    frame: Frame,
    rng: np.random.Generator,
    *,
    timing: float,
    loudness: float,
    stray: float = 1.0,
) -> tuple[Note, ...]:
    """Shape a melody or bass: weight by the place in the bar.

    A rise with the pitch, and a drummer's looseness.

    Notes that start together move together.
    """
    table = feel("other")
    pitches = [note.pitch for note in line]
    middle, spread = (float(np.mean(pitches)), float(np.std(pitches)) or 1.0) if pitches else (0.0, 1.0)
    made = []
    moves: dict[float, tuple[float, float]] = {}
    before = 0.0
    for note in sorted(line):
        place = place_in_bar(round(note.start * STEPS_PER_QUARTER), frame.steps_per_bar)
        if note.start not in moves:
            draw_v, draw_t = (stray * rng.standard_normal(2)).tolist()
            before = table.late_carry * before + (1 - table.late_carry**2) ** 0.5 * draw_t
            moves[note.start] = (5.0 * draw_v, before * table.late_spread[2][place])
        swell, late = moves[note.start]
        weight = 10.0 if place == 0 else 5.0 if place % 4 == 0 else 0.0 if place % 2 == 0 else -5.0
        velocity = 82 + weight + swell + 5.0 * min(1.5, max(-1.5, (note.pitch - middle) / spread))
        loud = note.velocity + loudness * (velocity - note.velocity)
        start = min(max(0.0, note.start + timing * late), frame.quarters - 1 / 480)
        duration = min(note.duration, frame.quarters - start)
        made.append(Note(start, note.pitch, duration, int(min(127, max(1, round(loud))))))
    return tuple(sorted(made))


def place_in_bar(step: int, steps_per_bar: int) -> int:
    """Return the sixteenth of a bar of 4/4 that a step is played like."""
    place = step % steps_per_bar
    return place if place < 16 else 8 + place % 8


def swung(line: Sequence[Note], amount: float, eighths: bool = False) -> tuple[Note, ...]:
    """Delay off-beats: time is stretched before and pressed after the middle of each quarter (or eighth).

    Parameters
    ----------
    line
        Notes on a straight grid.
    amount
        0 straight, 1 a triplet's two to one.
    eighths
        Swing eighths, rather than sixteenths.
    """
    if amount == 0:
        return tuple(line)
    span = 1.0 if eighths else 0.5

    def warp(quarter: float) -> float:
        whole, rest = divmod(quarter / span, 1.0)
        middle = 0.5 + amount / 6
        return (
            whole + (rest * 2 * middle if rest <= 0.5 else middle + (rest - 0.5) * 2 * (1 - middle))
        ) * span

    return tuple(Note(warp(n.start), n.pitch, warp(n.end) - warp(n.start), n.velocity) for n in line)
