"""Which drum is struck when: a small trained network on the drum spectrum, and the peaks of what it says.

The network sees 15 frames of 10 ms, 5 before and 9 after the one it judges, through two hidden layers, and
says for each of five classes how likely a stroke begins there and how hard it is. `weights/drums.md` says
what it was trained on; `training/train_drums.py` makes it.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from engines._audio import FloatArray
from engines._errors import NotInstalledError
from engines.transcribe.drum_spectrum import FRAME_RATE, N_BANDS

WEIGHTS: Final = Path(__file__).parent / "weights" / "drums.npz"
CLASSES: Final = ("kick", "snare", "hat", "tom", "cymbal")
# General MIDI percussion keys (RP-003): bass drum 1, acoustic snare, closed hi-hat, low-mid tom, crash 1.
KEYS: Final = (36, 38, 42, 47, 49)
BEFORE, AFTER = 5, 9
RANGE = 4.0  # decades below the recording's level that are told apart
QUIETEST = -4.0  # decades re full scale: below -80 dB is no music, and is not made louder
NEIGHBOURHOOD = 3  # frames to each side within which a stroke is the highest
SHORTEST_GAP_S = 0.05  # between two strokes of one drum: 32nds at 240 BPM are 31 ms, rolls are not
CHUNK = 8192


@dataclass(frozen=True)
class Network:
    """Weights of the three layers, and the threshold of each class."""

    w1: FloatArray
    b1: FloatArray
    w2: FloatArray
    b2: FloatArray
    w3: FloatArray
    b3: FloatArray
    thresholds: FloatArray

    def forward(self, x: FloatArray) -> FloatArray:
        """Return strokes and strengths from 0 to 1, shape (n, 10), for inputs of shape (n, 15 * 40)."""
        h = np.maximum(0, x @ self.w1 + self.b1)
        h = np.maximum(0, h @ self.w2 + self.b2)
        result: FloatArray = 1 / (1 + np.exp(-np.clip(h @ self.w3 + self.b3, -30, 30)))
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
    try:
        with np.load(WEIGHTS) as stored:
            net = Network(**{key: stored[key].astype(np.float32) for key in stored.files})
        net.forward(np.zeros((1, (BEFORE + 1 + AFTER) * N_BANDS), np.float32))  # whether its layers fit
    except (OSError, ValueError, TypeError) as error:
        raise NotInstalledError(
            f"model: {WEIGHTS.name} of transcribe is missing or damaged; reinstall the program"
        ) from error
    return net


def level(log_bands: FloatArray) -> float:
    """Return the decadic logarithm of how loud the recording's loudest bands are on average, at least -4."""
    if len(log_bands) == 0:
        return QUIETEST
    loudest = log_bands.max(axis=1).astype(np.float64)
    return max(QUIETEST, float(np.log10(np.mean(10.0**loudest))))


def inputs(log_bands: FloatArray, levels: FloatArray, frames: npt.NDArray[np.intp]) -> FloatArray:
    """Return what the network sees at frames, shape (n, 15 * 40), for levels of shape (n,) or (1,).

    Before the beginning and after the end there is silence.
    """
    window = frames[:, None] + np.arange(-BEFORE, AFTER + 1)
    outside = (window < 0) | (window >= len(log_bands))
    x = log_bands[np.clip(window, 0, len(log_bands) - 1)].astype(np.float32)
    x += (RANGE - levels.astype(np.float32))[:, None, None]
    np.maximum(x, 0, out=x)
    x[outside] = 0
    result: FloatArray = x.reshape(len(frames), -1)
    return result


def activations(log_bands: FloatArray, net: Network) -> FloatArray:
    """Run the network over a recording: shape (n_frames, 10), classes first, then their strengths."""
    levels = np.array([level(log_bands)])
    result = np.zeros((len(log_bands), 2 * len(CLASSES)), np.float32)
    for start in range(0, len(log_bands), CHUNK):
        stop = min(start + CHUNK, len(log_bands))
        result[start:stop] = net.forward(inputs(log_bands, levels, np.arange(start, stop)))
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
    padded = np.pad(p, NEIGHBOURHOOD)
    highest = np.lib.stride_tricks.sliding_window_view(padded, 2 * NEIGHBOURHOOD + 1).max(axis=1)
    peaks = np.flatnonzero((p >= threshold) & (p == highest))
    kept: list[int] = []
    for peak in peaks.tolist():
        if kept and (peak - kept[-1]) / FRAME_RATE < SHORTEST_GAP_S:
            if p[peak] > p[kept[-1]]:
                kept[-1] = peak
            continue
        kept.append(peak)
    at = np.array(kept, np.intp)
    left, right = padded[at + NEIGHBOURHOOD - 1], padded[at + NEIGHBOURHOOD + 1]
    bend = 2 * p[at] - left - right
    shift = np.where(bend > 1e-6, 0.5 * (right - left) / np.maximum(bend, 1e-6), 0.0)
    times = np.maximum(0.0, (at + np.clip(shift, -0.5, 0.5)) / FRAME_RATE)
    return Strokes(times, strength[at].astype(np.float64), p[at].astype(np.float64))
