"""The network that is trained is the one that the engine runs."""

import numpy as np
import pytest

from engines.transcribe import stroke_roles
from engines.transcribe.drum_model import CLASSES
from engines.transcribe.stroke_roles import N_FEATURES, N_SOUND
from engines.transcribe.training.role_examples import BATCH, RoleExample, batches
from engines.transcribe.training.role_layers import said_of, untrained
from engines.transcribe.training.train_roles import train


def made(rng: np.random.Generator, count: int) -> list[RoleExample]:
    """Make recordings in which a class was struck where the sound that goes with it is bright."""
    examples = []
    for _ in range(count):
        n = int(rng.integers(3, 40))
        features = rng.standard_normal((n, N_FEATURES)).astype(np.float32)
        sounds = rng.uniform(-2, 0, (n, N_SOUND)).astype(np.float32)
        struck = np.repeat(features[:, 5:6] > 0, len(CLASSES), axis=1).astype(np.float32)
        examples.append(RoleExample(features, sounds, struck))
    return examples


@pytest.mark.slow
def test_a_batch_is_weighed_as_the_engine_weighs_each_recording() -> None:
    import tensorflow as tf

    net = stroke_roles.network()
    ((features, sounds, real, _),) = batches(made(np.random.default_rng(0), BATCH), np.random.default_rng(1))
    batch = tuple(map(tf.constant, (features, sounds, real)))
    said = tf.sigmoid(said_of(tf, vars(net), (batch[0], batch[1], batch[2]))).numpy()
    for i, n in enumerate(real.sum(axis=1).astype(int)):
        assert np.allclose(said[i, :n], net.weigh(features[i, :n], sounds[i, :n]), atol=1e-4)


@pytest.mark.slow
def test_a_training_learns_what_its_examples_say() -> None:
    rng = np.random.default_rng(0)
    net = train(made(rng, 40 * BATCH), rng, 4, 5e-3)
    for one in made(rng, 5):
        said = net.weigh(one.features, one.sounds)
        assert np.mean((said > 0.5) == (one.struck > 0)) > 0.75


def test_untrained_weights_change_nothing() -> None:
    weights = untrained(np.random.default_rng(0), np.zeros(N_FEATURES), np.ones(N_FEATURES))
    net = stroke_roles.RoleNetwork(**weights, thresholds=np.full(len(CLASSES), 0.5))
    (one,) = made(np.random.default_rng(2), 1)
    said = net.weigh(one.features, one.sounds)
    assert np.allclose(np.log(said / (1 - said)), one.features[:, : len(CLASSES)], atol=1e-4)
