"""Scores written by the bench itself, performed with the truth known exactly.

Times in a score are in beats (a dotted quarter in 6/8). `perform` turns them into seconds, by a tempo that
may change, with swing and with players who are not exact; the truth stays where the beat is. Nothing here is
shared with `engines.analyze.training`: patterns, progressions and melodies are others.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import pretty_midi

from engines._audio import FloatArray
from engines.analyze.keys import MODES, key_name

SECONDS = 32.0
KICK, SNARE, RIM, CLAP, CLOSED = 36, 40, 37, 39, 42
PEDAL, OPEN, RIDE, TAMBOURINE, COWBELL = 44, 46, 51, 54, 56
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
BEND_RANGE = 2.0  # semitones, General MIDI's default


@dataclass(frozen=True)
class Note:
    """A note of a part, `start` and `end` in beats."""

    part: str
    program: int
    pitch: int
    velocity: int
    start: float
    end: float


@dataclass(frozen=True)
class Score:
    """Music and its truth: `tempo` in beats a minute, `key` as mir_eval writes it or empty."""

    name: str
    notes: tuple[Note, ...]
    n_beats: int
    tempo: float
    meter: str = "4/4"
    beats_per_bar: int = 4
    key: str = ""


@dataclass(frozen=True)
class Performance:
    """A score played: MIDI, where its beats and downbeats fell and where it ends, in seconds."""

    score: Score
    midi: pretty_midi.PrettyMIDI
    beats: FloatArray
    downbeats: FloatArray
    end: float
    tempo: float


@dataclass(frozen=True)
class Manner:
    """How a score is played.

    `speed` gives for a share of the piece (0 to 1) the tempo's factor; `swing` where the off-beat eighth
    falls in its beat (0.5 straight, 0.667 triplets); `jitter` a note's standard deviation in seconds.
    """

    speed: Callable[[FloatArray], FloatArray] = field(default=np.ones_like)
    swing: float = 0.5
    jitter: float = 0.0
    cents: float = 0.0


def perform(score: Score, manner: Manner, rng: np.random.Generator) -> Performance:
    """Play a score."""
    grid = np.linspace(0, score.n_beats, score.n_beats * 24 + 1)
    middles = (grid[1:] + grid[:-1]) / 2
    periods = 60 / (score.tempo * manner.speed(middles / score.n_beats))
    times = np.concatenate([[0.0], np.cumsum(np.diff(grid) * periods)])

    def seconds(beat: FloatArray | float) -> FloatArray:
        whole = np.floor(beat)
        within = np.interp(beat - whole, [0, 0.5, 1], [0, manner.swing, 1])
        return np.asarray(np.interp(whole + within, grid, times))

    midi = pretty_midi.PrettyMIDI()
    parts: dict[str, pretty_midi.Instrument] = {}
    for note in score.notes:
        if note.start >= score.n_beats:
            continue
        drum = note.part == "drums"
        part = parts.setdefault(note.part, pretty_midi.Instrument(note.program, is_drum=drum))
        late = rng.normal(0, manner.jitter) if manner.jitter else 0.0
        start = max(0.0, float(seconds(note.start)) + late)
        part.notes.append(
            pretty_midi.Note(
                note.velocity, note.pitch, start, max(start + 0.04, float(seconds(note.end)) + late)
            )
        )
    if manner.cents:
        bend = round(manner.cents / 100 / BEND_RANGE * 8192)
        for part in parts.values():
            part.pitch_bends.append(pretty_midi.PitchBend(bend, 0.0))
    midi.instruments.extend(parts.values())
    beats = np.interp(np.arange(score.n_beats), grid, times)
    # The tempo that most of it has, which for a steady piece is its only one.
    local = np.diff(beats)
    tempo = float(60 / np.median(local)) if len(local) else score.tempo
    downbeats = beats[:: score.beats_per_bar] if score.beats_per_bar else beats[:0]
    return Performance(score, midi, beats, downbeats, float(times[-1]), tempo)


# Where in a bar each drum plays, in beats: the rest of the band takes its accents from the meter.
DRUMS: dict[str, tuple[dict[int, tuple[float, ...]], ...]] = {
    "4/4": (
        {KICK: (0, 1.75, 2.5), SNARE: (1, 3), CLOSED: (0, 0.5, 1, 1.5, 2, 2.5, 3), OPEN: (3.5,)},
        {KICK: (0, 0.5, 2), SNARE: (1, 3), RIDE: (0, 1, 2, 3), PEDAL: (1, 3)},
        {KICK: (0, 2, 3.5), CLAP: (1, 3), TAMBOURINE: (0.5, 1.5, 2.5, 3.5)},
        {KICK: (0, 1, 2, 3), CLAP: (1, 3), OPEN: (0.5, 1.5, 2.5, 3.5), CLOSED: (0.25, 1.25, 2.25, 3.25)},
        {KICK: (0, 1.5), RIM: (1, 3), COWBELL: (0, 1, 2, 3), CLOSED: (0.5, 1.5, 2.5, 3.5)},
        {KICK: (0, 2.75), SNARE: (1, 2.25, 3), CLOSED: tuple(np.arange(0, 4, 0.5))},
    ),
    "3/4": (
        {KICK: (0,), SNARE: (1, 2), CLOSED: (0, 1, 2)},
        {KICK: (0, 1.5), RIM: (2,), RIDE: (0, 1, 1.5, 2)},
        {KICK: (0,), PEDAL: (1, 2), RIDE: (0, 1, 2, 2.5)},
    ),
    "2/4": (
        {KICK: (0,), SNARE: (1,), CLOSED: (0.5, 1.5)},
        {KICK: (0, 1), SNARE: (0.5, 1.5)},
        {KICK: (0,), SNARE: (0.5, 1, 1.25, 1.5), PEDAL: (1,)},
    ),
    "6/8": (
        {KICK: (0,), SNARE: (1,), CLOSED: (0, 1 / 3, 2 / 3, 1, 4 / 3, 5 / 3)},
        {KICK: (0, 2 / 3), SNARE: (1,), RIDE: (0, 1 / 3, 2 / 3, 1, 4 / 3, 5 / 3)},
        {KICK: (0, 5 / 3), RIM: (1,), TAMBOURINE: (0, 2 / 3, 1, 5 / 3)},
    ),
}
BEATS_PER_BAR = {"4/4": 4, "3/4": 3, "2/4": 2, "6/8": 2}
TEMPI = {"4/4": (72, 168), "3/4": (84, 176), "2/4": (80, 132), "6/8": (48, 96)}
# Degrees of the scale, a bar each; all begin at home and lead back there.
PROGRESSIONS = {
    "major": ((0, 4, 5, 3), (0, 3, 0, 4), (0, 1, 4, 0), (0, 5, 1, 4), (0, 2, 3, 4), (0, 3, 1, 4)),
    "minor": ((0, 3, 4, 0), (0, 5, 3, 4), (0, 6, 5, 4), (0, 5, 2, 4), (0, 3, 6, 4), (0, 0, 3, 4)),
}
KEYBOARDS = (1, 3, 8, 9, 12, 15, 20, 22, 27, 30, 44, 49, 90, 105)
VOICES = (10, 13, 23, 41, 42, 58, 60, 64, 69, 72, 74, 79, 82, 104)
BASS_PROGRAMS = (32, 33, 34, 36, 38)


def band(name: str, meter: str, rng: np.random.Generator, drums: bool = True) -> Score:
    """Write half a minute for drums, bass, chords and a melody."""
    per_bar = BEATS_PER_BAR[meter]
    low, high = TEMPI[meter]
    tempo = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    tonic, mode = int(rng.integers(12)), str(rng.choice(["major", "minor"]))
    n_bars = int(SECONDS * tempo / 60 / per_bar)
    progression = PROGRESSIONS[mode][int(rng.integers(len(PROGRESSIONS[mode])))]
    notes: list[Note] = []
    for bar in range(n_bars):
        degree = 0 if bar == n_bars - 1 else progression[bar % len(progression)]
        chord = _triad(tonic, mode, degree)
        at = bar * per_bar
        notes += _comp(at, per_bar, meter, chord, bar)
        notes += _bass(at, per_bar, meter, chord)
    notes += _melody((tonic, mode), progression, n_bars, meter, rng)
    programs = {
        "chords": int(rng.choice(KEYBOARDS)),
        "melody": int(rng.choice(VOICES)),
        "bass": int(rng.choice(BASS_PROGRAMS)),
    }
    notes = [replace(n, program=programs[n.part]) for n in notes]
    if drums:
        pattern = DRUMS[meter][int(rng.integers(len(DRUMS[meter])))]
        notes += [
            Note(
                "drums",
                0,
                drum,
                int(np.clip(rng.normal(98, 9), 40, 127)),
                bar * per_bar + b,
                bar * per_bar + b + 0.1,
            )
            for bar in range(n_bars)
            for drum, places in pattern.items()
            for b in places
        ]
    key = key_name(12 * MODES.index(mode) + tonic)
    return Score(name, tuple(notes), n_bars * per_bar, tempo, meter, per_bar, key)


def _triad(tonic: int, mode: str, degree: int) -> tuple[int, int, int]:
    scale = SCALES[mode]
    tones = [scale[(degree + step) % 7] for step in (0, 2, 4)]
    if mode == "minor" and degree == 4:
        tones[1] = (tones[1] + 1) % 12  # the leading note
    return (tonic + tones[0]) % 12, (tonic + tones[1]) % 12, (tonic + tones[2]) % 12


def _comp(at: int, per_bar: int, meter: str, chord: tuple[int, int, int], bar: int) -> list[Note]:
    rhythms = {
        "4/4": ((0, 1.5), (0, 2), (0, 1, 2, 3)),
        "3/4": ((1, 2), (0,)),
        "2/4": ((0.5, 1.5), (0,)),
        "6/8": ((0, 2 / 3, 1, 5 / 3), (0,)),
    }[meter]
    places = [*rhythms[bar // 8 % len(rhythms)], per_bar]
    return [
        Note("chords", 0, 55 + (c - 55) % 12, 70, at + a, at + min(b, a + 1.5) - 0.05)
        for a, b in pairwise(places)
        for c in chord
    ]


def _bass(at: int, per_bar: int, meter: str, chord: tuple[int, int, int]) -> list[Note]:
    root, fifth = 28 + (chord[0] - 28) % 12, 28 + (chord[2] - 28) % 12
    line = {
        "4/4": ((0, root), (1.5, root), (2, fifth), (3.5, root)),
        "3/4": ((0, root),),
        "2/4": ((0, root), (1, fifth)),
        "6/8": ((0, root), (1, fifth), (5 / 3, root)),
    }[meter]
    ends = [b for b, _ in line[1:]] + [per_bar]
    return [
        Note("bass", 0, pitch, 88, at + b, at + end - 0.06)
        for (b, pitch), end in zip(line, ends, strict=True)
    ]


def _melody(
    key: tuple[int, str], progression: tuple[int, ...], n_bars: int, meter: str, rng: np.random.Generator
) -> list[Note]:
    tonic, mode = key
    per_bar, unit = BEATS_PER_BAR[meter], 1 / 3 if meter == "6/8" else 0.5
    scale = np.array([tonic + step + octave for octave in (48, 60, 72) for step in SCALES[mode]])
    place = len(scale) // 2
    notes: list[Note] = []
    for bar in range(n_bars):
        chord = _triad(tonic, mode, progression[bar % len(progression)])
        b = 0.0
        while b < per_bar - 1e-6:
            length = unit * int(rng.choice([1, 2, 2, 3, 4]))
            length = min(length, per_bar - b)
            place = int(np.clip(place + rng.integers(-2, 3), 4, len(scale) - 5))
            strong = abs(b - round(b)) < 1e-6
            if strong:  # a chord's tone on the beat
                nearby = sorted(range(4, len(scale) - 4), key=lambda i: abs(i - place))
                place = next((i for i in nearby if scale[i] % 12 in chord), place)
            if rng.random() > 0.15:
                start = bar * per_bar + b
                notes.append(
                    Note("melody", 0, int(scale[place]), 84 + 12 * strong, start, start + 0.9 * length)
                )
            b += length
    return notes


def sparse(name: str, rng: np.random.Generator) -> Score:
    """Write chords and a bass note at the start and the middle of each bar, and nothing else."""
    full = band(name, "4/4", rng, drums=False)
    notes = tuple(
        replace(n, end=n.start + 1.9)
        for n in full.notes
        if n.part in {"chords", "bass"} and n.start % 2 < 1e-6 and n.start % 4 < 3
    )
    return replace(full, notes=notes)


def modulating(name: str, rng: np.random.Generator) -> Score:
    """Write a piece that goes to a key two semitones up after three fifths; its key is the longer one."""
    full = band(name, "4/4", rng)
    at = round(0.6 * full.n_beats / 4) * 4
    moved = tuple(
        replace(n, pitch=n.pitch + 2) if n.start >= at and n.part != "drums" else n for n in full.notes
    )
    return replace(full, notes=moved)
