"""Scores whose beats, chords and keys are known, and what plays them.

POP909 (piano arrangements with beats, chords, keys) arranged anew for a band with random instruments, drums,
transposition and tempo; Groove MIDI (drummers playing to a click), half of them with bass and chords. Needs
`fluidsynth` and General MIDI soundfonts.
"""

import csv
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import pretty_midi

from engines._audio import FloatArray
from engines.analyze.keys import PITCH_CLASSES
from engines.analyze.training.forms import key_of

SECONDS = 32.0
SHORTEST_S = 0.01  # of a note: one shorter than MIDI's tick would end before it begins, and sound for ever
LONGEST_SYNTHESIS_S = 60.0  # for what takes a second: what never ends is written without end
SOUNDFONTS = [Path("/usr/share/sounds/sf2") / name for name in ("FluidR3_GM.sf2", "TimGM6mb.sf2")]
COMPING = (0, 1, 2, 4, 5, 6, 7, 11, 16, 18, 19, 21, 24, 25, 26, 27, 28, 29, 46, 48, 50, 51, 88, 89, 90)
LEADS = (0, 4, 11, 22, 24, 25, 29, 30, 40, 52, 53, 56, 61, 65, 66, 68, 71, 73, 75, 80, 81, 82, 85)
BASSES = (32, 33, 34, 35, 36, 37, 38, 39, 43)
KITS = (0, 0, 8, 16, 24, 25, 32, 40)
KICK, SNARE, RIM, CLOSED, OPEN, RIDE, CRASH, SHAKER = 36, 38, 37, 42, 46, 51, 49, 70
FLATS = {
    "Db": "C#",
    "Eb": "D#",
    "Gb": "F#",
    "Ab": "G#",
    "Bb": "A#",
    "Cb": "B",
    "Fb": "E",
    "E#": "F",
    "B#": "C",
}
# Where in a bar of four beats each drum plays, in beats: (kick, snare, hat).
PATTERNS: tuple[tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]], ...] = (
    ((0, 2), (1, 3), (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5)),
    ((0, 2.5), (1, 3), (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5)),
    ((0, 1, 2, 3), (1, 3), (0.5, 1.5, 2.5, 3.5)),
    ((0, 1, 2, 3), (), (0.5, 1.5, 2.5, 3.5)),
    ((0, 1.5, 2), (1, 3), (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5)),
    ((0, 0.75, 2.5), (1, 3), tuple(np.arange(0, 4, 0.25))),
    ((0, 2.75), (2,), (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5)),
    ((0, 2), (1, 3), (0, 2 / 3, 1, 5 / 3, 2, 8 / 3, 3, 11 / 3)),
    ((0, 1.5, 2, 3.5), (0, 1.5, 3), tuple(np.arange(0, 4, 0.5))),
    ((0, 0.75, 1.5, 2.25, 3), (1, 3), tuple(np.arange(0, 4, 0.5))),
    ((0,), (), (0, 1, 2, 3)),
    ((0, 2.25, 2.5), (1, 2.75, 3), tuple(np.arange(0, 4, 0.25))),
)


@dataclass
class Piece:
    """A score and its truth; times in seconds, chords as (start, end, root 0-11, quality)."""

    name: str
    group: str
    beats: FloatArray
    downbeats: FloatArray
    meter: int
    midi: pretty_midi.PrettyMIDI = field(default_factory=pretty_midi.PrettyMIDI)
    key: str = ""
    chords: list[tuple[float, float, int, str]] = field(default_factory=list)


def parse_chord(label: str) -> tuple[int, str] | None:
    """Read a Harte label as root and maj, min, 7, maj7 or min7 (others by their third); None for no chord."""
    name, _, quality = label.partition("/")[0].partition(":")
    name = FLATS.get(name, name)
    if name not in PITCH_CLASSES:
        return None
    quality = quality.partition("(")[0]
    plain = {q: q for q in ("maj", "min", "7", "maj7", "min7")} | {"": "maj", "6": "maj", "min6": "min"}
    if quality not in plain and not quality.startswith(("maj", "min", "9", "11", "13", "dim", "hdim")):
        return None
    by_third = "min" if quality.startswith(("min", "dim", "hdim")) else "maj"
    return PITCH_CLASSES.index(name), plain.get(quality, by_third)


def pop_pieces(folder: Path, count: int, rng: np.random.Generator) -> Iterator[Piece]:
    """Arrange excerpts of POP909 songs for a band."""
    songs = sorted(path.parent for path in folder.rglob("chord_midi.txt"))
    for song in rng.choice(np.array(songs, dtype=object), size=min(count, len(songs)), replace=False):
        piece = _arrange(song, rng)
        if piece:
            yield piece


def _arrange(song: Path, rng: np.random.Generator) -> Piece | None:
    times = np.loadtxt(song / "beat_midi.txt", ndmin=2)
    score = pretty_midi.PrettyMIDI(str(song / f"{song.name}.mid"))
    beat_at, down = times[:, 0], times[:, 2] > 0
    gap = float(np.median(np.diff(np.flatnonzero(down)))) if down.sum() > 2 else 0
    periods = np.diff(beat_at)
    if gap not in (3.0, 4.0) or len(beat_at) < 48 or np.ptp(periods) > 0.3 * np.median(periods):
        return None
    stretch = float(np.exp(rng.uniform(-0.16, 0.16)))
    shift = int(rng.integers(-5, 7))
    first = int(rng.choice(np.flatnonzero(down)[1 : max(2, int(0.5 * down.sum()))]))
    start = beat_at[first] - float(rng.choice([0.0, rng.uniform(0, 0.5)]))

    def move(t: float) -> float:
        return float((t - start) * stretch)

    beats = (beat_at - start) * stretch
    inside = (beats >= 0) & (beats < SECONDS)
    piece = Piece(song.name, "pop909", beats[inside], beats[inside & down], int(gap))
    for line in (song / "chord_midi.txt").read_text().splitlines():
        a, b, label = line.split()[:3]
        chord = parse_chord(label)
        if chord and move(float(b)) > 0 and move(float(a)) < SECONDS:
            root = (chord[0] + shift) % 12
            piece.chords.append((max(0.0, move(float(a))), min(SECONDS, move(float(b))), root, chord[1]))
    keys = [line.split()[2] for line in (song / "key_audio.txt").read_text().splitlines() if line.strip()]
    if len(set(keys)) == 1:
        tonic, _, mode = keys[0].partition(":")
        index = PITCH_CLASSES.index(FLATS.get(tonic, tonic))
        piece.key = key_of(index + shift, "minor" if mode.startswith("min") else "major")
    roles = ((LEADS, 1.0), (LEADS, 0.8), (COMPING, 0.8))
    for track, (programs, level) in zip(score.instruments, roles, strict=False):
        if track.name == "MELODY" and rng.random() < 0.25:
            continue
        part = pretty_midi.Instrument(int(rng.choice(programs)))
        loud = level * rng.uniform(0.5, 1.1)
        for note in track.notes:
            on, off = move(note.start) + rng.normal(0, 0.006), move(note.end)
            if 0 <= on < SECONDS and off > on + SHORTEST_S:
                velocity = int(np.clip(note.velocity * loud, 10, 127))
                pitch = int(np.clip(note.pitch + shift, 0, 127))
                part.notes.append(pretty_midi.Note(velocity, pitch, on, off))
        piece.midi.instruments.append(part)
    _double(piece, rng)
    if rng.random() < 0.75:
        piece.midi.instruments.append(_bass(piece, rng))
    if rng.random() < 0.8:
        piece.midi.instruments.append(_drums(piece, rng))
    return piece


def _double(piece: Piece, rng: np.random.Generator) -> None:
    """Feel a slow song twice as fast, for which the drums then make it true."""
    slow = len(piece.beats) > 8 and 60 / np.median(np.diff(piece.beats)) < 85
    if slow and piece.meter == 4 and rng.random() < 0.4:
        middle = (piece.beats[1:] + piece.beats[:-1]) / 2
        old = piece.beats
        piece.beats = np.sort(np.concatenate([old, middle]))
        # Bars of four fast beats begin on every other slow one, counted from a slow downbeat.
        first = int(np.argmin(np.abs(old - piece.downbeats[0]))) if len(piece.downbeats) else 0
        piece.downbeats = old[first % 2 :: 2]


def _bass(piece: Piece, rng: np.random.Generator) -> pretty_midi.Instrument:
    part = pretty_midi.Instrument(int(rng.choice(BASSES)))
    every = int(rng.choice([1, 1, 2]))
    halves = rng.random() < 0.3
    loud = int(rng.uniform(70, 115))
    step = float(np.median(np.diff(piece.beats)))
    offset = int(np.argmin(np.abs(piece.beats - piece.downbeats[0]))) if len(piece.downbeats) else 0
    for i, t in enumerate(piece.beats):
        if (i - offset) % every:
            continue
        root = next((root for a, b, root, _ in piece.chords if a - 0.05 <= t < b - 0.05), None)
        if root is None:
            continue
        for at, length in ((t, 0.45), (t + step / 2, 0.4)) if halves else ((t, 0.9 * every),):
            pitch = 28 + (root - 4) % 12 + (12 if rng.random() < 0.05 else 0)
            a = max(0.0, at + rng.normal(0, 0.006))
            part.notes.append(pretty_midi.Note(loud, pitch, a, a + length * step))
    return part


def _drums(piece: Piece, rng: np.random.Generator) -> pretty_midi.Instrument:
    part = pretty_midi.Instrument(int(rng.choice(KITS)), is_drum=True)
    kick, snare, hat = PATTERNS[int(rng.integers(len(PATTERNS)))]
    if piece.meter == 3:
        kick, snare, hat = (0,), (1, 2) if rng.random() < 0.5 else (2,), (0, 1, 2)
    tight = rng.uniform(0.001, 0.012)
    hat_note = int(rng.choice([CLOSED, CLOSED, RIDE, SHAKER, OPEN]))
    snare_note = int(rng.choice([SNARE, SNARE, RIM, 39]))
    level, hat_level = rng.uniform(70, 120), rng.uniform(35, 100)
    layers = ((kick, KICK, level), (snare, snare_note, level), (hat, hat_note, hat_level))
    grid = np.append(piece.beats, piece.beats[-1] + np.median(np.diff(piece.beats)))
    place = np.arange(len(grid))
    first = int(np.argmin(np.abs(piece.beats - piece.downbeats[0]))) if len(piece.downbeats) else 0
    for bar in range(first - piece.meter, len(piece.beats), piece.meter):
        for pattern, drum, loud in layers:
            for beat in pattern:
                at = bar + beat
                if 0 <= at < len(piece.beats) and rng.random() > 0.03:
                    t = max(0.0, float(np.interp(at, place, grid)) + rng.normal(0, tight))
                    accent = 1.0 if at == int(at) else 0.85
                    velocity = int(np.clip(loud * accent * rng.uniform(0.85, 1.1), 10, 127))
                    part.notes.append(pretty_midi.Note(velocity, drum, t, t + 0.1))
        if (bar // piece.meter) % 8 == 0 and 0 <= bar < len(grid) and rng.random() < 0.5:
            part.notes.append(pretty_midi.Note(int(level), CRASH, float(grid[bar]), float(grid[bar]) + 1))
    return part


def groove_pieces(folder: Path, count: int, rng: np.random.Generator) -> Iterator[Piece]:
    """Take drummers' performances, half of them with a bass and chords put to them."""
    index = next(folder.rglob("info.csv"))
    with index.open() as file:
        rows = [r for r in csv.DictReader(file) if float(r["duration"]) > 8 and 55 <= float(r["bpm"]) <= 205]
    rows = [r for r in rows if r["time_signature"] in {"4-4", "3-4"}]
    rows = [r for r in rows if (index.parent / r["midi_filename"]).exists()]
    for row in rng.choice(np.array(rows, dtype=object), size=min(count, len(rows)), replace=False):
        score = pretty_midi.PrettyMIDI(str(index.parent / row["midi_filename"]))
        period, meter = 60 / float(row["bpm"]), int(row["time_signature"][0])
        end = min(SECONDS, score.get_end_time())
        beats = np.arange(0, end, period)
        piece = Piece(Path(row["midi_filename"]).stem, "groove", beats, beats[::meter], meter)
        drums = pretty_midi.Instrument(int(rng.choice(KITS)), is_drum=True)
        drums.notes = [n for t in score.instruments for n in t.notes if n.start < end]
        piece.midi.instruments.append(drums)
        if rng.random() < 0.5:
            _accompany(piece, rng)
        yield piece


def _accompany(piece: Piece, rng: np.random.Generator) -> None:
    minor = rng.random() < 0.5
    tonic = int(rng.integers(12))
    degrees = [(0, "min"), (5, "min"), (7, "min"), (8, "maj"), (3, "maj"), (10, "maj")]
    if not minor:
        degrees = [(0, "maj"), (5, "maj"), (7, "maj"), (9, "min"), (2, "min"), (0, "maj")]
    part = pretty_midi.Instrument(int(rng.choice(COMPING)))
    bars = np.append(piece.downbeats, piece.downbeats[-1] + piece.meter * (piece.beats[1] - piece.beats[0]))
    strum = float(rng.choice([1, 2, piece.meter]))
    for a, b in pairwise(bars):
        step, quality = degrees[int(rng.integers(len(degrees)))]
        root = (tonic + step) % 12
        piece.chords.append((float(a), float(min(b, SECONDS)), root, quality))
        for k in np.arange(0, piece.meter, strum):
            t = a + (b - a) * k / piece.meter
            for interval in (0, 3 if quality == "min" else 4, 7):
                pitch = 54 + (root + interval - 54) % 12
                part.notes.append(
                    pretty_midi.Note(
                        int(rng.uniform(50, 90)), pitch, t, t + 0.9 * strum * (b - a) / piece.meter
                    )
                )
    piece.midi.instruments += [part, _bass(piece, rng)]


def synthesize(
    midi: pretty_midi.PrettyMIDI, sound: Path, fonts: list[Path], rng: np.random.Generator, sr: int = 44100
) -> None:
    """Play a score with one of some soundfonts into a WAV file, now and then with reverberation."""
    score = sound.with_suffix(".mid")
    midi.write(str(score))
    font = fonts[int(rng.integers(len(fonts)))]
    options = ["-R", str(int(rng.random() < 0.6)), "-g", f"{rng.uniform(0.2, 0.6):.2f}", "-r", str(sr)]
    quick = ["-o", "synth.dynamic-sample-loading=1"]  # reads of a soundfont only what the score needs
    command = ["fluidsynth", "-ni", "-q", *quick, *options, "-F", str(sound), str(font), str(score)]
    subprocess.run(command, check=True, capture_output=True, timeout=LONGEST_SYNTHESIS_S)  # noqa: S603
