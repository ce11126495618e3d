"""Train the network that hears drums, and say how it does on drummers and kits it has not met.

    python -m engines.transcribe.training.train_drums --groove DIR --soundfont A.sf2 [--soundfont B.sf3]
        [--hydrogen DIR] [--shots DIR] [--choosing-kit C.sf2] --test-soundfont D.sf2 [--items 2100]
        [--start drums.npz] [--epochs 12] [--minutes 60] [--rate 0.003] [--seed 0]
        [--out engines/transcribe/weights]

Trained on `recordings.Studio`'s with the Groove MIDI Dataset (`--groove`, its folder with info.csv) but for
three of its drummers, in Keras, which only this script needs; `--start` goes on from weights that are there.
Thresholds are chosen on kits that were not trained on, those of `--choosing-kit` (soundfonts of one kit) and
four of Hydrogen's, after every few epochs, and written with the weights as they are then.
Set OPENBLAS_NUM_THREADS=1: the recordings are made on all processors, one thread each.
Measured on the three drummers and on new patterns, on the kits of `--test-soundfont` and on five of
Hydrogen's that were kept back; a sound that is in those as well is not trained on.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engines._audio import FloatArray
from engines.transcribe.drum_model import (
    CLASSES,
    WEIGHTS,
    Network,
    activations,
    inputs,
    read,
)
from engines.transcribe.training import kit_lots
from engines.transcribe.training.drum_examples import BATCH, batches, equalised, with_music
from engines.transcribe.training.drum_layers import build, weights_of, with_weights
from engines.transcribe.training.drum_machines import made_kit
from engines.transcribe.training.kits import Kit, audible, play
from engines.transcribe.training.recordings import (
    SECONDS,
    Item,
    Studio,
    excerpt,
    hear,
    music_without_drums,
    performances,
    recordings,
    truth_of,
)
from engines.transcribe.training.scores import Played, Rng, compose_drums
from engines.transcribe.training.stroke_scores import f_measures, with_best_thresholds

MACHINES, MUSIC = 240, 300
WARMING = 200  # steps until the rate is what was asked for
EVERY = 4  # epochs that weights are written after
THREADS = 2
DRY = 0.5  # of the recordings that thresholds are chosen on: loops and programmed drums have no room around


@dataclass(frozen=True)
class Plan:
    """How long to train, how fast to begin, and with which weights; None: random ones.

    Where `minutes` are fewer than the epochs take, the rate falls that much faster.
    """

    epochs: int
    rate: float
    start: Network | None
    minutes: float = float("inf")


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


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--groove", type=Path, required=True)
    parser.add_argument("--soundfont", type=Path, action="append", required=True)
    kit_lots.add_arguments(parser)
    parser.add_argument("--shots", type=Path, action="append", default=[], help="a folder of one-shots")
    parser.add_argument("--items", type=int, default=2100)
    parser.add_argument("--start", type=Path, help="weights to go on from")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="to train at most")
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=WEIGHTS.parent)
    return parser.parse_args()


def _measure(net: Network, tests: dict[str, list[Kit]], unseen: list[list[Played]], rng: Rng) -> None:
    """Print the F-measures of drummers and patterns on kits that were kept back."""
    for name, kits in tests.items():
        for what in ("drummers", "patterns") if kits else ():
            tested = []
            for i in range(60):
                song = compose_drums(rng, SECONDS)
                if what == "drummers":
                    song = excerpt(unseen[i % len(unseen)], rng)
                kit = kits[i % len(kits)]
                tested.append(Item(hear(play(song, kit, SECONDS)), truth_of(audible(song, kit))))
            f = f_measures(tested, [activations(item.bands, net) for item in tested], net.thresholds)
            print(f"{name}, {what}", _row(f), flush=True)


def main() -> None:
    """Train, report and write."""
    arguments = _arguments()
    rng = np.random.default_rng(arguments.seed)
    kept = kit_lots.kept_back(arguments)
    fonts, shots = (
        [kit for source in sources for kit in kit_lots.kits_in(source)]
        for sources in (arguments.soundfont, arguments.shots)
    )
    known = kept.learnable([*fonts, *kept.hydrogen.values(), *shots])
    music = music_without_drums(arguments.soundfont, MUSIC, rng)
    songs = performances(arguments.groove, held_back=False)
    print(f"seed {arguments.seed}: {len(songs)} performances, {len(known)} sampled kits", flush=True)
    studio = Studio(songs, known, [made_kit(rng) for _ in range(MACHINES)], music)
    made = recordings(studio, arguments.items, arguments.seed)
    others = replace(studio, kits=kept.choosing or known, dry=DRY)
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
    _measure(net, kept.tests, performances(arguments.groove, held_back=True), rng)


def _row(values: FloatArray) -> dict[str, float]:
    return dict(zip(CLASSES, values.round(3).tolist(), strict=True))


if __name__ == "__main__":
    main()
