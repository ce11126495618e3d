"""Train the network that hears drums, and say how it does on drummers and kits it has not met.

    python -m engines.transcribe.training.train_drums --groove DIR --soundfont A.sf2 [--soundfont B.sf3]
        [--hydrogen DIR] [--shots DIR] [--choosing-kit C.sf2] --test-soundfont D.sf2 [--items 2100]
        [--start drums.npz] [--epochs 12] [--rate 0.003] [--seed 0] [--out engines/transcribe/weights]

Trained on `recordings.Studio`'s with the Groove MIDI Dataset (`--groove`, its folder with info.csv) but for
three of its drummers, in Keras, which only this script needs; `--start` goes on from weights that are there.
Thresholds are chosen on kits that were not trained on, those of `--choosing-kit` (soundfonts of one kit).
Measured on the three drummers and on new patterns, on the kits of `--test-soundfont` and on five of
Hydrogen's that were kept back.
"""

import argparse
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
from engines.transcribe.training.kits import (
    audible,
    hydrogen_kit,
    kits_of_shots,
    made_kit,
    play,
    sampled_kit,
    single_kit,
)
from engines.transcribe.training.recordings import (
    HELD_BACK,
    KIT_PROGRAMS,
    SECONDS,
    Item,
    Studio,
    accompaniments,
    excerpt,
    hear,
    performances,
    truth_of,
)
from engines.transcribe.training.scores import Rng, compose_drums

BATCH, LENGTH = 16, 2 * CONTEXT  # each time six seconds of each recording
CHANNELS, OSCILLATORS = 64, 60
THREADS = 2
TOLERANCE_S = 0.05


@dataclass(frozen=True)
class Plan:
    """How long to train, how fast to begin, and with which weights; None: random ones."""

    epochs: int
    rate: float
    start: Network | None


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
    around = layers.Dense(CHANNELS, use_bias=False)(layers.GlobalAveragePooling1D(keepdims=True)(x))
    x = layers.ReLU()(layers.Add()([layers.Dense(CHANNELS)(x), around]))
    x = layers.Dropout(0.2)(x)
    x = layers.Dense(2 * len(CLASSES), activation="sigmoid")(x)
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


def train(made: list[Item], rng: Rng, plan: Plan) -> Network:
    """Fit the network by Adam to the cross entropy of strokes and the squared error of their strength."""
    import tensorflow as tf  # noqa: PLC0415 - only training needs it

    tf.keras.utils.set_random_seed(int(rng.integers(1 << 31)))
    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    model = build(tf) if plan.start is None else with_weights(build(tf), plan.start)
    n_classes = len(CLASSES)

    def loss(truth: Any, said: Any) -> Any:
        p, q = said[..., :n_classes], truth[..., :n_classes]
        p = tf.clip_by_value(p, 1e-6, 1 - 1e-6)
        entropy = -(q * tf.math.log(p) + (1 - q) * tf.math.log(1 - p))
        miss = tf.where(q == 1.0, (said[..., n_classes:] - truth[..., n_classes:]) ** 2, 0.0)
        return tf.reduce_sum(entropy + miss, axis=-1)

    bands = [inputs(item.bands) for item in made]
    truths = [targets(item) for item in made]
    n_steps = plan.epochs * (len(made) // BATCH)
    rate = tf.keras.optimizers.schedules.CosineDecay(plan.rate, n_steps)
    model.compile(tf.keras.optimizers.Adam(rate), loss)
    for epoch in range(plan.epochs):
        total, order = 0.0, rng.permutation(len(made))
        for i in range(0, len(order) - BATCH + 1, BATCH):
            x = np.zeros((BATCH, LENGTH, N_BANDS), np.float32)
            y = np.zeros((BATCH, LENGTH, 2 * n_classes), np.float32)
            for row, chosen in enumerate(order[i : i + BATCH]):
                at = int(rng.integers(0, max(1, len(bands[chosen]) - LENGTH)))
                x[row], y[row] = bands[chosen][at : at + LENGTH], truths[chosen][at : at + LENGTH]
            total += float(model.train_on_batch(equalised(x, rng)[..., None], y))
        print(f"epoch {epoch}: loss {total / (len(order) // BATCH):.4f}", flush=True)
    return weights_of(model)


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


def with_best_thresholds(net: Network, made: list[Item]) -> Network:
    """Choose each class's threshold for the best F-measure on recordings of kits that were not trained on."""
    choices = np.arange(0.1, 0.8, 0.05)
    said = [activations(item.bands, net) for item in made]
    table = np.array([f_measures(made, said, np.full(len(CLASSES), t)) for t in choices])
    best = choices[table.argmax(axis=0)].astype(np.float32)
    return replace(net, thresholds=best)


def main() -> None:
    """Train, report and write."""
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
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=WEIGHTS.parent)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    folders = (
        sorted(path.parent for path in arguments.hydrogen.glob("*/drumkit.xml")) if arguments.hydrogen else []
    )
    kits = [sampled_kit(font, program) for font in arguments.soundfont for program in KIT_PROGRAMS]
    choosing = [single_kit(font) for font in arguments.choosing_kit]
    kits += [hydrogen_kit(folder) for folder in folders if folder.name not in HELD_BACK]
    kits += [kit for folder in arguments.shots for kit in kits_of_shots(folder)]
    kits = [kit for kit in kits if kit.keys() >= {36, 38, 42}]
    music = accompaniments(arguments.soundfont[:1], 80, rng)
    songs = performances(arguments.groove, held_back=False)
    print(f"seed {arguments.seed}: {len(songs)} performances, {len(kits)} sampled kits", flush=True)
    studio = Studio(songs, kits, [made_kit(rng) for _ in range(OSCILLATORS)], music)
    others = Studio(songs, choosing or kits, [made_kit(rng) for _ in range(OSCILLATORS)], music)
    made = recordings(studio, arguments.items, arguments.seed)
    unlike = recordings(others, arguments.items // 7, arguments.seed + 1)
    plan = Plan(arguments.epochs, arguments.rate, read(arguments.start) if arguments.start else None)
    net = with_best_thresholds(train(made, rng, plan), unlike)
    print("thresholds", dict(zip(CLASSES, net.thresholds.round(2).tolist(), strict=True)))
    arguments.out.mkdir(exist_ok=True)
    np.savez_compressed(arguments.out / WEIGHTS.name, **vars(net))
    unseen = performances(arguments.groove, held_back=True)
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
                tested.append(Item(hear(play(song, kit, SECONDS)), truth_of(audible(song, kit))))
            f = f_measures(tested, [activations(item.bands, net) for item in tested], net.thresholds)
            print(f"{name}, {what}", dict(zip(CLASSES, f.round(3).tolist(), strict=True)), flush=True)


if __name__ == "__main__":
    main()
