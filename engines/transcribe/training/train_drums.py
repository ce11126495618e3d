"""Train the network that hears drums, and say how it does on drummers and kits it has not met.

    python -m engines.transcribe.training.train_drums --groove DIR --soundfont A.sf2 [--soundfont B.sf3]
        [--hydrogen DIR] [--shots DIR] [--choosing-kit C.sf2] --test-soundfont D.sf2 [--items 2100]
        [--start drums.npz] [--epochs 12] [--minutes 60] [--rate 0.003] [--seed 0]
        [--out engines/transcribe/weights]

Trained on `recordings.Studio`'s with the Groove MIDI Dataset (`--groove`, its folder with info.csv) but for
three of its drummers, in Keras, which only this script needs; `--start` goes on from weights that are there.
Thresholds are chosen on kits that were not trained on, those of `--choosing-kit` (soundfonts of one kit) and
four of Hydrogen's, after every few epochs, and written with the weights as they are then.
Measured on the three drummers and on new patterns, on the kits of `--test-soundfont` and on five of
Hydrogen's that were kept back; a sound that is in those as well is not trained on.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engines._audio import FloatArray
from engines.transcribe.drum_model import (
    CLASSES,
    CONTEXT,
    DILATIONS,
    WEIGHTS,
    Network,
    activations,
    inputs,
    read,
    strokes,
)
from engines.transcribe.drum_spectrum import FRAME_RATE, N_BANDS
from engines.transcribe.training.drum_machines import made_kit
from engines.transcribe.training.kits import (
    audible,
    hydrogen_kit,
    kits_of_shots,
    play,
    sampled_kit,
    single_kit,
    unlike,
)
from engines.transcribe.training.recordings import (
    CHOOSING,
    HELD_BACK,
    KIT_PROGRAMS,
    MORE_KIT_PROGRAMS,
    SECONDS,
    Item,
    Studio,
    excerpt,
    hear,
    music_without_drums,
    performances,
    truth_of,
)
from engines.transcribe.training.scores import Rng, compose_drums

BATCH, LENGTH = 16, 2 * CONTEXT  # each time six seconds of each recording
CHANNELS, MACHINES, MUSIC = 96, 240, 300
WARMING = 200  # steps until the rate is what was asked for
EVERY = 4  # epochs that weights are written after
MIXED = 0.3  # of the examples have music added to them
THREADS = 2
DRY = 0.5  # of the recordings that thresholds are chosen on: loops and programmed drums have no room around
TOLERANCE_S = 0.05


@dataclass(frozen=True)
class Plan:
    """How long to train, how fast to begin, and with which weights; None: random ones.

    Where `minutes` are fewer than the epochs take, the rate falls that much faster.
    """

    epochs: int
    rate: float
    start: Network | None
    minutes: float = float("inf")


def recordings(studio: Studio, count: int, seed: int) -> list[Item]:
    """Make recordings on all processors, each from a seed of its own."""
    with ProcessPoolExecutor(initializer=_open, initargs=(studio,)) as pool:
        return list(pool.map(_record, ((seed, i) for i in range(count)), chunksize=25))


_studio: list[Studio] = []


def _open(studio: Studio) -> None:
    _studio[:] = [studio]


def _record(seed: tuple[int, int]) -> Item:
    return _studio[0].record(np.random.default_rng(seed))


def targets(item: Item) -> FloatArray:
    """Return for each frame whether a stroke of each class begins (its neighbours: perhaps), and how hard."""
    n, n_classes = len(item.bands), len(CLASSES)
    y = np.zeros((n, 2 * n_classes), np.float32)
    for t, drum, velocity in item.strokes:
        frame, c = round(t * FRAME_RATE), int(drum)
        for offset, value in ((0, 1.0), (-1, 0.4), (1, 0.4)):
            if 0 <= frame + offset < n and value > y[frame + offset, c]:
                y[frame + offset, c] = value
                y[frame + offset, n_classes + c] = velocity / 127
    return y


def build(tf: Any) -> Any:
    """Build the network of `drum_model` in Keras; the bands are the third axis of four.

    The mean of the surroundings is that of the whole excerpt, which is as long.
    """
    layers = tf.keras.layers
    x = frames = layers.Input((None, N_BANDS, 1))
    for channels in (16, 24):
        x = layers.Conv2D(channels, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D((1, 2))(x)
    x = layers.Reshape((-1, N_BANDS // 4 * 24))(x)
    x = layers.Conv1D(CHANNELS, 3, padding="same", activation="relu")(x)
    for dilation in DILATIONS:
        more = layers.Conv1D(CHANNELS, 3, padding="same", dilation_rate=dilation, activation="relu")(x)
        x = layers.Add()([x, more])
    mean = layers.GlobalAveragePooling1D(keepdims=True, dtype="float32")(x)
    around = layers.Dense(CHANNELS, use_bias=False)(mean)
    x = layers.ReLU()(layers.Add()([layers.Dense(CHANNELS)(x), around]))
    x = layers.Dropout(0.2)(x)
    x = layers.Dense(2 * len(CLASSES), activation="sigmoid", dtype="float32")(x)
    return tf.keras.Model(frames, x)


def weights_of(model: Any) -> Network:
    """Return a trained model as the engine runs it."""
    found = [layer.get_weights() for layer in model.layers if layer.get_weights()]
    (c5,) = next(w for w in found if len(w) == 1)
    (k1, b1), (k2, b2), (k3, b3), *dilated, (k5, b5), (k6, b6) = [w for w in found if len(w) == 2]
    k4, b4 = (np.stack(parts) for parts in zip(*dilated, strict=True))
    thresholds = np.full(len(CLASSES), 0.4, np.float32)
    return Network(k1, b1, k2, b2, k3, b3, k4, b4, k5, c5, b5, k6, b6, thresholds)


def with_weights(model: Any, net: Network) -> Any:
    """Give a model the weights that the engine runs."""
    dilated = [array for pair in zip(net.k4, net.b4, strict=True) for array in pair]
    ends = iter([net.k1, net.b1, net.k2, net.b2, net.k3, net.b3, *dilated, net.k5, net.b5, net.k6, net.b6])
    for layer in model.layers:
        shapes = [w.shape for w in layer.get_weights()]
        if len(shapes) == 1:
            layer.set_weights([net.c5])
        elif shapes:
            layer.set_weights([next(ends), next(ends)])
    return model


def train(made: list[Item], rng: Rng, plan: Plan, keep: Callable[[int, Network], None]) -> Network:
    """Fit the network by Adam to the cross entropy of strokes and the squared error of their strength.

    `keep` is handed each epoch's number and network.
    """
    import tensorflow as tf  # noqa: PLC0415 - only training needs it

    tf.keras.utils.set_random_seed(int(rng.integers(1 << 31)))
    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")  # takes half as long
    model = build(tf) if plan.start is None else with_weights(build(tf), plan.start)
    n_classes = len(CLASSES)

    def loss(truth: Any, said: Any) -> Any:
        p, q = said[..., :n_classes], truth[..., :n_classes]
        p = tf.clip_by_value(p, 1e-6, 1 - 1e-6)
        entropy = -(q * tf.math.log(p) + (1 - q) * tf.math.log(1 - p))
        miss = tf.where(q == 1.0, (said[..., n_classes:] - truth[..., n_classes:]) ** 2, 0.0)
        return tf.reduce_sum(entropy + miss, axis=-1)

    model.compile(tf.keras.optimizers.Adam(plan.rate), loss)
    bands = [inputs(item.bands).astype(np.float16) for item in made]
    quiet = [x for x, item in zip(bands, made, strict=True) if len(item.strokes) == 0]
    begun, step, n_steps = time.monotonic(), 0, plan.epochs * (len(made) // BATCH)
    for epoch in range(plan.epochs):
        total, before, spent = 0.0, step, 0.0
        for x, y in batches(bands, made, rng):
            spent = max(step / n_steps, (time.monotonic() - begun) / 60 / plan.minutes)
            rate = plan.rate * min(1.0, (step + 1) / WARMING, (1 + np.cos(np.pi * min(1.0, spent))) / 2)
            model.optimizer.learning_rate = rate
            seen = equalised(with_music(x, quiet, rng) if quiet else x, rng)
            total += float(model.train_on_batch(seen[..., None], y))
            step += 1
            if spent >= 1:
                break
        print(f"epoch {epoch}: loss {total / max(1, step - before):.4f}, spent {spent:.2f}", flush=True)
        keep(epoch, weights_of(model))
        if spent >= 1:
            break
    return weights_of(model)


def batches(bands: list[FloatArray], made: list[Item], rng: Rng) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Cut each recording once, in random order: frames of (BATCH, LENGTH, N_BANDS), and their targets."""
    order = rng.permutation(len(made))
    for i in range(0, len(order) - BATCH + 1, BATCH):
        x = np.zeros((BATCH, LENGTH, N_BANDS), np.float32)
        y = np.zeros((BATCH, LENGTH, 2 * len(CLASSES)), np.float32)
        for row, chosen in enumerate(order[i : i + BATCH]):
            at = int(rng.integers(0, max(1, len(bands[chosen]) - LENGTH)))
            x[row], y[row] = bands[chosen][at : at + LENGTH], targets(made[chosen])[at : at + LENGTH]
        yield x, y


def with_music(x: FloatArray, quiet: list[FloatArray], rng: Rng) -> FloatArray:
    """Add recordings without drums to some of the examples, shape (n, LENGTH, N_BANDS), from -20 to +3 dB.

    Magnitudes add up as of sounds that know nothing of each other; the sum is as loud as they were.
    """
    mixed = x.copy()
    for row in np.flatnonzero(rng.random(len(x)) < MIXED):
        other = quiet[int(rng.integers(len(quiet)))]
        at = int(rng.integers(0, max(1, len(other) - LENGTH)))
        gain = rng.uniform(-1.0, 0.15)
        added = np.maximum(0, other[at : at + LENGTH].astype(np.float32) + gain)
        summed = 0.5 * np.log10(10 ** (2 * x[row]) + 10 ** (2 * added) - 1)
        mixed[row] = np.maximum(0, summed - 0.5 * np.log10(1 + 10 ** (2 * gain)))
    return mixed


def equalised(x: FloatArray, rng: Rng) -> FloatArray:
    """Play each example, shape (n, frames, bands), louder or softer, through an equaliser of its own.

    About 5 dB up and down, smoothly over the bands.
    """
    n_bands = x.shape[2]
    ripples = np.cos(np.pi * np.outer(np.arange(6), (np.arange(n_bands) + 0.5) / n_bands))
    gains = (rng.standard_normal((len(x), 6)) * 0.12) @ ripples
    result: FloatArray = np.where(x > 0, np.maximum(0, x + gains[:, None, :]), 0).astype(np.float32)
    return result


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


def f_measures(made: list[Item], said: list[FloatArray], thresholds: FloatArray) -> FloatArray:
    """Return the F-measure of each class over recordings, all strokes counted together.

    `said` are their activations.
    """
    counts = np.zeros((len(CLASSES), 3))
    for item, activation in zip(made, said, strict=True):
        for c, found in enumerate(strokes(activation, thresholds)):
            truth = np.sort(item.strokes[item.strokes[:, 1] == c, 0])
            counts[c] += hits(truth, found.times), len(truth), len(found.times)
    result: FloatArray = 2 * counts[:, 0] / np.maximum(1, counts[:, 1] + counts[:, 2])
    return result


def with_best_thresholds(net: Network, made: list[Item]) -> tuple[Network, FloatArray]:
    """Choose each class's threshold for the best F-measure on recordings of kits that were not trained on.

    Returns these F-measures too.
    """
    choices = np.arange(0.1, 0.8, 0.05)
    said = [activations(item.bands, net) for item in made]
    table = np.array([f_measures(made, said, np.full(len(CLASSES), t)) for t in choices])
    best = choices[table.argmax(axis=0)].astype(np.float32)
    return replace(net, thresholds=best), table.max(axis=0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--groove", type=Path, required=True)
    parser.add_argument("--soundfont", type=Path, action="append", required=True)
    parser.add_argument("--choosing-kit", type=Path, action="append", default=[])
    parser.add_argument("--test-soundfont", type=Path, action="append", default=[])
    parser.add_argument("--hydrogen", type=Path, help="a folder of Hydrogen's kits")
    parser.add_argument("--shots", type=Path, action="append", default=[], help="a folder of one-shots")
    parser.add_argument("--items", type=int, default=2100)
    parser.add_argument("--start", type=Path, help="weights to go on from")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="to train at most")
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=WEIGHTS.parent)
    return parser.parse_args()


def main() -> None:
    """Train, report and write."""
    arguments = _arguments()
    rng = np.random.default_rng(arguments.seed)
    folders = (
        sorted(path.parent for path in arguments.hydrogen.glob("*/drumkit.xml")) if arguments.hydrogen else []
    )
    hydrogen = {folder.name: hydrogen_kit(folder) for folder in folders}
    tests = {font.name: [sampled_kit(font, n) for n in KIT_PROGRAMS] for font in arguments.test_soundfont}
    tests["hydrogen"] = [kit for name, kit in hydrogen.items() if name in HELD_BACK]
    choosing = [single_kit(font) for font in arguments.choosing_kit]
    choosing += [kit for name, kit in hydrogen.items() if name in CHOOSING]
    programs = (*KIT_PROGRAMS, *MORE_KIT_PROGRAMS)
    kits = [sampled_kit(font, program) for font in arguments.soundfont for program in programs]
    kits += [kit for name, kit in hydrogen.items() if name not in (*HELD_BACK, *CHOOSING)]
    kits += [kit for folder in arguments.shots for kit in kits_of_shots(folder)]
    measured = [kit for some in tests.values() for kit in some]
    choosing = unlike(choosing, measured)
    kits = [kit for kit in unlike(kits, measured + choosing) if kit.keys() >= {36, 38, 42}]
    music = music_without_drums(arguments.soundfont, MUSIC, rng)
    songs = performances(arguments.groove, held_back=False)
    print(f"seed {arguments.seed}: {len(songs)} performances, {len(kits)} sampled kits", flush=True)
    studio = Studio(songs, kits, [made_kit(rng) for _ in range(MACHINES)], music)
    made = recordings(studio, arguments.items, arguments.seed)
    others = replace(studio, kits=choosing or kits, dry=DRY)
    unlearned = recordings(others, min(400, arguments.items // 7), arguments.seed + 1)
    arguments.out.mkdir(exist_ok=True)

    def keep(epoch: int, now: Network) -> None:
        if epoch % EVERY == EVERY - 1 or epoch == arguments.epochs - 1:
            net, f = with_best_thresholds(now, unlearned)
            print("chosen", _row(net.thresholds), "F", _row(f), flush=True)
            np.savez_compressed(arguments.out / WEIGHTS.name, **vars(net))

    start = read(arguments.start) if arguments.start else None
    plan = Plan(arguments.epochs, arguments.rate, start, arguments.minutes)
    net, _ = with_best_thresholds(train(made, rng, plan, keep), unlearned)
    print("thresholds", _row(net.thresholds))
    np.savez_compressed(arguments.out / WEIGHTS.name, **vars(net))
    unseen = performances(arguments.groove, held_back=True)
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
                tested.append(Item(hear(play(song, kit, SECONDS)), truth_of(audible(song, kit))))
            f = f_measures(tested, [activations(item.bands, net) for item in tested], net.thresholds)
            print(f"{name}, {what}", _row(f), flush=True)


def _row(values: FloatArray) -> dict[str, float]:
    return dict(zip(CLASSES, values.round(3).tolist(), strict=True))


if __name__ == "__main__":
    main()
