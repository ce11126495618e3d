"""How fast: from an onset envelope to beats per minute.

First the pulses that could be the beat are listed, by how well the envelope repeats at their period; then
one is chosen; then its period is measured finely over the whole recording. Frames are `bands.FRAME_RATE` a
second.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.ndimage

from engines._audio import FloatArray
from engines.analyze.bands import FRAME_RATE

SLOWEST, FASTEST = 38.0, 250.0  # BPM
# Weights of one to four periods when asking how well a pulse repeats.
COMB = ((1, 1.0), (2, 0.8), (3, 0.4), (4, 0.7))
RELATIVES = (1.0, 2.0, 0.5, 1.5, 2 / 3, 3.0, 1 / 3, 4 / 3, 0.75)
EVEN_PULSE_BPM = 200.0  # an even pulse slower than this is the beat itself, not its halves
STILLEST = 0.5  # a spread of the onset curve below this is no onsets: dither has 0.1, music more than 2
FAINTEST = 0.03  # a strength below this is chance
PREFERRED_BPM, PREFERRED_OCTAVES = 122.0, 0.75  # where listeners tap, and how far from there


@dataclass(frozen=True)
class Pulses:
    """Candidate tempi in BPM, with how well the onsets repeat.

    `strength` is that over one to four periods together, up to about 3; `once`, `twice` and `between` are the
    correlations, at most 1, one period, two periods and half a period away.
    """

    tempi: FloatArray
    strength: FloatArray
    once: FloatArray
    twice: FloatArray
    between: FloatArray


def autocorrelation(x: FloatArray, n_lags: int) -> FloatArray:
    """Correlate a curve with itself at lags 0 to n_lags - 1, scaled to 1 at lag 0 and for the overlap."""
    n = len(x)
    size = scipy.fft.next_fast_len(2 * n, real=True)
    a = scipy.fft.irfft(np.abs(scipy.fft.rfft(x - x.mean(), size)) ** 2, size)[:n_lags]
    a /= np.maximum(n - np.arange(n_lags), 0.2 * n)
    result: FloatArray = a / a[0] if a[0] > 0 else np.zeros(n_lags)
    return result


def pulses(envelope: FloatArray) -> Pulses:
    """List the tempi an onset envelope, shape (n_frames, 4), could be heard at; none without onsets."""
    curve = smooth(envelope)
    n_lags = min(len(curve) - 1, int(FRAME_RATE * 60 / SLOWEST * 4.2))
    grid = np.exp(np.arange(np.log(SLOWEST), np.log(FASTEST), 0.004))
    if n_lags < FRAME_RATE * 60 / FASTEST or curve.std() < STILLEST:
        return Pulses(*(np.zeros(0) for _ in range(5)))
    a = autocorrelation(curve, n_lags)
    period = FRAME_RATE * 60 / grid
    comb = sum(w * np.interp(k * period, np.arange(n_lags), a, right=0.0) for k, w in COMB)
    tops = 1 + np.flatnonzero((comb[1:-1] >= comb[:-2]) & (comb[1:-1] > comb[2:]))
    tempi: list[float] = []
    for i in tops[np.argsort(-comb[tops])][:8]:
        for ratio in RELATIVES:
            bpm = grid[i] * ratio
            if SLOWEST <= bpm <= FASTEST and all(abs(np.log(bpm / other)) > 0.02 for other in tempi):
                tempi.append(bpm)
    best = [_highest_near(grid, comb, bpm) for bpm in tempi]
    once, twice, between = (
        np.interp(ratio * period[best], np.arange(n_lags), a, right=0.0) for ratio in (1.0, 2.0, 0.5)
    )
    return Pulses(grid[best], comb[best], once, twice, between)


def smooth(envelope: FloatArray) -> FloatArray:
    """Add up the registers of an onset envelope and round its peaks off; shape (n_frames,)."""
    curve: FloatArray = scipy.ndimage.gaussian_filter1d(envelope.sum(axis=1, dtype=np.float64), 1.0)
    return curve


def preference(tempi: FloatArray) -> FloatArray:
    """Return how usual each tempo is as a beat, from 0 to 1."""
    result: FloatArray = np.exp(-0.5 * (np.log2(tempi / PREFERRED_BPM) / PREFERRED_OCTAVES) ** 2)
    return result


def weigh(found: Pulses) -> FloatArray:
    """Return each candidate's weight, together 1; empty if there are none.

    A tempo is likely if onsets repeat at it, if it is a usual one, if something sounds on every beat (not
    on every other), and if what sounds between the beats is weaker than what sounds on them.
    """
    on_every = np.clip(found.once / np.maximum(0.25 * found.twice, 0.05), 0.2, 1.0)
    as_strong_between = np.clip((found.between - 0.85 * found.once) / 0.1, 0.0, 1.0) * (found.once > 0.6)
    even = np.where(2 * found.tempi <= EVEN_PULSE_BPM, as_strong_between, 0.0)
    weights: FloatArray = (
        np.maximum(0, found.strength) * preference(found.tempi) * on_every * (1 - 0.7 * even)
    )
    weights[found.strength < FAINTEST] = 0.0
    total = weights.sum()
    return weights / total if total > 0 else weights


def refine(curve: FloatArray, bpm: float, share: float = 0.025) -> float:
    """Measure a tempo finely: where near `bpm` the curve's spectrum has most at it and its multiples.

    The whole recording is one window, so that half a minute tells 120.00 from 120.05 BPM.
    """
    n = 1 << int(np.ceil(np.log2(max(len(curve) * 4, 1 << 17))))
    spectrum = np.abs(scipy.fft.rfft(curve - curve.mean(), n))
    steps = np.linspace(-share, share, 401)
    frequency = np.exp(steps) * bpm / 60
    bins = np.arange(len(spectrum))
    harmonics = ((1, 1.0), (2, 1.0), (4, 0.6), (8, 0.3))
    score = sum(
        w * np.interp(frequency * h * n / FRAME_RATE, bins, spectrum, right=0.0) for h, w in harmonics
    )
    i = int(np.argmax(score))
    fine = steps[i]
    if 0 < i < len(steps) - 1:
        before, top, after = score[i - 1 : i + 2]
        fine += 0.5 * (before - after) / (before - 2 * top + after - 1e-12) * (steps[1] - steps[0])
    return float(bpm * np.exp(fine))


def _highest_near(grid: FloatArray, comb: FloatArray, bpm: float) -> int:
    centre = int(np.argmin(np.abs(grid - bpm)))
    low = max(0, centre - 4)
    return low + int(np.argmax(comb[low : centre + 5]))
