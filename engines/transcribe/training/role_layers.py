"""The network of `stroke_roles` in TensorFlow, which only training needs: begun, and run on a batch."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from engines._audio import FloatArray
from engines.transcribe.drum_model import CLASSES
from engines.transcribe.stroke_roles import N_FEATURES, N_SOUND
from engines.transcribe.training.scores import Rng

PLACES, HIDDEN, ROUNDS = 16, 40, 2
DROPPED = 0.1  # of what a round adds, while training

Weights: TypeAlias = dict[str, FloatArray]


def untrained(rng: Rng, mean: FloatArray, scale: FloatArray) -> Weights:
    """Return weights to begin with, named as in `stroke_roles.RoleNetwork`, which change nothing yet."""
    said = 8 * HIDDEN + 2  # itself, those alike, how many, the mean and highest of all, four neighbours

    def drawn(*shape: int) -> FloatArray:
        limit = np.sqrt(6 / (shape[-2] + shape[-1]))  # Glorot and Bengio 2010, equation 16
        return rng.uniform(-limit, limit, shape)

    made = {
        "mean": mean,
        "scale": scale,
        "embedding": drawn(N_SOUND, PLACES),
        "w1": drawn(N_FEATURES, HIDDEN),
        "b1": np.zeros(HIDDEN),
        "w2": drawn(ROUNDS, said, HIDDEN),
        "b2": np.zeros((ROUNDS, HIDDEN)),
        "w3": np.zeros((HIDDEN, len(CLASSES))),
        "b3": np.zeros(len(CLASSES)),
    }
    return {name: values.astype(np.float32) for name, values in made.items()}


def said_of(tf: Any, v: Mapping[str, Any], batch: tuple[Any, Any, Any], dropped: float = 0.0) -> Any:
    """Return logits, shape (batch, n, n_classes).

    A batch is features (batch, n, N_FEATURES), sounds (batch, n, N_SOUND), and a one for each stroke that is
    none to fill up, (batch, n).
    """
    features, sounds, real = batch
    place = sounds @ v["embedding"]
    power = tf.reduce_sum(place**2, axis=2)
    apart = power[:, :, None] + power[:, None] - 2 * tf.matmul(place, place, transpose_b=True)
    alike = tf.exp(-0.5 * tf.maximum(apart, 0.0)) * real[:, None] * real[:, :, None]
    count = tf.reduce_sum(alike, axis=2, keepdims=True)
    n = tf.reduce_sum(real, axis=1)[:, None, None]
    safe, one = tf.maximum(count, 1e-6), real[:, :, None]
    among = tf.concat([tf.math.log1p(count) / 3, count / n], axis=2)
    h = tf.nn.relu((features - v["mean"]) / v["scale"] @ v["w1"] + v["b1"]) * one
    length = tf.shape(h)[1]
    for i in range(ROUNDS):
        # What is not real is 0, and no h is below: it cannot be the highest.
        every = [tf.reduce_sum(h, 1, keepdims=True) / n, tf.reduce_max(h, 1, keepdims=True)]
        every = [tf.repeat(values, length, axis=1) for values in every]
        wide = tf.pad(h, ((0, 0), (2, 2), (0, 0)))
        near = [wide[:, k : k + length] for k in (1, 3, 0, 4)]
        message = tf.concat([h, alike @ h / safe, among, *every, *near], axis=2)
        more = tf.nn.relu(message @ v["w2"][i] + v["b2"][i]) * one
        h = h + (tf.nn.dropout(more, dropped) if dropped else more)
    return features[:, :, : len(CLASSES)] + h @ v["w3"] + v["b3"]
