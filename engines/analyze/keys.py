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


@dataclass(frozen=True)
class KeyFound:
    """The likeliest key: pitch class 0 to 11 (C first), 0 major or 1 minor; each key's weight (24,)."""

    tonic: int
    mode: int
    weights: FloatArray

    @property
    def name(self) -> str:
        """The key as mir_eval writes it: `C# minor`."""
        return f"{PITCH_CLASSES[self.tonic]} {MODES[self.mode]}"


def find_key(chroma: FloatArray) -> KeyFound | None:
    """Find the key of pitch classes over time, shape (n_frames, 12); None if nothing tonal sounds.

    `weights` are those of C major to B major, then C minor to B minor.
    """
    chroma = without_overtones(chroma, OVERTONES)
    total = chroma.sum(axis=1)
    loud = np.percentile(total, 95) if len(total) else 0.0
    heard = chroma[total > QUIET * loud] if loud > 0 else chroma[:0]
    if len(heard) == 0:
        return None
    mean = (heard / heard.max(axis=1, keepdims=True)).mean(axis=0)
    fit = correlations(mean)
    weights = np.exp((fit - fit.max()) * SHARPNESS)
    weights /= weights.sum()
    best = int(np.argmax(fit))
    return KeyFound(best % 12, best // 12, weights)


# The softmax's scale. Chosen by hand, not fitted: that the best key's weight is right as often as it says has
# not been measured. It orders answers; it is no calibrated probability.
SHARPNESS = 14.0


def correlations(classes: FloatArray) -> FloatArray:
    """Correlate twelve pitch-class strengths with each key: C to B major, C to B minor; shape (24,)."""
    v = classes - classes.mean()
    size = np.linalg.norm(v)
    if size < 1e-9:
        return np.zeros(24)
    profiles = PROFILES - PROFILES.mean(axis=1, keepdims=True)
    profiles /= np.linalg.norm(profiles, axis=1, keepdims=True)
    return np.array([v @ np.roll(p, tonic) / size for p in profiles for tonic in range(12)])
