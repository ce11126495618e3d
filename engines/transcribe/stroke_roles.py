"""Which drum each sound of a recording is: strokes weighed again by those that sound like them.

`drum_model` hears a stroke by itself, and one kit's hi-hat is another's snare. What tells them apart is the
recording: which other sounds there are, how often this one comes, and between which. A small network passes
messages between strokes (Gilmer et al. 2017, equations 1 to 3): to each go, twice, the mean of those that
sound like it, the mean and the highest of all, and its neighbours in time. It sees 12 s at a time.
`weights/roles.md` says what it was trained on; `training/train_roles.py` makes it.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import scipy.fft
import scipy.ndimage

from engines._audio import FloatArray
from engines._networks import read_network, sigmoid
from engines.transcribe.drum_model import CLASSES, Frames, apart, highest, inputs, level
from engines.transcribe.drum_spectrum import N_BANDS

WEIGHTS: Final = Path(__file__).parent / "weights" / "roles.npz"
WINDOW, STEP = 1200, 600  # frames that are seen at a time, and the middle ones of them that are decided
LOWEST = 0.08  # likelihood from which on a peak may be a stroke
GAP = 4  # frames: peaks of several classes that are closer are of one stroke
FAINTEST = 1e-3  # likelihood: less is as little
DEPTH = 2.5  # decades below a stroke's loudest band that its sound is known to
PERIODS = 120, 500  # frames after which strokes may repeat: a bar of 4/4 at 200 to 48 beats a minute
N_SOUND = 2 * N_BANDS
SHAPE_BANDS = 5  # of a sound that are one of the features
N_FEATURES = 2 * len(CLASSES) + N_SOUND // SHAPE_BANDS + 3


@dataclass(frozen=True)
class RoleNetwork:
    """How features are scaled, what makes sounds alike, weights of the layers, and each class's threshold.

    `embedding` is (N_SOUND, m); `w1` (N_FEATURES, h); `w2` (round, 8 h + 2, h); `w3` (h, n_classes).
    """

    mean: FloatArray
    scale: FloatArray
    embedding: FloatArray
    w1: FloatArray
    b1: FloatArray
    w2: FloatArray
    b2: FloatArray
    w3: FloatArray
    b3: FloatArray
    thresholds: FloatArray

    def weigh(self, features: FloatArray, sounds: FloatArray) -> FloatArray:
        """Return how likely each stroke is one of each class, shape (n, n_classes), for n of them."""
        place = sounds @ self.embedding
        alike = np.exp(-0.5 * ((place[:, None] - place[None]) ** 2).sum(axis=2))
        count = alike.sum(axis=1, keepdims=True)
        among = np.concatenate([np.log1p(count) / 3, count / len(count)], axis=1)
        h = np.maximum(0, (features - self.mean) / self.scale @ self.w1 + self.b1)
        for w, b in zip(self.w2, self.b2, strict=True):
            every = np.concatenate([h.mean(axis=0), h.max(axis=0)])
            every = np.broadcast_to(every, (len(h), len(every)))
            wide = np.pad(h, ((2, 2), (0, 0)))
            near = [wide[i : i + len(h)] for i in (1, 3, 0, 4)]
            h = h + np.maximum(0, np.concatenate([h, alike @ h / count, among, every, *near], axis=1) @ w + b)
        return sigmoid(features[:, : len(CLASSES)] + h @ self.w3 + self.b3)

    def forward(self, x: FloatArray) -> FloatArray:
        """Weigh strokes given as rows of features and sound, shape (n, N_FEATURES + N_SOUND)."""
        return self.weigh(x[:, :N_FEATURES], x[:, N_FEATURES:])


@cache
def network() -> RoleNetwork:
    """Read the weights.

    Raises
    ------
    NotInstalledError
        If they are missing or damaged.
    """
    return read_network(WEIGHTS, RoleNetwork, N_FEATURES + N_SOUND)


def weighed(log_bands: FloatArray, activation: FloatArray, net: RoleNetwork) -> FloatArray:
    """Return activations of shape (n_frames, 10) with their strokes weighed again, strengths as they were.

    Parameters
    ----------
    log_bands
        The drum spectrum, shape (n_frames, N_BANDS).
    activation
        What `drum_model.activations` made of it.
    net
        The network.
    """
    n, loudness, n_classes = len(activation), level(log_bands), len(CLASSES)
    result = activation.copy()
    for start in range(0, n, STEP):
        stop = min(n, start + STEP)
        low = max(0, min(start - (WINDOW - STEP) // 2, n - WINDOW))
        seen = activation[low : low + WINDOW]
        frames = strokes_of(seen)
        if len(frames) == 0:
            continue
        p = likelihoods(seen, frames)
        features, sounds = described(inputs(log_bands[low : low + WINDOW], loudness), p, frames)
        times = net.weigh(features, sounds) / np.maximum(p, FAINTEST)
        nearest = np.searchsorted((frames[1:] + frames[:-1]) / 2, np.arange(start, stop) - low)
        result[start:stop, :n_classes] = np.minimum(1, result[start:stop, :n_classes] * times[nearest])
    return result


def strokes_of(activation: FloatArray) -> Frames:
    """Return the frames, increasing, at which a stroke of any class may begin."""
    p = activation[:, : len(CLASSES)]
    peaks = ((p >= LOWEST) & (p == highest(p))).any(axis=1)
    return apart(np.flatnonzero(peaks), p.max(axis=1), GAP)


def likelihoods(activation: FloatArray, frames: Frames) -> FloatArray:
    """Return the highest activation of each class within two frames of each stroke, (n, n_classes)."""
    p = activation[:, : len(CLASSES)]
    result: FloatArray = scipy.ndimage.maximum_filter1d(p, 5, axis=0, mode="constant")[frames]
    return result


def described(x: FloatArray, p: FloatArray, frames: Frames) -> tuple[FloatArray, FloatArray]:
    """Describe strokes: their features, shape (n, N_FEATURES), and how they sound, (n, N_SOUND).

    `x` is what `drum_model.inputs` makes of the recording, `p` the `likelihoods` of the strokes. Features are
    the logits of the classes, the sound in sixteen numbers, its level beside the others', how long it is to
    the strokes before and after, and what is struck a period earlier and later. A sound is the spectrum that
    begins, and how it is 50 to 80 ms later, in decades from its loudest band down.
    """
    p = np.clip(p, FAINTEST, 1 - FAINTEST)
    wide = np.pad(x, ((4, 8), (0, 0)), mode="edge")
    at = frames + 4
    before = np.mean([wide[at - i] for i in (2, 3, 4)], axis=0)
    attack = np.max([wide[at + i] for i in (0, 1, 2)], axis=0)
    ring = np.mean([wide[at + i] for i in (5, 6, 7, 8)], axis=0)
    # What sounded on from before is taken away, but for a tenth of what sounds now.
    begun = np.log10(np.maximum(10**attack - 10**before, 10 ** (attack - 1)))
    loudest = begun.max(axis=1, keepdims=True)
    sounds = np.maximum(np.concatenate([begun, ring], axis=1) - loudest, -DEPTH)
    shape = sounds.reshape(len(frames), -1, SHAPE_BANDS).mean(axis=2)
    gaps = np.diff(frames, prepend=frames[0] - 100, append=frames[-1] + 100) / 100
    gaps = np.log(np.minimum(gaps, 1.0) + 0.03)
    columns = [np.log(p / (1 - p)), shape, loudest - np.median(loudest), gaps[:-1, None], gaps[1:, None]]
    columns.append(_a_period_away(p, frames, len(x)))
    return np.concatenate(columns, axis=1).astype(np.float32), sounds.astype(np.float32)


def _a_period_away(p: FloatArray, frames: Frames, n: int) -> FloatArray:
    """Return the mean likelihood of each class one period before and after each stroke, (n, n_classes).

    The period is the lag at which the likelihoods of all classes repeat best.
    """
    struck = np.zeros((n, p.shape[1]))
    struck[frames] = p
    struck = scipy.ndimage.gaussian_filter1d(struck, 1.5, axis=0) * 3.8  # a lone peak stays as high
    power = np.abs(scipy.fft.rfft(struck, 2 * n, axis=0)) ** 2
    lags = np.arange(PERIODS[0], min(PERIODS[1], n - 100))
    alike = scipy.fft.irfft(power.sum(axis=1), 2 * n)[lags] / (n - lags)
    period = int(lags[alike.argmax()]) if len(lags) else PERIODS[0]
    wide = np.pad(struck, ((period, period), (0, 0)))
    sides = (frames >= period).astype(float) + (frames < n - period)
    result: FloatArray = (wide[frames] + wide[frames + 2 * period]) / np.maximum(1, sides)[:, None]
    return result
