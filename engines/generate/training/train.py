"""Magenta's own graph, optimiser and training loop, fed with windows drawn afresh.

`run` trains one part in stages of falling learning rate and growing windows, each continuing from the last
checkpoint, so that an interrupted run resumes; `checkpoints` and `averaged` turn what it leaves into weights.
"""

import copy
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Sequence as Many
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engines.generate.training import corpus, encoding


@dataclass(frozen=True)
class Stage:
    """Steps of gradient descent under one setting.

    Attributes
    ----------
    steps
        How many updates.
    learning_rate
        Adam's.
    window
        Events in a window.
    batch
        Windows in an update.
    """

    steps: int
    learning_rate: float
    window: int = 65
    batch: int = 64


@dataclass(frozen=True)
class Recipe:
    """How one part is trained.

    Attributes
    ----------
    layers
        Units of each LSTM layer.
    keep
        Share of outputs kept by dropout.
    stages
        In order.
    """

    layers: tuple[int, ...]
    keep: float
    stages: tuple[Stage, ...]

    def shortened(self, most: int) -> "Recipe":
        """Return it with at most so many updates in each stage."""
        return replace(self, stages=tuple(replace(s, steps=min(s.steps, most)) for s in self.stages))


# Windows of 64 steps are what makes this practical on two cores; longer ones at the end teach the repeats of
# phrases.
RECIPES: Final[dict[str, Recipe]] = {
    # A warm restart in the middle (Loshchilov and Hutter, "SGDR", 2017): its first descent ended too early.
    "drums": Recipe(
        (128, 128),
        0.5,
        (
            Stage(1800, 3e-3),
            Stage(700, 1e-3, 129, 32),
            Stage(1200, 3e-3),
            Stage(400, 1e-3, 129, 32),
            Stage(250, 3e-4, 129, 32),
        ),
    ),
    "melody": Recipe(
        (128, 128), 0.9, (Stage(3500, 3e-3), Stage(500, 1e-3, 129, 32), Stage(300, 3e-4, 129, 32))
    ),
    # With 128 units it was left nearly as far from the songs it learned from as from others. 192 are 0.013
    # nats a step better, but fill a second-level cache of 2 MB: then four bars take 15 ms instead of 9.
    "bass": Recipe(
        (160, 160), 0.9, (Stage(2600, 3e-3), Stage(900, 1e-3, 129, 32), Stage(600, 3e-4, 129, 32))
    ),
    "harmony": Recipe((64, 64), 0.8, (Stage(3000, 3e-3, 33), Stage(1500, 5e-4, 33))),
}


def config(part: str, recipe: Recipe, stage: Stage | None = None) -> Any:
    """Return Magenta's configuration of a part: its stock one, with our layer sizes.

    Drums are stock `drum_kit`; melody and bass are stock `chord_pitches_improv`; harmony is a chord sequence
    of half bars in Magenta's triad encoding with binary counters, for which Magenta has no stock
    configuration.
    """
    _prepare()
    import note_seq  # noqa: PLC0415
    from magenta.contrib import training as contrib_training  # noqa: PLC0415
    from magenta.models.drums_rnn import drums_rnn_model  # noqa: PLC0415
    from magenta.models.improv_rnn import improv_rnn_model  # noqa: PLC0415
    from magenta.models.shared import events_rnn_model  # noqa: PLC0415
    from note_seq.protobuf import generator_pb2  # noqa: PLC0415

    if part == "drums":
        made = copy.deepcopy(drums_rnn_model.default_configs["drum_kit"])
    elif part == "harmony":
        made = events_rnn_model.EventSequenceRnnConfig(
            generator_pb2.GeneratorDetails(
                id="triad_harmony", description="Chord progressions, one triad a half bar."
            ),
            note_seq.LookbackEventSequenceEncoderDecoder(
                note_seq.TriadChordOneHotEncoding(),
                lookback_distances=[],
                binary_counter_bits=encoding.HARMONY_BITS,
            ),
            contrib_training.HParams(),
        )
    else:
        made = copy.deepcopy(improv_rnn_model.default_configs["chord_pitches_improv"])
    made.hparams.rnn_layer_sizes = list(recipe.layers)
    made.hparams.attn_length = 0
    made.hparams.clip_norm = 3
    made.hparams.dropout_keep_prob = recipe.keep
    made.hparams.batch_size = stage.batch if stage else 1
    made.hparams.learning_rate = stage.learning_rate if stage else 1e-3
    return made


def run(
    part: str,
    sequences: list[corpus.Sequence],
    folder: Path,
    seed: int,
    *,
    recipe: Recipe | None = None,
    start_from: Path | None = None,
    save_every: int | None = None,
    progress: Callable[[float, str], None] = lambda fraction, stage: None,
) -> None:
    """Train one part, leaving TensorFlow checkpoints in `folder`; a folder that has some is continued.

    Parameters
    ----------
    part
        drums, melody, bass or harmony.
    sequences
        What to learn from.
    folder
        Where checkpoints go.
    seed
        Of the windows drawn, the weights at the start and dropout.
    recipe
        Other than the part's own, for fine-tuning.
    start_from
        A bundle whose weights to start from.
    save_every
        Updates between checkpoints, beside the one each minute that makes a killed run resume.
    progress
        Told the share of updates done after each; where it raises, what has been learned is saved first.
    """
    recipe = recipe or RECIPES[part]
    _prepare()
    import magenta.common  # noqa: PLC0415
    import tensorflow.compat.v1 as tf  # noqa: PLC0415
    import tf_slim  # noqa: PLC0415
    from magenta.models.shared import events_rnn_graph, events_rnn_train  # noqa: PLC0415

    done, total = steps_done(folder), sum(stage.steps for stage in recipe.stages)
    before = 0
    for number, stage in enumerate(recipe.stages):
        left = before + stage.steps - max(done, before)
        before += stage.steps
        if left <= 0:
            continue
        word = f"stage {number + 1} of {len(recipe.stages)}" if len(recipe.stages) > 1 else "train"
        progress(done / total, word)
        made = config(part, recipe, stage)
        ended = threading.Event()
        draw = windows(part, sequences, stage, np.random.default_rng([seed, number, done]), ended)
        # The one place Magenta's graph reads data: its own reads dense records from disk, ours draws windows.
        magenta.common.get_padded_batch = lambda *_, draw=draw, made=made, **__: _batches(draw, made)
        build = events_rnn_graph.get_build_graph_fn("train", made, ["drawn"])

        def seeded(build: Callable[[], None] = build) -> None:
            tf.set_random_seed(seed)
            build()

        stopped: list[BaseException] = []

        def tell(step: int, word: str = word, stopped: list[BaseException] = stopped) -> bool:
            try:
                progress(min(1.0, step / total), word)
            except BaseException as error:  # whatever it is, it goes on once the checkpoint is written
                stopped.append(error)
            return not stopped

        # Magenta's loop takes no hooks of ours; tf_slim's, which it calls, does.
        plain = tf_slim.training.train
        tf_slim.training.train = partial(_train, plain, tell, folder, save_every)
        try:
            events_rnn_train.run_training(
                seeded,
                str(folder),
                num_training_steps=left,
                summary_frequency=200,
                save_checkpoint_secs=60,
                checkpoints_to_keep=0,
                warm_start_bundle_file=str(start_from) if start_from and not done else None,
            )
        finally:
            tf_slim.training.train = plain
            ended.set()  # TensorFlow keeps asking; a generator without end would outlive the program
        if stopped:
            raise stopped[0]
        done = before
    progress(1.0, "done")


def _train(
    plain: Callable[..., Any],
    tell: Callable[[int], bool],
    folder: Path,
    save_every: int | None,
    *,
    hooks: Many[Any],
    scaffold: Any,
    **more: Any,
) -> Any:
    """Call tf_slim's training loop with hooks that tell each update, stop it, and save more often."""
    import tensorflow.compat.v1 as tf  # noqa: PLC0415

    class Told(tf.train.SessionRunHook):  # type: ignore[misc]
        def before_run(self, run_context: Any) -> Any:
            del run_context
            return tf.train.SessionRunArgs(tf.train.get_global_step())

        def after_run(self, run_context: Any, run_values: Any) -> None:
            if not tell(int(run_values.results) + 1):
                run_context.request_stop()  # upon which the last checkpoint is written

    added: list[Any] = [Told()]
    if save_every:
        added.append(
            tf.train.CheckpointSaverHook(str(folder), save_steps=max(1, save_every), scaffold=scaffold)
        )
    return plain(hooks=[*hooks, *added], scaffold=scaffold, **more)


def windows(
    part: str,
    sequences: list[corpus.Sequence],
    stage: Stage,
    rng: np.random.Generator,
    ended: threading.Event,
) -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], npt.NDArray[np.int32]]]:
    """Draw batches until `ended`: a song by its length, a bar line in it, a transposition."""
    lengths = np.array([_length(part, s) for s in sequences], float)
    weights = lengths / lengths.sum()
    while not ended.is_set():
        chosen = rng.choice(len(sequences), size=stage.batch, p=weights)
        encoded = []
        for i in chosen:
            bar = 2 if part == "harmony" else sequences[i].steps_per_bar
            last = max(0, int(lengths[i]) - stage.window // 2)
            start = int(rng.integers(0, last // bar + 1)) * bar
            shift = 0 if part == "drums" else int(rng.integers(-6, 6))
            encoded.append(encoding.encode(part, sequences[i], start, stage.window, shift))
        sizes = np.array([len(e.labels) for e in encoded], np.int32)
        inputs = np.zeros((stage.batch, sizes.max(), encoded[0].inputs.shape[1]), np.float32)
        labels = np.zeros((stage.batch, sizes.max()), np.int64)
        for row, e in enumerate(encoded):
            inputs[row, : len(e.labels)], labels[row, : len(e.labels)] = e.inputs, e.labels
        yield inputs, labels, sizes


def _length(part: str, sequence: corpus.Sequence) -> int:
    return len(encoding.harmony_slots(sequence)) if part == "harmony" else len(sequence.events)


def _batches(draw: Iterator[Any], made: Any) -> tuple[Any, Any, Any]:
    import tensorflow.compat.v1 as tf  # noqa: PLC0415

    width = made.encoder_decoder.input_size
    shapes = (
        [made.hparams.batch_size, None, width],
        [made.hparams.batch_size, None],
        [made.hparams.batch_size],
    )
    data = tf.data.Dataset.from_generator(lambda: draw, (tf.float32, tf.int64, tf.int32), shapes).prefetch(4)
    following: tuple[Any, Any, Any] = tf.data.make_one_shot_iterator(data).get_next()
    return following


def checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints a run left, oldest first, without their suffixes."""
    found = sorted(folder.glob("model.ckpt-*.index"), key=lambda path: int(path.stem.rsplit("-", 1)[1]))
    return [path.with_suffix("") for path in found]


def read_checkpoint(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Return a checkpoint's trained variables."""
    import tensorflow.compat.v1 as tf  # noqa: PLC0415

    reader = tf.train.load_checkpoint(str(path))
    names = [
        name for name in reader.get_variable_to_shape_map() if name.startswith(("rnn/", "fully_connected/"))
    ]
    return {name: reader.get_tensor(name) for name in names if "Adam" not in name}


def averaged(
    weights: Many[Mapping[str, npt.NDArray[np.float32]]],
) -> dict[str, npt.NDArray[np.float32]]:
    """Return the mean of some checkpoints of one run (Izmailov et al..

    "Averaging Weights Leads to Wider Optima", 2018).
    """
    return {
        name: np.asarray(np.mean([w[name] for w in weights], axis=0, dtype=np.float64), np.float32)
        for name in weights[0]
    }


def write_bundle(
    part: str, recipe: Recipe, weights: Mapping[str, npt.NDArray[np.float32]], path: Path, text: str
) -> None:
    """Write weights as a `.mag`, by Magenta's own generation graph, saver and bundle format."""
    made = config(part, recipe)
    import tensorflow.compat.v1 as tf  # noqa: PLC0415
    from magenta.models.shared import events_rnn_graph  # noqa: PLC0415
    from note_seq.protobuf import generator_pb2  # noqa: PLC0415

    scratch = path.with_suffix(".ckpt")
    with tf.Graph().as_default():
        events_rnn_graph.get_build_graph_fn("generate", made)()
        variables = {v.op.name: v for v in tf.global_variables()}
        if set(variables) != set(weights):
            raise ValueError(f"weights: {sorted(set(variables) ^ set(weights))} do not belong to {part}")
        with tf.Session() as session:
            for name, variable in variables.items():
                variable.load(weights[name], session)
            saver = tf.train.Saver(sharded=False, write_version=tf.train.SaverDef.V1)
            saver.save(
                session, str(scratch), meta_graph_suffix="meta", write_meta_graph=True, write_state=False
            )
    meta = scratch.with_name(scratch.name + ".meta")
    bundle = generator_pb2.GeneratorBundle()
    bundle.generator_details.CopyFrom(made.details)
    bundle.bundle_details.description = text
    bundle.checkpoint_file.append(scratch.read_bytes())
    bundle.metagraph_file = meta.read_bytes()
    path.write_bytes(bundle.SerializeToString())
    scratch.unlink()
    meta.unlink()


def steps_done(folder: Path) -> int:
    """Return how many updates the last checkpoint of a folder has behind it."""
    found = checkpoints(folder)
    return int(found[-1].name.rsplit("-", 1)[1]) if found else 0


def _prepare() -> None:
    """Set what must be set before TensorFlow is imported, and mend what tf_slim 1.1.0 expects of it.

    TensorFlow moved `ops.IndexedSlices`; tf_slim has no release that knows.
    """
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from tensorflow.python.framework import indexed_slices, ops  # noqa: PLC0415

    if not hasattr(ops, "IndexedSlices"):
        ops.IndexedSlices = indexed_slices.IndexedSlices
