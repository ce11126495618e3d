"""What the network that weighs strokes is shown: those a recording may have, and what was struck."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engines._audio import FloatArray
from engines.transcribe.drum_model import CLASSES, Frames, Network, activations, inputs
from engines.transcribe.drum_spectrum import FRAME_RATE
from engines.transcribe.stroke_roles import N_FEATURES, N_SOUND, described, likelihoods, strokes_of
from engines.transcribe.training.recordings import Item
from engines.transcribe.training.scores import Rng

BATCH = 16
TOLERANCE = 3.5  # frames between a true stroke and the one that was heard


@dataclass(frozen=True)
class RoleExample:
    """Strokes: features (n, N_FEATURES), sounds (n, N_SOUND), and what was struck (n, n_classes)."""

    features: FloatArray
    sounds: FloatArray
    struck: FloatArray


def example(net: Network, item: Item) -> RoleExample:
    """Hear a recording with a network, and tell which of the strokes it may have heard there were."""
    activation = activations(item.bands, net)
    frames = strokes_of(activation)
    if len(frames) == 0:
        return RoleExample(np.zeros((0, N_FEATURES)), np.zeros((0, N_SOUND)), np.zeros((0, len(CLASSES))))
    features, sounds = described(inputs(item.bands), likelihoods(activation, frames), frames)
    return RoleExample(features, sounds.astype(np.float16), struck(item, frames))


def struck(item: Item, frames: Frames) -> FloatArray:
    """Return a one for each class that was struck within 35 ms of a frame, and nearest to that one."""
    y = np.zeros((len(frames), len(CLASSES)), np.float32)
    for t, drum, _ in item.strokes:
        apart = np.abs(frames - t * FRAME_RATE)
        if apart.min() <= TOLERANCE:
            y[apart.argmin(), int(drum)] = 1
    return y


def scaling(made: list[RoleExample]) -> tuple[FloatArray, FloatArray]:
    """Return the mean and the standard deviation of each feature."""
    x = np.concatenate([one.features for one in made])
    return x.mean(axis=0), x.std(axis=0) + 1e-3


def batches(made: list[RoleExample], rng: Rng) -> Iterator[tuple[FloatArray, ...]]:
    """Return recordings in random order: features, sounds, which rows are strokes, and what was struck.

    Each is as long as the longest of its batch; the rest is filled with zeros.
    """
    order = rng.permutation(len(made))
    for i in range(0, len(order) - BATCH + 1, BATCH):
        chosen = [made[k] for k in order[i : i + BATCH]]
        n = max(len(one.features) for one in chosen)
        real = np.zeros((BATCH, n), np.float32)
        for row, one in enumerate(chosen):
            real[row, : len(one.features)] = 1
        parts = ([getattr(one, name) for one in chosen] for name in ("features", "sounds", "struck"))
        features, sounds, hit = (np.stack([_filled(x, n) for x in part]) for part in parts)
        yield features, sounds, real, hit


def _filled(x: FloatArray, n: int) -> FloatArray:
    return np.pad(x.astype(np.float32), ((0, n - len(x)), (0, 0)))
