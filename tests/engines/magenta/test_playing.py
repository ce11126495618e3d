"""Stock Magenta behind our own door: it plays, it is stopped, and a foreign graph is looked at first."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines import generate, magenta, models
from engines._errors import NotInstalledError, TooLongError
from engines._notes import Note, Part, Score, write
from engines.generate.bundle import read_bundle
from engines.magenta import stock
from tests import bundles

needs_magenta = pytest.mark.skipif(
    importlib.util.find_spec("magenta") is None or importlib.util.find_spec("tensorflow") is None,
    reason="magenta and TensorFlow are not installed",
)
slow = [needs_magenta, pytest.mark.slow, pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(300)]


def random_bundle(config: Any, path: Path, *, names_of_2016: bool = False) -> Path:
    """Write a bundle of one of Magenta's configurations, with random numbers, as Magenta writes one."""
    with stock.quiet():
        import tensorflow.compat.v1 as tf
        from magenta.models.shared import events_rnn_graph
        from note_seq.protobuf import generator_pb2

    config.hparams.batch_size, config.hparams.dropout_keep_prob = 1, 1.0
    rng = np.random.default_rng(0)
    scratch = path.with_suffix(".ckpt")
    with tf.Graph().as_default(), tf.Session() as session:
        events_rnn_graph.get_build_graph_fn("generate", config)()
        variables = tf.global_variables()
        for variable in variables:
            variable.load(rng.normal(0, 0.1, variable.shape.as_list()), session)
        named = {(_of_2016(v.op.name) if names_of_2016 else v.op.name): v for v in variables}
        saver = tf.train.Saver(named, sharded=False, write_version=tf.train.SaverDef.V1)
        saver.save(session, str(scratch), meta_graph_suffix="meta", write_meta_graph=True, write_state=False)
    bundle = generator_pb2.GeneratorBundle(metagraph_file=path.with_suffix(".ckpt.meta").read_bytes())
    bundle.generator_details.CopyFrom(config.details)
    bundle.checkpoint_file.append(scratch.read_bytes())
    path.write_bytes(bundle.SerializeToString())
    return path


def _of_2016(name: str) -> str:
    for now, then in (
        ("rnn/multi_rnn_cell/cell_", "RNN/MultiRNNCell/Cell"),
        ("basic_lstm_cell", "BasicLSTMCell/Linear"),
        ("kernel", "Matrix"),
        ("bias", "Bias"),
    ):
        name = name.replace(now, then) if name.startswith(("rnn", "RNN")) else name
    return name


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAWG_MODELS", str(tmp_path / "models"))


def test_a_graph_that_could_run_python_is_never_shown_to_tensorflow(tmp_path: Path) -> None:
    path = tmp_path / "evil.mag"
    path.write_bytes(
        bundles.bundle("basic_rnn", bundles.lstm_stack(38, (8,), 38), inside_functions=("PyFunc",))
    )
    models.import_(path, "evil")
    with pytest.raises(ValueError, match="PyFunc"):
        magenta.generate("evil")


def test_a_bundle_that_is_not_there_is_named() -> None:
    with pytest.raises(NotInstalledError, match="nobody"):
        magenta.generate("nobody")


class TestWithTensorFlow:
    pytestmark = slow

    def test_a_bundle_is_played_the_same_for_the_same_seed(self) -> None:
        first, again, other = (magenta.generate("drums", bars=2, seed=seed) for seed in (1, 1, 2))
        assert first.midi_base64 == again.midi_base64 != other.midi_base64
        assert first.drums
        assert first.notes
        assert max(n.start for n in first.notes) < 8.0

    def test_a_melody_goes_on_from_a_primer_over_chords(self, tmp_path: Path) -> None:
        path = tmp_path / "primer.mid"
        tune = Part("lead", (Note(0.0, 60, 1.0), Note(1.0, 64, 1.0), Note(2.0, 67, 1.0)))
        path.write_bytes(write(Score((tune,), quarters=4.0)))
        made = magenta.generate("melody", bars=4, path=path, chords="C Am F G", seed=1)
        assert [n.pitch for n in made.notes[:3]] == [60, 64, 67]
        assert len(made.notes) > 3
        with pytest.raises(ValueError, match="chords: none"):
            magenta.generate("melody", bars=4)

    def test_performances_are_played_and_polyphony_that_does_not_end_is_stopped(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Of random numbers; a polyphony_rnn of those never comes to the end of its first step."""
        from magenta.models.performance_rnn import performance_model
        from magenta.models.polyphony_rnn import polyphony_model

        for name, configs in (
            ("performance_with_dynamics", performance_model.default_configs),
            ("polyphony", polyphony_model.default_configs),
        ):
            config = configs[name]
            config.hparams.rnn_layer_sizes = [16]
            models.import_(random_bundle(config, tmp_path / f"{name}.mag"), name)
        made = magenta.generate("performance_with_dynamics", bars=1, seed=1)
        assert made.configuration == "performance_with_dynamics"
        assert made.steps > 0
        monkeypatch.setattr(importlib.import_module("engines.magenta.playing"), "_STEPS_A_BAR", 200)
        with pytest.raises(TooLongError, match="did not end within 200 steps"):
            magenta.generate("polyphony", bars=1, seed=1)

    def test_a_bundle_with_the_names_of_2016_is_played_by_both(self, tmp_path: Path) -> None:
        from magenta.models.melody_rnn import melody_rnn_model

        config = melody_rnn_model.default_configs["basic_rnn"]
        config.hparams.rnn_layer_sizes = [16]
        path = random_bundle(config, tmp_path / "old.mag", names_of_2016=True)
        assert any(name.startswith("RNN/MultiRNNCell/Cell0/") for name in read_bundle(path).variables)
        models.import_(path, "old")
        assert magenta.generate("old", bars=1, seed=1).configuration == "basic_rnn"
        assert generate.melody(bars=1, seed=1, model="old").models[0].name == "old"

    def test_a_generator_that_does_not_end_is_stopped(self, monkeypatch: pytest.MonkeyPatch) -> None:
        playing: Any = importlib.import_module("engines.magenta.playing")
        monkeypatch.setattr(playing, "_STEPS_A_BAR", 3)
        with pytest.raises(TooLongError, match="did not end"):
            magenta.generate("drums", bars=4, seed=1)
