"""Which drum is struck when: a small convolutional network on the drum spectrum, and the peaks of its answer.

Two layers look at three frames of 10 ms and three bands, each followed by halving the bands; a third makes
96 channels of what they found. Six more look ever farther, 1 to 32 frames to each side, each adding to what
was there: how a sound rings tells a ride from a hi-hat. The last but one also knows the mean of the 6 s
around, so which sounds the recording has. The last says for each of five classes how likely a stroke begins
there and how hard it is. `weights/drums.md` says what it was trained on; `training/train_drums.py` makes it.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import scipy.ndimage

from engines._audio import FloatArray
from engines._networks import dilated, read_network, sigmoid
from engines._units import Progress, silent
from engines.transcribe.drum_spectrum import FRAME_RATE, N_BANDS

WEIGHTS: Final = Path(__file__).parent / "weights" / "drums.npz"
CLASSES: Final = ("kick", "snare", "hat", "tom", "cymbal")
# General MIDI percussion keys (RP-003): bass drum 1, acoustic snare, closed hi-hat, low-mid tom, crash 1.
KEYS: Final = (36, 38, 42, 47, 49)
DILATIONS: Final = (1, 2, 4, 8, 16, 32)
CONTEXT = 300  # frames to each side whose mean is known
REACH = 3 + sum(DILATIONS) + CONTEXT  # frames to each side that an answer depends on
RANGE = 4.0  # decades below the recording's level that are told apart
QUIETEST = -4.0  # decades re full scale: below -80 dB is no music, and is not made louder
NEIGHBOURHOOD = 3  # frames to each side within which a stroke is the highest
SHORTEST_GAP_S = 0.05  # between two strokes of one drum: 32nds at 240 BPM are 31 ms, rolls are not
CHUNK = 2048

Frames: TypeAlias = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Network:
    """Weights of the layers, and the threshold of each class.

    Kernels have shape (time, bands, in, out) in the first two layers, (time, in, out) in the third,
    (layer, time, channel, channel) in the dilated ones, (in, out) in the last two, where `k5` sees the
    frame and `c5` the mean around it.
    """

    k1: FloatArray
    b1: FloatArray
    k2: FloatArray
    b2: FloatArray
    k3: FloatArray
    b3: FloatArray
    k4: FloatArray
    b4: FloatArray
    k5: FloatArray
    c5: FloatArray
    b5: FloatArray
    k6: FloatArray
    b6: FloatArray
    thresholds: FloatArray

    def forward(self, x: FloatArray) -> FloatArray:
        """Return strokes and strengths from 0 to 1, shape (n, 10), for frames of shape (n, N_BANDS).

        Before the first frame and after the last there are zeros.
        """
        h = _halved(_convolved(x[:, :, None], self.k1, self.b1))
        h = _halved(_convolved(h, self.k2, self.b2))
        h = np.maximum(0, dilated(h.reshape(len(h), -1), self.k3, 1) + self.b3)
        for kernel, bias, dilation in zip(self.k4, self.b4, DILATIONS, strict=True):
            h = h + np.maximum(0, dilated(h, kernel, dilation) + bias)
        h = np.maximum(0, h @ self.k5 + _means(h, CONTEXT) @ self.c5 + self.b5)
        return sigmoid(h @ self.k6 + self.b6)


def _convolved(x: FloatArray, kernel: FloatArray, bias: FloatArray) -> FloatArray:
    """Convolve (n, bands, in) with a kernel of 3 x 3, zeros around it, and keep what is above 0."""
    n, n_bands, _ = x.shape
    wide = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    seen = np.concatenate([wide[i : i + n, j : j + n_bands] for i in range(3) for j in range(3)], axis=2)
    result: FloatArray = np.maximum(0, seen @ kernel.reshape(-1, kernel.shape[-1]) + bias)
    return result


def _halved(x: FloatArray) -> FloatArray:
    """Keep the larger of two neighbouring bands."""
    result: FloatArray = np.maximum(x[:, 0::2], x[:, 1::2])
    return result


def _means(x: FloatArray, reach: int) -> FloatArray:
    """Return the mean over the frames there are within `reach` of each frame, shape (n, channels)."""
    sums = np.concatenate([np.zeros((1, x.shape[1])), x.cumsum(axis=0, dtype=np.float64)])
    at = np.arange(len(x))
    low, high = np.maximum(0, at - reach), np.minimum(len(x), at + reach + 1)
    result: FloatArray = ((sums[high] - sums[low]) / (high - low)[:, None]).astype(np.float32)
    return result


@dataclass(frozen=True)
class Strokes:
    """Strokes of one class: seconds, increasing; velocities and certainties from 0 to 1."""

    times: FloatArray
    velocities: FloatArray
    certainties: FloatArray


@cache
def network() -> Network:
    """Read the weights.

    Raises
    ------
    NotInstalledError
        If they are missing or damaged.
    """
    return read(WEIGHTS)


def read(path: Path) -> Network:
    """Read weights that a training wrote; raises as `network` does."""
    return read_network(path, Network, N_BANDS)


def level(log_bands: FloatArray) -> float:
    """Return the decadic logarithm of how loud the recording's loudest bands are on average, at least -4."""
    if len(log_bands) == 0:
        return QUIETEST
    loudest = log_bands.max(axis=1).astype(np.float64)
    return max(QUIETEST, float(np.log10(np.mean(10.0**loudest))))


def inputs(log_bands: FloatArray, loudness: float | None = None) -> FloatArray:
    """Return what the network sees, shape (n_frames, N_BANDS): from 0, four decades down.

    `loudness` is the `level` of the whole recording, where these are a part of it.
    """
    x = log_bands.astype(np.float32)
    x += np.float32(RANGE - (level(log_bands) if loudness is None else loudness))
    result: FloatArray = np.maximum(x, 0, out=x)
    return result


def activations(log_bands: FloatArray, net: Network, progress: Progress = silent) -> FloatArray:
    """Run the network over a recording: shape (n_frames, 10), classes first, then their strengths.

    Where nothing is heard, all are 0. Reports progress every 20 s of audio.
    """
    n, loudness = len(log_bands), level(log_bands)
    result = np.zeros((n, 2 * len(CLASSES)), np.float32)
    for start in range(0, n, CHUNK):
        # A chunk with what its answers depend on; beyond the recording's ends there is nothing.
        low, stop = max(0, start - REACH), min(n, start + CHUNK)
        x = inputs(log_bands[low : min(n, stop + REACH)], loudness)
        said = np.where(x.any(axis=1, keepdims=True), net.forward(x), 0)
        result[start:stop] = said[start - low : stop - low]
        progress(stop / n, "drums")
    return result


def strokes(activation: FloatArray, thresholds: FloatArray) -> list[Strokes]:
    """Pick the strokes of each class from activations of shape (n_frames, 10).

    A stroke is the highest of seven frames and above its class's threshold; of two closer than 50 ms the
    likelier stays. Its time is the vertex of the parabola through its neighbours.
    """
    n_classes = len(CLASSES)
    return [
        _strokes(activation[:, c], activation[:, n_classes + c], float(thresholds[c]))
        for c in range(n_classes)
    ]


def _strokes(p: FloatArray, strength: FloatArray, threshold: float) -> Strokes:
    if len(p) == 0:
        return Strokes(np.zeros(0), np.zeros(0), np.zeros(0))
    at = apart(np.flatnonzero((p >= threshold) & (p == highest(p))), p, SHORTEST_GAP_S * FRAME_RATE)
    padded = np.pad(p, 1)
    left, right = padded[at], padded[at + 2]
    bend = 2 * p[at] - left - right
    shift = np.where(bend > 1e-6, 0.5 * (right - left) / np.maximum(bend, 1e-6), 0.0)
    times = np.maximum(0.0, (at + np.clip(shift, -0.5, 0.5)) / FRAME_RATE)
    return Strokes(times, strength[at].astype(np.float64), p[at].astype(np.float64))


def highest(p: FloatArray) -> FloatArray:
    """Return for each frame the highest of seven frames around it, along the first axis."""
    result: FloatArray = scipy.ndimage.maximum_filter1d(p, 2 * NEIGHBOURHOOD + 1, axis=0, mode="constant")
    return result


def apart(frames: Frames, p: FloatArray, gap: float) -> Frames:
    """Keep, of increasing frames closer than `gap` to each other, those that are likeliest by `p`."""
    kept: list[int] = []
    for frame in frames.tolist():
        if kept and frame - kept[-1] < gap:
            if p[frame] > p[kept[-1]]:
                kept[-1] = frame
            continue
        kept.append(frame)
    return np.array(kept, np.intp)
