"""How fast: from what speaks for beats to beats per minute.

First the pulses that could be the beat are listed, by how well onsets and likely beats repeat at their period
(`_candidates`); then each is described (`pulse_features`), a small trained model says which of them a
listener would call the beat (`ranker`), and its period is measured finely over the whole recording
(`refine`). Frames are `bands.FRAME_RATE` a second.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy.fft

from engines._audio import FloatArray
from engines._networks import read_network
from engines.analyze.bands import FRAME_RATE
from engines.analyze.correlation import summit, tops
from engines.analyze.pitches import Pitches
from engines.analyze.pulse_features import (
    COMB_COLUMN,
    FASTEST,
    IN_PHASE_COLUMN,
    LOOP_S,
    N_FEATURES,
    SLOWEST,
    comb,
    describe,
    fine_length,
    hear_repeats,
)
from engines.analyze.ranking import WEIGHTS, Ranker
from engines.analyze.rhythm_cues import Cues

RELATIVES = (1.0, 2.0, 0.5, 1.5, 2 / 3, 3.0, 1 / 3, 4 / 3, 0.75)
MOST_TOPS = (8, 4)  # pulses looked at of those that onsets, and that likely beats, repeat at
STILLEST = 0.5  # a spread of the onset curve below this is no onsets: dither has 0.1, music more than 2
LOOP_BEATS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64)
LOOP_LENGTHS = frozenset({1, 2, 3, 6, *range(4, 65, 4)})
SAME_TEMPO = 0.04  # tempi this near to each other are one
REFINED = 0.025  # how far off a tempo may be that is measured finely
MODEL = WEIGHTS / "tempo.npz"


@dataclass(frozen=True)
class Pulses:
    """Tempi a recording could be heard at, in BPM, and what speaks for each, shape (n, N_FEATURES)."""

    tempi: FloatArray
    features: FloatArray

    def clarity(self, i: int) -> float:
        """Say how clearly onsets repeat at candidate `i`, or likely beats, from 0 (as in noise) to 1.

        Where voices move together on the beat but never start loudly, only the likely beats repeat.
        """
        onsets, beats = self.features[i, COMB_COLUMN], self.features[i, IN_PHASE_COLUMN]
        return float(np.clip(max((onsets - 0.1) / 0.3, (beats - 0.1) / 0.15), 0.0, 1.0))


NO_PULSES = Pulses(np.zeros(0), np.zeros((0, N_FEATURES)))


def find_pulses(heard: Cues, pitches: Pitches, duration: float) -> Pulses:
    """List and describe the tempi of a recording; none without onsets.

    `duration` is the recording's exact length in seconds: a loop is a whole number of beats long.
    """
    curve = heard.onset_curve
    if heard.once or len(curve) < FRAME_RATE * 0.3 or curve.std() < STILLEST:
        return NO_PULSES
    again = hear_repeats(heard, around=duration < LOOP_S)
    tempi = _candidates(again.whole, again.beats, duration)
    if len(tempi) == 0:
        return NO_PULSES
    return Pulses(tempi, describe(tempi, again, heard, pitches, duration))


def _candidates(own: FloatArray, beats: FloatArray, duration: float) -> FloatArray:
    grid = np.exp(np.arange(np.log(SLOWEST), np.log(FASTEST), 0.004))
    combs = [comb(a, grid) for a in (own, beats)]
    tempi: list[float] = []

    def offer(bpm: float) -> None:
        if SLOWEST <= bpm <= FASTEST and all(abs(np.log(bpm / other)) > 0.02 for other in tempi):
            tempi.append(float(bpm))

    if duration < LOOP_S:
        for n_beats in LOOP_BEATS:
            offer(60 * n_beats / duration)
    exact = len(tempi)
    for repeated, most in zip(combs, MOST_TOPS, strict=True):
        found = tops(repeated)
        for i in found[np.argsort(-repeated[found])][:most]:
            for ratio in RELATIVES:
                offer(grid[i] * ratio)
    near = [_highest_near(grid, combs[0], bpm) for bpm in tempi[exact:]]
    return np.array(tempi[:exact] + near)


def _highest_near(grid: FloatArray, repeated: FloatArray, bpm: float) -> float:
    centre = int(np.argmin(np.abs(grid - bpm)))
    low = max(0, centre - 4)
    return float(grid[low + int(np.argmax(repeated[low : centre + 5]))])


@cache
def ranker() -> Ranker:
    """Load the model that ships with the engine; weights/tempo.md says what it learned from."""
    return read_network(MODEL, Ranker, N_FEATURES)


def distinct(tempi: FloatArray, weights: FloatArray) -> list[tuple[int, float]]:
    """Join readings that are one tempo, measured differently.

    Returns (index of its likeliest reading, weight of all) for each tempo, the likeliest first.
    """
    left = list(np.argsort(-weights))
    joined: list[tuple[int, float]] = []
    while left:
        best = left[0]
        same = [i for i in left if abs(tempi[i] / tempi[best] - 1) < SAME_TEMPO]
        joined.append((int(best), float(weights[same].sum())))
        left = [i for i in left if i not in same]
    return sorted(joined, key=lambda reading: -reading[1])


def related(tempo: float, bpm: float) -> float:
    """Return the simple multiple of `bpm` that a tempo must be, as exact as `bpm`; else the tempo itself."""
    exact = bpm * np.array((*RELATIVES, 4.0, 0.25))
    nearest = int(np.argmin(np.abs(np.log(exact / tempo))))
    return float(exact[nearest]) if abs(exact[nearest] / tempo - 1) < REFINED else tempo


def loop_tempo(bpm: float, duration: float) -> float | None:
    """Return the tempo at which a short recording is a whole number of beats long, or None if it is no loop.

    A loop is cut to the sample, which tells its tempo better than its few onsets can. `bpm` is what the
    onsets say; the fewer the beats, the further they may be off.
    """
    n_beats = round(duration * bpm / 60)
    if duration >= LOOP_S or n_beats < 1 or n_beats not in LOOP_LENGTHS:
        return None
    exact = 60 * n_beats / duration
    return exact if abs(bpm / exact - 1) < min(0.03, 0.12 / n_beats) else None


def refine(curve: FloatArray, bpm: float) -> float:
    """Measure a tempo finely: where near `bpm` the curve's spectrum has most at it and its multiples.

    The whole recording is one window, so that half a minute tells 120.00 from 120.05 BPM.
    """
    n = max(1 << 17, fine_length(len(curve)))
    spectrum = np.abs(scipy.fft.rfft(curve - curve.mean(), n))
    steps = np.linspace(-REFINED, REFINED, 401)
    frequency = np.exp(steps) * bpm / 60
    bins = np.arange(len(spectrum))
    harmonics = ((1, 1.0), (2, 1.0), (4, 0.6), (8, 0.3))
    score = sum(
        w * np.interp(frequency * h * n / FRAME_RATE, bins, spectrum, right=0.0) for h, w in harmonics
    )
    i = int(np.argmax(score))
    fine = steps[i]
    if 0 < i < len(steps) - 1:
        fine += (summit(score, i) - i) * (steps[1] - steps[0])
    return float(bpm * np.exp(fine))
