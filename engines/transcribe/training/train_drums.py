"""Train the network that hears drums, and say how it does on drummers and kits it has not met.

    python -m engines.transcribe.training.train_drums --groove DIR --soundfont A.sf2 [--soundfont B.sf3]
        [--hydrogen DIR] --test-soundfont C.sf2 [--items 2400] [--seed 0] [--out engines/transcribe/weights]

Trained on `recordings.items` with the training split of the Groove MIDI Dataset (`--groove`, its folder with
info.csv), in Keras, which only this script needs. Measured on the dataset's validation split and on new
patterns, on the kits of `--test-soundfont` and on five of Hydrogen's that were kept back.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from engines._audio import FloatArray
from engines.transcribe.drum_model import (
    AFTER,
    BEFORE,
    CLASSES,
    WEIGHTS,
    Network,
    activations,
    inputs,
    strokes,
)
from engines.transcribe.drum_spectrum import FRAME_RATE, N_BANDS
from engines.transcribe.training.kits import audible, hydrogen_kit, play, sampled_kit
from engines.transcribe.training.recordings import (
    HELD_BACK,
    KIT_PROGRAMS,
    SECONDS,
    Item,
    accompaniments,
    excerpt,
    hear,
    items,
    performances,
    truth_of,
)
from engines.transcribe.training.scores import Rng, compose_drums

EPOCHS, BATCH, CUTS, LENGTH, RATE = 16, 16, 3, 400, 2e-3  # three times four seconds of each recording
THREADS = 2
TOLERANCE_S = 0.05


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
    """Build the network of `drum_model` in Keras; the bands are the third axis of four."""
    layers = tf.keras.layers
    x = frames = layers.Input((None, N_BANDS, 1))
    for channels in (16, 24):
        x = layers.Conv2D(channels, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D((1, 2))(x)
    x = layers.Reshape((-1, N_BANDS // 4 * 24))(x)
    x = layers.ZeroPadding1D((BEFORE, AFTER))(x)
    x = layers.Conv1D(64, BEFORE + 1 + AFTER, activation="relu")(x)
    x = layers.Dropout(0.2)(x)
    x = layers.Dense(2 * len(CLASSES), activation="sigmoid")(x)
    return tf.keras.Model(frames, x)


def train(made: list[Item], rng: Rng) -> Network:
    """Fit the network by Adam to the cross entropy of strokes and the squared error of their strength."""
    import tensorflow as tf  # noqa: PLC0415 - only training needs it

    tf.keras.utils.set_random_seed(int(rng.integers(1 << 31)))
    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    model = build(tf)
    n_classes = len(CLASSES)

    def loss(truth: Any, said: Any) -> Any:
        p, q = said[..., :n_classes], truth[..., :n_classes]
        p = tf.clip_by_value(p, 1e-6, 1 - 1e-6)
        entropy = -(q * tf.math.log(p) + (1 - q) * tf.math.log(1 - p))
        miss = tf.where(q == 1.0, (said[..., n_classes:] - truth[..., n_classes:]) ** 2, 0.0)
        return tf.reduce_sum(entropy + miss, axis=-1)

    bands = [inputs(item.bands) for item in made]
    truths = [targets(item) for item in made]
    n_steps = EPOCHS * (len(made) * CUTS // BATCH)
    rate = tf.keras.optimizers.schedules.CosineDecay(RATE, n_steps)
    model.compile(tf.keras.optimizers.Adam(rate), loss)
    for epoch in range(EPOCHS):
        total, order = 0.0, rng.permutation(np.repeat(np.arange(len(made)), CUTS))
        for i in range(0, len(order) - BATCH + 1, BATCH):
            x = np.zeros((BATCH, LENGTH, N_BANDS), np.float32)
            y = np.zeros((BATCH, LENGTH, 2 * n_classes), np.float32)
            for row, chosen in enumerate(order[i : i + BATCH]):
                at = int(rng.integers(0, max(1, len(bands[chosen]) - LENGTH)))
                x[row], y[row] = bands[chosen][at : at + LENGTH], truths[chosen][at : at + LENGTH]
            total += float(model.train_on_batch(equalised(x, rng)[..., None], y))
        print(f"epoch {epoch}: loss {total / (len(order) // BATCH):.4f}", flush=True)
    k1, b1, k2, b2, k3, b3, k4, b4 = model.get_weights()
    return Network(k1, b1, k2, b2, k3, b3, k4, b4, np.full(n_classes, 0.4, np.float32))


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
    return replace(net, thresholds=best)


def main() -> None:
    """Train, report and write."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--groove", type=Path, required=True)
    parser.add_argument("--soundfont", type=Path, action="append", required=True)
    parser.add_argument("--test-soundfont", type=Path, action="append", default=[])
    parser.add_argument("--hydrogen", type=Path, help="a folder of Hydrogen's kits")
    parser.add_argument("--items", type=int, default=2400)
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
                tested.append(Item(hear(play(song, kit, SECONDS)), truth_of(audible(song, kit))))
            f = f_measures(tested, net, net.thresholds)
            print(f"{name}, {what}", dict(zip(CLASSES, f.round(3).tolist(), strict=True)), flush=True)
    arguments.out.mkdir(exist_ok=True)
    np.savez_compressed(arguments.out / WEIGHTS.name, **vars(net))


if __name__ == "__main__":
    main()
