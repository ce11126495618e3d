"""How a spectrum is spread, frame by frame, by the definitions and defaults of librosa 0.11.

Takes magnitude spectra of shape (n_frames, 1 + N_FFT // 2) at `bands.SR`.
"""

import numpy as np

from engines._audio import FloatArray
from engines.analyze.bands import N_FFT, SR

FLOOR = 1e-10  # librosa's `amin`: less power than this counts as this
# Contrast: D.-N. Jiang et al., "Music type classification by spectral contrast feature", ICME 2002; the
# numbers are librosa's.
CONTRAST_EDGES_HZ = (0.0, 200.0, 400.0, 800.0, 1600.0, 3200.0, 6400.0, SR / 2)
N_CONTRASTS = len(CONTRAST_EDGES_HZ) - 1
CONTRAST_SHARE = 0.02  # of a band's bins that make its peak, and as many its valley
CONTRAST_RANGE_DB = 80.0


def bandwidth(S: FloatArray, sums: FloatArray, centroid: FloatArray, frequencies: FloatArray) -> FloatArray:
    """Return the standard deviation in Hz of each frame's frequencies, weighted by magnitude; 0 for silence.

    `sums` are the sums of `S` over bins. The deviations are squared themselves: the difference of two moments
    would leave nothing of a pure tone's in float32.
    """
    off = frequencies - centroid[:, None]
    np.square(off, out=off)
    squares = np.einsum("ij,ij->i", S, off)
    result: FloatArray = np.sqrt(squares / np.where(sums > 0, sums, 1))
    return result


def flatness(S: FloatArray) -> FloatArray:
    """Return each frame's geometric over arithmetic mean power, 0 to 1; 1 for silence, as in librosa."""
    power = np.square(S)
    np.maximum(power, FLOOR, out=power)
    mean = power.mean(axis=1)
    np.log(power, out=power)
    result: FloatArray = np.minimum(1, np.exp(power.mean(axis=1)) / mean)
    return result


def peaks_and_valleys(S: FloatArray) -> FloatArray:
    """Return the strongest and the weakest bins of each band in dB, shape (n_frames, 2 * N_CONTRASTS).

    First the peaks, then the valleys: means of 2 % of the band's bins, as librosa's `power_to_db` has them.
    """
    f = np.arange(S.shape[1]) * (SR / N_FFT)
    levels = np.empty((len(S), 2 * N_CONTRASTS), S.dtype)
    for b in range(N_CONTRASTS):
        # librosa's bands begin with the bin before their edge, and all but the last give up their last bin.
        inside = np.flatnonzero((f >= CONTRAST_EDGES_HZ[b]) & (f <= CONTRAST_EDGES_HZ[b + 1]))
        last = b == N_CONTRASTS - 1
        first, end = max(0, int(inside[0]) - 1), int(inside[-1]) + last
        n = max(1, round(CONTRAST_SHARE * (end - first + (not last))))
        band = S[:, first:end]
        if n > 1:
            band = np.sort(band, axis=1)  # half the time of np.partition for both ends
            levels[:, b] = band[:, -n:].mean(axis=1)
            levels[:, N_CONTRASTS + b] = band[:, :n].mean(axis=1)
        else:
            levels[:, b], levels[:, N_CONTRASTS + b] = band.max(axis=1), band.min(axis=1)
    np.maximum(levels, FLOOR, out=levels)
    np.log10(levels, out=levels)
    levels *= 10
    return levels


def contrast(levels: FloatArray) -> FloatArray:
    """Return peak less valley of each band, shape (n_frames, N_CONTRASTS), from all of a recording's levels.

    Peaks more than 80 dB below the recording's highest count as that, and valleys likewise.
    """
    if len(levels) == 0:
        return np.zeros((0, N_CONTRASTS), np.float32)
    peaks, valleys = levels[:, :N_CONTRASTS], levels[:, N_CONTRASTS:]
    result: FloatArray = np.maximum(peaks, peaks.max() - CONTRAST_RANGE_DB)
    result -= np.maximum(valleys, valleys.max() - CONTRAST_RANGE_DB)
    return result
