"""After how long curves come again: correlations with themselves and with each other, by lag."""

import numpy as np
import numpy.typing as npt
import scipy.fft

from engines._audio import FloatArray

LEAST_OVERLAP = 0.2  # of a curve: at longer lags too little is compared to be scaled up


def correlate(x: FloatArray, n_lags: int, y: FloatArray | None = None, around: bool = False) -> FloatArray:
    """Correlate a curve with itself, or with another, at lags 0 to n_lags - 1.

    Scaled so that a curve's own lag 0 is 1, and for the overlap; with `around` the curve is taken to go
    round.
    """
    x = x - x.mean()
    y = x if y is None else y - y.mean()
    a = _products(x, y, n_lags, around)
    power = float(np.sqrt(np.vdot(x, x) * np.vdot(y, y)))
    result: FloatArray = a / power if power > 0 else np.zeros(n_lags)
    return result


def likeness(rows: FloatArray, n_lags: int) -> FloatArray:
    """Say how alike rows, shape (n, n_columns), are at lags 0 to n_lags - 1: at 0, 1; as their mean is, 0."""
    total, power = np.zeros(n_lags), 0.0
    for column in rows.T:  # one at a time: a recording may be hours long
        x = column.astype(np.float64) - column.mean()
        total += _products(x, x, n_lags, around=False)
        power += float(np.vdot(x, x))
    return total / power if power > 0 else total


def _products(x: FloatArray, y: FloatArray, n_lags: int, around: bool) -> FloatArray:
    n = len(x)
    size = n if around else scipy.fft.next_fast_len(2 * n, real=True)
    own = scipy.fft.rfft(x, size)
    other = own if y is x else scipy.fft.rfft(y, size)
    a = scipy.fft.irfft(np.conj(own) * other, size)
    if around:
        return np.resize(a, n_lags)
    result: FloatArray = a[:n_lags] / np.maximum(1 - np.arange(n_lags) / n, LEAST_OVERLAP)
    return result


def at(correlation: FloatArray, lag: FloatArray) -> FloatArray:
    """Return what a correlation is at some lags, between them by a straight line, beyond the last 0."""
    values: FloatArray = np.interp(lag, np.arange(len(correlation)), correlation, right=0.0)
    return values


def tops(curve: FloatArray) -> npt.NDArray[np.intp]:
    """Return where a curve is higher than at the next point and no lower than at the one before."""
    return 1 + np.flatnonzero((curve[1:-1] >= curve[:-2]) & (curve[1:-1] > curve[2:]))


def summit(curve: FloatArray, i: int) -> float:
    """Return where, between points, the parabola through a top and its neighbours is highest."""
    before, top, after = curve[i - 1 : i + 2]
    return float(i + 0.5 * (before - after) / (before - 2 * top + after - 1e-12))
