"""Which key: how well the pitch classes that sound fit those of each of the 24 keys."""

from dataclasses import dataclass
from typing import get_args

import numpy as np

from engines._audio import FloatArray
from engines.analyze.pitches import without_overtones
from engines.analyze.results import Mode, PitchClass

PITCH_CLASSES: tuple[PitchClass, ...] = get_args(PitchClass)
MODES: tuple[Mode, ...] = get_args(Mode)
# How often each degree occurs in music of each mode: J. Albrecht, D. Shanahan, "The Use of Large Corpora to
# Train a New Type of Key-Finding Algorithm", Music Perception 31(1), 2013, table 1.
PROFILES = np.array(
    [
        [0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081],
        [0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052],
    ]
)
OVERTONES = 0.15  # chosen on 205 rendered songs; see `pitches.without_overtones`
QUIET = 0.05  # of the loud frames' strength: below, a frame has no say
# How likely the best key is right: logistic in how far it is ahead of the next, and in how well it fits.
# Fitted to 579 rendered recordings, 113 of them drums alone, which have no key to be right; bench/accuracy.py
# has the reliability on others.
CONFIDENCE = (1.76, 11.05, -9.07)


@dataclass(frozen=True)
class KeyFound:
    """The likeliest key and the next: C to B major are 0 to 11, C to B minor 12 to 23.

    `confidence` is how likely key and mode are right.
    """

    best: int
    second: int
    confidence: float

    @property
    def name(self) -> str:
        """The key as mir_eval writes it: `C# minor`."""
        return key_name(self.best)


def key_name(key: int) -> str:
    """Write a key, 0 to 23, as mir_eval does."""
    return f"{PITCH_CLASSES[key % 12]} {MODES[key // 12]}"


def find_key(chroma: FloatArray) -> KeyFound | None:
    """Find the key of pitch classes over time, shape (n_frames, 12); None if nothing tonal sounds."""
    classes = sounding(chroma)
    if not classes.any():
        return None
    fit = correlations(classes.sum(axis=0))
    second, best = (int(k) for k in fit.argsort()[-2:])
    ahead, constant = float(fit[best] - fit[second]), CONFIDENCE[2]
    logit = CONFIDENCE[0] * ahead + CONFIDENCE[1] * float(fit[best]) + constant
    return KeyFound(best, second, float(1 / (1 + np.exp(-logit))))


def sounding(chroma: FloatArray) -> FloatArray:
    """Take overtones and quiet frames off pitch classes over time, each frame's strongest at 1; (n, 12)."""
    heard = without_overtones(chroma, OVERTONES)
    total = heard.sum(axis=1)
    loud = float(np.percentile(total, 95)) if len(total) else 0.0
    heard[total <= QUIET * loud] = 0.0
    result: FloatArray = heard / np.maximum(heard.max(axis=1, keepdims=True), 1e-9)
    return result


def correlations(classes: FloatArray) -> FloatArray:
    """Correlate twelve pitch-class strengths with each key: C to B major, C to B minor; shape (24,)."""
    v = classes - classes.mean()
    size = np.linalg.norm(v)
    if size < 1e-9:
        return np.zeros(24)
    profiles = PROFILES - PROFILES.mean(axis=1, keepdims=True)
    profiles /= np.linalg.norm(profiles, axis=1, keepdims=True)
    return np.array([v @ np.roll(p, tonic) / size for p in profiles for tonic in range(12)])
