"""Train the network that hears chords, and say how it does on songs it has not met.

    python -m engines.analyze.training.train_chords --rendered DIR [--without chart] [--epochs 24] [--seed 0]
        [--out engines/analyze/weights/chords.npz]

`--rendered` is what `beat_pieces` wrote: pieces whose chords are known, and drums alone; chords alone and
sounds without any are added. No recording is learned from, nor are the songs that are `for_rankers`, which
see the network's answers; they are what is reported on: the share of beats whose chord is right, and right
but for the seventh, along the best path where beats and bars are known. `--without` leaves a kind out, to ask
how the network does on music it has seen nothing of. In Keras, which only this script needs.
"""

import argparse
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engines._audio import FloatArray
from engines._networks import write_weights
from engines.analyze import chord_network
from engines.analyze.chord_finding import best_chords, change_costs
from engines.analyze.chord_network import LABELS, N_BLOCKS, N_INPUTS, QUALITIES, TURNED, ChordNetwork
from engines.analyze.harmony import beat_edges
from engines.analyze.training.plain_chords import Plain, no_chord, plain_chord
from engines.analyze.training.rendered import RenderedPiece, for_rankers

HIDDEN, SECOND, OF_NONE, DROPPED = 96, 24, 16, 0.1
BATCH, RATE = 512, 2e-3
MOST = 0.7  # of a beat that a chord covers which is its chord
EVENNESS = 0.3  # 1: qualities count alike, however often they are heard; 0: as often as they are
UNKNOWN, NONE = -1, len(LABELS) - 1
PLAIN = 800  # chords alone, and as many sounds without


@dataclass(frozen=True)
class Item:
    """Beats of a piece: inputs (n, N_INPUTS), places in LABELS (n,) or UNKNOWN, costs of changes (n,).

    `kept` is whether it is not trained on.
    """

    group: str
    kept: bool
    x: FloatArray
    right: npt.NDArray[np.intp]
    costs: FloatArray


def rendered(folder: Path) -> Iterable[Item]:
    """Take what `beat_pieces` heard, where chords are known or there are none."""
    for path in sorted(folder.glob("*.npz")):
        piece = RenderedPiece.load(path)
        if len(piece.beats) == 0 or not (piece.drums_alone or piece.chords):
            continue
        edges = beat_edges(piece.beats, piece.duration)
        right = np.full(len(edges) - 1, NONE if piece.drums_alone else UNKNOWN)
        for start, end, label in piece.chords:
            covered = np.minimum(edges[1:], end) - np.maximum(edges[:-1], start)
            right[covered > MOST * np.diff(edges)] = LABELS.index(label)
        x = chord_network.inputs(chord_network.sounding_at(piece.pitches, edges))
        costs = change_costs(edges[:-1], piece.downbeats)
        yield Item(piece.group, for_rankers(piece.name), x, right, costs)


def plain(count: int, seed: int) -> Iterable[Item]:
    """Make chords alone, and sounds without any."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        for made in (plain_chord(rng), no_chord(rng)):
            yield _of_plain(made, kept=number % 4 == 0)


def _of_plain(made: Plain, *, kept: bool) -> Item:
    n = len(made.edges) - 1
    place = 12 * QUALITIES.index(made.quality) + made.root if made.quality else NONE
    x = chord_network.inputs(chord_network.sounding_at(made.heard, made.edges))
    return Item(
        "plain" if made.quality else "none",
        kept,
        x,
        np.full(n, place),
        change_costs(made.edges[:-1], np.zeros(0)),
    )


def build(tf: Any) -> Any:
    """Build the layers that `ChordNetwork.forward` runs, untrained."""
    keras = tf.keras
    x = keras.Input((N_INPUTS,))
    turned = keras.layers.Lambda(lambda v: tf.gather(v, TURNED, axis=1))(x)  # (batch, roots, inputs)
    h = keras.layers.Dense(HIDDEN, "relu", name="1")(turned)
    h = keras.layers.Dropout(DROPPED)(h)
    h = keras.layers.Dense(SECOND, "relu", name="2")(h)
    h = keras.layers.Dense(len(QUALITIES), name="3")(h)
    chords = keras.layers.Reshape((NONE,))(keras.layers.Permute((2, 1))(h))
    rootless = keras.layers.Lambda(lambda v: v[:, 12 * N_BLOCKS :])(x)
    h = keras.layers.Dense(OF_NONE, "relu", name="n1")(rootless)
    none = keras.layers.Dense(1, name="n2")(h)
    return keras.Model(x, keras.layers.Concatenate()([chords, none]))


def weights_of(model: Any) -> ChordNetwork:
    """Take the weights out of a model."""
    layers = (model.get_layer(name).get_weights() for name in ("1", "2", "3", "n1", "n2"))
    return ChordNetwork(*(array for layer in layers for array in layer))


def train(items: list[Item], epochs: int, seed: int) -> ChordNetwork:
    """Fit the network by Adam to the cross entropy of the chords; small groups count more than their size."""
    import tensorflow as tf  # noqa: PLC0415 - only training needs it

    tf.keras.utils.set_random_seed(seed)
    known = [item.right != UNKNOWN for item in items]
    x = np.concatenate([item.x[k] for item, k in zip(items, known, strict=True)])
    right = np.concatenate([item.right[k] for item, k in zip(items, known, strict=True)])
    sizes = Counter(item.group for item in items)
    weight = np.concatenate(
        [np.full(int(k.sum()), sizes[item.group] ** -0.5) for item, k in zip(items, known, strict=True)]
    )
    quality = right // 12
    share = np.bincount(quality, weight) / weight.sum()
    weight *= share[quality] ** -EVENNESS
    model = build(tf)
    rate = tf.keras.optimizers.schedules.CosineDecay(RATE, epochs * (len(right) // BATCH + 1))
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(tf.keras.optimizers.Adam(rate), loss)
    model.fit(x, right, BATCH, epochs, verbose=2, sample_weight=weight / weight.mean())
    return weights_of(model)


def report(net: ChordNetwork, items: list[Item]) -> None:
    """Print how a network does on songs, by group."""
    rows: dict[str, list[tuple[float, float]]] = {}
    for item in items:
        known = item.right != UNKNOWN
        if known.any():
            found, right = np.array(best_chords(net.forward(item.x), item.costs))[known], item.right[known]
            rows.setdefault(item.group, []).append(
                (
                    float((found == right).mean()),
                    float((without_seventh(found) == without_seventh(right)).mean()),
                )
            )
    for group, values in sorted(rows.items()):
        exact, triads = np.mean(values, axis=0)
        print(f"{group:10s} {len(values):4d}  right {exact:.3f}  but for the seventh {triads:.3f}")


def without_seventh(labels: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Replace chords with a seventh by the triads they are made of."""
    triads = [QUALITIES.index("min" if quality.startswith("min") else "maj") for quality in QUALITIES]
    return np.array([NONE if label == NONE else 12 * triads[label // 12] + label % 12 for label in labels])


def main() -> None:
    """Train, report and write."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--rendered", type=Path, required=True)
    parser.add_argument("--without", action="append", default=[], metavar="KIND")
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=chord_network.MODEL)
    arguments = parser.parse_args()
    items = [item for item in rendered(arguments.rendered) if item.group not in arguments.without]
    items += plain(PLAIN, arguments.seed)
    kept = [item for item in items if item.kept]
    used = [item for item in items if not item.kept]
    print(f"{len(used)} pieces to train on, {Counter(item.group for item in used)}; seed {arguments.seed}")
    net = train(used, arguments.epochs, arguments.seed)
    write_weights(arguments.out, net)
    report(net, kept)


if __name__ == "__main__":
    main()
