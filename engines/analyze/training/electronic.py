"""Electronic and band music over the authored drum styles: bass lines, stabs and pads that repeat."""

from dataclasses import dataclass

import numpy as np

from engines.analyze.training.drumming import NOT_IN_FOUR, add_style
from engines.analyze.training.performing import Music, Rng
from engines.generate import styles

BASSES = (33, 34, 36, 38, 38, 39, 39, 80, 81, 87)
STABS = (4, 16, 50, 55, 62, 63, 80, 81, 84, 88, 90, 7, 27, 29, 30)
PADS = (48, 50, 88, 89, 90, 91, 94, 95)
LEADS = (80, 81, 82, 84, 87, 11, 12, 99, 103, 104, 30)
# Tempi in BPM that styles are usually at; others 80 to 140.
TEMPI = {
    "house": (115, 130),
    "deep house": (112, 126),
    "techno": (120, 150),
    "trance": (125, 150),
    "disco": (105, 132),
    "garage": (125, 140),
    "drum and bass": (160, 180),
    "jungle": (155, 178),
    "breakbeat": (110, 150),
    "dubstep": (132, 150),
    "electro": (105, 135),
    "synthwave": (80, 125),
    "trap": (125, 170),
    "drill": (130, 150),
    "hiphop": (75, 105),
    "boom bap": (80, 100),
    "lofi": (65, 95),
    "reggaeton": (85, 105),
    "reggae": (65, 95),
    "dub": (60, 90),
    "ska": (110, 170),
    "punk": (140, 200),
    "metal": (90, 200),
    "hard rock": (90, 170),
    "rock": (85, 165),
    "country": (85, 200),
    "jazz": (100, 230),
    "swing": (110, 220),
    "samba": (85, 120),
    "march": (90, 130),
}
USUAL = (80, 140)
PROGRESSIONS = (
    (0, 0, 0, 0),
    (0, 8, 3, 10),
    (0, 5, 7, 5),
    (0, 0, 5, 5),
    (0, 10, 8, 7),
    (0, 9, 5, 7),
    (0, 3, 0, 10),
)
SECONDS = 40.0


def electronic_music(name: str, rng: Rng, n_bars: int | None = None) -> Music:
    """Write music in bars of four; each part may be missing, but not all."""
    style = str(rng.choice([s for s in styles.STYLES if s not in NOT_IN_FOUR]))
    low, high = TEMPI.get(style, USUAL)
    tempo = float(rng.uniform(low, high))
    if rng.random() < 0.6:
        tempo = float(round(tempo))
    bars = n_bars or max(4, int(SECONDS * tempo / 240))
    music = Music(name, "electronic", 4 * bars, 4, tempo)
    parts = rng.random(4) < (0.8, 0.55, 0.45, 0.3)
    if not parts.any():
        parts[int(rng.integers(4))] = True
    drums, bass, chords, lead = parts
    if drums:
        add_style(music, style, rng)
    tonic, minor = int(rng.integers(12)), rng.random() < 0.7
    roots = PROGRESSIONS[int(rng.integers(len(PROGRESSIONS)))]
    if bass:
        line = _line(rng, (0, 0, 0, 12, 7))
        _repeat(music, rng, roots, _Riff(int(rng.choice(BASSES)), 28 + (tonic - 28) % 12, line))
    if lead:
        line = _line(rng, (0, 3, 7, 10, 12) if minor else (0, 4, 7, 9, 12))
        _repeat(music, rng, roots, _Riff(int(rng.choice(LEADS)), 60 + tonic, line))
    if chords:
        held = rng.random() < 0.4
        program = int(rng.choice(PADS if held else STABS))
        line = [(0, 0, 16.0)] if held else _line(rng, (0,))
        for step in (0, 3 if minor else 4, 7):
            _repeat(music, rng, roots, _Riff(program, 54 + (tonic + step - 54) % 12, line))
    return music


def _line(rng: Rng, steps: tuple[int, ...]) -> list[tuple[int, int, float]]:
    """Draw one bar: sixteenth, semitones above the root, length in sixteenths."""
    kind = rng.random()
    places = np.arange(16)
    if kind < 0.2:
        chosen = places[::4] + int(rng.choice([0, 0, 2]))
    elif kind < 0.4:
        chosen = places[::2]
    elif kind < 0.5:
        chosen = places
    else:
        likely = np.where(places % 4 == 0, 0.6, np.where(places % 2 == 0, 0.45, 0.2))
        chosen = places[rng.random(16) < likely]
        if len(chosen) == 0:
            chosen = places[:1]
    gaps = np.diff(np.append(chosen, chosen[0] + 16))
    share = float(rng.uniform(0.3, 1.0))
    return [
        (int(at), int(rng.choice(steps)), float(gap * share)) for at, gap in zip(chosen, gaps, strict=True)
    ]


@dataclass(frozen=True)
class _Riff:
    """A bar that repeats: its instrument, lowest pitch, and (sixteenth, semitones, length)."""

    program: int
    base: int
    line: list[tuple[int, int, float]]


def _repeat(music: Music, rng: Rng, roots: tuple[int, ...], riff: _Riff) -> None:
    loud, rests = rng.uniform(55, 105), False
    comes_and_goes = rng.random() < 0.3
    for bar in range(music.n_beats // 4):
        if comes_and_goes and bar % 8 == 0:
            rests = rng.random() < 0.33
        for at, step, length in [] if rests else riff.line:
            if rng.random() > 0.03:
                accent = 1.0 if at % 4 == 0 else 0.9
                pitch = riff.base + roots[bar % 4] + step
                music.add(riff.program, pitch, loud * accent, 4 * bar + at / 4, length / 4)
