"""How well strokes are heard: F-measures by class, and the thresholds that make them best."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engines._audio import FloatArray
from engines.transcribe.drum_model import CLASSES, Network, activations, strokes
from engines.transcribe.training.recordings import Item

TOLERANCE_S = 0.05


def hits(truth: FloatArray, found: FloatArray) -> int:
    """Count true strokes that have a found one within 50 ms, each used once; both increasing."""
    i = j = count = 0
    while i < len(truth) and j < len(found):
        if abs(truth[i] - found[j]) <= TOLERANCE_S:
            count, i, j = count + 1, i + 1, j + 1
        elif truth[i] < found[j]:
            i += 1
        else:
            j += 1
    return count


def f_measures(made: Sequence[Item], said: Sequence[FloatArray], thresholds: FloatArray) -> FloatArray:
    """Return the F-measure of each class over recordings, all strokes counted together.

    `said` are their activations.
    """
    counts = np.zeros((len(CLASSES), 3))
    for item, activation in zip(made, said, strict=True):
        for c, found in enumerate(strokes(activation, thresholds)):
            truth = np.sort(item.strokes[item.strokes[:, 1] == c, 0])
            counts[c] += hits(truth, found.times), len(truth), len(found.times)
    result: FloatArray = 2 * counts[:, 0] / np.maximum(1, counts[:, 1] + counts[:, 2])
    return result


def best_thresholds(made: Sequence[Item], said: Sequence[FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Choose each class's threshold for the best F-measure on recordings of kits that were not trained on.

    `said` are their activations. Returns these F-measures too.
    """
    choices = np.arange(0.1, 0.8, 0.05)
    table = np.array([f_measures(made, said, np.full(len(CLASSES), t)) for t in choices])
    return choices[table.argmax(axis=0)].astype(np.float32), table.max(axis=0)


def with_best_thresholds(net: Network, made: Sequence[Item]) -> tuple[Network, FloatArray]:
    """Give the network that hears drums its thresholds, as `best_thresholds` chooses them."""
    best, f = best_thresholds(made, [activations(item.bands, net) for item in made])
    return replace(net, thresholds=best), f
