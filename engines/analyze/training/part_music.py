"""Music in parts without drums, as choirs, quartets and keyboards play it; composed, not taken from a score.

Chords walk from degree to degree and end their phrases with cadences. A chorale moves all its voices with the
beat; in what is called a quartet here one voice has a motif and the others accompany it, from phrase to
phrase in another way. Beats and bars are heard from what changes then, not from who strikes hardest.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from engines.analyze.training.forms import key_of
from engines.analyze.training.performing import Music, Rng, log_uniform

SECONDS = 44.0
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
# Where a chord on each degree (0 is the tonic's) goes; what is said twice is twice as likely.
WALK = ((3, 4, 5, 1, 4), (4, 4, 6), (5, 3), (4, 0, 1), (0, 0, 5), (1, 3, 4), (0,))
CADENCES = ((4, 0), (4, 0), (3, 0), (1, 4))
# From the highest voice to the lowest; programs of General MIDI.
CHOIRS = ((52,) * 4, (19,) * 4, (16,) * 4, (48,) * 4, (0,) * 4, (6,) * 4, (56, 60, 57, 58), (20,) * 4)
PLAYERS = (
    (40, 40, 41, 42),
    (40, 40, 41, 42),
    (48,) * 4,
    (0,) * 4,
    (0,) * 4,
    (6,) * 4,
    (68, 71, 60, 70),
    (73, 68, 71, 70),
    (45,) * 4,
    (24,) * 4,
)
LOWEST, HIGHEST = (60, 54, 47, 38), (81, 72, 66, 57)
# What fills a beat: lengths of notes in beats, negative for rests; in halves and in thirds.
HALVES = ((1.0,), (0.5, 0.5), (0.25,) * 4, (0.75, 0.25), (0.5, 0.25, 0.25), (-0.5, 0.5), (-1.0,))
THIRDS = ((1.0,), (1 / 3,) * 3, (2 / 3, 1 / 3), (-1 / 3, 1 / 3, 1 / 3), (-1.0,))
SHORTEST_S = 0.085
Bar: TypeAlias = list[tuple[float, float]]  # starts and lengths in beats


class _Harmony:
    """Chords of a piece by beat, as sets of pitch classes, root first."""

    def __init__(self, music: Music, every: int, phrase: int, rng: Rng) -> None:
        mode = str(rng.choice(list(SCALES)))
        self._tonic, self._minor = int(rng.integers(12)), mode == "minor"
        self._scale = SCALES[mode]
        self._degrees: list[int] = []
        music.key = key_of(self._tonic, mode)
        while len(self._degrees) * every < music.n_beats:
            inside = [0 if rng.random() < 0.7 else 5]
            for _ in range(max(0, phrase // every - 3)):
                inside.append(int(rng.choice(WALK[inside[-1]])))
            self._degrees += [*inside, *CADENCES[int(rng.integers(len(CADENCES)))]]
        self._every = every
        for beat in range(0, music.n_beats, every):
            tones = self.tones(beat)
            music.add_chord(beat, every, tones, tones[0])

    def tones(self, beat: int) -> tuple[int, int, int]:
        """Return root, third and fifth."""
        degree = self._degrees[beat // self._every]
        root, third, fifth = (self._step(degree + k) for k in (0, 2, 4))
        # The dominant of a minor key has its leading note.
        return root, (third + 1) % 12 if self._minor and degree == 4 else third, fifth

    def steps_from(self, pitch: int, count: int) -> int:
        """Return the pitch so many steps of the scale above another, or below."""
        steps = [octave + self._tonic + s for octave in range(0, 128, 12) for s in self._scale]
        at = int(np.argmin([abs(pitch - s) for s in steps]))
        return steps[int(np.clip(at + count, 0, len(steps) - 1))]

    def _step(self, degree: int) -> int:
        return (self._tonic + self._scale[degree % 7]) % 12


def part_music(name: str, rng: Rng) -> Music:
    """Compose a chorale or a quartet of 44 s, in bars of 2/4, 3/4, 4/4 or 6/8."""
    return (_chorale if rng.random() < 0.4 else _quartet)(name, rng)


def _blank(name: str, per_bar: int, tempo: float) -> Music:
    n_beats = int(SECONDS * tempo / 60 / per_bar) * per_bar
    return Music(name, "parts", n_beats, per_bar, tempo)


def _near(pitch: float, tones: tuple[int, ...], voice: int) -> int:
    """Return the pitch of a chord nearest to another that a voice can sing."""
    possible = [p for p in range(LOWEST[voice], HIGHEST[voice] + 1) if p % 12 in tones]
    return min(possible, key=lambda p: abs(p - pitch))


def _chorale(name: str, rng: Rng) -> Music:
    per_bar = int(rng.choice([4, 4, 4, 3]))
    music = _blank(name, per_bar, log_uniform(rng, 52, 128))
    phrase = per_bar * int(rng.choice([2, 2, 4]))
    harmony = _Harmony(music, int(rng.choice([1, 1, 1, 2])), phrase, rng)
    programs = CHOIRS[int(rng.integers(len(CHOIRS)))]
    upbeat = int(rng.random() < 0.6)  # phrases begin a beat before a bar
    flow, ties, loud = rng.uniform(0.05, 0.35), rng.uniform(0, 0.3), rng.uniform(60, 100)
    at = np.array([70.0, 63.0, 56.0, 48.0])
    for beat in range(music.n_beats):
        place = (beat + upbeat) % phrase
        if place == phrase - 1:  # sung through from the beat before
            continue
        tones, length = harmony.tones(beat), 2.0 if place == phrase - 2 else 1.0
        for voice in range(4):
            wanted = at[voice] + rng.normal(0, 2.5 if voice in {0, 3} else 0.8)
            low = rng.random() < 0.3
            chosen = _near(wanted, tones if voice < 3 else tones[int(low) : int(low) + 1], voice)
            if chosen == at[voice] and length == 1 and rng.random() < ties and music.notes and beat:
                _hold(music, programs[voice], chosen, beat)
            elif length == 1 and rng.random() < flow:
                passing = harmony.steps_from(chosen, int(rng.choice([-1, 1])))
                music.add(programs[voice], chosen, loud, beat, 0.48)
                music.add(programs[voice], passing, loud * 0.95, beat + 0.5, 0.48)
            else:
                music.add(programs[voice], chosen, loud, beat, 0.97 * length)
            at[voice] = chosen
    return music


def _hold(music: Music, program: int, pitch: int, beat: int) -> None:
    """Hold the note that sounds for a beat more."""
    for i in range(len(music.notes) - 1, max(-1, len(music.notes) - 12), -1):
        note = music.notes[i]
        if (note.program, note.pitch) == (program, pitch) and abs(note.start + note.length - beat) < 0.1:
            music.notes[i] = replace(note, length=beat + 0.97 - note.start)
            return
    music.add(program, pitch, music.notes[-1].velocity, beat, 0.97)


def _quartet(name: str, rng: Rng) -> Music:
    thirds = rng.random() < 0.2
    per_bar = 2 if thirds else int(rng.choice([4, 4, 4, 3, 3, 2]))
    cells = THIRDS if thirds else HALVES
    likely = rng.dirichlet(np.full(len(cells), 0.8)) * 0.8 + 0.2 / len(cells)
    shortest = min(abs(n) for cell, p in zip(cells, likely, strict=True) for n in cell if p > 0.12)
    fastest = min(110.0 if thirds else 190.0, 60 * shortest / SHORTEST_S)
    music = _blank(name, per_bar, log_uniform(rng, 50, max(60.0, fastest)))
    phrase = per_bar * 4
    harmony = _Harmony(music, int(rng.choice([1, per_bar, per_bar])), phrase, rng)
    programs = PLAYERS[int(rng.integers(len(PLAYERS)))]
    loud, accent = rng.uniform(60, 100), rng.uniform(1.0, 1.15)
    unaccompanied = rng.random() < 0.15
    motifs = [_motif(per_bar, cells, likely, rng) for _ in range(3)]
    for first in range(0, music.n_beats, phrase):
        lead = int(rng.choice([0, 0, 0, 1, 2, 3]))
        order = rng.choice([0, 0, 1, 2], size=4)
        line = _sung(lead, [motifs[k] for k in order], first, per_bar, harmony, rng)
        for start, length, pitch in line:
            strength = loud * (accent if start % per_bar == 0 else 1.0)
            music.add(programs[lead], pitch, strength, start, 0.93 * length)
        alike = TEXTURES[int(rng.integers(len(TEXTURES)))] if rng.random() < 0.5 else None
        for voice in [] if unaccompanied else [v for v in range(4) if v != lead]:
            texture = alike or TEXTURES[int(rng.integers(len(TEXTURES)))]
            for start, length, tone in texture(phrase, per_bar, thirds):
                tones = harmony.tones(first + int(start))
                chosen = tones[tone] if voice < 3 else tones[0]
                pitch = _near((LOWEST[voice] + HIGHEST[voice]) / 2, (chosen,), voice)
                strong = accent if start % per_bar == 0 else 1.0
                music.add(programs[voice], pitch, 0.8 * loud * strong, first + start, length)
    music.notes = [note for note in music.notes if note.start < music.n_beats]
    return music


def _motif(
    per_bar: int, cells: tuple[tuple[float, ...], ...], likely: np.ndarray, rng: Rng
) -> list[tuple[float, float, int]]:
    """Draw a bar of a tune: start, length, and steps of the scale from the note before."""
    bar, at = [], 0.0
    for _ in range(per_bar):
        for length in cells[int(rng.choice(len(cells), p=likely))]:
            if length > 0:
                bar.append((at, length, int(rng.choice([-2, -1, -1, 1, 1, 2, 0, 4, -4]))))
            at = round((at + abs(length)) * 12) / 12
    return bar


def _sung(  # noqa: PLR0917 - a voice, what it sings, and where
    voice: int,
    motifs: list[list[tuple[float, float, int]]],
    first: int,
    per_bar: int,
    harmony: _Harmony,
    rng: Rng,
) -> list[tuple[float, float, int]]:
    """Sing a phrase of motifs, beginning each on a note of the chord; the last bar ends with a long one."""
    line: list[tuple[float, float, int]] = []
    pitch = float(rng.uniform(LOWEST[voice] + 5, HIGHEST[voice] - 3))
    for number, motif in enumerate(motifs):
        start = first + number * per_bar
        last = number == len(motifs) - 1 and rng.random() < 0.7
        pitch = _near(pitch, harmony.tones(start), voice)
        if last:
            line.append((start, per_bar * float(rng.choice([0.5, 0.75, 1.0])), int(pitch)))
            continue
        for at, length, steps in motif:
            line.append((start + at, length, int(pitch)))
            moved = harmony.steps_from(int(pitch), steps)
            pitch = (
                moved if LOWEST[voice] <= moved <= HIGHEST[voice] else harmony.steps_from(int(pitch), -steps)
            )
    return line


Played: TypeAlias = list[tuple[float, float, int]]  # start, length, which tone of the chord


def _every(share: float, length: float, *tones: int) -> Callable[[int, int, bool], Played]:
    """Strike every so many beats; in music of thirds, thirds instead of halves."""

    def play(n_beats: int, per_bar: int, thirds: bool) -> Played:
        gap = {0.5: 1 / 3, 0.25: 1 / 3}.get(share, share) if thirds else share
        count = round(n_beats / gap)
        return [(round(k * gap * 12) / 12, length * gap, tones[k % len(tones)]) for k in range(count)]

    return play


def _after_beats(n_beats: int, per_bar: int, thirds: bool) -> Played:
    late = 2 / 3 if thirds else 0.5
    return [(beat + late, 0.3, 1) for beat in range(n_beats)]


def _but_the_first(n_beats: int, per_bar: int, thirds: bool) -> Played:
    return [(float(beat), 0.6, 2) for beat in range(n_beats) if beat % per_bar]


def _bars(n_beats: int, per_bar: int, thirds: bool) -> Played:
    return [(float(beat), 0.96 * per_bar, 1) for beat in range(0, n_beats, per_bar)]


def _rest(n_beats: int, per_bar: int, thirds: bool) -> Played:
    return []


# What is said twice is twice as likely.
TEXTURES: tuple[Callable[[int, int, bool], Played], ...] = (
    _every(1.0, 0.9, 0),
    _every(0.5, 0.8, 1),
    _every(0.25, 0.8, 2),
    _every(0.5, 0.95, 0, 2, 1, 2),  # broken chords
    _after_beats,
    _but_the_first,
    _bars,
    _bars,
    _rest,
)
