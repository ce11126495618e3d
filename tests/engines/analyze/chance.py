"""Bands and networks drawn at random: nothing is alike anywhere."""

import numpy as np

from engines._audio import FloatArray
from engines.analyze.band_network import BandNetwork, View
from engines.analyze.bands import N_BANDS


def random_network(view: View, kinds: int, layers: int, seed: int = 0) -> BandNetwork:
    """Make a network that answers something else at every frame."""
    rng = np.random.default_rng(seed)
    c = 8
    shapes = ((view.n_inputs, c), (c,), (layers, 3, c, c), (layers, c), (c, kinds), (kinds,))
    return BandNetwork(*((rng.standard_normal(shape) * 0.3).astype(np.float32) for shape in shapes))


def random_bands(n: int) -> FloatArray:
    """Make bands, shape (n, N_BANDS), from 0 to 1."""
    return np.random.default_rng(1).random((n, N_BANDS)).astype(np.float32)
