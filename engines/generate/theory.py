"""Keys, scales and chords: the words of a request turned into pitch classes.

Conventions: pitch classes are 0 to 11 with C = 0; a set of pitch classes is a `frozenset`. Everything a model
is conditioned on or masked by comes from here.
"""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

NOTE_NAMES: Final = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_LETTERS: Final = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}

# Semitones above the tonic. The seven modes in church order, then the scales that are not modes of the major
# scale.
SCALES: Final[dict[str, tuple[int, ...]]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "melodic minor": (0, 2, 3, 5, 7, 9, 11),
    "phrygian dominant": (0, 1, 4, 5, 7, 8, 10),
    "major pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
    "major blues": (0, 2, 3, 4, 7, 9),
    "whole tone": (0, 2, 4, 6, 8, 10),
    "diminished": (0, 2, 3, 5, 6, 8, 9, 11),
    "chromatic": tuple(range(12)),
}
_SCALE_ALIASES: Final = {
    "ionian": "major",
    "aeolian": "minor",
    "maj": "major",
    "min": "minor",
    "natural minor": "minor",
    "pentatonic": "major pentatonic",
    "pentatonic major": "major pentatonic",
    "pentatonic minor": "minor pentatonic",
    "minor blues": "blues",
    "octatonic": "diminished",
    "wholetone": "whole tone",
}

# Chord qualities as lead sheets and Harte's syntax (Harte et al., ISMIR 2005) spell them, in semitones above
# the root.
_QUALITIES: Final[tuple[tuple[str, tuple[int, ...]], ...]] = (
    ("|maj|M|Δ", (0, 4, 7)),
    ("m|min|-|mi", (0, 3, 7)),
    ("aug|+", (0, 4, 8)),
    ("dim|o|°", (0, 3, 6)),
    ("7|dom7|dom", (0, 4, 7, 10)),
    ("maj7|M7|Δ7|ma7|j7", (0, 4, 7, 11)),
    ("m7|min7|-7|mi7", (0, 3, 7, 10)),
    ("dim7|o7|°7", (0, 3, 6, 9)),
    ("aug7|+7|7#5", (0, 4, 8, 10)),
    ("7b5", (0, 4, 6, 10)),
    ("m7b5|min7b5|-7b5|hdim7|hdim|ø|ø7|/o|/o7", (0, 3, 6, 10)),
    ("mmaj7|minmaj7|mM7|minM7|m(maj7)|-maj7|-M7", (0, 3, 7, 11)),
    ("6|maj6|M6", (0, 4, 7, 9)),
    ("m6|min6|-6", (0, 3, 7, 9)),
    ("9", (0, 4, 7, 10, 2)),
    ("7b9", (0, 4, 7, 10, 1)),
    ("7#9", (0, 4, 7, 10, 3)),
    ("maj9|M9", (0, 4, 7, 11, 2)),
    ("m9|min9|-9", (0, 3, 7, 10, 2)),
    ("6/9|69|maj6/9", (0, 4, 7, 9, 2)),
    ("add9|maj(9)|add2", (0, 4, 7, 2)),
    ("madd9|min(9)|m(add9)", (0, 3, 7, 2)),
    ("11", (0, 4, 7, 10, 2, 5)),
    ("maj11|M11", (0, 4, 7, 11, 2, 5)),
    ("m11|min11|-11", (0, 3, 7, 10, 2, 5)),
    ("13", (0, 4, 7, 10, 2, 5, 9)),
    ("maj13|M13", (0, 4, 7, 11, 2, 5, 9)),
    ("m13|min13|-13", (0, 3, 7, 10, 2, 5, 9)),
    ("sus2", (0, 2, 7)),
    ("sus4|sus", (0, 5, 7)),
    ("7sus4|7sus|sus7|sus4(b7)|sus4(b7,9)", (0, 5, 7, 10)),
    ("ped|1", (0,)),
    ("5|no3", (0, 7)),
)
_INTERVALS: Final = {name: tones for names, tones in _QUALITIES for name in names.split("|")}
# Harte writes a bass as a degree of the chord: "C:maj/3".
_DEGREES: Final = {"1": 0, "2": 2, "3": 4, "4": 5, "5": 7, "6": 9, "7": 11, "9": 2, "11": 5, "13": 9}
_NO_CHORD: Final = frozenset({"N", "N.C.", "NC", "X", "n.c."})
_CHORD: Final = re.compile(
    r"^([A-G])([#b♯♭]{0,2})(:?)(.*?)"  # root, then the quality
    r"(?:/([#b♯♭]{0,2}\d{1,2}|[A-G][#b♯♭]{0,2}))?$"  # a bass as degree or note
)


@dataclass(frozen=True)
class Chord:
    """A chord as the models hear it: root, bass, and which pitch classes sound.

    Attributes
    ----------
    symbol
        As it was written, or as `spell` writes it.
    root, bass
        Pitch classes; -1 for "no chord".
    tones
        Pitch classes of the chord; empty for "no chord".
    """

    symbol: str
    root: int
    bass: int
    tones: frozenset[int]

    def transposed(self, semitones: int) -> "Chord":
        """Return the same chord `semitones` higher, spelled anew."""
        if self.root < 0:
            return self
        root, bass = (self.root + semitones) % 12, (self.bass + semitones) % 12
        tones = frozenset((tone + semitones) % 12 for tone in self.tones)
        return Chord(spell(root, tones, bass), root, bass, tones)


NO_CHORD: Final = Chord("N.C.", -1, -1, frozenset())


def pitch_class(name: str, field: str = "key") -> int:
    """Return the pitch class of a note name such as `C`, `F#` or `Bb`.

    Raises
    ------
    ValueError
        If `name` is not a letter from A to G with at most two accidentals.
    """
    match = re.fullmatch(r"\s*([A-Ga-g])([#b♯♭]{0,2})\s*", name)
    if not match:
        raise ValueError(
            f"{field}: {name[:40]!r}; must be a note name such as C, F# or Bb (the mode goes into scale)"
        )
    return _accidentals(_LETTERS[match[1].upper()], match[2])


def scale_name(name: str) -> str:
    """Return the table's own spelling of a scale: `"Harmonic_Minor"` is `"harmonic minor"`.

    Raises
    ------
    ValueError
        If there is no such scale; the message names the nearest ones.
    """
    wanted = re.sub(r"[\s_-]+", " ", name.strip().lower())
    wanted = _SCALE_ALIASES.get(wanted, wanted)
    if wanted not in SCALES:
        raise ValueError(f"scale: {name[:40]!r}; {nearest(wanted, [*SCALES, *_SCALE_ALIASES])}")
    return wanted


def scale_tones(key: str, scale: str) -> frozenset[int]:
    """Return the pitch classes of a scale on a tonic."""
    tonic = pitch_class(key)
    return frozenset((tonic + step) % 12 for step in SCALES[scale_name(scale)])


def nearest(wanted: str, known: Iterable[str]) -> str:
    """Say which names come close to a name that is not known, for an error message."""
    names = list(known)
    close = difflib.get_close_matches(wanted, names, n=3, cutoff=0.5)
    named = sorted(filter(None, names))  # a triad's quality is written as nothing
    return f"did you mean {' or '.join(close)}?" if close else f"must be one of {', '.join(named)}"


@lru_cache(maxsize=1024)
def parse_chord(symbol: str) -> Chord:
    """Read one chord symbol, lead-sheet (`F#m7b5/A`) or Harte (`F#:hdim7/b3`).

    Raises
    ------
    ValueError
        If the root or the quality is not known; the message names near qualities.
    """
    text = symbol.strip()
    if text in _NO_CHORD:
        return NO_CHORD
    match = _CHORD.match(text) if len(text) <= 24 else None
    if not match:
        raise ValueError(f"chords: {symbol[:40]!r}; must be chord symbols such as C, Am7, F#:min or G7/B")
    letter, accidentals, _, quality, bass_text = match.groups()
    if bass_text and quality + "/" + bass_text in _INTERVALS:  # 6/9 is a quality, not a bass
        quality, bass_text = quality + "/" + bass_text, None
    quality = quality.strip()
    if quality not in _INTERVALS and quality.startswith("(") and quality.endswith(")"):
        quality = quality[1:-1]
    if quality not in _INTERVALS:
        raise ValueError(
            f"chords: {symbol[:40]!r}; the quality {quality!r} is not known: {nearest(quality, _INTERVALS)}"
        )
    root = _accidentals(_LETTERS[letter], accidentals)
    tones = frozenset((root + step) % 12 for step in _INTERVALS[quality])
    bass = root
    if bass_text and bass_text[0] in _LETTERS:
        bass = _accidentals(_LETTERS[bass_text[0]], bass_text[1:])
    elif bass_text:
        degree = bass_text.lstrip("#b♯♭")
        if degree not in _DEGREES:
            raise ValueError(
                f"chords: {symbol[:40]!r}; the bass {bass_text!r} must be a note or a degree from 1 to 13"
            )
        bass = _accidentals((root + _DEGREES[degree]) % 12, bass_text[: -len(degree)])
    return Chord(text, root, bass, tones | {bass})


def spell(root: int, tones: frozenset[int], bass: int | None = None) -> str:
    """Write a chord as a lead sheet does, its bass behind a slash where it is not the root."""
    relative = frozenset((tone - root) % 12 for tone in tones)
    without_bass = relative if bass is None else relative - {(bass - root) % 12}
    names = {frozenset(steps): name.split("|")[0] for name, steps in reversed(_QUALITIES)}
    quality = names.get(
        relative, names.get(without_bass | {0}, "m" if 3 in relative and 4 not in relative else "")
    )
    slash = "" if bass is None or bass == root else "/" + NOTE_NAMES[bass]
    return NOTE_NAMES[root] + quality + slash


def progression(text: str, bars: int, slots_per_bar: int = 2) -> list[Chord]:
    """Lay chord symbols over bars: one a bar, or as the bar lines in the text say; repeated until the end.

    Parameters
    ----------
    text
        Symbols between blanks or commas; with `|` between bars, the symbols inside one bar share it.
    bars
        How many bars to fill.
    slots_per_bar
        How many entries each bar gets in the result.

    Returns
    -------
    list of Chord
        `bars * slots_per_bar` chords.

    Raises
    ------
    ValueError
        If there is no symbol, one is not known, there are over 1,024, or a bar holds more than
        `slots_per_bar`.
    """
    if len(text) > 8192:
        raise ValueError(f"chords: {len(text)} characters; must be at most 8192")
    groups = (
        [part.replace(",", " ").split() for part in text.strip().strip("|").split("|")]
        if "|" in text
        else [[symbol] for symbol in text.replace(",", " ").split()]
    )
    if not groups or not all(groups):
        raise ValueError(f"chords: {text[:40]!r}; must be chord symbols such as 'C Am F G' or 'C | Am F | G'")
    if sum(map(len, groups)) > 1024:
        raise ValueError(f"chords: {sum(map(len, groups))} symbols; must be at most 1024")
    if max(map(len, groups)) > slots_per_bar:
        raise ValueError(f"chords: {max(map(len, groups))} in one bar; must be at most {slots_per_bar}")
    slots = [
        parse_chord(group[slot * len(group) // slots_per_bar])
        for group in groups
        for slot in range(slots_per_bar)
    ]
    return [slots[i % len(slots)] for i in range(bars * slots_per_bar)]


def _accidentals(pitch: int, marks: str) -> int:
    return (pitch + sum(1 if mark in "#♯" else -1 for mark in marks)) % 12
