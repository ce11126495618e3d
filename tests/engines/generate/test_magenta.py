"""Two backends, one music: Magenta's own generator and NumPy, given the same random numbers."""

import contextlib
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.generate import line, sampling
from engines.generate.bundle import read_bundle
from engines.generate.drumming import DRUM_OF, bar_positions
from engines.generate.events import DRUM_PITCHES, ENCODERS, chord_pitches, triads
from engines.generate.inventory import SHIPPED
from engines.generate.network import Network
from engines.generate.sampling import FREE, Plan
from engines.generate.theory import parse_chord

needs_magenta = pytest.mark.skipif(
    importlib.util.find_spec("magenta") is None or importlib.util.find_spec("tensorflow") is None,
    reason="magenta and TensorFlow are not installed",
)
pytestmark = [needs_magenta, pytest.mark.slow, pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(300)]

STEPS = 64


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    yield


def stock(path: Path) -> Any:
    """Magenta's generator of a bundle, from its own configuration of that name."""
    with quiet():
        from magenta.models.drums_rnn import drums_rnn_model, drums_rnn_sequence_generator
        from magenta.models.improv_rnn import improv_rnn_model, improv_rnn_sequence_generator
        from magenta.models.shared import sequence_generator_bundle

    bundle = sequence_generator_bundle.read_bundle_file(str(path))
    if bundle.generator_details.id == "drum_kit":
        made = drums_rnn_sequence_generator.get_generator_map()["drum_kit"](checkpoint=None, bundle=bundle)
    else:
        made = improv_rnn_sequence_generator.get_generator_map()[bundle.generator_details.id](
            checkpoint=None, bundle=bundle
        )
    del drums_rnn_model, improv_rnn_model
    made.initialize()
    return made


def call(generator: Any, sequence: Any, start: float, seed: int) -> Any:
    from note_seq.protobuf import generator_pb2

    options = generator_pb2.GeneratorOptions()
    options.args["temperature"].float_value = 1.0
    options.generate_sections.add(start_time=start, end_time=8.0)  # 4 bars at 120 BPM
    np.random.seed(seed)
    return generator.generate(sequence, options)


def their_numbers(seed: int, primed: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return what Magenta will draw, one a step after those of the primer."""
    drawn = np.random.RandomState(seed).random_sample(STEPS - primed)
    return np.concatenate([np.full(primed, 0.5), drawn])[None, :]


@pytest.mark.parametrize("seed", range(6))
def test_drums_are_the_same_notes_in_both(seed: int) -> None:
    from note_seq.protobuf import music_pb2

    generator = _cached(SHIPPED / "drums.mag")
    primer = music_pb2.NoteSequence()
    primer.tempos.add(qpm=120)
    for pitch in (36, 42):
        primer.notes.add(pitch=pitch, start_time=0, end_time=0.125, velocity=90, is_drum=True)
    primer.total_time = 0.125
    theirs = {(round(n.start_time * 8), DRUM_OF[n.pitch]) for n in call(generator, primer, 0.125, seed).notes}

    bundle = read_bundle(SHIPPED / "drums.mag")
    network, encoder = Network(bundle.variables), ENCODERS["drum_kit"]
    forced = np.full((1, STEPS), FREE)
    forced[0, :2] = 1 << 0 | 1 << 2, 0  # Magenta rounds the start up, so one empty step belongs to the primer
    known = encoder.known(np.zeros((STEPS, 0), np.float32), bar_positions(STEPS, 16))
    plan = Plan(forced, known, np.ones((STEPS, encoder.classes), np.bool_))
    events = sampling.draw(network, encoder, plan, their_numbers(seed, 2)).events[0]
    ours = {(step, d) for step in range(STEPS) for d in range(len(DRUM_PITCHES)) if events[step] >> d & 1}
    assert ours == theirs


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("role", ["melody", "bass"])
def test_melodies_and_basses_are_the_same_notes_in_both(role: str, seed: int) -> None:
    from note_seq.protobuf import music_pb2

    generator = _cached(SHIPPED / f"{role}.mag")
    primer = music_pb2.NoteSequence()
    primer.tempos.add(qpm=120)
    primer.notes.add(pitch=64, start_time=0, end_time=0.125, velocity=90)
    primer.total_time = 8.0
    names = ["C", "Am7", "F/A", "G7"]
    for i, name in enumerate(names):
        primer.text_annotations.add(text=name, time=i * 2.0, annotation_type=1)
    answer = call(generator, primer, 0.25, seed)
    theirs = {
        (round(n.start_time * 8), round((n.end_time - n.start_time) * 8), n.pitch) for n in answer.notes
    }

    bundle = read_bundle(SHIPPED / f"{role}.mag")
    network, encoder = Network(bundle.variables), ENCODERS["chord_pitches_improv"]
    chords = [parse_chord(names[step // 16]) for step in range(STEPS)]
    forced = np.full((1, STEPS), FREE)
    forced[0, :3] = 64 - 48 + 2, 1, 0  # the primer's note, its end, and the step that rounding up adds
    known = encoder.known(chord_pitches(chords), np.arange(STEPS))
    plan = Plan(forced, known, np.ones((STEPS, encoder.classes), np.bool_))
    events = sampling.draw(network, encoder, plan, their_numbers(seed, 3)).events[0]
    ours = {(round(n.start * 4), round(n.duration * 4), n.pitch) for n in line.notes(events, 0)}
    assert ours == theirs


_generators: dict[Path, Any] = {}


def _cached(path: Path) -> Any:
    if path not in _generators:
        _generators[path] = stock(path)
    return _generators[path]


CONFIGURATIONS = (
    "basic_rnn",
    "lookback_rnn",
    "attention_rnn",
    "basic_improv",
    "attention_improv",
    "drum_kit",
)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_stock_configurations_compute_the_same_probabilities(  # noqa: PLR0915  one walk through one graph
    name: str, tmp_path: Path
) -> None:
    """Random weights in Magenta's own graphs, along random events, attention included."""
    with quiet():
        import note_seq
        import tensorflow.compat.v1 as tf
        from magenta.models.drums_rnn import drums_rnn_model
        from magenta.models.improv_rnn import improv_rnn_model
        from magenta.models.melody_rnn import melody_rnn_model
        from magenta.models.shared import events_rnn_graph
        from note_seq.protobuf import generator_pb2
    configs = {
        **drums_rnn_model.default_configs,
        **improv_rnn_model.default_configs,
        **melody_rnn_model.default_configs,
    }
    config = configs[name]
    config.hparams.batch_size = 1
    config.hparams.dropout_keep_prob = 1.0
    rng = np.random.default_rng(0)
    encoder = ENCODERS[name]
    events = [int(e) for e in rng.integers(0, encoder.classes, STEPS)]
    chords = [note_seq.NO_CHORD if t < 8 else ["C", "Am", "Fdim", "Gaug"][t // 16 % 4] for t in range(STEPS)]
    if name == "drum_kit":
        decode = note_seq.MultiDrumOneHotEncoding().decode_event
        theirs = [decode(e) for e in events]
    else:
        theirs = note_seq.Melody([e - 2 if e < 2 else e - 2 + 48 for e in events])
        events = [e + 2 if e < 0 else e + 2 - 48 for e in theirs]  # it drops a stop with nothing to stop
    coder = config.encoder_decoder
    if encoder.control:
        inputs = coder.get_inputs_batch(
            [note_seq.ChordProgression([*chords, "C"])], [theirs], full_length=True
        )
    else:
        inputs = coder.get_inputs_batch([theirs], full_length=True)
    with tf.Graph().as_default():
        events_rnn_graph.get_build_graph_fn("generate", config)()
        graph = tf.get_default_graph()
        with tf.Session() as session:
            tf.set_random_seed(1)
            for variable in tf.global_variables():
                variable.load(rng.normal(0, 0.1, variable.shape.as_list()), session)
            feed = {graph.get_collection("inputs")[0]: inputs, graph.get_collection("temperature")[0]: 1.0}
            softmax = session.run(graph.get_collection("softmax")[0], feed)[0]
            saver = tf.train.Saver(sharded=False, write_version=tf.train.SaverDef.V1)
            saver.save(session, str(tmp_path / "m"), meta_graph_suffix="meta", write_meta_graph=True)
    bundle = generator_pb2.GeneratorBundle(metagraph_file=(tmp_path / "m.meta").read_bytes())
    bundle.generator_details.id = name
    bundle.checkpoint_file.append((tmp_path / "m").read_bytes())
    found = read_bundle(bundle.SerializeToString())
    network = Network(found.variables, found.attention_length)
    assert (network.n_in, network.n_out) == (encoder.n_in, encoder.n_out)

    control = np.zeros((STEPS + 1, 0), np.float32)
    if encoder.control:
        control = triads([parse_chord("N.C." if c == note_seq.NO_CHORD else c) for c in [*chords, "C"]])
    known = encoder.known(control, np.arange(STEPS + 1))
    state = network.zero(1)
    for t in range(STEPS):
        row = known[t + 1] + encoder.heard(events[: t + 1])
        logits, state = network.step(network.project(row[None]), state)
        p = np.exp(logits[0] - logits[0].max())
        assert np.allclose(p / p.sum(), softmax[t], atol=1e-5), f"step {t}"
    for t in range(1, STEPS):
        label = coder.events_to_label(theirs, t)
        assert encoder.event(int(label), events[:t]) == events[t]
