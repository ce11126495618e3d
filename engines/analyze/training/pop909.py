"""POP909: piano arrangements of songs with their beats, chords and keys, read, and arranged anew for a band.

A band has random instruments, drums, transposition and tempo. What is read is also what `pop_songs` makes
songs of.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pretty_midi

from engines._audio import FloatArray
from engines.analyze.keys import PITCH_CLASSES
from engines.analyze.training.accompaniment import COMPING, LEADS, bass, drums
from engines.analyze.training.forms import key_of
from engines.analyze.training.render import Piece

SECONDS = 32.0
SHORTEST_S = 0.01  # of a note: one shorter than MIDI's tick would end before it begins, and sound for ever
STEADY = 0.3  # the most that beats' lengths may differ, of their median
FEWEST_BEATS = 48
FLATS = {
    "Db": "C#", "Eb": "D#", "Gb": "F#", "Ab": "G#", "Bb": "A#",
    "Cb": "B", "Fb": "E", "E#": "F", "B#": "C",
}  # fmt: skip


@dataclass(frozen=True)
class PopSong:
    """A song that goes steadily in bars of three or four; `downbeats` are places in `beats`, in seconds.

    `key` is tonic and mode, None if it changes or nobody says; `chords` are start, end, root and quality.
    """

    name: str
    score: pretty_midi.PrettyMIDI
    beats: FloatArray
    downbeats: npt.NDArray[np.intp]
    meter: int
    chords: list[tuple[float, float, int, str]]
    key: tuple[int, str] | None


def folders(collection: Path) -> list[Path]:
    """List the folders of all songs."""
    return sorted(path.parent for path in collection.rglob("chord_midi.txt"))


def read(folder: Path) -> PopSong | None:
    """Read a song; None if it is short, in other bars or unsteady."""
    times = np.loadtxt(folder / "beat_midi.txt", ndmin=2)
    beats, downbeats = times[:, 0], np.flatnonzero(times[:, 2] > 0)
    meter = float(np.median(np.diff(downbeats))) if len(downbeats) > 2 else 0
    periods = np.diff(beats)
    if meter not in (3, 4) or len(beats) < FEWEST_BEATS or np.ptp(periods) > STEADY * np.median(periods):
        return None
    chords = []
    for start, end, label in _rows(folder / "chord_midi.txt"):
        chord = parse_chord(label)
        if chord:
            chords.append((float(start), float(end), *chord))
    keys = {label for *_, label in _rows(folder / "key_audio.txt")}
    return PopSong(
        name=folder.name,
        score=pretty_midi.PrettyMIDI(str(folder / f"{folder.name}.mid")),
        beats=beats,
        downbeats=downbeats,
        meter=int(meter),
        chords=chords,
        key=_parse_key(keys.pop()) if len(keys) == 1 else None,
    )


def _rows(path: Path) -> Iterator[list[str]]:
    """Yield start, end and label of each line."""
    for line in path.read_text().splitlines():
        if line.strip():
            yield line.split()[:3]


def _parse_key(label: str) -> tuple[int, str]:
    tonic, _, mode = label.partition(":")
    return PITCH_CLASSES.index(FLATS.get(tonic, tonic)), "minor" if mode.startswith("min") else "major"


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
    found = folders(folder)
    for path in rng.choice(np.array(found, dtype=object), size=min(count, len(found)), replace=False):
        song = read(path)
        if song:
            yield _arrange(song, rng)


def _arrange(song: PopSong, rng: np.random.Generator) -> Piece:
    stretch = float(np.exp(rng.uniform(-0.16, 0.16)))
    shift = int(rng.integers(-5, 7))
    first = int(rng.choice(song.downbeats[1 : max(2, int(0.5 * len(song.downbeats)))]))
    start = song.beats[first] - float(rng.choice([0.0, rng.uniform(0, 0.5)]))

    def move(t: float) -> float:
        return float((t - start) * stretch)

    moved = (song.beats - start) * stretch
    beats, downbeats = (times[(times >= 0) & (times < SECONDS)] for times in (moved, moved[song.downbeats]))
    piece = Piece(song.name, "pop909", beats, downbeats, song.meter)
    for a, b, root, quality in song.chords:
        if move(b) > 0 and move(a) < SECONDS:
            piece.chords.append((max(0.0, move(a)), min(SECONDS, move(b)), (root + shift) % 12, quality))
    if song.key:
        tonic, mode = song.key
        piece.key = key_of(tonic + shift, mode)
    roles = ((LEADS, 1.0), (LEADS, 0.8), (COMPING, 0.8))
    for track, (programs, level) in zip(song.score.instruments, roles, strict=False):
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
        piece.midi.instruments.append(bass(piece, rng))
    if rng.random() < 0.8:
        piece.midi.instruments.append(drums(piece, rng))
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
