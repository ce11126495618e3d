"""Music written in beats, performed in seconds: tempi that drift, swing, and players who are not exact.

The truth stays where the beat is, however early or late the players are.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
import pretty_midi

from engines.analyze.training.render import Piece

Rng: TypeAlias = np.random.Generator
DRUMS = -1  # in place of a program: the drum channel
# Semitones that sound above the root of a chord, plain first: a sixth or ninth does not change its quality.
SPELLINGS: dict[str, tuple[tuple[int, ...], ...]] = {
    "maj": ((0, 4, 7), (0, 4, 7, 9), (0, 2, 4, 7), (0, 2, 4, 7, 9)),
    "min": ((0, 3, 7), (0, 3, 7, 9), (0, 2, 3, 7)),
    "7": ((0, 4, 7, 10), (0, 2, 4, 7, 10), (0, 1, 4, 7, 10), (0, 2, 4, 7, 9, 10)),
    "maj7": ((0, 4, 7, 11), (0, 2, 4, 7, 11)),
    "min7": ((0, 3, 7, 10), (0, 2, 3, 7, 10)),
}
QUALITY_OF = {frozenset(steps): quality for quality, ways in SPELLINGS.items() for steps in ways}
KITS = (0, 0, 0, 8, 16, 24, 25, 25, 26, 32, 40)


@dataclass(frozen=True)
class Note:
    """A note; `start` and `length` in beats. `program` is General MIDI's, or DRUMS."""

    program: int
    pitch: int
    velocity: float
    start: float
    length: float


@dataclass
class Music:
    """Notes with their bars; beat 0 begins a bar.

    `swing` is the share of a beat at which its second half falls, 0.5 if straight; `key` is as mir_eval
    writes it, or empty where there is none or several. `chords` are those that are played, as (start, end,
    root, quality), in beats: what none of them covers is not known.
    """

    name: str
    group: str
    n_beats: int
    beats_per_bar: int
    tempo: float
    notes: list[Note] = field(default_factory=list)
    swing: float = 0.5
    key: str = ""
    chords: list[tuple[float, float, int, str]] = field(default_factory=list)

    def add(self, program: int, pitch: int, velocity: float, start: float, length: float) -> None:
        """Add a note."""
        self.notes.append(Note(program, pitch, velocity, start, length))

    def add_chord(self, start: float, length: float, tones: Collection[int], root: int) -> None:
        """Write down that pitch classes sound over a root, where they are a chord that has a name."""
        quality = QUALITY_OF.get(frozenset((tone - root) % 12 for tone in tones))
        if quality:
            self.chords.append((start, start + length, root % 12, quality))


def log_uniform(rng: Rng, low: float, high: float) -> float:
    """Draw a number between two others, any ratio as likely as another."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def excerpt(music: Music, first: int, n_beats: int) -> Music:
    """Cut bars out; `first` begins a bar."""
    inside = [n for n in music.notes if first - 0.05 <= n.start < first + n_beats - 0.05]
    notes = [
        Note(n.program, n.pitch, n.velocity, n.start - first, min(n.length, first + n_beats - n.start))
        for n in inside
    ]
    chords = [
        (max(0.0, start - first), min(end - first, n_beats), root, quality)
        for start, end, root, quality in music.chords
        if start < first + n_beats and end > first
    ]
    return replace(music, n_beats=n_beats, notes=notes, chords=chords)


def perform(music: Music, rng: Rng, *, exact: bool = False, lead_in: int = 0) -> Piece:
    """Play music.

    Parameters
    ----------
    music
        What is played.
    rng
        Chooses who plays, how the tempo goes, and how exactly.
    exact
        Whether it begins at once and ends with its last beat, in one tempo: a loop.
    lead_in
        Beats left out at the start, so that not every recording begins with a bar.
    """
    drift, late = np.zeros(music.n_beats + 1), 0.0
    if not exact:
        late = float(rng.choice([0.0, rng.uniform(0, 0.6)]))
        drift = _drift(music.n_beats + 1, rng)
    times = np.concatenate([[0.0], np.cumsum(60 / music.tempo * np.exp(drift[:-1]))])
    times += late - times[lead_in]
    tight = 0.0 if exact and rng.random() < 0.5 else float(rng.choice([0.002, 0.006, 0.012, 0.02]))

    def seconds(beat: float) -> float:
        whole = np.floor(beat)
        within = np.interp(beat - whole, [0, 0.5, 1], [0, music.swing, 1])
        if whole + within > music.n_beats:
            return float(times[-1] + (whole + within - music.n_beats) * 60 / music.tempo)
        return float(np.interp(whole + within, np.arange(music.n_beats + 1), times))

    parts: dict[int, pretty_midi.Instrument] = {}
    kit = int(rng.choice(KITS))
    for note in music.notes:
        start = seconds(note.start) + float(rng.normal(0, tight))
        if note.start < lead_in - 0.05:
            continue
        drums = note.program == DRUMS
        instrument = pretty_midi.Instrument(kit if drums else note.program, is_drum=drums)
        part = parts.setdefault(note.program, instrument)
        start = max(0.0, start)
        end = max(start + 0.05, seconds(note.start + note.length))
        velocity = int(np.clip(note.velocity * rng.uniform(0.88, 1.1), 8, 127))
        part.notes.append(pretty_midi.Note(velocity, note.pitch, start, end))
    beats = times[lead_in : music.n_beats]
    downbeats = times[: music.n_beats : music.beats_per_bar]
    piece = Piece(
        music.name, music.group, beats, downbeats[downbeats >= beats[0] - 1e-6], music.beats_per_bar
    )
    piece.key = music.key
    piece.chords = [
        (seconds(max(start, lead_in)), seconds(end), root, quality)
        for start, end, root, quality in music.chords
        if end > lead_in
    ]
    piece.midi.instruments.extend(parts.values())
    return piece


def _drift(n: int, rng: Rng) -> np.ndarray:
    """Choose how a tempo goes, as logarithms of the beats' lengths: steady, wandering, or changing."""
    kind = rng.random()
    if kind < 0.5:
        return np.zeros(n)
    if kind < 0.75:  # players without a click
        steps = rng.standard_normal(n).cumsum() * rng.uniform(0.002, 0.012)
        return steps - np.linspace(0, steps[-1], n)
    if kind < 0.9:  # slower or faster all along
        return np.linspace(0, rng.uniform(-0.25, 0.25), n)
    change = np.zeros(n)  # another tempo from some beat on
    change[int(rng.integers(n)) :] = rng.uniform(-0.3, 0.3)
    return change
