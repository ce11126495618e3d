"""The spectrum in 36 bands, about a third of an octave each: what rhythm is heard from.

Shape (n_frames, N_BANDS), magnitudes; a frame every 512 samples at 44100 Hz, 86.13 a second.
"""

import numpy as np

from engines._audio import FloatArray

SR = 44100
N_FFT = 2048
HOP_LENGTH = 512
FRAME_RATE = SR / HOP_LENGTH  # frames a second
N_BANDS = 36
LOWEST_HZ, HIGHEST_HZ = 30.0, 10_000.0  # a 22.05 kHz loop still has sound in every band


def band_edges() -> FloatArray:
    """Return the N_BANDS + 2 corner frequencies in Hz: band b rises from b to b + 1 and falls to b + 2."""
    return np.geomspace(LOWEST_HZ, HIGHEST_HZ, N_BANDS + 2)


def band_matrix() -> FloatArray:
    """Return triangular filters, shape (1 + N_FFT // 2, N_BANDS), at least one bin wide to each side."""
    f = np.arange(1 + N_FFT // 2) * SR / N_FFT
    edges = band_edges()
    matrix = np.zeros((len(f), N_BANDS), np.float32)
    for b in range(N_BANDS):
        low, centre, high = edges[b : b + 3]
        low, high = min(low, centre - f[1]), max(high, centre + f[1])
        matrix[:, b] = np.clip(np.minimum((f - low) / (centre - low), (high - f) / (high - centre)), 0, None)
    return matrix
