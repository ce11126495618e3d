"""How likely a beat, and a bar, begins at each moment: a small dilated convolutional network.

It sees how loud the 36 bands are and how they rise, 43 times a second, and 12 s to each side, in which a bar
comes again some times. `weights/beats.md` says what it was trained on; `training/train_beats.py` makes it.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from engines._audio import FloatArray
from engines._networks import dilated, read_network, sigmoid
from engines.analyze import bands as band
from engines.analyze.onset_strength import LAG_FRAMES, log_bands, mean_level, rises
from engines.analyze.ranking import WEIGHTS

MODEL = WEIGHTS / "beats.npz"
FRAME_RATE: Final = band.FRAME_RATE / 2  # answers a second
N_INPUTS: Final = 3 * band.N_BANDS
DILATIONS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)
REACH: Final = sum(DILATIONS)  # frames to each side that an answer depends on
CHUNK: Final = 8192  # frames, beside which those that are only seen are few
SHORTEST_S: Final = 24.0  # shorter recordings are heard going round, as loops are


@dataclass(frozen=True)
class Network:
    """Weights: `k1` (N_INPUTS, C), dilated `k2` (layers, 3, C, C), `k3` (C, 2), with their biases."""

    k1: FloatArray
    b1: FloatArray
    k2: FloatArray
    b2: FloatArray
    k3: FloatArray
    b3: FloatArray

    def forward(self, x: FloatArray) -> FloatArray:
        """Return the likelihoods of a beat and of a downbeat, shape (n, 2), for inputs (n, N_INPUTS)."""
        h = np.maximum(0, x @ self.k1 + self.b1)
        for kernel, bias, dilation in zip(self.k2, self.b2, DILATIONS, strict=True):
            h = h + np.maximum(0, dilated(h, kernel, dilation) + bias)
        h = h @ self.k3 + self.b3
        return sigmoid(h)


def inputs(bands: FloatArray, level: float) -> FloatArray:
    """Return what the network sees of bands, shape (n // 2, N_INPUTS).

    That is the rises and the level of each pair of frames. The first two frames of `bands` only show what the
    third rises from, and are otherwise not seen.
    """
    L = log_bands(bands, level)
    rise = rises(L)
    n = len(rise) // 2
    rise = rise[: 2 * n].reshape(n, 2 * band.N_BANDS)
    loud = L[LAG_FRAMES : LAG_FRAMES + 2 * n].reshape(n, 2, band.N_BANDS).mean(axis=1)
    return np.concatenate([rise, loud], axis=1)


def going_round(bands: FloatArray, duration: float) -> FloatArray:
    """Repeat a recording of `duration` seconds until it is `SHORTEST_S` long, as one that goes round."""
    n = round(SHORTEST_S * band.FRAME_RATE)
    period = duration * band.FRAME_RATE
    at = np.round(np.mod(np.arange(n), period)).astype(int)
    result: FloatArray = bands[np.minimum(at, len(bands) - 1)]
    return result


def activations(bands: FloatArray, duration: float, net: Network) -> FloatArray:
    """Run the network over a recording; shape (n, 2), `FRAME_RATE` a second: beats and downbeats, 0 to 1."""
    level = mean_level(bands)
    if level <= 0 or duration <= 0:
        return np.zeros((len(bands) // 2, 2), np.float32)
    short = duration < SHORTEST_S
    heard = going_round(bands, duration) if short else bands
    n = len(heard) // 2
    result = np.zeros((n, 2), np.float32)
    for start in range(0, n, CHUNK):
        low, stop = max(0, start - REACH), min(n, start + CHUNK)
        high = min(n, stop + REACH)
        first = 2 * low - LAG_FRAMES
        seen = heard[max(0, first) : 2 * high]
        if first < 0:  # nothing sounds before the first frame
            seen = np.concatenate([np.zeros((-first, band.N_BANDS), np.float32), seen])
        result[start:stop] = net.forward(inputs(seen, level))[start - low : stop - low]
    return result


@cache
def network() -> Network:
    """Read the weights that ship with the engine.

    Raises
    ------
    NotInstalledError
        If they are missing or damaged.
    """
    return read_network(MODEL, Network, N_INPUTS)
