"""Keys: their names, and how well pitch classes that sound fit those of each of the 24."""

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


def key_name(key: int) -> str:
    """Write a key, 0 to 23, as mir_eval does."""
    return f"{PITCH_CLASSES[key % 12]} {MODES[key // 12]}"


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
