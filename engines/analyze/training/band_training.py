"""Training of the networks that hear the bands: what they are shown, their layers, and how they are fitted.

In Keras, which only training needs. `from_command_line` is what the scripts for each network begin with.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engines._audio import FloatArray
from engines._networks import read_network, write_weights
from engines.analyze import bands as band
from engines.analyze.band_network import BandNetwork, View
from engines.analyze.onset_strength import LAG_FRAMES, LEAD_S, mean_level
from engines.analyze.training.rendered import for_rankers

BATCH = 16
STRETCH = 0.22  # natural logarithm, either way
THREADS = 2
NEAR = 0.4  # what a frame beside an event counts as
EVERY = 5  # epochs that weights are written after


@dataclass(frozen=True)
class Item:
    """A piece: bands (n, N_BANDS) with their mean level, and when the events of each kind are, in seconds."""

    name: str
    group: str
    bands: FloatArray
    level: float
    duration: float
    events: tuple[FloatArray, ...]


def item(name: str, group: str, bands: FloatArray, duration: float, *events: FloatArray) -> Item:
    """Keep a piece, in half precision."""
    return Item(name, group, bands.astype(np.float16), mean_level(bands), duration, events)


@dataclass(frozen=True)
class Shape:
    """A network that tells kinds of events from its view of bands, and how much it is shown at a time."""

    view: View
    kinds: int
    channels: int
    layers: int
    seconds: float


@dataclass(frozen=True)
class Plan:
    """How long to train, how fast to begin, the seed, and which weights to go on from; None: random ones."""

    epochs: int
    rate: float
    seed: int
    start: BandNetwork | None


def example(item: Item, shape: Shape, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Cut some seconds out of a piece, played faster or slower, louder or softer, through an equaliser."""
    pace = shape.view.pace
    n = pace * round(shape.seconds * band.FRAME_RATE / pace)
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
    x = shape.view.inputs(part * gains, max(level, 1e-9))
    y = np.zeros((len(x), len(item.events)), np.float32)
    for column, times in enumerate(item.events):
        frames = (((times - LEAD_S) * band.FRAME_RATE - start) / speed - LAG_FRAMES) / pace
        for offset, value in ((0, 1.0), (-1, NEAR), (1, NEAR)):
            place = np.round(frames).astype(int) + offset
            place = place[(place >= 0) & (place < len(y))]
            y[place, column] = np.maximum(y[place, column], value)
    return x, y


def build(tf: Any, shape: Shape) -> Any:
    """Build a `BandNetwork` in Keras."""
    layers = tf.keras.layers
    x = frames = layers.Input((None, shape.view.n_inputs))
    x = layers.Dense(shape.channels, activation="relu")(x)
    x = layers.Dropout(0.1)(x)
    for layer in range(shape.layers):
        # Small at first: what the layers add up must not drown what they were given.
        small = tf.keras.initializers.VarianceScaling(0.2)
        more = layers.Conv1D(
            shape.channels,
            3,
            padding="same",
            dilation_rate=2**layer,
            activation="relu",
            kernel_initializer=small,
        )(x)
        more = layers.SpatialDropout1D(0.1)(more)
        x = layers.Add()([x, more])
    return tf.keras.Model(frames, layers.Dense(shape.kinds, activation="sigmoid")(x))


def weights_of(model: Any) -> BandNetwork:
    """Return a trained model as the engine runs it."""
    (k1, b1), *between, (k3, b3) = [w for layer in model.layers if (w := layer.get_weights())]
    k2, b2 = (np.stack(parts) for parts in zip(*between, strict=True))
    return BandNetwork(k1, b1, k2, b2, k3, b3)


def with_weights(model: Any, net: BandNetwork) -> Any:
    """Give a model the weights that the engine runs."""
    between = zip(net.k2, net.b2, strict=True)
    given = iter([(net.k1, net.b1), *between, (net.k3, net.b3)])
    for layer in model.layers:
        if layer.get_weights():
            layer.set_weights(next(given))
    return model


def train(items: list[Item], shape: Shape, plan: Plan, out: Path) -> BandNetwork:
    """Fit a network by Adam to the cross entropy of its events; writes now and then, and at the end."""
    import tensorflow as tf  # noqa: PLC0415 - only training needs it

    tf.keras.utils.set_random_seed(plan.seed)
    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    rng = np.random.default_rng(plan.seed)
    model = build(tf, shape) if plan.start is None else with_weights(build(tf, shape), plan.start)
    n_steps = plan.epochs * (len(items) // BATCH)
    rate = tf.keras.optimizers.schedules.CosineDecay(plan.rate, n_steps, alpha=0.02)
    model.compile(tf.keras.optimizers.Adam(rate, clipnorm=1.0), "binary_crossentropy")
    for epoch in range(1, plan.epochs + 1):
        total, order = 0.0, rng.permutation(len(items))
        for i in range(0, len(order) - BATCH + 1, BATCH):
            x, y = zip(*(example(items[k], shape, rng) for k in order[i : i + BATCH]), strict=True)
            total += float(model.train_on_batch(np.stack(x), np.stack(y)))
        print(f"epoch {epoch}: loss {total / (len(order) // BATCH):.4f}", flush=True)
        if epoch % EVERY == 0 or epoch == plan.epochs:
            write_weights(out, weights_of(model))
    return weights_of(model)


def from_command_line(
    description: str, read: Callable[[Path], Item], shape: Shape, rate: float, out: Path
) -> tuple[BandNetwork, list[Item]]:
    """Train on the pieces that the command line names; return the network, and the pieces kept from it.

    `rate` and `out` are the defaults of how fast to begin and where weights are written.
    """
    parser = argparse.ArgumentParser(description=description.partition("\n")[0])
    parser.add_argument("--pieces", type=Path, required=True, help="the folder that beat_pieces wrote")
    parser.add_argument(
        "--without", action="append", default=[], metavar="KIND", help="left out; may be repeated"
    )
    parser.add_argument("--start", type=Path, help="weights to go on from")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--rate", type=float, default=rate)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=out)
    arguments = parser.parse_args()
    items = [read(path) for path in sorted(arguments.pieces.glob("*.npz"))]
    kept = [piece for piece in items if for_rankers(piece.name)]
    used = [p for p in items if not for_rankers(p.name) and p.group not in arguments.without]
    if len(used) < BATCH:
        parser.error(f"--pieces: {len(used)} to train on in {arguments.pieces}; must be at least {BATCH}")
    print(f"{len(used)} pieces to train on, {len(kept)} kept; seed {arguments.seed}", flush=True)
    start = read_network(arguments.start, BandNetwork, shape.view.n_inputs) if arguments.start else None
    plan = Plan(arguments.epochs, arguments.rate, arguments.seed, start)
    return train(used, shape, plan, arguments.out), kept
