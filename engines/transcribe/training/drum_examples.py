"""What the network that hears drums is shown: six seconds of each recording, equalised anew each time."""

from collections.abc import Iterator

import numpy as np

from engines._audio import FloatArray
from engines.transcribe.drum_model import CLASSES, CONTEXT
from engines.transcribe.drum_spectrum import FRAME_RATE, N_BANDS
from engines.transcribe.training.recordings import Item
from engines.transcribe.training.scores import Rng

BATCH, LENGTH = 16, 2 * CONTEXT  # each time six seconds of each recording
MIXED = 0.3  # of the examples have music added to them


def targets(item: Item) -> FloatArray:
    """Return for each frame whether a stroke of each class begins (its neighbours: perhaps), and how hard."""
    n, n_classes = len(item.bands), len(CLASSES)
    y = np.zeros((n, 2 * n_classes), np.float32)
    for t, drum, velocity in item.strokes:
        frame, c = round(t * FRAME_RATE), int(drum)
        for offset, value in ((0, 1.0), (-1, 0.4), (1, 0.4)):
            if 0 <= frame + offset < n and value > y[frame + offset, c]:
                y[frame + offset, c] = value
                y[frame + offset, n_classes + c] = velocity / 127
    return y


def batches(bands: list[FloatArray], made: list[Item], rng: Rng) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Cut each recording once, in random order: frames of (BATCH, LENGTH, N_BANDS), and their targets."""
    order = rng.permutation(len(made))
    for i in range(0, len(order) - BATCH + 1, BATCH):
        x = np.zeros((BATCH, LENGTH, N_BANDS), np.float32)
        y = np.zeros((BATCH, LENGTH, 2 * len(CLASSES)), np.float32)
        for row, chosen in enumerate(order[i : i + BATCH]):
            at = int(rng.integers(0, max(1, len(bands[chosen]) - LENGTH)))
            x[row], y[row] = bands[chosen][at : at + LENGTH], targets(made[chosen])[at : at + LENGTH]
        yield x, y


def with_music(x: FloatArray, quiet: list[FloatArray], rng: Rng) -> FloatArray:
    """Add recordings without drums to some of the examples, shape (n, LENGTH, N_BANDS), from -20 to +3 dB.

    Magnitudes add up as of sounds that know nothing of each other; the sum is as loud as they were.
    """
    mixed = x.copy()
    for row in np.flatnonzero(rng.random(len(x)) < MIXED):
        other = quiet[int(rng.integers(len(quiet)))]
        at = int(rng.integers(0, max(1, len(other) - LENGTH)))
        gain = rng.uniform(-1.0, 0.15)
        added = np.maximum(0, other[at : at + LENGTH].astype(np.float32) + gain)
        summed = 0.5 * np.log10(10 ** (2 * x[row]) + 10 ** (2 * added) - 1)
        mixed[row] = np.maximum(0, summed - 0.5 * np.log10(1 + 10 ** (2 * gain)))
    return mixed


def equalised(x: FloatArray, rng: Rng) -> FloatArray:
    """Play each example, shape (n, frames, bands), louder or softer, through an equaliser of its own.

    About 5 dB up and down, smoothly over the bands.
    """
    n_bands = x.shape[2]
    ripples = np.cos(np.pi * np.outer(np.arange(6), (np.arange(n_bands) + 0.5) / n_bands))
    gains = (rng.standard_normal((len(x), 6)) * 0.12) @ ripples
    result: FloatArray = np.where(x > 0, np.maximum(0, x + gains[:, None, :]), 0).astype(np.float32)
    return result
