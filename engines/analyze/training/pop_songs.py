"""Songs of POP909's parts.

Parts of eight or so bars are cut out of POP909: from one song where their chords differ, else from songs
brought to one key. Each part is arranged in its own way, partly as another one is; when it comes again it is
played again, with other timing, velocities and fills, and sometimes another lead.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pretty_midi

from engines._audio import FloatArray
from engines.analyze.training import pop909
from engines.analyze.training.accompaniment import (
    BASSES,
    COMPING,
    CRASH,
    KICK,
    KITS,
    LEADS,
    PATTERNS,
    SNARE,
    root_at,
)
from engines.analyze.training.forms import (
    EDGE_BARS,
    FORMS,
    LENGTHS,
    Song,
    key_of,
    merged,
    modulated,
)

TOMS = (45, 48, 50)
BASS_TRACK, DRUM_TRACK = 8, 9
JITTER_S, DRUM_JITTER_S = 0.006, 0.005
FEWEST_BEATS = 160  # of a song that parts are cut out of


@dataclass
class Source:
    """A POP909 song in one key and bars of four: beats in seconds, which begin bars, roots by beat."""

    name: str
    score: pretty_midi.PrettyMIDI
    beats: FloatArray
    bars: npt.NDArray[np.intp]
    roots: list[int | None]
    tonic: int
    mode: str


@dataclass
class Arrangement:
    """Who plays a part, how loudly; drums are a pattern's number."""

    programs: list[int]
    levels: list[float]
    drums: int | None
    hat: int
    drum_level: float
    bass: int | None
    bass_every: int


@dataclass
class Part:
    """Bars of music: notes (track 0 to 2, pitch, velocity, on, off) and roots, in beats from their start."""

    n_beats: int
    notes: list[tuple[int, int, int, float, float]]
    roots: list[int | None]
    arrangement: Arrangement


def pop_songs(folder: Path, count: int, rng: np.random.Generator) -> Iterator[Song]:
    """Make songs, each out of four of POP909's that no other uses."""
    folders = pop909.folders(folder)
    order = list(rng.permutation(len(folders)))
    sources: list[Source] = []
    made = 0
    while made < count and order:
        found = read_source(folders[order.pop()])
        if found is None:
            continue
        sources.append(found)
        if len(sources) < 4:
            continue
        song = compose(sources[-4:], rng)
        sources = sources[-3:] if song is None else []
        if song is not None:
            made += 1
            yield song


def read_source(folder: Path) -> Source | None:
    """Read a song; None if it changes key, has other bars than of four, is short or goes unsteadily."""
    song = pop909.read(folder)
    if song is None or song.key is None or song.meter != 4 or len(song.beats) < FEWEST_BEATS:
        return None
    tonic, mode = song.key
    return Source(
        name=song.name,
        score=song.score,
        beats=song.beats,
        bars=song.downbeats,
        roots=[root_at(song.chords, time) for time in song.beats],
        tonic=tonic,
        mode=mode,
    )


def cut(source: Source, first: int, n_beats: int, shift: int, how: Arrangement) -> Part | None:
    """Cut beats out of a song, transposed; None where little is played."""
    beats = source.beats[first : first + n_beats + 1]
    if len(beats) < n_beats + 1:
        return None
    notes = []
    for track, instrument in enumerate(source.score.instruments[:3]):
        for note in instrument.notes:
            if beats[0] - 0.06 <= note.start < beats[-1] - 0.06:
                on, off = np.interp([note.start, note.end], beats, np.arange(len(beats)))
                notes.append((track, note.pitch + shift, note.velocity, float(on), float(max(off, on + 0.1))))
    roots = [None if root is None else (root + shift) % 12 for root in source.roots[first : first + n_beats]]
    if len(notes) < 2 * n_beats or sum(root is not None for root in roots) < 0.7 * n_beats:
        return None
    return Part(n_beats, notes, roots, how)


def alike(a: Part, b: Part) -> float:
    """Return the share of beats with the same root, at the best shift by bars."""
    n = min(len(a.roots), len(b.roots))
    return max(
        float(np.mean([a.roots[i] == b.roots[(i + shift) % n] for i in range(n)])) for shift in range(0, n, 4)
    )


def arrangement(rng: np.random.Generator, like: Arrangement | None) -> Arrangement:
    """Choose who plays, partly as in another part."""
    new = Arrangement(
        programs=[int(rng.choice(LEADS)), int(rng.choice(LEADS)), int(rng.choice(COMPING))],
        levels=[1.0, 0.8, float(rng.uniform(0.5, 0.9))],
        drums=int(rng.integers(len(PATTERNS))) if rng.random() < 0.85 else None,
        hat=int(rng.choice([42, 42, 51, 46, 70])),
        drum_level=float(rng.uniform(70, 115)),
        bass=int(rng.choice(BASSES)) if rng.random() < 0.8 else None,
        bass_every=int(rng.choice([1, 1, 2])),
    )
    if like is not None:
        for name in ("drums", "hat", "drum_level", "bass", "bass_every"):
            if rng.random() < 0.55:
                setattr(new, name, getattr(like, name))
        for i in range(3):
            if rng.random() < 0.65:
                new.programs[i] = like.programs[i]
    return new


def compose(sources: list[Source], rng: np.random.Generator) -> Song | None:
    """Put a song together out of parts of the last source, and others of its mode."""
    main = sources[-1]
    same_mode = [source for source in sources if source.mode == main.mode]
    form = str(rng.choice(FORMS))
    parts: dict[str, Part] = {}
    for label in sorted(set(form)):
        at_the_edge = label in "IO"
        bars = EDGE_BARS if at_the_edge else int(rng.choice(LENGTHS))
        how = arrangement(rng, next(iter(parts.values())).arrangement if parts else None)
        if at_the_edge:
            how.levels[0] = 0.0
            how.drums = how.drums if rng.random() < 0.5 else None
        for _ in range(40):
            source = main if rng.random() < 0.6 else same_mode[int(rng.integers(len(same_mode)))]
            shift = (main.tonic - source.tonic + 5) % 12 - 5
            if len(source.bars) <= bars:
                continue
            part = cut(source, int(rng.choice(source.bars[:-bars])), 4 * bars, shift, how)
            if part is not None and all(alike(part, other) < 0.5 for other in parts.values()):
                break
        else:
            return None
        parts[label] = part
    return perform(main, form, parts, rng)


@dataclass
class Performance:
    """A score that is being written, in beats that `grid` turns into seconds."""

    grid: FloatArray
    rng: np.random.Generator
    midi: pretty_midi.PrettyMIDI = field(default_factory=pretty_midi.PrettyMIDI)
    tracks: dict[tuple[int, int], pretty_midi.Instrument] = field(default_factory=dict)

    def play(self, voice: tuple[int, int], pitch: int, velocity: float, beats: tuple[float, float]) -> None:
        """Add a note of a voice (track, program) from one beat to another, a little off them."""
        if voice not in self.tracks:
            self.tracks[voice] = pretty_midi.Instrument(voice[1], is_drum=voice[0] == DRUM_TRACK)
            self.midi.instruments.append(self.tracks[voice])
        jitter = DRUM_JITTER_S if voice[0] == DRUM_TRACK else JITTER_S
        on, off = (float(t) for t in np.interp(beats, np.arange(len(self.grid)), self.grid))
        on = max(0.0, on + float(self.rng.normal(0, jitter)))
        velocity = int(np.clip(velocity, 8, 127))
        note = pretty_midi.Note(velocity, int(np.clip(pitch, 0, 127)), on, max(off, on + 0.05))
        self.tracks[voice].notes.append(note)


def perform(main: Source, form: str, parts: dict[str, Part], rng: np.random.Generator) -> Song:
    """Play the parts in order, some songs getting a little faster or slower."""
    tempo, whole_shift, shifts = float(rng.uniform(72, 158)), int(rng.integers(-5, 7)), modulated(form, rng)
    n = sum(parts[label].n_beats for label in form)
    drift = float(rng.choice([0.0, 0.0, rng.uniform(-0.03, 0.03)]))
    period = 60 / tempo * (1 + drift * np.arange(n) / n)
    grid = float(rng.uniform(0, 0.8)) + np.concatenate([[0], np.cumsum(period)])
    stage = Performance(grid, rng)
    kit = int(rng.choice(KITS))
    at, sections, keys = 0, [], []
    for label, shift in zip(form, shifts, strict=True):
        part = parts[label]
        _play_part(stage, part, at, shift + whole_shift)
        if part.arrangement.drums is not None:
            _play_drums(stage, part, at, kit)
        end = at + part.n_beats
        sections.append((float(grid[at]), float(grid[end]), label))
        keys.append((float(grid[at]), float(grid[end]), key_of(main.tonic + shift + whole_shift, main.mode)))
        at = end
    return Song(f"pop_{main.name}", stage.midi, grid, grid[:-1:4], merged(sections), merged(keys))


def _play_part(stage: Performance, part: Part, at: int, up: int) -> None:
    how, rng, end = part.arrangement, stage.rng, at + part.n_beats
    lead = how.programs[0] if rng.random() < 0.8 else int(rng.choice(LEADS))
    loud = float(rng.uniform(0.9, 1.1))
    for track, pitch, velocity, on, off in part.notes:
        if how.levels[track] > 0:
            voice = (track, lead if track == 0 else how.programs[track])
            beats = (at + on, min(at + off, end + 0.5))
            stage.play(voice, pitch + up, velocity * how.levels[track] * loud, beats)
    if how.bass is not None:
        for i in range(0, part.n_beats, how.bass_every):
            root = part.roots[i]
            if root is not None:
                pitch = 28 + (root + up - 4) % 12
                stage.play((BASS_TRACK, how.bass), pitch, 95 * loud, (at + i, at + i + 0.9 * how.bass_every))


def _play_drums(stage: Performance, part: Part, at: int, kit: int) -> None:
    """Play the pattern, a fill in the last bar and perhaps a crash at the start."""
    how, rng, voice = part.arrangement, stage.rng, (DRUM_TRACK, kit)
    kick, snare, hat = PATTERNS[how.drums or 0]
    fill = rng.random() < 0.6
    layers = (
        (kick, KICK, how.drum_level),
        (snare, SNARE, how.drum_level),
        (hat, how.hat, 0.6 * how.drum_level),
    )
    for bar in range(0, part.n_beats, 4):
        filled = fill and bar + 4 >= part.n_beats
        for pattern, drum, loud in layers:
            for beat in pattern:
                if not (filled and beat >= 3) and rng.random() > 0.02:
                    t = at + bar + beat
                    stage.play(voice, drum, loud * rng.uniform(0.85, 1.1), (t, t + 0.2))
        for k in range(4 if filled else 0):
            t = at + bar + 3 + k / 4
            drum = int(rng.choice([SNARE, *TOMS]))
            stage.play(voice, drum, how.drum_level * rng.uniform(0.8, 1.1), (t, t + 0.2))
    if rng.random() < 0.5:
        stage.play(voice, CRASH, how.drum_level, (at, at + 2))
