"""The network of `drum_model` in Keras, which only training needs: built, filled, and read out."""

from typing import Any

import numpy as np

from engines.transcribe.drum_model import CLASSES, DILATIONS, Network
from engines.transcribe.drum_spectrum import N_BANDS

CHANNELS = 96


def build(tf: Any) -> Any:
    """Build the network of `drum_model` in Keras; the bands are the third axis of four.

    The mean of the surroundings is that of the whole excerpt, which is as long.
    """
    layers = tf.keras.layers
    x = frames = layers.Input((None, N_BANDS, 1))
    for channels in (16, 24):
        x = layers.Conv2D(channels, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D((1, 2))(x)
    x = layers.Reshape((-1, N_BANDS // 4 * 24))(x)
    x = layers.Conv1D(CHANNELS, 3, padding="same", activation="relu")(x)
    for dilation in DILATIONS:
        more = layers.Conv1D(CHANNELS, 3, padding="same", dilation_rate=dilation, activation="relu")(x)
        x = layers.Add()([x, more])
    mean = layers.GlobalAveragePooling1D(keepdims=True, dtype="float32")(x)
    around = layers.Dense(CHANNELS, use_bias=False)(mean)
    x = layers.ReLU()(layers.Add()([layers.Dense(CHANNELS)(x), around]))
    x = layers.Dropout(0.2)(x)
    x = layers.Dense(2 * len(CLASSES), activation="sigmoid", dtype="float32")(x)
    return tf.keras.Model(frames, x)


def weights_of(model: Any) -> Network:
    """Return a trained model as the engine runs it."""
    found = [layer.get_weights() for layer in model.layers if layer.get_weights()]
    (c5,) = next(w for w in found if len(w) == 1)
    (k1, b1), (k2, b2), (k3, b3), *dilated, (k5, b5), (k6, b6) = [w for w in found if len(w) == 2]
    k4, b4 = (np.stack(parts) for parts in zip(*dilated, strict=True))
    thresholds = np.full(len(CLASSES), 0.4, np.float32)
    return Network(k1, b1, k2, b2, k3, b3, k4, b4, k5, c5, b5, k6, b6, thresholds)


def with_weights(model: Any, net: Network) -> Any:
    """Give a model the weights that the engine runs."""
    dilated = [array for pair in zip(net.k4, net.b4, strict=True) for array in pair]
    ends = iter([net.k1, net.b1, net.k2, net.b2, net.k3, net.b3, *dilated, net.k5, net.b5, net.k6, net.b6])
    for layer in model.layers:
        shapes = [w.shape for w in layer.get_weights()]
        if len(shapes) == 1:
            layer.set_weights([net.c5])
        elif shapes:
            layer.set_weights([next(ends), next(ends)])
    return model
