"""Which peaks of the onset activations are notes: a small trained network that looks round each peak.

Thresholds alone take overtones for notes (an octave, a twelfth above one that begins) and take a note that
swells for one that is struck again. The network sees, for a peak, what the keys an octave or a twelfth away
do at that moment and what its own key did before. `weights/onsets.md` says what it was trained on;
`training/train_onsets.py` makes it.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.ndimage

from engines._audio import FloatArray
from engines._networks import read_weights, sigmoid

WEIGHTS: Final = Path(__file__).parent / "weights" / "onsets.npz"
LOWEST_PEAK: Final = 0.2  # fewer than one in a hundred of true notes has a lower one
N_FEATURES: Final = 31

_RELATED = (-28, -24, -19, -12, -7, -1, 1, 12, 19)  # semitones to keys that share overtones, or leak
_PAST, _FUTURE = 24, 32  # frames looked back and ahead
_SPANS = ((-20, -8), (-8, -3), (-3, 0), (0, 4), (4, 12), (12, 32))  # of the key itself, in frames


@dataclass(frozen=True)
class Chooser:
    """Weights of two layers, how features are scaled, and the threshold."""

    mean: FloatArray
    scale: FloatArray
    w1: FloatArray
    b1: FloatArray
    w2: FloatArray
    threshold: FloatArray

    def weigh(self, x: FloatArray) -> FloatArray:
        """Return how likely each peak is a note, shape (n,), for features of shape (n, N_FEATURES)."""
        h = np.tanh((x - self.mean) / self.scale @ self.w1 + self.b1)
        return sigmoid(h @ self.w2)


@cache
def chooser() -> Chooser:
    """Read the weights.

    Raises
    ------
    NotInstalledError
        If they are missing or damaged.
    """
    return read_weights(WEIGHTS, Chooser)


def peaks(onsets: FloatArray, threshold: float) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return frames and columns of the peaks over time that reach a threshold, in order of time."""
    middle = onsets[1:-1]
    times, pitches = np.nonzero((middle > onsets[:-2]) & (middle > onsets[2:]) & (middle >= threshold))
    return times + 1, pitches


def features(
    notes: FloatArray, onsets: FloatArray, times: npt.NDArray[np.intp], pitches: npt.NDArray[np.intp]
) -> FloatArray:
    """Describe peaks, shape (n, N_FEATURES), from activations of shape (n_frames, 88)."""
    reach = max(map(abs, _RELATED))
    wide = ((_PAST, _FUTURE), (reach, reach))
    notes, onsets = np.pad(notes, wide), np.pad(onsets, wide)
    t, p = times + _PAST, pitches + reach
    near = scipy.ndimage.maximum_filter1d(onsets, 5, axis=0)
    sums = np.concatenate([np.zeros((1, notes.shape[1])), notes.cumsum(axis=0, dtype=np.float64)])

    def mean(start: int, stop: int, pitch: npt.NDArray[np.intp]) -> FloatArray:
        result: FloatArray = (sums[t + stop, pitch] - sums[t + start, pitch]) / (stop - start)
        return result

    columns = [onsets[t, p], *(mean(a, b, p) for a, b in _SPANS)]
    columns += [scipy.ndimage.maximum_filter1d(onsets, 17, axis=0)[t - 12, p]]  # struck a moment ago
    for step in _RELATED:
        columns += [near[t, p + step], mean(0, 8, p + step)]
    columns += [near.max(axis=1)[t], (near > 0.3).sum(axis=1)[t] / 10, notes.max(axis=1)[t]]
    columns += [pitches / 88, mean(0, 4, p) - mean(-3, 0, p)]
    result: FloatArray = np.stack(columns, axis=1).astype(np.float32)
    return result
