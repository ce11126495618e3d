"""How likely something begins at each moment, heard in the bands by a small dilated convolutional network.

It sees how loud the 36 bands are and how they change, and answers once for each frame of them or for some:
`beat_network` asks it for beats and bars, `onset_network` for notes and strokes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from engines._audio import FloatArray
from engines._networks import dilated, sigmoid
from engines.analyze.bands import N_BANDS
from engines.analyze.onset_strength import LAG_FRAMES, log_bands

CHUNK: Final = 8192  # answers, beside which those that are only seen are few


@dataclass(frozen=True)
class BandNetwork:
    """Weights: `k1` (inputs, C), dilated `k2` (layers, 3, C, C), `k3` (C, kinds), with their biases."""

    k1: FloatArray
    b1: FloatArray
    k2: FloatArray
    b2: FloatArray
    k3: FloatArray
    b3: FloatArray

    @property
    def reach(self) -> int:
        """How many answers to each side one depends on what is seen for."""
        return int(2 ** len(self.k2) - 1)

    def forward(self, x: FloatArray) -> FloatArray:
        """Return how likely each kind of event is, shape (n, kinds), for inputs (n, `View.n_inputs`)."""
        h = np.maximum(0, x @ self.k1 + self.b1)
        for layer, (kernel, bias) in enumerate(zip(self.k2, self.b2, strict=True)):
            h = h + np.maximum(0, dilated(h, kernel, 2**layer) + bias)
        return sigmoid(h @ self.k3 + self.b3)


@dataclass(frozen=True)
class View:
    """What a network sees of bands: the level of each `pace` frames, for which it answers, and their changes.

    `changes` says how compressed bands, shape (n, N_BANDS), change over two frames; shape (n - 2, N_BANDS).
    """

    pace: int
    changes: Callable[[FloatArray], FloatArray]

    @property
    def n_inputs(self) -> int:
        """How many numbers are seen for each answer."""
        return (self.pace + 1) * N_BANDS

    def inputs(self, bands: FloatArray, level: float) -> FloatArray:
        """Return what is seen of bands whose mean level is `level`, shape (n // pace, `n_inputs`).

        The first two frames only show what the third changes from, and are otherwise not seen.
        """
        L = log_bands(bands, level)
        changes = self.changes(L)
        n = len(changes) // self.pace
        changes = changes[: self.pace * n].reshape(n, self.pace * N_BANDS)
        loud = L[LAG_FRAMES : LAG_FRAMES + self.pace * n].reshape(n, self.pace, N_BANDS).mean(axis=1)
        return np.concatenate([changes, loud], axis=1)


def activations(bands: FloatArray, level: float, net: BandNetwork, view: View) -> FloatArray:
    """Run a network over bands whose mean level is above 0; shape (n // pace, kinds), from 0 to 1."""
    n = len(bands) // view.pace
    result = np.zeros((n, net.k3.shape[1]), np.float32)
    for start in range(0, n, CHUNK):
        low, stop = max(0, start - net.reach), min(n, start + CHUNK)
        high = min(n, stop + net.reach)
        first = view.pace * low - LAG_FRAMES
        seen = bands[max(0, first) : view.pace * high]
        if first < 0:  # nothing sounds before the first frame
            seen = np.concatenate([np.zeros((-first, N_BANDS), np.float32), seen])
        result[start:stop] = net.forward(view.inputs(seen, level))[start - low : stop - low]
    return result
