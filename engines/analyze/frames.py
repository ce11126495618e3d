"""A stream of samples cut into overlapping frames, and their spectra.

Frame `i` is centred on sample `i * hop_length`, with zeros beyond both ends, as librosa's `center=True` has
it; a recording of n samples has `1 + n // hop_length` frames, however it was cut into blocks.
"""

import numpy as np
import scipy.fft

from engines._audio import FloatArray


class Framer:
    """Collects blocks of samples of any length and gives out whole frames.

    Parameters
    ----------
    n_fft
        Samples a frame, even.
    hop_length
        Samples between the starts of frames.
    """

    def __init__(self, n_fft: int, hop_length: int) -> None:
        self.n_fft = n_fft
        self.hop_length = hop_length
        self._waiting: FloatArray = np.zeros(n_fft // 2, np.float32)

    def push(self, y: FloatArray) -> FloatArray:
        """Add samples, shape (n,); return the frames now complete, shape (n_frames, n_fft), a view."""
        self._waiting = np.concatenate([self._waiting, y])
        n_frames = max(0, 1 + (len(self._waiting) - self.n_fft) // self.hop_length)
        if n_frames == 0:
            return np.zeros((0, self.n_fft), np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(self._waiting, self.n_fft)[:: self.hop_length]
        self._waiting = self._waiting[n_frames * self.hop_length :]
        return frames

    def finish(self) -> FloatArray:
        """Return the frames centred on the last samples, which zeros complete."""
        return self.push(np.zeros(self.n_fft // 2, np.float32))


def hann(n_fft: int) -> FloatArray:
    """Make a periodic Hann window, shape (n_fft,)."""
    window: FloatArray = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)).astype(np.float32)
    return window


def magnitudes(frames: FloatArray, window: FloatArray) -> FloatArray:
    """Return the magnitude spectra of frames, shape (n_frames, 1 + n_fft // 2)."""
    # The product is nobody's else: the transform may work in it.
    spectra: FloatArray = np.abs(scipy.fft.rfft(frames * window, axis=1, overwrite_x=True))
    return spectra


class Rows:
    """An array that grows by rows in place, so that joining hours of blocks takes no second copy.

    Parameters
    ----------
    width
        Columns of every row; values are float32.
    """

    def __init__(self, width: int) -> None:
        self._rows: FloatArray = np.zeros((0, width), np.float32)
        self._n = 0

    def add(self, rows: FloatArray) -> None:
        """Append rows, shape (n, width)."""
        n = self._n + len(rows)
        if n > len(self._rows):
            # refcheck off: nobody holds the array before `take`.
            self._rows.resize((max(1024, n + n // 4), self._rows.shape[1]), refcheck=False)
        self._rows[self._n : n] = rows
        self._n = n

    def take(self) -> FloatArray:
        """Hand the rows out, shape (n, width), and start again with none."""
        width = self._rows.shape[1]
        self._rows.resize((self._n, width), refcheck=False)
        rows, self._rows, self._n = self._rows, np.zeros((0, width), np.float32), 0
        return rows
