"""Styles of drumming, as patterns that prime and steer the model; none is ever played as it stands.

A pattern is one bar of chances (`patterns`). The model hears two bars drawn from these chances before the
first one, and is drawn towards them while it plays, so that results differ, fills occur and the style stays.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from engines.generate.patterns import PATTERNS
from engines.generate.theory import nearest

_CHANCE: Final = {"X": 0.97, "x": 0.85, "o": 0.5, "-": 0.15, ".": 0.02}
_DRUMS: Final = ("kick", "snare", "hat", "open", "low", "mid", "high", "crash", "ride")
_NEVER: Final = 0.004


@dataclass(frozen=True)
class Pattern:
    """One bar of a style.

    Attributes
    ----------
    name
        As it is asked for.
    chances
        Shape (16, 9), in (0, 1).
    swing
        Share of a full triplet that the style's off-beats are late by.
    eighths
        Whether eighths swing (jazz, blues, shuffle) rather than sixteenths.
    """

    name: str
    chances: npt.NDArray[np.float64]
    swing: float = 0.0
    eighths: bool = False

    def over(self, steps_per_bar: int) -> npt.NDArray[np.float64]:
        """Return the chances of a bar of any length, shape (steps_per_bar, 9).

        A shorter bar takes as much of the bar of sixteen as it has; a longer one goes on from its middle.
        """
        if steps_per_bar == 16:
            return self.chances
        places = np.arange(steps_per_bar)
        return self.chances[np.where(places < 16, places, 8 + places % 8)]


def find(name: str) -> Pattern:
    """Return a style by name; blanks, dashes and case do not matter.

    Raises
    ------
    ValueError
        If there is none; the message names the nearest ones.
    """
    wanted = "".join(letter for letter in name.lower() if letter.isalnum())
    if wanted not in _BY_NAME:
        raise ValueError(f"style: {name[:40]!r}; {nearest(name.lower(), STYLES)}")
    return _BY_NAME[wanted]


def _read(table: str) -> Iterator[Pattern]:
    """Read the table of patterns, as `patterns` describes it."""
    for block in re.split(r"\n(?! )", table.strip()):
        head, *rows = block.splitlines()
        name, _, late = head.partition(", swing ")
        amount, _, unit = late.partition(" of ")
        chances = np.full((16, len(_DRUMS)), _NEVER)
        for row in rows:
            drum, _, marks = row.strip().partition(" ")
            chances[:, _DRUMS.index(drum)] = [_CHANCE[mark] for mark in marks.replace(" ", "")]
        yield Pattern(name, chances, float(amount or 0), unit == "eighths")


_ALL: Final = tuple(_read(PATTERNS))
STYLES: Final = tuple(pattern.name for pattern in _ALL)
_ALIASES: Final = {
    "dnb": "drum and bass",
    "drumnbass": "drum and bass",
    "drumbass": "drum and bass",  # drum & bass
    "edm": "house",
    "dance": "house",
    "rap": "hiphop",
    "rnb": "soul",
    "bossanova": "bossa",
    "ukgarage": "garage",
    "lofihiphop": "lofi",
    "neworleans": "new orleans",
    "rockandroll": "rock",
    "indie": "rock",
}
_BY_NAME: Final = {"".join(c for c in pattern.name if c.isalnum()): pattern for pattern in _ALL} | {
    alias: next(pattern for pattern in _ALL if pattern.name == name) for alias, name in _ALIASES.items()
}
# What steers a metre the model hardly heard in training, where no style is asked for.
METRES: Final = {(3, 4): "waltz", (6, 8): "6/8", (12, 8): "6/8", (9, 8): "6/8"}
