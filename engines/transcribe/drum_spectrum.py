"""What drums are heard from: the spectrum in 40 bands, a hundred times a second.

Shape (n_frames, N_BANDS), decadic logarithm of the magnitude; frame `i` is centred on second `i / 100`.
"""

import numpy as np

from engines._audio import FloatArray
from engines.analyze.frames import Framer, hann, magnitudes

SR = 44100
HOP_LENGTH = 441
N_FFT = 2048  # bins of 21.5 Hz: fewer cannot tell a bass drum from a tom
FRAME_RATE = SR / HOP_LENGTH
N_BANDS = 40
LOWEST_HZ, HIGHEST_HZ = 32.0, 16_000.0
FLOOR = 1e-8  # 160 dB below a full-scale sine: silence has a logarithm too


def band_matrix() -> FloatArray:
    """Return triangular filters, shape (1 + N_FFT // 2, N_BANDS), at least one bin wide to each side."""
    f = np.arange(1 + N_FFT // 2) * SR / N_FFT
    edges = np.geomspace(LOWEST_HZ, HIGHEST_HZ, N_BANDS + 2)
    matrix = np.zeros((len(f), N_BANDS), np.float32)
    for b in range(N_BANDS):
        low, centre, high = edges[b : b + 3]
        low, high = min(low, centre - f[1]), max(high, centre + f[1])
        triangle = np.clip(np.minimum((f - low) / (centre - low), (high - f) / (high - centre)), 0, None)
        matrix[:, b] = triangle / (N_FFT / 4)  # a full-scale sine has magnitude N_FFT / 4 under a Hann window
    return matrix


class DrumListener:
    """Turns a stream of mono samples at 44100 Hz into log bands; three hours take 86 MB."""

    def __init__(self) -> None:
        self._framer = Framer(N_FFT, HOP_LENGTH)
        self._window = hann(N_FFT)
        self._matrix = band_matrix()
        self._rows: list[FloatArray] = []

    def push(self, y: FloatArray) -> None:
        """Add samples, shape (n,)."""
        self._hear(self._framer.push(y))

    def finish(self) -> FloatArray:
        """Return the log bands of everything pushed, float16, shape (n_frames, N_BANDS)."""
        self._hear(self._framer.finish())
        return np.concatenate(self._rows) if self._rows else np.zeros((0, N_BANDS), np.float16)

    def _hear(self, frames: FloatArray) -> None:
        for i in range(0, len(frames), 256):
            bands = magnitudes(frames[i : i + 256], self._window) @ self._matrix
            # Half precision resolves a hundredth of a decibel here, and halves what a long file takes.
            self._rows.append(np.log10(np.maximum(bands, FLOOR)).astype(np.float16))
