"""Train the network that weighs strokes by those that sound like them, on kits the first network never heard.

    python -m engines.transcribe.training.train_roles --groove DIR --soundfont A.sf2 [--soundfont B.sf3]
        --unheard OLD.npz KITS [--unheard OLDER.npz MORE] [--hydrogen DIR] [--choosing-kit C.sf2]
        --test-soundfont D.sf2 [--items 4000] [--epochs 14] [--rate 0.002] [--seed 0]
        [--out engines/transcribe/weights]

What it is to mend are the mistakes made on kits that are not known. So each `--unheard` names weights of
`drum_model`, as earlier versions in the history were, and a soundfont, or a folder of one-shots, that these
have not been trained on: `--items` recordings of `recordings.Studio` for each, with the Groove MIDI Dataset
(`--groove`) but for three drummers, and music of `--soundfont`s. Thresholds are chosen on the kits that
`train_drums` chooses on, heard by the weights of today. Only this script and `train_drums` need TensorFlow.
Set OPENBLAS_NUM_THREADS=1: the recordings are made on all processors, one thread each.
"""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from engines._audio import FloatArray
from engines.transcribe import drum_model, stroke_roles
from engines.transcribe.drum_model import CLASSES
from engines.transcribe.stroke_roles import RoleNetwork
from engines.transcribe.training import kit_lots
from engines.transcribe.training.drum_machines import made_kit
from engines.transcribe.training.recordings import (
    Studio,
    heard_recordings,
    music_without_drums,
    performances,
    recordings,
)
from engines.transcribe.training.role_examples import BATCH, RoleExample, batches, example, scaling
from engines.transcribe.training.role_layers import DROPPED, said_of, untrained
from engines.transcribe.training.scores import Rng
from engines.transcribe.training.stroke_scores import best_thresholds

MACHINES, MUSIC, CHOSEN_ON = 240, 240, 400
DRY = 0.5  # of the recordings: loops and programmed drums have no room around
WARMING = 100  # steps until the rate is what was asked for


def train(made: list[RoleExample], rng: Rng, epochs: int, rate: float) -> RoleNetwork:
    """Fit the network by Adam to the cross entropy of what was struck, over all strokes and classes."""
    import tensorflow as tf  # noqa: PLC0415 - only training needs it

    tf.keras.utils.set_random_seed(int(rng.integers(1 << 31)))
    mean, scale = scaling(made)
    variables = {
        name: tf.Variable(values, trainable=name not in ("mean", "scale"))
        for name, values in untrained(rng, mean, scale).items()
    }
    learned = [v for v in variables.values() if v.trainable]
    adam = tf.keras.optimizers.Adam(rate)

    def fit(features: Any, sounds: Any, real: Any, struck: Any) -> Any:
        with tf.GradientTape() as tape:
            said = said_of(tf, variables, (features, sounds, real), DROPPED)
            wrong = tf.nn.sigmoid_cross_entropy_with_logits(struck, said)
            loss = tf.reduce_sum(wrong * real[:, :, None]) / tf.reduce_sum(real)
        adam.apply_gradients(zip(tape.gradient(loss, learned), learned, strict=True))
        return loss

    step = tf.function(fit, reduce_retracing=True)

    done, n_steps = 0, epochs * (len(made) // BATCH)
    for epoch in range(epochs):
        losses = []
        for batch in batches(made, rng):
            spent = done / max(1, n_steps)
            adam.learning_rate = rate * min(1.0, (done + 1) / WARMING) * (1 + np.cos(np.pi * spent)) / 2
            losses.append(float(step(*map(tf.constant, batch))))
            done += 1
        print(f"epoch {epoch}: loss {np.mean(losses):.4f}", flush=True)
    thresholds = np.full(len(CLASSES), 0.4, np.float32)
    return RoleNetwork(**{name: v.numpy() for name, v in variables.items()}, thresholds=thresholds)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--groove", type=Path, required=True)
    parser.add_argument("--soundfont", type=Path, action="append", required=True)
    parser.add_argument(
        "--unheard", type=Path, nargs=2, action="append", required=True, metavar=("OLD.npz", "KITS")
    )
    kit_lots.add_arguments(parser)
    parser.add_argument("--items", type=int, default=4000)
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=stroke_roles.WEIGHTS.parent)
    return parser.parse_args()


def main() -> None:
    """Train, report and write."""
    arguments = _arguments()
    rng = np.random.default_rng(arguments.seed)
    kept = kit_lots.kept_back(arguments)
    music = music_without_drums(arguments.soundfont, MUSIC, rng)
    songs = performances(arguments.groove, held_back=False)
    machines = [made_kit(rng) for _ in range(MACHINES)]
    made: list[RoleExample] = []
    for i, (weights, source) in enumerate(arguments.unheard):
        kits = kept.learnable(kit_lots.kits_in(source))
        print(f"seed {arguments.seed}: {len(kits)} kits of {source}, heard by {weights}", flush=True)
        studio = Studio(songs, kits, machines, music, DRY)
        hear_one = partial(example, drum_model.read(weights))
        made += heard_recordings(studio, arguments.items, arguments.seed + i, hear_one)
    print(f"{sum(len(one.features) for one in made)} strokes", flush=True)
    choosing = Studio(songs, kept.choosing, machines, music, DRY)
    unlearned = recordings(choosing, CHOSEN_ON, arguments.seed + len(arguments.unheard))
    today = drum_model.network()
    heard = [drum_model.activations(item.bands, today) for item in unlearned]
    _say("first heard", *best_thresholds(unlearned, heard))
    net = train([one for one in made if len(one.features)], rng, arguments.epochs, arguments.rate)
    weighed = [
        stroke_roles.weighed(item.bands, said, net) for item, said in zip(unlearned, heard, strict=True)
    ]
    thresholds, f = best_thresholds(unlearned, weighed)
    _say("weighed", thresholds, f)
    arguments.out.mkdir(exist_ok=True)
    np.savez_compressed(arguments.out / stroke_roles.WEIGHTS.name, **{**vars(net), "thresholds": thresholds})


def _say(what: str, thresholds: FloatArray, f: FloatArray) -> None:
    for name, values in (("F", f), ("thresholds", thresholds)):
        print(what, name, dict(zip(CLASSES, values.round(3).tolist(), strict=True)), flush=True)


if __name__ == "__main__":
    main()
