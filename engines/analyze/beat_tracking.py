"""Where the beats are: the best path through the onsets at a given tempo.

Times are in seconds from the start of the recording; frames are `bands.FRAME_RATE` a second.
"""

import numpy as np
import scipy.fft
import scipy.ndimage

from engines._audio import FloatArray
from engines.analyze.bands import FRAME_RATE
from engines.analyze.viterbi import best_path

TIGHTNESS = 400.0  # cost of a beat away from its period, per squared natural logarithm of the ratio
WINDOW_S = 8.0  # that the tempo is followed in
WINDOWS_AT_ONCE = 256
RATIOS = np.exp(np.linspace(-0.25, 0.25, 51))  # of the period, that it may become
REPEATS = ((1, 1.0), (2, 0.8), (4, 0.7))  # periods, and their weights
CHANGE, MOST_CHANGE = 0.1, 2.0  # cost of a change by a hundredth, and of any
FOLLOWABLE = 0.6  # how well, a window, what has a tempo fits: noise has 0.4, music that wanders 1.2 to 2
WORTH_FOLLOWING = 0.1  # how much better than a steady tempo one that changes must fit, a window
ONE_TEMPO = 0.04  # a pattern whose tempo is further off than this is none of its drifts
SELDOM = 0.1  # of the seconds of a recording that drifts are away from one tempo at least
SHORTEST, LONGEST = 0.75, 1.3  # of the period, between neighbouring beats
# A beat this close to the end would have no room to sound: it is the next bar's, moved inside by rounding.
LAST_S = 0.01
ON_THE_CUT = 0.1  # beats: how far from a loop's start its first beat may be
ANSWERED = 0.2  # of what begins between the beats begins on them at least, where those between were tracked
MOST_ASTRAY = 0.25  # of the beats of a steady recording may be away from its grid
LOCAL_BEATS = 8  # that a local tempo is the mean of
STEADY_S = 0.018  # beats this close to an even grid were played to a click


def track(curve: FloatArray, bpm: float) -> FloatArray:
    """Place beats at about `bpm` where the onset curve, shape (n_frames,), is strong; in seconds, increasing.

    References
    ----------
    D. P. W. Ellis, "Beat Tracking by Dynamic Programming", JNMR 36(1), 2007, equations 1 to 4. Frames
    nearer to each other than the shortest beat do not depend on each other, so as many are decided at once.
    """
    o = scipy.ndimage.gaussian_filter1d(np.asarray(curve, np.float64), 1.2)
    spread = o.std()
    if len(o) == 0 or spread == 0:
        return np.zeros(0)
    o /= spread
    period = local_period(o, bpm)
    shortest, longest = max(1, round(period.min() * SHORTEST)), round(period.max() * LONGEST)
    lags = np.arange(longest, shortest - 1, -1)
    # Beats may start anywhere: what lies before the recording has score 0 and no cost.
    score = np.concatenate([np.zeros(longest), o])
    source = np.full(len(o), -1)
    first = lags[0]
    for start in range(0, len(o), shortest):
        stop = min(start + shortest, len(o))
        cost = -TIGHTNESS * np.log(lags / period[(start + stop) // 2]) ** 2
        before = np.arange(start, stop)[:, None] - lags[None]
        value = np.where(before >= 0, score[before + first] + cost, -np.inf)
        best = np.argmax(value, axis=1)
        rows = np.arange(stop - start)
        top = value[rows, best]
        linked = top > 0
        score[first + start : first + stop] += np.where(linked, top, 0.0)
        source[start:stop] = np.where(linked, before[rows, best], -1)
    total = score[first:]
    tail = max(0, len(o) - round(period[-1]))
    at = tail + int(np.argmax(total[tail:]))
    path = []
    while at >= 0:
        path.append(at)
        at = source[at]
    return np.array(path[::-1]) / FRAME_RATE


def local_period(curve: FloatArray, bpm: float) -> FloatArray:
    """Follow how far beats lie apart, in frames, at each frame of a curve; near `bpm`, and changing seldom.

    How well 8 s of the curve repeat after one to four periods, each second, and the best path through that.
    """
    n, hop = len(curve), round(FRAME_RATE)
    usual = FRAME_RATE * 60 / bpm
    width = round(WINDOW_S * FRAME_RATE)
    if n < 2 * width:
        return np.full(n, usual)
    padded = np.pad(curve, (width // 2, width // 2 + hop))
    fit = np.concatenate(
        [
            _fit(padded[start : start + WINDOWS_AT_ONCE * hop + width], width, hop, usual)
            for start in range(0, n, WINDOWS_AT_ONCE * hop)
        ]
    )[: 1 + (n - 1) // hop]
    steps = np.abs(np.arange(len(RATIOS))[:, None] - np.arange(len(RATIOS)))
    change = np.minimum(CHANGE * steps, MOST_CHANGE)
    path = best_path(fit, change)
    best = float(fit[np.arange(len(fit)), path].sum() - change[path[:-1], path[1:]].sum())
    middle = len(RATIOS) // 2
    steady = float(fit[:, middle - 2 : middle + 3].sum(axis=0).max())
    if (
        best - steady < WORTH_FOLLOWING * len(fit)
        or best < FOLLOWABLE * len(fit)
        or _is_another(RATIOS[path])
    ):
        return np.full(n, usual)
    result: FloatArray = np.interp(np.arange(n), np.arange(len(fit)) * hop, usual * RATIOS[path])
    return result


def _is_another(ratios: FloatArray) -> bool:
    """Whether ratios are all but one that is not 1: a pattern that repeats against the beat, and no drift."""
    usual = float(np.median(ratios))
    return abs(usual - 1) > ONE_TEMPO and float(np.mean(np.abs(ratios / usual - 1) > ONE_TEMPO / 2)) < SELDOM


def _fit(curve: FloatArray, width: int, hop: int, usual: float) -> FloatArray:
    """Say how well each window repeats at each of `RATIOS` of a period, shape (n_windows, n_ratios)."""
    windows = np.lib.stride_tricks.sliding_window_view(curve, width)[: WINDOWS_AT_ONCE * hop : hop]
    windows = windows - windows.mean(axis=1, keepdims=True)
    spectrum = np.abs(scipy.fft.rfft(windows, 2 * width, axis=1)) ** 2
    own = scipy.fft.irfft(spectrum, axis=1)[:, :width]
    own /= np.maximum(own[:, :1], 1e-9) * (1 - np.arange(width) / width)
    total = np.zeros((len(windows), len(RATIOS)))
    for multiple, weight in REPEATS:
        lag = np.minimum(multiple * usual * RATIOS, width - 2)
        low = lag.astype(int)
        total += weight * (own[:, low] * (1 - lag + low) + own[:, low + 1] * (lag - low))
    return total


def steady_grid(beats: FloatArray, bpm: float, duration: float) -> tuple[FloatArray, float, float]:
    """Straighten beats that follow an even grid.

    Returns
    -------
    (beats, bpm, deviation)
        If most beats lie within 18 ms of a grid, and three quarters near it, the grid over the whole
        recording and its tempo; otherwise what came in. The deviation is the median distance from the grid
        in seconds, infinity for less than six beats and where there is no grid.
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
    distance = np.abs(beats - (offset + period * index))
    # Half a song in another tempo is not unsteady playing.
    if period <= 0 or np.mean(distance > 2.5 * STEADY_S) > MOST_ASTRAY:
        return beats, bpm, float("inf")
    deviation = float(np.median(distance))
    if deviation >= STEADY_S:
        return beats, bpm, deviation
    first = int(np.ceil(-offset / period - 0.1))
    grid = offset + period * np.arange(first, int((duration - offset) / period) + 1)
    grid = grid[grid < duration - LAST_S]
    return np.maximum(grid, 0.0), float(60 / period), deviation


def local_tempo(beats: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return times in seconds and the tempo there in BPM, the mean over eight beats; at least two beats."""
    reach = min(LOCAL_BEATS, len(beats) - 1)
    return (beats[reach:] + beats[:-reach]) / 2, 60 * reach / (beats[reach:] - beats[:-reach])


def loop_grid(curve: FloatArray, beats: FloatArray, bpm: float, duration: float) -> FloatArray | None:
    """Lay beats at exactly `bpm` over a loop, from its start on; None where none are: then it is no loop.

    Beats that were tracked farther from the cut may be what is played between the beats, as by a bass that
    answers the drum; then something begins on the beats as well. `curve` is how much begins, at FRAME_RATE.
    """
    period = 60 / bpm
    offset = float(np.angle(np.exp(2j * np.pi * beats / period).sum()) / (2 * np.pi))
    grid = period * np.arange(round(duration / period))
    if abs(offset) <= ON_THE_CUT:
        at_start: FloatArray = np.maximum(0.0, grid + offset * period)
        return at_start
    begun = scipy.ndimage.maximum_filter1d(curve, 7)

    def strength(times: FloatArray) -> float:
        at = np.clip(np.round(times * FRAME_RATE).astype(int), 0, len(begun) - 1)
        return float(begun[at].sum())

    # Not at the start itself, where the cut begins all that sounds.
    on_the_beat, between = strength(grid[1:]), strength(grid[1:] + (offset % 1 - 1) * period)
    return grid if on_the_beat > ANSWERED * between else None
