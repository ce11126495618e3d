"""Recordings of drums with known strokes, to train on and to measure with.

Played: the Groove MIDI Dataset and patterns of `scores.compose_drums`; on kits of soundfonts, of the drum
machine Hydrogen and of folders of one-shots, mixed and retuned at random, and on kits made as drum machines
make them; through random equalisers, rooms, compressors, saturation and noise; two in five with other
instruments, and a third of those without drums.
"""

import csv
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import scipy.signal

from engines import _notes
from engines._audio import FloatArray
from engines.transcribe.drum_spectrum import DrumListener
from engines.transcribe.training.kit_changes import layered, retuned
from engines.transcribe.training.kits import Kit, audible, needed, play
from engines.transcribe.training.scores import (
    CLASS_OF,
    DRUM_KEYS,
    PROGRAMS,
    SR,
    Played,
    Rng,
    compose,
    compose_drums,
    log_uniform,
    midi,
    render,
    without_doubles,
)
from engines.transcribe.training.synthesisers import line

Made = TypeVar("Made")

SECONDS = 12.0
KIT_PROGRAMS = (0, 8, 16, 24, 25, 32, 40)  # the orchestra's kit (48) has other drums on these keys
# Of GS and GeneralUser GS (26), and as FluidR3_GM numbers its variants.
MORE_KIT_PROGRAMS = (1, 2, 3, 4, 9, 10, 11, 17, 26, 33, 41)
# Instruments that are played against drums, and alone; `scores.PROGRAMS` is what is measured on too.
MORE_PROGRAMS = {
    "piano": (*range(16), 16, 17, 18, 104, 107),
    "bass": range(32, 40),
    "guitar": (*range(24, 32), 45, 46),
    "strings": (*range(48, 52), *range(88, 96)),
    "lead": (40, 56, 61, 65, 68, 71, 73, 75, *range(80, 88)),
}
# Of Debian's hydrogen-drumkits, to measure on, and to choose thresholds on.
HELD_BACK = ("BJA_Pacific", "ForzeeStereo", "GMRockKit", "HardElectro1", "TR808EmulationKit")
CHOOSING = ("ColomboAcousticDrumkit", "ElectricEmpireKit", "Millo_MultiLayered2", "rumpf_kit_z01_h2")
HELD_BACK_DRUMMERS = ("drummer3", "drummer5", "drummer9")  # of the Groove MIDI Dataset
ALONE = (0.3, 0.25, 0.25, 0.1, 0.1)  # how often each kind of drum is what plays alone
SOFTEST = 10  # velocity: what is struck softer is not heard under the rest, and teaches nothing


@dataclass
class Item:
    """A recording as the network hears it, and its strokes: (seconds, class, velocity)."""

    bands: FloatArray
    strokes: FloatArray


def performances(folder: Path, *, held_back: bool) -> list[list[Played]]:
    """Read the performances of the Groove MIDI Dataset that last 4 seconds or more.

    Those of `HELD_BACK_DRUMMERS`, or of all others.
    """
    index = next(folder.rglob("info.csv"))
    with index.open() as file:
        rows = [row for row in csv.DictReader(file) if float(row["duration"]) >= 4]
    read = []
    for row in rows:
        path = index.parent / row["midi_filename"]
        if (row["drummer"] in HELD_BACK_DRUMMERS) == held_back and path.exists():
            score = _notes.read(path)
            played = (
                Played(score.seconds(n.start), n.pitch, score.seconds(n.end), n.velocity)
                for part in score.parts
                for n in part.notes
                if n.pitch in CLASS_OF
            )
            read.append(without_doubles(sorted(played)))
    return [played for played in read if played]


def scattered(rng: Rng, seconds: float) -> list[Played]:
    """Strike each kind of drum now and then, on a grid or on none, as no drummer does.

    What is heard under a kick cannot be guessed from what usually is.
    """
    grid = rng.uniform(0.08, 0.25) if rng.random() < 0.7 else 0.0
    strokes = []
    for keys in DRUM_KEYS.values():
        key, loud = int(rng.choice(keys)), rng.uniform(50, 115)
        for t in np.flatnonzero(rng.random(round(seconds / 0.1)) < log_uniform(rng, 0.02, 0.3)) * 0.1:
            at = grid * round(t / grid) if grid else t + rng.uniform(0, 0.1)
            if at < seconds - 0.1:
                if rng.random() < 0.15:
                    key = int(rng.choice(keys))
                velocity = int(np.clip(loud * np.exp(rng.normal(0, 0.3)), 12, 127))
                strokes.append(Played(float(at), key, float(at) + 0.1, velocity))
    return without_doubles(strokes)


def excerpt(played: list[Played], rng: Rng) -> list[Played]:
    """Cut `SECONDS` out of a performance, at a random place and a slightly changed tempo."""
    last = played[-1].start
    a, stretch = rng.uniform(0, max(0.01, last - SECONDS)), float(np.exp(rng.uniform(-0.15, 0.15)))
    lead = rng.uniform(0, 0.3)
    moved = (
        Played((n.start - a) * stretch + lead, n.pitch, (n.end - a) * stretch + lead, n.velocity)
        for n in played
        if n.start >= a
    )
    return [n for n in moved if n.start < SECONDS - 0.1]


def rearranged(played: list[Played], rng: Rng) -> list[Played]:
    """Let other drums of a kit play parts: the ride what the hat had, the rim what the snare had; or none.

    How much softer soft strokes are than loud ones changes as well.
    """
    moved: dict[int, int | None] = {}
    if rng.random() < 0.25:  # one cymbal for all of the hat's strokes, or the hat for the ride's
        over = int(rng.choice([51, 51, 59, 53, 46, 26]))
        moved |= dict.fromkeys((22, 42), over) if rng.random() < 0.7 else dict.fromkeys((51, 53, 59), 42)
    if rng.random() < 0.3:
        moved |= dict.fromkeys((38, 40), int(rng.choice([37, 38, 39, 40])))
    if rng.random() < 0.1:
        moved |= dict.fromkeys(DRUM_KEYS[int(rng.integers(len(DRUM_KEYS)))])
    elif rng.random() < 0.15:  # one or two kinds of drum alone
        alone = rng.choice(len(DRUM_KEYS), size=int(rng.integers(1, 3)), replace=False, p=ALONE)
        moved |= {key: None for key, drum in CLASS_OF.items() if drum not in alone}
    bend = float(np.exp(rng.normal(0, 0.25)))
    changed = []
    for n in played:
        key = moved.get(n.pitch, n.pitch)
        if key is not None:
            velocity = int(np.clip(round(127 * (n.velocity / 127) ** bend), 1, 127))
            changed.append(Played(n.start, key, n.end, velocity))
    return without_doubles(changed)


def through_a_studio(y: FloatArray, rng: Rng) -> FloatArray:
    """Colour a recording as rooms, desks and codecs do."""
    if rng.random() < 0.5:  # tilt
        f = log_uniform(rng, 150, 4000)
        sos = scipy.signal.butter(1, f, "lowpass", fs=SR, output="sos")
        y = y + rng.uniform(-0.6, 1.0) * scipy.signal.sosfilt(sos, y)
    if rng.random() < 0.35:  # room
        n = round(SR * rng.uniform(0.1, 0.9))
        tail = rng.standard_normal(n) * np.exp(-6.9 * np.arange(n) / n)
        tail *= rng.uniform(0.1, 0.5) / np.sqrt((tail**2).sum())
        y = y + scipy.signal.fftconvolve(y, tail)[: len(y)]
    y = y / (np.abs(y).max() + 1e-9)
    if rng.random() < 0.3:  # a compressor: louder where it has been soft for some 20 to 200 ms
        fall = float(np.exp(-1 / (SR * log_uniform(rng, 0.02, 0.2))))
        power = scipy.signal.lfilter([1 - fall], [1, -fall], y**2)
        y = y / (np.sqrt(power) + 0.02) ** rng.uniform(0.2, 0.7)
        y = y / (np.abs(y).max() + 1e-9)
    if rng.random() < 0.35:  # saturation
        drive = rng.uniform(1, 5)
        y = np.tanh(drive * y)
    if rng.random() < 0.25:  # codec or old sampler
        sos = scipy.signal.butter(6, rng.uniform(5000, 15000), "lowpass", fs=SR, output="sos")
        y = scipy.signal.sosfilt(sos, y)
    y = y * 10 ** rng.uniform(-1.5, 0) + rng.standard_normal(len(y)) * 10 ** rng.uniform(-5, -3)
    return y.astype(np.float32)


def accompaniments(
    soundfonts: list[Path],
    count: int,
    rng: Rng,
    programs: Mapping[str, Sequence[int]] = PROGRAMS,
    most: int = 3,
) -> list[FloatArray]:
    """Render pieces for one to `most` instruments, mono, `SECONDS` long."""
    made = []
    for _ in range(count):
        y = np.zeros(round(SECONDS * SR), np.float32)
        for role in rng.choice(list(programs), size=int(rng.integers(1, most + 1)), replace=False):
            program = int(rng.choice(programs[role]))
            font = soundfonts[int(rng.integers(len(soundfonts)))]
            score = midi(compose(str(role), rng, SECONDS), program)
            sound = render(score, font, reverb=bool(rng.random() < 0.5)).mean(axis=0)[: len(y)]
            y[: len(sound)] += rng.uniform(0.4, 1.0) * sound / (np.abs(sound).max() + 1e-9)
        made.append(y)
    return made


def music_without_drums(soundfonts: list[Path], count: int, rng: Rng) -> list[FloatArray]:
    """Make what drums are told from: pieces, instruments alone, lines of one synthesiser, a third each."""
    third = count // 3
    return [
        *accompaniments(soundfonts, third, rng, MORE_PROGRAMS),
        *accompaniments(soundfonts, third, rng, MORE_PROGRAMS, most=1),
        *(line(rng, SECONDS) for _ in range(count - 2 * third)),
    ]


def hear(y: FloatArray) -> FloatArray:
    """Hear a recording as the engine does."""
    listener = DrumListener()
    listener.push(y)
    return listener.finish()


@dataclass(frozen=True)
class Studio:
    """What recordings to train on are made of.

    Attributes
    ----------
    songs
        Performances.
    kits, machines
        Kits that were sampled, and kits that were made.
    music
        Other instruments, mono, `SECONDS` long.
    dry
        Share of the recordings that are left as they were played.
    """

    songs: list[list[Played]]
    kits: list[Kit]
    machines: list[Kit]
    music: list[FloatArray]
    dry: float = 0.0

    def record(self, rng: Rng) -> Item:
        """Make a recording."""
        draw = rng.random()
        if draw < 0.6 and self.songs:
            played = excerpt(self.songs[int(rng.integers(len(self.songs)))], rng)
        elif draw < 0.9:
            played = compose_drums(rng, SECONDS)
        else:
            played = scattered(rng, SECONDS)
        played = rearranged(played, rng)
        kit = retuned(needed(played, self._kit(rng)), rng)
        if rng.random() < 0.25:
            kit = layered(kit, self.kits[int(rng.integers(len(self.kits)))], rng)
        y = play(played, kit, SECONDS)
        y = y / (np.abs(y).max() + 1e-9)
        if rng.random() < 0.4:
            backing = self.music[int(rng.integers(len(self.music)))]
            speed = float(np.exp(rng.normal(0, 0.15)))
            backing = np.interp(np.arange(0, len(backing) - 1, speed), np.arange(len(backing)), backing)
            shift = int(rng.integers(len(backing)))
            backing = np.resize(np.roll(backing, shift), len(y))
            alone = rng.random() < 0.33
            if alone:
                played = []
            y = (0.0 if alone else 1.0) * y + rng.uniform(0.2, 1.2) * backing
        heard = [note for note in audible(played, kit) if note.velocity >= SOFTEST]
        dry = self.dry > 0 and rng.random() < self.dry
        return Item(hear(y if dry else through_a_studio(y, rng)), truth_of(heard))

    def _kit(self, rng: Rng) -> Kit:
        """Choose a kit; or take each kind of drum from another one, sampled or made."""
        if rng.random() < 0.35:
            return self.kits[int(rng.integers(len(self.kits)))]
        whole = self.machines[int(rng.integers(len(self.machines)))]
        kit: Kit = {}
        only_made = rng.random() < 0.2
        for keys in DRUM_KEYS.values():
            taken = only_made or rng.random() < 0.2
            source = whole if taken else self.kits[int(rng.integers(len(self.kits)))]
            kit |= {key: source[key] for key in keys if key in source}
        return kit


def recordings(studio: Studio, count: int, seed: int) -> list[Item]:
    """Make recordings on all processors, each from a seed of its own."""
    return heard_recordings(studio, count, seed, _as_it_is)


def heard_recordings(studio: Studio, count: int, seed: int, hear_one: Callable[[Item], Made]) -> list[Made]:
    """Make recordings as `recordings` does, and of each what `hear_one` makes of it."""
    with ProcessPoolExecutor(initializer=_open, initargs=(studio, hear_one)) as pool:
        return list(pool.map(_record, ((seed, i) for i in range(count)), chunksize=25))


_at_work: list[tuple[Studio, Callable[[Item], Any]]] = []


def _open(studio: Studio, hear_one: Callable[[Item], Any]) -> None:
    _at_work[:] = [(studio, hear_one)]


def _record(seed: tuple[int, int]) -> Any:
    studio, hear_one = _at_work[0]
    return hear_one(studio.record(np.random.default_rng(seed)))


def _as_it_is(item: Item) -> Item:
    return item


def truth_of(played: list[Played]) -> FloatArray:
    """Return strokes as rows of seconds, class and velocity."""
    rows = [(n.start, CLASS_OF[n.pitch], n.velocity) for n in played if n.pitch in CLASS_OF]
    return np.array(rows, np.float64).reshape(-1, 3)
