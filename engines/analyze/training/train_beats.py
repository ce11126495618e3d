"""Train the network that hears beats and bars, and say how it does on songs it has not met.

    python -m engines.analyze.training.train_beats --pieces DIR [--without chart] [--start FILE]
        [--epochs 40] [--rate 0.002] [--seed 0] [--out engines/analyze/weights/beats.npz]

`--pieces` is what `beat_pieces` wrote; those that are `for_rankers` are not trained on, and are what is
reported on: the F-measure at 70 ms of plain peaks of the activation. `--without` leaves a kind out, to ask
how the network does on music it has seen nothing of; `--start` goes on from weights that are there. In Keras,
which only this script needs.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mir_eval
import numpy as np
import scipy.signal

from engines._audio import FloatArray
from engines._networks import read_network, write_weights
from engines.analyze import bands as band
from engines.analyze.beat_network import (
    DILATIONS,
    FRAME_RATE,
    MODEL,
    N_INPUTS,
    SHORTEST_S,
    Network,
    activations,
    going_round,
    inputs,
)
from engines.analyze.onset_strength import LAG_FRAMES, LEAD_S, mean_level
from engines.analyze.training.rendered import RenderedPiece, for_rankers

CHANNELS, BATCH = 48, 16
SECONDS = 23.0  # of each piece, each time
STRETCH = 0.22  # natural logarithm, either way
THREADS = 2
NEAR = 0.4  # what a frame beside a beat counts as


@dataclass(frozen=True)
class Item:
    """A piece: bands (n, N_BANDS), beats and downbeats in seconds."""

    name: str
    group: str
    bands: FloatArray
    beats: FloatArray
    downbeats: FloatArray
    duration: float
    level: float


def read(path: Path) -> Item:
    """Read a piece; a short one goes round, and its truth with it."""
    piece = RenderedPiece.load(path)
    bands, duration = piece.bands, piece.duration
    beats, downbeats = piece.beats, piece.downbeats
    if duration < SHORTEST_S:
        bands = going_round(bands, duration)
        rounds = np.arange(int(SHORTEST_S / duration) + 1) * duration
        beats, downbeats = ((times + rounds[:, None]).ravel() for times in (beats, downbeats))
        duration = SHORTEST_S
    level = mean_level(bands)
    return Item(piece.name, piece.group, bands.astype(np.float16), beats, downbeats, duration, level)


def example(item: Item, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Cut `SECONDS` out of a piece, played faster or slower, louder or softer, through an equaliser."""
    n = 2 * round(SECONDS * FRAME_RATE)
    speed = float(np.exp(rng.uniform(-STRETCH, STRETCH)))
    needed = int(n * speed) + LAG_FRAMES + 2
    start = int(rng.integers(max(1, len(item.bands) - needed)))
    at = start + np.arange(n + LAG_FRAMES) * speed
    low = np.minimum(at.astype(int), len(item.bands) - 2)
    share = (at - low)[:, None].clip(0, 1).astype(np.float32)
    part = item.bands[low].astype(np.float32) * (1 - share) + item.bands[low + 1].astype(np.float32) * share
    part[at >= len(item.bands)] = 0
    level = item.level * float(np.exp(rng.normal(0, 0.25)))
    ripples = np.cos(np.pi * np.outer(np.arange(5), (np.arange(band.N_BANDS) + 0.5) / band.N_BANDS))
    gains = np.exp((rng.standard_normal(5) * 0.25) @ ripples).astype(np.float32)
    if rng.random() < 0.3:
        part = np.roll(part, int(rng.choice([-1, 1])), axis=1)
    x = inputs(part * gains, max(level, 1e-9))
    y = np.zeros((len(x), 2), np.float32)
    for column, times in enumerate((item.beats, item.downbeats)):
        frames = (((times - LEAD_S) * band.FRAME_RATE - start) / speed - LAG_FRAMES) / 2
        for offset, value in ((0, 1.0), (-1, NEAR), (1, NEAR)):
            place = np.round(frames).astype(int) + offset
            place = place[(place >= 0) & (place < len(y))]
            y[place, column] = np.maximum(y[place, column], value)
    return x, y


def build(tf: Any) -> Any:
    """Build the network of `beat_network` in Keras."""
    layers = tf.keras.layers
    x = frames = layers.Input((None, N_INPUTS))
    x = layers.Dense(CHANNELS, activation="relu")(x)
    x = layers.Dropout(0.1)(x)
    for dilation in DILATIONS:
        # Small at first: what nine layers add up must not drown what they were given.
        small = tf.keras.initializers.VarianceScaling(0.2)
        more = layers.Conv1D(
            CHANNELS,
            3,
            padding="same",
            dilation_rate=dilation,
            activation="relu",
            kernel_initializer=small,
        )(x)
        more = layers.SpatialDropout1D(0.1)(more)
        x = layers.Add()([x, more])
    return tf.keras.Model(frames, layers.Dense(2, activation="sigmoid")(x))


def weights_of(model: Any) -> Network:
    """Return a trained model as the engine runs it."""
    (k1, b1), *between, (k3, b3) = [w for layer in model.layers if (w := layer.get_weights())]
    k2, b2 = (np.stack(parts) for parts in zip(*between, strict=True))
    return Network(k1, b1, k2, b2, k3, b3)


def with_weights(model: Any, net: Network) -> Any:
    """Give a model the weights that the engine runs."""
    between = zip(net.k2, net.b2, strict=True)
    given = iter([(net.k1, net.b1), *between, (net.k3, net.b3)])
    for layer in model.layers:
        if layer.get_weights():
            layer.set_weights(next(given))
    return model


@dataclass(frozen=True)
class Plan:
    """How long to train, how fast to begin, the seed, and which weights to go on from; None: random ones."""

    epochs: int
    rate: float
    seed: int
    start: Network | None


def train(items: list[Item], plan: Plan, out: Path) -> Network:
    """Fit the network by Adam to the cross entropy of beats and downbeats; writes after each five epochs."""
    import tensorflow as tf  # noqa: PLC0415 - only training needs it

    tf.keras.utils.set_random_seed(plan.seed)
    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    rng = np.random.default_rng(plan.seed)
    model = build(tf) if plan.start is None else with_weights(build(tf), plan.start)
    n_steps = plan.epochs * (len(items) // BATCH)
    rate = tf.keras.optimizers.schedules.CosineDecay(plan.rate, n_steps, alpha=0.02)
    model.compile(tf.keras.optimizers.Adam(rate, clipnorm=1.0), "binary_crossentropy")
    for epoch in range(1, plan.epochs + 1):
        total, order = 0.0, rng.permutation(len(items))
        for i in range(0, len(order) - BATCH + 1, BATCH):
            x, y = zip(*(example(items[k], rng) for k in order[i : i + BATCH]), strict=True)
            total += float(model.train_on_batch(np.stack(x), np.stack(y)))
        print(f"epoch {epoch}: loss {total / (len(order) // BATCH):.4f}", flush=True)
        if epoch % 5 == 0:
            write_weights(out, weights_of(model))
    return weights_of(model)


def peaks(activation: FloatArray) -> FloatArray:
    """Return the times of an activation's plain peaks, in seconds."""
    at, _ = scipy.signal.find_peaks(activation, height=0.3, distance=8)
    times: FloatArray = np.maximum(0.0, at / FRAME_RATE + LEAD_S)
    return times


def main() -> None:
    """Train, report and write."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--pieces", type=Path, required=True)
    parser.add_argument("--without", action="append", default=[])
    parser.add_argument("--start", type=Path, help="weights to go on from")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=MODEL)
    arguments = parser.parse_args()
    items = [read(path) for path in sorted(arguments.pieces.glob("*.npz"))]
    kept = [i for i in items if for_rankers(i.name)]
    used = [i for i in items if not for_rankers(i.name) and i.group not in arguments.without]
    print(f"{len(used)} pieces to train on, {len(kept)} kept; seed {arguments.seed}", flush=True)
    start = read_network(arguments.start, Network, N_INPUTS) if arguments.start else None
    net = train(used, Plan(arguments.epochs, arguments.rate, arguments.seed, start), arguments.out)
    write_weights(arguments.out, net)
    scores: dict[str, list[tuple[float, float]]] = {}
    for item in kept:
        if len(item.beats) and item.duration > SHORTEST_S:
            said = activations(item.bands.astype(np.float32), item.duration, net)
            f = [
                mir_eval.beat.f_measure(truth, peaks(said[:, column]))
                for column, truth in enumerate((item.beats, item.downbeats))
            ]
            scores.setdefault(item.group, []).append((f[0], f[1]))
    for group, values in scores.items():
        beat, bar = np.mean(values, axis=0)
        print(f"{group:10s} {len(values):4d}  beats F {beat:.3f}  downbeats F {bar:.3f}")


if __name__ == "__main__":
    main()
