"""How likely something begins at each moment, heard in the bands by a small dilated convolutional network.

It sees how loud the 36 bands are and how they rise, and answers once for each frame of them or for some:
`beat_network` asks it for beats and bars, `onset_network` for notes and strokes.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from engines._audio import FloatArray
from engines._networks import dilated, sigmoid
from engines.analyze.bands import N_BANDS
from engines.analyze.onset_strength import LAG_FRAMES, log_bands, rises

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
        """Return how likely each kind of event is, shape (n, kinds), for inputs (n, `n_inputs`)."""
        h = np.maximum(0, x @ self.k1 + self.b1)
        for layer, (kernel, bias) in enumerate(zip(self.k2, self.b2, strict=True)):
            h = h + np.maximum(0, dilated(h, kernel, 2**layer) + bias)
        return sigmoid(h @ self.k3 + self.b3)


def n_inputs(pace: int) -> int:
    """Say how many numbers are seen for each answer, if there is one for every `pace` frames."""
    return (pace + 1) * N_BANDS


def inputs(bands: FloatArray, level: float, pace: int) -> FloatArray:
    """Return what a network sees of bands, shape (n // pace, `n_inputs`).

    That is the rises and the mean level of each `pace` frames. The first two frames of `bands` only show what
    the third rises from, and are otherwise not seen.
    """
    L = log_bands(bands, level)
    rise = rises(L)
    n = len(rise) // pace
    rise = rise[: pace * n].reshape(n, pace * N_BANDS)
    loud = L[LAG_FRAMES : LAG_FRAMES + pace * n].reshape(n, pace, N_BANDS).mean(axis=1)
    return np.concatenate([rise, loud], axis=1)


def activations(bands: FloatArray, level: float, net: BandNetwork, pace: int) -> FloatArray:
    """Run a network over bands whose mean level is above 0; shape (n // pace, kinds), from 0 to 1."""
    n = len(bands) // pace
    result = np.zeros((n, net.k3.shape[1]), np.float32)
    for start in range(0, n, CHUNK):
        low, stop = max(0, start - net.reach), min(n, start + CHUNK)
        high = min(n, stop + net.reach)
        first = pace * low - LAG_FRAMES
        seen = bands[max(0, first) : pace * high]
        if first < 0:  # nothing sounds before the first frame
            seen = np.concatenate([np.zeros((-first, N_BANDS), np.float32), seen])
        result[start:stop] = net.forward(inputs(seen, level, pace))[start - low : stop - low]
    return result
