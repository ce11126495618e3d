"""Train the network that hears drums, and say how it does on drummers and kits it has not met.

    python -m engines.transcribe.training.train_drums --groove DIR --soundfont A.sf2 [--soundfont B.sf3]
        --test-soundfont C.sf2 [--hydrogen DIR] [--items 1600] [--seed 0] [--out engines/transcribe/weights]

Played: the training split of the Groove MIDI Dataset (`--groove`, its folder with info.csv) and patterns of
`scores.compose_drums`; on kits of the soundfonts, retuned at random, and kits of random oscillators; through
random equalisers, rooms, saturation and noise; half of them with other instruments, and some of those
without drums. Measured: the dataset's validation split on the kits of `--test-soundfont`.
"""

import argparse
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import scipy.signal

from engines import _notes
from engines._audio import FloatArray
from engines.transcribe.drum_model import CLASSES, WEIGHTS, Network, activations, inputs, level, strokes
from engines.transcribe.drum_spectrum import FRAME_RATE, DrumListener
from engines.transcribe.training.kits import Kit, audible, hydrogen_kit, made_kit, play, sampled_kit
from engines.transcribe.training.scores import (
    CLASS_OF,
    DRUM_KEYS,
    PROGRAMS,
    SR,
    Played,
    Rng,
    compose,
    compose_drums,
    midi,
    render,
)

IntArray: TypeAlias = npt.NDArray[np.intp]

SECONDS = 12.0
KIT_PROGRAMS = (0, 8, 16, 24, 25, 32, 40)  # the orchestra's kit (48) has other drums on these keys
# Of Debian's hydrogen-drumkits, to measure on.
HELD_BACK = ("BJA_Pacific", "ForzeeStereo", "GMRockKit", "HardElectro1", "TR808EmulationKit")
HIDDEN = (128, 48)
EPOCHS, BATCH, RATE, DECAY = 12, 512, 1.5e-3, 0.01
TOLERANCE_S = 0.05
SOFTEST = 20


@dataclass
class Item:
    """A recording as the network hears it, and its strokes: (seconds, class, velocity)."""

    bands: FloatArray
    strokes: FloatArray


def performances(folder: Path, split: str) -> list[list[Played]]:
    """Read the performances of one split of the Groove MIDI Dataset that last 4 seconds or more."""
    index = next(folder.rglob("info.csv"))
    with index.open() as file:
        rows = [r for r in csv.DictReader(file) if r["split"] == split and float(r["duration"]) >= 4]
    read = []
    for row in rows:
        path = index.parent / row["midi_filename"]
        if path.exists():
            score = _notes.read(path)
            read.append(
                sorted(
                    Played(score.seconds(n.start), n.pitch, score.seconds(n.end), n.velocity)
                    for part in score.parts
                    for n in part.notes
                    if n.pitch in CLASS_OF
                )
            )
    return read


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


def retuned(kit: Kit, rng: Rng) -> Kit:
    """Play each drum a little faster or slower, and louder or softer than the others."""
    changed: Kit = {}
    for key, shots in kit.items():
        speed, gain = float(np.exp(rng.normal(0, 0.1))), float(np.exp(rng.normal(0, 0.3)))
        changed[key] = [
            (gain * np.interp(np.arange(0, len(s) - 1, speed), np.arange(len(s)), s)).astype(np.float32)
            for s in shots
        ]
    return changed


def through_a_studio(y: FloatArray, rng: Rng) -> FloatArray:
    """Colour a recording as rooms, desks and codecs do."""
    if rng.random() < 0.5:  # tilt
        f = float(np.exp(rng.uniform(np.log(150), np.log(4000))))
        sos = scipy.signal.butter(1, f, "lowpass", fs=SR, output="sos")
        y = y + rng.uniform(-0.6, 1.0) * scipy.signal.sosfilt(sos, y)
    if rng.random() < 0.35:  # room
        n = round(SR * rng.uniform(0.1, 0.9))
        tail = rng.standard_normal(n) * np.exp(-6.9 * np.arange(n) / n)
        tail *= rng.uniform(0.1, 0.5) / np.sqrt((tail**2).sum())
        y = y + scipy.signal.fftconvolve(y, tail)[: len(y)]
    y = y / (np.abs(y).max() + 1e-9)
    if rng.random() < 0.35:  # saturation
        drive = rng.uniform(1, 5)
        y = np.tanh(drive * y)
    if rng.random() < 0.25:  # codec or old sampler
        sos = scipy.signal.butter(6, rng.uniform(5000, 15000), "lowpass", fs=SR, output="sos")
        y = scipy.signal.sosfilt(sos, y)
    y = y * 10 ** rng.uniform(-1.5, 0) + rng.standard_normal(len(y)) * 10 ** rng.uniform(-5, -3)
    return y.astype(np.float32)


def accompaniments(soundfonts: list[Path], count: int, rng: Rng) -> list[FloatArray]:
    """Render pieces for one to three instruments, mono, `SECONDS` long."""
    made = []
    for _ in range(count):
        y = np.zeros(round(SECONDS * SR), np.float32)
        for role in rng.choice(list(PROGRAMS), size=int(rng.integers(1, 4)), replace=False):
            program = int(rng.choice(PROGRAMS[role]))
            font = soundfonts[int(rng.integers(len(soundfonts)))]
            score = midi(compose(str(role), rng, SECONDS), program)
            sound = render(score, font, reverb=bool(rng.random() < 0.5)).mean(axis=0)[: len(y)]
            y[: len(sound)] += rng.uniform(0.4, 1.0) * sound / (np.abs(sound).max() + 1e-9)
        made.append(y)
    return made


def hear(y: FloatArray) -> FloatArray:
    """Hear a recording as the engine does."""
    listener = DrumListener()
    listener.push(y)
    return listener.finish()


def items(
    songs: list[list[Played]], kits: list[Kit], music: list[FloatArray], count: int, rng: Rng
) -> Iterator[Item]:
    """Make recordings to train on."""
    for _ in range(count):
        draw = rng.random()
        played = (
            excerpt(songs[int(rng.integers(len(songs)))], rng)
            if draw < 0.6 and songs
            else compose_drums(rng, SECONDS)
        )
        kit = retuned(_assembled(kits, rng), rng)
        y = play(played, kit, SECONDS)
        y = y / (np.abs(y).max() + 1e-9)
        if rng.random() < 0.4:
            backing = music[int(rng.integers(len(music)))]
            shift = int(rng.integers(len(backing)))
            alone = rng.random() < 0.25
            if alone:
                played = []
            n = min(len(y), len(backing))
            y = (0.0 if alone else 1.0) * y[:n] + rng.uniform(0.2, 1.2) * np.roll(backing, shift)[:n]
        # What is struck softer than this is not heard under the rest, and teaches nothing.
        heard = [note for note in audible(played, kit) if note.velocity >= SOFTEST]
        yield Item(hear(through_a_studio(y, rng)), _truth(heard))


def _assembled(kits: list[Kit], rng: Rng) -> Kit:
    """Choose a kit; or take each kind of drum from another one, sampled or made."""
    if rng.random() < 0.35:
        return kits[int(rng.integers(len(kits)))]
    whole = made_kit(rng)
    kit: Kit = {}
    only_made = rng.random() < 0.3
    for keys in DRUM_KEYS.values():
        source = whole if only_made or rng.random() < 0.3 else kits[int(rng.integers(len(kits)))]
        kit |= {key: source[key] for key in keys if key in source}
    return kit


def _truth(played: list[Played]) -> FloatArray:
    rows = [(n.start, CLASS_OF[n.pitch], n.velocity) for n in played if n.pitch in CLASS_OF]
    return np.array(rows, np.float64).reshape(-1, 3)


def targets(item: Item) -> tuple[FloatArray, FloatArray]:
    """Return for each frame and class whether a stroke begins (its neighbours: perhaps), and how hard."""
    n = len(item.bands)
    onset, strength = np.zeros((n, len(CLASSES)), np.float32), np.zeros((n, len(CLASSES)), np.float32)
    for t, drum, velocity in item.strokes:
        frame, c = round(t * FRAME_RATE), int(drum)
        for offset, value in ((0, 1.0), (-1, 0.4), (1, 0.4)):
            if 0 <= frame + offset < n and value > onset[frame + offset, c]:
                onset[frame + offset, c] = value
                strength[frame + offset, c] = velocity / 127
    return onset, strength


def train(made: list[Item], rng: Rng) -> Network:
    """Fit the network by Adam to the cross entropy of strokes and the squared error of their strength."""
    bands = np.concatenate([item.bands for item in made])
    levels = np.repeat([level(item.bands) for item in made], [len(item.bands) for item in made])
    pairs = [targets(item) for item in made]
    onset, strength = (np.concatenate([pair[i] for pair in pairs]) for i in (0, 1))
    ends = np.cumsum([len(item.bands) for item in made])
    inside = np.ones(len(bands), bool)
    for end in ends:  # windows must not reach into the next recording
        inside[max(0, end - 10) : end + 5] = False
    near = np.convolve(onset.max(axis=1), np.ones(13), "same") > 0
    n_in, n_out = 15 * bands.shape[1], 2 * len(CLASSES)
    sizes = (n_in, *HIDDEN, n_out)
    p = []
    for a, b in pairwise(sizes):
        p += [rng.standard_normal((a, b)).astype(np.float32) * np.sqrt(2 / a), np.zeros(b, np.float32)]
    p[-1][: len(CLASSES)] = -3
    first, second = [np.zeros_like(a) for a in p], [np.zeros_like(a) for a in p]
    step = 0
    for epoch in range(EPOCHS):
        chosen = np.flatnonzero(inside & (near | (rng.random(len(bands)) < 0.3)))
        rng.shuffle(chosen)
        total = 0.0
        n_steps = EPOCHS * len(chosen) // BATCH
        for i in range(0, len(chosen) - BATCH, BATCH):
            step += 1
            rows = chosen[i : i + BATCH]
            # A random level, so that one loud bar does not make the rest of a song unheard.
            x = inputs(bands, levels[rows] + rng.normal(0, 0.25, len(rows)), rows)
            x = _equalised(x, rng)
            loss, gradients = _slopes(p, x, onset[rows], strength[rows])
            total += loss
            rate = RATE * 0.5 * (1 + np.cos(np.pi * min(1.0, step / n_steps)))
            for k, g in enumerate(gradients):
                first[k] = 0.9 * first[k] + 0.1 * g
                second[k] = 0.999 * second[k] + 0.001 * g * g
                change = first[k] / (1 - 0.9**step) / (np.sqrt(second[k] / (1 - 0.999**step)) + 1e-8)
                p[k] = (p[k] - rate * (change + DECAY * p[k] * (p[k].ndim == 2))).astype(np.float32)
        print(f"epoch {epoch}: loss {total / max(1, len(chosen) // BATCH):.4f}", flush=True)
    w1, b1, w2, b2, w3, b3 = p
    return Network(w1, b1, w2, b2, w3, b3, np.full(len(CLASSES), 0.4, np.float32))


def _equalised(x: FloatArray, rng: Rng) -> FloatArray:
    """Play each example through an equaliser of its own: about 5 dB up and down, smoothly over the bands."""
    n_bands = x.shape[1] // 15
    ripples = np.cos(np.pi * np.outer(np.arange(1, 6), (np.arange(n_bands) + 0.5) / n_bands))
    gains = (rng.standard_normal((len(x), 5)) * 0.13) @ ripples
    heard = x.reshape(len(x), 15, n_bands)
    result: FloatArray = np.where(heard > 0, np.maximum(0, heard + gains[:, None, :]), 0)
    return result.reshape(len(x), -1).astype(np.float32)


def _slopes(
    p: list[FloatArray], x: FloatArray, onset: FloatArray, strength: FloatArray
) -> tuple[float, list[FloatArray]]:
    w1, b1, w2, b2, w3, b3 = p
    n, n_classes = len(x), len(CLASSES)
    h1 = np.maximum(0, x @ w1 + b1)
    h2 = np.maximum(0, h1 @ w2 + b2)
    y = 1 / (1 + np.exp(-np.clip(h2 @ w3 + b3, -30, 30)))
    q, v = y[:, :n_classes], y[:, n_classes:]
    struck = onset == 1
    loss = float(-(onset * np.log(q + 1e-7) + (1 - onset) * np.log(1 - q + 1e-7)).sum() / n)
    slope = np.empty_like(y)
    slope[:, :n_classes] = (q - onset) / n
    slope[:, n_classes:] = np.where(struck, 2 * (v - strength) * v * (1 - v), 0) / n
    back2 = (slope @ w3.T) * (h2 > 0)
    back1 = (back2 @ w2.T) * (h1 > 0)
    return loss, [x.T @ back1, back1.sum(0), h1.T @ back2, back2.sum(0), h2.T @ slope, slope.sum(0)]


def hits(truth: FloatArray, found: FloatArray) -> int:
    """Count true strokes that have a found one within 50 ms, each used once; both increasing."""
    i = j = count = 0
    while i < len(truth) and j < len(found):
        if abs(truth[i] - found[j]) <= TOLERANCE_S:
            count, i, j = count + 1, i + 1, j + 1
        elif truth[i] < found[j]:
            i += 1
        else:
            j += 1
    return count


def f_measures(made: list[Item], net: Network, thresholds: FloatArray) -> FloatArray:
    """Return the F-measure of each class over recordings, all strokes counted together."""
    counts = np.zeros((len(CLASSES), 3))
    for item in made:
        for c, found in enumerate(strokes(activations(item.bands, net), thresholds)):
            truth = np.sort(item.strokes[item.strokes[:, 1] == c, 0])
            counts[c] += hits(truth, found.times), len(truth), len(found.times)
    result: FloatArray = 2 * counts[:, 0] / np.maximum(1, counts[:, 1] + counts[:, 2])
    return result


def with_best_thresholds(net: Network, made: list[Item]) -> Network:
    """Choose each class's threshold for the best F-measure on recordings made for it."""
    choices = np.arange(0.15, 0.8, 0.05)
    table = np.array([f_measures(made, net, np.full(len(CLASSES), t)) for t in choices])
    best = choices[table.argmax(axis=0)].astype(np.float32)
    return Network(net.w1, net.b1, net.w2, net.b2, net.w3, net.b3, best)


def main() -> None:
    """Train, report and write."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--groove", type=Path, required=True)
    parser.add_argument("--soundfont", type=Path, action="append", required=True)
    parser.add_argument("--test-soundfont", type=Path, action="append", default=[])
    parser.add_argument("--hydrogen", type=Path, help="a folder of Hydrogen's kits")
    parser.add_argument("--items", type=int, default=1600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=WEIGHTS.parent)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    kits = [sampled_kit(font, program) for font in arguments.soundfont for program in KIT_PROGRAMS]
    folders = (
        sorted(path.parent for path in arguments.hydrogen.glob("*/drumkit.xml")) if arguments.hydrogen else []
    )
    read = [hydrogen_kit(folder) for folder in folders if folder.name not in HELD_BACK]
    kits += [kit for kit in read if kit.keys() >= {36, 38, 42}]
    music = accompaniments(arguments.soundfont[:1], 80, rng)
    songs = performances(arguments.groove, "train")
    print(f"seed {arguments.seed}: {len(songs)} performances, {len(kits)} sampled kits", flush=True)
    made = list(items(songs, kits, music, arguments.items, rng))
    held = max(1, len(made) // 8)
    net = with_best_thresholds(train(made[held:], rng), made[:held])
    print("thresholds", dict(zip(CLASSES, net.thresholds.round(2).tolist(), strict=True)))
    unseen = performances(arguments.groove, "validation")
    tests = {font.name: [sampled_kit(font, n) for n in KIT_PROGRAMS] for font in arguments.test_soundfont}
    tests["hydrogen"] = [hydrogen_kit(folder) for folder in folders if folder.name in HELD_BACK]
    for name, strange in tests.items():
        for what in ("drummers", "patterns"):
            tested = []
            for i in range(60 if strange else 0):
                song = (
                    excerpt(unseen[i % len(unseen)], rng)
                    if what == "drummers"
                    else compose_drums(rng, SECONDS)
                )
                kit = strange[i % len(strange)]
                tested.append(Item(hear(play(song, kit, SECONDS)), _truth(audible(song, kit))))
            f = f_measures(tested, net, net.thresholds)
            print(f"{name}, {what}", dict(zip(CLASSES, f.round(3).tolist(), strict=True)), flush=True)
    arguments.out.mkdir(exist_ok=True)
    np.savez_compressed(arguments.out / WEIGHTS.name, **vars(net))


if __name__ == "__main__":
    main()
