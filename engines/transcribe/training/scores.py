"""Scores with known notes, composed from a seed: piano, bass, guitar, drums; and fluidsynth to play them.

Times are in seconds. The same generator makes the accompaniments that the drum model is trained against and
what `bench/transcribe.py` measures on, from other seeds and other soundfonts.
"""

import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from engines._audio import FloatArray, load
from engines._notes import Note, Part, Score, write

Rng: TypeAlias = np.random.Generator

SR = 44100
KICK, SNARE, HAT, TOM, CYMBAL = range(5)
# General MIDI percussion keys, and those of the pads in the Groove MIDI Dataset (22, 26 and 58 are edges).
DRUM_KEYS: dict[int, tuple[int, ...]] = {
    KICK: (35, 36),
    SNARE: (37, 38, 39, 40),
    HAT: (22, 26, 42, 44, 46),
    TOM: (41, 43, 45, 47, 48, 50, 58),
    CYMBAL: (49, 51, 52, 53, 55, 57, 59),
}
CLASS_OF = {key: drum for drum, keys in DRUM_KEYS.items() for key in keys}
PROGRAMS = {
    "piano": (0, 1, 2, 4, 5),
    "bass": (32, 33, 34, 35, 36, 38),
    "guitar": (24, 25, 26, 27),
    "strings": (48, 49, 50, 89, 90),
    "lead": (40, 52, 56, 61, 65, 71, 73, 80, 81),
}
_CHORDS = ((0, 4, 7), (0, 3, 7), (0, 4, 7, 10), (0, 4, 7, 11), (0, 3, 7, 10))
_SCALE = (0, 2, 4, 5, 7, 9, 11)


@dataclass(frozen=True, order=True)
class Played:
    """A note of a score: seconds, MIDI pitch or percussion key, velocity."""

    start: float
    pitch: int
    end: float
    velocity: int


def log_uniform(rng: Rng, low: float, high: float) -> float:
    """Draw a number between two others, any ratio as likely as another."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def compose(role: str, rng: Rng, seconds: float) -> list[Played]:
    """Compose for an instrument of `PROGRAMS`, in order of start; nothing sounds on after `seconds`."""
    bpm = float(rng.uniform(70, 150))
    beat, start = 60 / bpm, float(rng.uniform(0.05, 0.4))
    tonic = int(rng.integers(12))
    notes: list[Played] = []
    loud = float(rng.uniform(60, 105))

    def put(at: float, length: float, pitch: int, level: float = 1.0) -> None:
        on = start + at * beat + float(rng.normal(0, 0.004))
        off = min(on + length * beat, seconds - 0.05)
        if on >= 0 and off - on > 0.04:
            velocity = int(np.clip(loud * level * rng.uniform(0.8, 1.15), 20, 127))
            notes.append(Played(on, pitch, off, velocity))

    for bar in range(int((seconds - start) / beat / 4) + 1):
        root = tonic + _SCALE[int(rng.integers(6))]
        chord = _CHORDS[int(rng.integers(len(_CHORDS)))]
        if role == "bass":
            _bass_bar(put, rng, bar, 28 + (root - 4) % 12, chord)
        elif role == "guitar":
            _guitar_bar(put, rng, bar, 40 + (root - 4) % 12, chord)
        elif role == "strings":
            for step in chord:
                put(4 * bar, 3.9, 55 + (root + step - 55) % 12)
        else:
            if role == "piano":
                _piano_left(put, rng, bar, 41 + (root - 5) % 12, chord)
            _melody_bar(put, rng, bar, 72 + tonic % 12 - 6)
    return sorted(without_overlaps(notes))


def without_overlaps(notes: Sequence[Played]) -> list[Played]:
    """End a note where the same key is struck again, and drop a second strike within 50 ms."""
    kept: dict[int, list[Played]] = {}
    for note in sorted(notes):
        before = kept.setdefault(note.pitch, [])
        if before and note.start - before[-1].start < 0.05:
            continue
        if before and before[-1].end > note.start - 0.01:
            last = before[-1]
            before[-1] = Played(last.start, last.pitch, note.start - 0.01, last.velocity)
        before.append(note)
    return sorted(note for line in kept.values() for note in line)


ONE_STROKE_S = 0.03


def without_doubles(strokes: Sequence[Played]) -> list[Played]:
    """Keep the hardest of strokes of one drum that begin within 30 ms of each other, in order of start.

    Pads trigger twice, and a pedal sounds with the edge of its hat: the ear, and a tolerance of 50 ms, take
    them for one.
    """
    kept: dict[int, list[Played]] = {}
    for stroke in sorted(strokes):
        before = kept.setdefault(CLASS_OF[stroke.pitch], [])
        if not before or stroke.start - before[-1].start >= ONE_STROKE_S:
            before.append(stroke)
        elif stroke.velocity > before[-1].velocity:
            before[-1] = stroke
    return sorted(stroke for line in kept.values() for stroke in line)


def _bass_bar(put: Any, rng: Rng, bar: int, root: int, chord: tuple[int, ...]) -> None:
    style = int(rng.integers(4))
    if style == 0:
        for beat in range(4):
            put(4 * bar + beat, 0.9, root)
    elif style == 1:
        for eighth in range(8):
            put(4 * bar + eighth / 2, 0.45, root + int(rng.choice([0, 0, 0, 12, 7])))
    elif style == 2:
        for beat, step in enumerate((0, chord[1], chord[2], int(rng.choice([9, 10, 11, 12])))):
            put(4 * bar + beat, 0.95, root + step)
    else:
        for at, length in ((0, 1.4), (1.5, 0.9), (2.5, 0.4), (3, 0.9)):
            put(4 * bar + at, length, root + int(rng.choice([0, 0, 7])))


def _guitar_bar(put: Any, rng: Rng, bar: int, root: int, chord: tuple[int, ...]) -> None:
    voicing = [root, root + 7, root + 12, *(root + 12 + step for step in chord[1:])]
    if rng.random() < 0.5:  # broken
        order = rng.permutation(len(voicing))
        for eighth in range(8):
            put(4 * bar + eighth / 2, float(rng.choice([0.5, 1.0])), voicing[order[eighth % len(order)]])
        return
    for beat in (0, 1, 2, 3) if rng.random() < 0.5 else (0, 1.5, 2, 3.5):
        for i, pitch in enumerate(voicing):
            put(4 * bar + beat + 0.015 * i, 0.9, pitch)


def _piano_left(put: Any, rng: Rng, bar: int, root: int, chord: tuple[int, ...]) -> None:
    style = int(rng.integers(3))
    if style == 0:
        for step in chord:
            put(4 * bar, 3.8, root + step)
    elif style == 1:
        for half in (0, 2):
            for step in chord:
                put(4 * bar + half, 1.8, root + 12 * (step == 0 and half == 2) + step)
    else:
        for eighth in range(8):
            put(4 * bar + eighth / 2, 0.5, root + (*chord, 12)[eighth % (len(chord) + 1)])


def _melody_bar(put: Any, rng: Rng, bar: int, base: int) -> None:
    at = 0.0
    while at < 4:
        length = float(rng.choice([0.25, 0.5, 0.5, 1.0, 1.0, 2.0]))
        if rng.random() < 0.85:
            octave, degree = divmod(int(rng.integers(-3, 10)), 7)
            put(4 * bar + at, 0.95 * length, base + 12 * octave + _SCALE[degree], 1.1)
        at += length


def compose_drums(rng: Rng, seconds: float) -> list[Played]:
    """Compose a drum part of random patterns, some with ride, crashes, fills on toms and ghost notes."""
    bpm = float(rng.uniform(75, 175))
    step, start = 15 / bpm, float(rng.uniform(0.05, 0.4))
    jitter, swing = rng.uniform(0, 0.008), float(rng.choice([0, 0, 0, 0.2]))
    kicks = [0, *(s for s in range(1, 16) if rng.random() < (0.3 if s % 2 == 0 else 0.06))]
    if rng.random() < 0.25:
        kicks = [0, 4, 8, 12]
    snares = [4, 12] if rng.random() < 0.8 else [8]
    ghosts = [s for s in range(16) if rng.random() < 0.1 and s not in snares]
    hats = range(0, 16, int(rng.choice([1, 2, 2, 2, 4])))
    over = int(rng.choice([42, 42, 42, 51, 46]))
    snare = int(rng.choice([38, 38, 40, 37]))
    levels = {0: rng.uniform(85, 120), 1: rng.uniform(80, 120), 2: rng.uniform(45, 95)}
    notes: list[Played] = []

    def put(at: int, key: int, level: float) -> None:
        late = swing * step if at % 2 else 0.0
        on = start + at * step + late + float(rng.normal(0, jitter))
        if 0 <= on < seconds - 0.1:
            notes.append(Played(on, key, on + 0.1, int(np.clip(level * rng.uniform(0.85, 1.12), 12, 127))))

    for bar in range(int((seconds - start) / step / 16) + 1):
        fill = bar % 4 == 3 and rng.random() < 0.4
        for s in kicks:
            put(16 * bar + s, 36, levels[0])
        for s in snares:
            put(16 * bar + s, snare, levels[1])
        for s in ghosts:
            if rng.random() < 0.5:
                put(16 * bar + s, snare, 0.35 * levels[1])
        for s in hats:
            if not (fill and s >= 8):
                opened = over == 42 and s % 4 == 2 and rng.random() < 0.12
                put(16 * bar + s, 46 if opened else over, levels[2] * (1.0 if s % 4 == 0 else 0.8))
        if fill:
            for s in range(8, 16, int(rng.choice([1, 2]))):
                put(16 * bar + s, int(rng.choice([50, 48, 47, 45, 43])), levels[1])
        if bar % 4 == 0 and rng.random() < 0.5:
            put(16 * bar, int(rng.choice([49, 57])), 100)
    return without_overlaps(notes)


def midi(notes: Sequence[Played], program: int = 0, drums: bool = False) -> bytes:
    """Write a score as a MIDI file, at 120 BPM: two quarter notes a second."""
    inside = tuple(Note(2 * n.start, n.pitch, 2 * (n.end - n.start), n.velocity) for n in notes)
    end = max((note.end for note in inside), default=1.0)
    return write(Score((Part("score", inside, program, drums),), quarters=end))


def render(score: bytes, soundfont: Path, *, reverb: bool = False, gain: float = 0.5) -> FloatArray:
    """Play a MIDI file with fluidsynth; audio of shape (2, n_samples) at 44100 Hz."""
    with tempfile.TemporaryDirectory() as folder:
        source, sound = Path(folder) / "score.mid", Path(folder) / "sound.wav"
        source.write_bytes(score)
        # Only the samples that are played are read: ten times as fast for a large soundfont.
        options = ["-o", "synth.dynamic-sample-loading=1", "-R", str(int(reverb)), "-C", "0"]
        options += ["-g", f"{gain:.2f}", "-r", str(SR)]
        command = ["fluidsynth", "-ni", "-q", *options, "-F", str(sound), str(soundfont), str(source)]
        subprocess.run(command, check=True, capture_output=True, timeout=120)  # noqa: S603
        return load(sound)[0]
