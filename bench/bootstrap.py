"""How far a mean may be off by chance, for all benches alike."""

from collections.abc import Sequence

import numpy as np

from engines._audio import FloatArray

DRAWS = 2000


def interval(values: Sequence[float] | FloatArray, draws: int = DRAWS) -> tuple[float, float]:
    """Return the 95 % interval of a mean, by percentile bootstrap, seed 0; of one value, that value twice.

    `scipy.stats.bootstrap` has the same numbers, but refuses one value alone.
    """
    v = np.asarray(values, float)
    means = v[np.random.default_rng(0).integers(len(v), size=(draws, len(v)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
