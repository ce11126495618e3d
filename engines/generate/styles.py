"""Styles of drumming, as patterns that prime and steer the model; none is ever played as it stands.

A pattern is one bar of sixteen steps for each drum that matters: `X` nearly always, `x` mostly, `o` half the
time, `-` now and then, `.` hardly ever. The model hears two bars drawn from these chances before the first
one, and is drawn towards them while it plays, so that results differ, fills occur and the style stays. They
are authored for this project from what drum tutors teach, because Groove, which the model learned from,
hardly holds electronic music.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

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

        6/8 and 12/8 group by three eighths,
        others take as much of the bar of sixteen as they have, and go on from its middle where they have
        more.
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


def _pattern(name: str, rows: Mapping[str, str], swing: float = 0.0, eighths: bool = False) -> Pattern:
    chances = np.full((16, len(_DRUMS)), _NEVER)
    for drum, marks in rows.items():
        chances[:, _DRUMS.index(drum)] = [_CHANCE[mark] for mark in marks.replace(" ", "")]
    return Pattern(name, chances, swing, eighths)


_ALL: Final = (
    _pattern(
        "rock",
        {
            "kick": "X..- ..-. x.o. ..-.",
            "snare": ".... X... .... X..-",
            "hat": "x.x. x.x. x.x. x.x.",
            "open": "..-. .... .... ..-.",
            "crash": "-... .... .... ....",
        },
    ),
    _pattern(
        "hard rock",
        {
            "kick": "X.x. ..-. x.x. ..-.",
            "snare": ".... X... .... X...",
            "open": "x.x. x.x. x.x. x.x.",
            "crash": "o... .... -... ....",
        },
    ),
    _pattern(
        "metal",
        {
            "kick": "XoXo xoxo XoXo xoxo",
            "snare": ".... X... .... X...",
            "crash": "o... .... .... ....",
            "ride": "x.x. x.x. x.x. x.x.",
        },
    ),
    _pattern(
        "punk",
        {
            "kick": "X... ..x. x.x. ....",
            "snare": ".... X... .... X...",
            "hat": "x.x. x.x. x.x. x.x.",
            "crash": "-... .... .... ....",
        },
    ),
    _pattern(
        "pop",
        {
            "kick": "X... ...- x.x. ...-",
            "snare": ".... X... .... X...",
            "hat": "x.x. x.x. x.x. x.x.",
            "open": ".... .... .... ..o.",
        },
    ),
    _pattern(
        "country",
        {"kick": "X... .... X... ..-.", "snare": "..o. X.o. ..o. X.o.", "hat": "x.x. x.x. x.x. x.x."},
    ),
    _pattern(
        "funk",
        {
            "kick": "X..o ..x. -.X. .o..",
            "snare": ".-.- X..o .o.- X..-",
            "hat": "xoxo xoxo xoxo xoxo",
            "open": ".... .... .... ..o.",
        },
        0.1,
    ),
    _pattern(
        "soul",
        {"kick": "X..- ..x. ..x- ....", "snare": ".... X..- .-.. X...", "hat": "x.x. x.x. x.x. x.x."},
        0.1,
    ),
    _pattern(
        "disco",
        {
            "kick": "X... X... X... X...",
            "snare": ".... X... .... X...",
            "hat": "x.-. x.-. x.-. x.-.",
            "open": "..x. ..x. ..x. ..x.",
        },
    ),
    _pattern(
        "hiphop",
        {"kick": "X..- ...o .ox. ....", "snare": ".... X... .-.. X..-", "hat": "x.x. x.x. x.x. x.x."},
        0.35,
    ),
    _pattern(
        "boom bap",
        {
            "kick": "X.-. ...x ..x. ....",
            "snare": ".... X..- .... X...",
            "hat": "x.x. x.x. x.x. x.x.",
            "open": ".... .... .... ..-.",
        },
        0.45,
    ),
    _pattern(
        "lofi",
        {"kick": "X... ...o ..x. ....", "snare": ".... X... .... X...", "hat": "x.o. x.o. x.o. x.o."},
        0.5,
    ),
    _pattern(
        "trap",
        {
            "kick": "X... ..-x ..o. ..-.",
            "snare": ".... .... X... ....",
            "hat": "xoxo xoxo xoxo xxox",
            "open": ".... ..-. .... ..-.",
        },
    ),
    _pattern(
        "drill", {"kick": "X..- ..x. ...o ..x.", "snare": ".... .... X... ..x.", "hat": "x..x ..x. x..x ..x."}
    ),
    _pattern(
        "jazz",
        {
            "kick": "o... -... o... -..-",
            "snare": "...- .-.. ...- .-..",
            "hat": ".... X... .... X...",
            "ride": "X... X.x. X... X.x.",
        },
        0.9,
        True,
    ),
    _pattern(
        "swing",
        {
            "kick": "x... o... x... o...",
            "snare": ".... -.-. .... -.-.",
            "hat": ".... X... .... X...",
            "ride": "X... X.x. X... X.x.",
        },
        1.0,
        True,
    ),
    _pattern(
        "blues",
        {"kick": "X... ..-. x.o. ....", "snare": ".... X... .... X...", "hat": "X.x. X.x. X.x. X.x."},
        1.0,
        True,
    ),
    _pattern(
        "shuffle",
        {"kick": "X... ..x. X... ..o.", "snare": ".... X... .... X...", "hat": "X.x. X.x. X.x. X.x."},
        1.0,
        True,
    ),
    _pattern(
        "reggae",
        {
            "kick": ".... .... X... ....",
            "snare": ".... .... X... ....",
            "hat": "x.x. x.x. x.x. x.x.",
            "open": ".... .... .... ..-.",
        },
        0.3,
    ),
    _pattern(
        "dub",
        {
            "kick": "-... .... X... ....",
            "snare": ".... .... X..- ....",
            "hat": "x.o. x.x. x.o. x.x.",
            "open": "..-. .... .... ..-.",
        },
        0.3,
    ),
    _pattern(
        "ska", {"kick": "X... .... X... ....", "snare": ".... X... .... X...", "hat": "..X. ..X. ..X. ..X."}
    ),
    _pattern(
        "latin",
        {
            "kick": "X..x ..x. X..x ..x.",
            "snare": "..x. .x.. x..x ..x.",
            "hat": "x.x. x.x. x.x. x.x.",
            "high": ".... .... .... ..o.",
        },
    ),
    _pattern(
        "bossa", {"kick": "X..x X..x X..x X..x", "snare": "X..x ..x. ..x. .x..", "hat": "xxxx xxxx xxxx xxxx"}
    ),
    _pattern(
        "samba",
        {
            "kick": "X..x X..x X..x X..x",
            "snare": "x.xo .x.x o.x. xox.",
            "hat": "..x. ..x. ..x. ..x.",
            "ride": "xoxo xoxo xoxo xoxo",
        },
    ),
    _pattern(
        "salsa",
        {
            "kick": "...x ..x. ...x ..x.",
            "snare": "..x. x... x..x ..x.",
            "ride": "x.x. xx.x .x.x xx.x",
            "high": ".... ..x. .... ..xx",
        },
    ),
    _pattern(
        "reggaeton",
        {"kick": "X... X... X... X...", "snare": "...X ..X. ...X ..X.", "hat": "x.x. x.x. x.x. x.x."},
    ),
    _pattern(
        "afrobeat",
        {
            "kick": "X..o ..x. o.x. ..o.",
            "snare": "..-o X..- .o.x ..o.",
            "hat": "x.xo x.xo x.xo x.xo",
            "open": "..-. .... ..o. ....",
        },
    ),
    _pattern(
        "new orleans",
        {"kick": "X..x ..o. x..o ..x.", "snare": "xoxx oxox xoxx oxox", "hat": ".... x... .... x..."},
        0.4,
    ),
    _pattern(
        "house",
        {
            "kick": "X... X... X... X...",
            "snare": ".... X... .... X...",
            "hat": "-.-- -.-- -.-- -.--",
            "open": "..X. ..X. ..X. ..X.",
        },
    ),
    _pattern(
        "deep house",
        {
            "kick": "X... X... X... X...",
            "snare": ".... x... .... x..-",
            "hat": "-.-o -.-o -.-o -.-o",
            "open": "..x. ..x. ..x. ..x.",
        },
        0.2,
    ),
    _pattern(
        "techno",
        {
            "kick": "X... X... X... X...",
            "snare": ".... o... .... o...",
            "hat": "..x. ..x. ..x. ..x.",
            "ride": "..o. ..o. ..o. ..o.",
            "low": "...- .... .-.. ....",
        },
    ),
    _pattern(
        "trance",
        {
            "kick": "X... X... X... X...",
            "snare": ".... x... .... x...",
            "hat": "xoxo xoxo xoxo xoxo",
            "open": "..X. ..X. ..X. ..X.",
        },
    ),
    _pattern(
        "garage",
        {
            "kick": "X... .... ..x. ..o.",
            "snare": ".... X... .... X..-",
            "hat": "..x. o.x. ..xo .ox.",
            "open": "..x. .... .... ..x.",
        },
        0.5,
    ),
    _pattern(
        "drum and bass",
        {
            "kick": "X... .... ..X. ....",
            "snare": ".... X..- .-.. X...",
            "hat": "x.x. x.x. x.x. x.x.",
            "ride": "o.o. o.o. o.o. o.o.",
        },
    ),
    _pattern(
        "jungle",
        {"kick": "X.x. .... ..xx ....", "snare": ".... X..x .x.. x..x", "hat": "x.x. x.x. x.x. x.x."},
    ),
    _pattern(
        "breakbeat",
        {"kick": "X.x. ..-. ..xx ....", "snare": ".... X..o .o.. X..o", "hat": "x.x. x.x. x.x. x.x."},
    ),
    _pattern(
        "dubstep",
        {
            "kick": "X... ..-. ..-. ...o",
            "snare": ".... .... X... ....",
            "hat": "x.-x ..x. x.-x ..x.",
            "open": ".... .... .... ..-.",
        },
    ),
    _pattern(
        "electro",
        {
            "kick": "X... ..X. ..x. ....",
            "snare": ".... X... .... X...",
            "hat": "xxxx xxxx xxxx xxxx",
            "open": "..-. .... .... ..-.",
        },
    ),
    _pattern(
        "synthwave",
        {
            "kick": "X... X... X... X...",
            "snare": ".... X... .... X...",
            "hat": "xxxx xxxx xxxx xxxx",
            "high": ".... .... .... ..-.",
            "mid": ".... .... .... ...-",
        },
    ),
    _pattern("march", {"kick": "X... x... X... x...", "snare": "X.xx X.xx X.xx X.xx"}),
    _pattern(
        "waltz",
        {
            "kick": "X... .... .... X...",
            "snare": ".... x... x... ....",
            "hat": "x... x... x... x...",
            "ride": "o... o.-. o.-. o...",
        },
        0.3,
        True,
    ),
    _pattern(
        "6/8", {"kick": "X... ..-. .... X...", "snare": ".... ..X. .... ..X.", "hat": "x.x. x.x. x.x. x.x."}
    ),
)
STYLES: Final = tuple(pattern.name for pattern in _ALL)
_ALIASES: Final = {
    "dnb": "drum and bass",
    "drumnbass": "drum and bass",
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
