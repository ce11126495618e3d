"""Songs over progressions of our own, of triads and sevenths as pop, blues and jazz have them.

Scores with chords have few sevenths: of what is rendered of them 8 % of the time is dominant sevenths, 3 %
others. Here every quality sounds often, in the textures that lead sheets are played in.
"""

import numpy as np

from engines.analyze.training.drumming import add_drums
from engines.analyze.training.forms import key_of
from engines.analyze.training.lead_sheets import SINGING, TEXTURES
from engines.analyze.training.part_music import SCALES
from engines.analyze.training.performing import Music, Rng, log_uniform
from engines.generate.theory import Chord, parse_chord

SECONDS = 40.0
TEMPI = (66, 190)
# Semitones above the tonic and quality; how they are joined is drawn.
PHRASES: dict[str, tuple[tuple[tuple[int, str], ...], ...]] = {
    "major": (
        ((2, "m7"), (7, "7"), (0, "maj7"), (0, "maj7")),
        ((0, "maj7"), (9, "m7"), (2, "m7"), (7, "7")),
        ((0, "maj7"), (5, "maj7"), (0, "maj7"), (5, "maj7")),
        ((5, "maj7"), (4, "m7"), (2, "m7"), (0, "maj7")),
        ((4, "m7"), (9, "7"), (2, "m7"), (7, "7")),
        ((0, "7"), (5, "7"), (0, "7"), (0, "7")),
        ((5, "7"), (5, "7"), (0, "7"), (0, "7")),
        ((7, "7"), (5, "7"), (0, "7"), (7, "7")),
        ((0, "m7"), (5, "7"), (0, "m7"), (5, "7")),
        ((0, ""), (9, "m"), (5, ""), (7, "")),
        ((0, ""), (4, "m"), (5, ""), (7, "7")),
        ((9, "m"), (5, ""), (0, ""), (7, "")),
        ((0, ""), (0, "7"), (5, ""), (5, "m")),
    ),
    "minor": (
        ((0, "m7"), (5, "m7"), (7, "7"), (0, "m7")),
        ((0, "m"), (10, ""), (8, ""), (7, "7")),
        ((0, "m7"), (8, "maj7"), (3, "maj7"), (10, "7")),
        ((5, "m7"), (10, "7"), (3, "maj7"), (8, "maj7")),
        ((0, "m"), (8, ""), (3, ""), (10, "")),
        ((0, "m7"), (0, "m7"), (5, "m7"), (5, "m7")),
        ((0, "m7"), (5, "7"), (0, "m7"), (5, "7")),
        ((0, "m"), (5, "m"), (0, "m"), (7, "")),
        ((8, "maj7"), (7, "7"), (0, "m7"), (0, "m7")),
    ),
}
PLAIN = {"maj7": "", "7": "", "m7": "m"}


def harmony_music(name: str, rng: Rng) -> Music:
    """Arrange a progression for chords, mostly with a bass, drums and a tune, in bars of four or three."""
    per_bar = int(rng.choice((4, 4, 4, 3)))
    tempo = log_uniform(rng, *TEMPI)
    n_beats = max(4, int(SECONDS * tempo / 60 / per_bar)) * per_bar
    music = Music(name, "harmony", n_beats, per_bar, tempo)
    mode = str(rng.choice(list(PHRASES)))
    tonic = int(rng.integers(12))
    music.key = key_of(tonic, mode)
    chords = _progression(PHRASES[mode], tonic, music, rng)
    TEXTURES[int(rng.integers(2, len(TEXTURES)))](music, chords, 0, rng)
    if rng.random() < 0.75:
        _tune(music, chords, [(tonic + step) % 12 for step in SCALES[mode]], rng)
    if rng.random() < 0.6:
        add_drums(music, rng, ternary=False)
    for beat, chord in enumerate(chords):
        music.add_chord(beat, 1, chord.tones, chord.root)
    return music


def _progression(
    phrases: tuple[tuple[tuple[int, str], ...], ...], tonic: int, music: Music, rng: Rng
) -> list[Chord]:
    """Join two or three phrases into a round; each beat's chord."""
    chosen = [phrases[int(k)] for k in rng.integers(len(phrases), size=int(rng.choice((2, 3))))]
    plain = rng.random() < 0.25  # of the sevenths, most are left away
    every = int(rng.choice((music.beats_per_bar, music.beats_per_bar, max(1, music.beats_per_bar // 2))))
    written = []
    for step, quality in (chord for phrase in chosen for chord in phrase):
        simpler = plain and rng.random() < 0.7
        written.append(
            parse_chord(f"C{PLAIN.get(quality, quality) if simpler else quality}").transposed(tonic + step)
        )
    return [written[beat // every % len(written)] for beat in range(music.n_beats)]


def _tune(music: Music, chords: list[Chord], scale: list[int], rng: Rng) -> None:
    """Sing tones of the chord on the beats, and of the scale or the chord between them."""
    program, loud, low = int(rng.choice(SINGING)), rng.uniform(65, 105), int(rng.integers(57, 72))
    busy, at = rng.uniform(0.2, 0.7), low + 6
    for half in range(2 * music.n_beats):
        if rng.random() > (0.65 if half % 2 == 0 else busy):
            continue
        tones = chords[half // 2].tones if half % 2 == 0 or rng.random() < 0.3 else frozenset(scale)
        near = [p for p in range(low, low + 17) if p % 12 in tones]
        gaps = np.array([abs(p - at) for p in near])
        at = int(rng.choice(near, p=np.exp(-gaps / 3) / np.exp(-gaps / 3).sum()))
        music.add(program, at, loud, half / 2, float(rng.choice((0.45, 0.9, 1.4))))
