"""Where the beats are: the best path through the onsets at a given tempo.

Times are in seconds from the start of the recording; frames are `bands.FRAME_RATE` a second.
"""

import numpy as np
import scipy.ndimage

from engines._audio import FloatArray
from engines.analyze.bands import FRAME_RATE

TIGHTNESS = 400.0  # cost of a beat away from its period, per squared natural logarithm of the ratio
SHORTEST, LONGEST = 0.75, 1.3  # of the period, between neighbouring beats
# A beat this close to the end would have no room to sound: it is the next bar's, moved inside by rounding.
LAST_S = 0.01
LOCAL_BEATS = 8  # that a local tempo is the mean of
STEADY_S = 0.018  # beats this close to an even grid were played to a click


def track(curve: FloatArray, bpm: float) -> FloatArray:
    """Place beats at about `bpm` where the onset curve, shape (n_frames,), is strong; in seconds, increasing.

    References
    ----------
    D. P. W. Ellis, "Beat Tracking by Dynamic Programming", JNMR 36(1), 2007, equations 1 to 4. Frames
    nearer to each other than the shortest beat do not depend on each other, so as many are decided at once.
    """
    period = FRAME_RATE * 60 / bpm
    o = scipy.ndimage.gaussian_filter1d(np.asarray(curve, np.float64), 1.2)
    spread = o.std()
    if len(o) == 0 or spread == 0:
        return np.zeros(0)
    o /= spread
    shortest, longest = max(1, round(period * SHORTEST)), round(period * LONGEST)
    lags = np.arange(longest, shortest - 1, -1)
    cost = -TIGHTNESS * np.log(lags / period) ** 2
    # Beats may start anywhere: what lies before the recording has score 0 and no cost.
    score = np.concatenate([np.zeros(longest), o])
    source = np.full(len(o), -1)
    first = lags[0]
    for start in range(0, len(o), shortest):
        stop = min(start + shortest, len(o))
        before = np.arange(start, stop)[:, None] - lags[None]
        value = np.where(before >= 0, score[before + first] + cost, -np.inf)
        best = np.argmax(value, axis=1)
        rows = np.arange(stop - start)
        top = value[rows, best]
        linked = top > 0
        score[first + start : first + stop] += np.where(linked, top, 0.0)
        source[start:stop] = np.where(linked, before[rows, best], -1)
    total = score[first:]
    tail = max(0, len(o) - round(period))
    at = tail + int(np.argmax(total[tail:]))
    path = []
    while at >= 0:
        path.append(at)
        at = source[at]
    return np.array(path[::-1]) / FRAME_RATE


def steady_grid(beats: FloatArray, bpm: float, duration: float) -> tuple[FloatArray, float, float]:
    """Straighten beats that follow an even grid.

    Returns
    -------
    (beats, bpm, deviation)
        If most beats lie within 18 ms of a grid, the grid over the whole recording and its tempo; otherwise
        what came in. The deviation is the median distance from the grid in seconds, infinity for less than
        six beats.
    """
    if len(beats) < 6:
        return beats, bpm, float("inf")
    index = np.round((beats - beats[0]) * bpm / 60)
    kept = np.ones(len(beats), bool)
    period, offset = np.polyfit(index, beats, 1)
    for _ in range(3):
        distance = np.abs(beats - (offset + period * index))
        kept = distance < max(0.02, 2 * float(np.median(distance)))
        if kept.sum() < 6:
            break
        period, offset = np.polyfit(index[kept], beats[kept], 1)
    deviation = float(np.median(np.abs(beats - (offset + period * index))))
    if deviation >= STEADY_S or period <= 0:
        return beats, bpm, deviation
    first = int(np.ceil(-offset / period - 0.1))
    grid = offset + period * np.arange(first, int((duration - offset) / period) + 1)
    grid = grid[grid < duration - LAST_S]
    return np.maximum(grid, 0.0), float(60 / period), deviation


def local_tempo(beats: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return times in seconds and the tempo there in BPM, the mean over eight beats; at least two beats."""
    reach = min(LOCAL_BEATS, len(beats) - 1)
    return (beats[reach:] + beats[:-reach]) / 2, 60 * reach / (beats[reach:] - beats[:-reach])


def even_grid(beats: FloatArray, bpm: float, duration: float) -> FloatArray:
    """Lay beats at exactly `bpm` over a recording, where they agree best with those tracked."""
    period = 60 / bpm
    direction = np.exp(2j * np.pi * beats / period).sum()
    offset = float(np.angle(direction) / (2 * np.pi)) * period
    if offset < -0.1 * period:
        offset += period
    grid = offset + period * np.arange(int(np.ceil((duration - offset) / period - 1e-3)))
    result: FloatArray = np.maximum(0.0, grid[grid < duration - LAST_S])
    return result
