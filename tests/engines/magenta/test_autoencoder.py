"""MusicVAE and GrooVAE, on checkpoints of random numbers made by Magenta's own code."""

import base64
import importlib.util
import tarfile
from pathlib import Path

import pytest

from engines import generate, magenta
from engines._errors import UndecodableError
from engines.magenta import stock

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("magenta") is None or importlib.util.find_spec("tensorflow") is None,
        reason="magenta and TensorFlow are not installed",
    ),
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.timeout(600),
]


def checkpoint(name: str, path: Path) -> Path:
    """Save a configuration with the numbers it starts with, as Magenta publishes a trained one."""
    with stock.quiet():
        stock.without_data_sets()
        import copy

        import tensorflow.compat.v1 as tf
        from magenta.models.music_vae import configs

    config = copy.deepcopy(configs.CONFIG_MAP[name])
    config.data_converter.set_mode("infer")
    config.hparams.batch_size = 1
    with tf.Graph().as_default():
        tf.set_random_seed(0)
        config.model.build(config.hparams, config.data_converter.output_depth, is_training=False)
        config.model.sample(1, max_length=32, z=tf.zeros([1, config.hparams.z_size]), temperature=1.0)
        inputs = tf.placeholder(tf.float32, [1, None, config.data_converter.input_depth])
        config.model.encode(inputs, tf.constant([32]), tf.placeholder(tf.float32, [1, None, 0]))
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            prefix = tf.train.Saver().save(
                session, str(path.with_suffix(".ckpt")), write_meta_graph=False, write_state=False
            )
    with tarfile.open(path, "w") as tar:
        for kind in ("index", "data-00000-of-00001"):
            tar.add(f"{prefix}.{kind}", f"{name}/model.ckpt-1.{kind}")
    return path


def midi(path: Path, encoded: str) -> Path:
    path.write_bytes(base64.b64decode(encoded))
    return path


def test_drums_are_sent_through_groovae_window_by_window(tmp_path: Path) -> None:
    tar = checkpoint("groovae_2bar_humanize", tmp_path / "humanize.tar")
    played = midi(tmp_path / "drums.mid", generate.drums(bars=3, tempo=97, seed=1).midi_base64)
    first, again = (magenta.groove(tar, played, seed=1) for _ in range(2))
    (piece,) = first.pieces
    assert first.pieces == again.pieces
    assert piece.bars == 4
    assert first.tempo == pytest.approx(97.0, abs=0.001)
    assert [track.drums for track in piece.tracks] == [True]
    assert all(0 <= n.start < 16 and n.end <= 16 for n in piece.tracks[0].notes)
    tune = midi(tmp_path / "tune.mid", generate.melody(bars=2, seed=1).midi_base64)
    with pytest.raises(ValueError, match="it hears drums"):
        magenta.groove(tar, tune)
    with pytest.raises(UndecodableError, match="does not fit cat-drums_2bar_small"):
        magenta.sample(tar, "cat-drums_2bar_small")
    with pytest.raises(ValueError, match="did you mean groovae_2bar_humanize"):
        magenta.sample(tar, "groovae_2bar_humanise")


def test_melodies_are_sampled_and_gone_between(tmp_path: Path) -> None:
    tar = checkpoint("cat-mel_2bar_small", tmp_path / "mel.tar")
    same = [magenta.sample(tar, "cat-mel_2bar_small", 2, tempo=90, seed=seed) for seed in (1, 1, 2)]
    assert same[0] == same[1]
    assert same[0].pieces != same[2].pieces
    assert same[0].pieces[0] != same[0].pieces[1]
    assert {piece.bars for piece in same[0].pieces} == {2}
    one, other = (
        midi(tmp_path / f"{seed}.mid", generate.melody(bars=2, density=0.9, seed=seed).midi_base64)
        for seed in (1, 2)
    )
    between = magenta.interpolate(tar, "cat-mel_2bar_small", one, other, count=3, seed=1)
    assert len(between.pieces) == 3
