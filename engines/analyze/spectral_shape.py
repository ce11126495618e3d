"""Spectral shape and level, frame by frame, by librosa's definitions at 44.1 kHz (n_fft 2048, hop 512).

Phase 1 of the product reported librosa's means; these are the same numbers from a pass shared with
everything else.
"""

import numpy as np

from engines._audio import FloatArray
from engines.analyze.bands import N_FFT, SR

ROLLOFF_SHARE = 0.85  # librosa's default
RUN_BINS = 25  # 41 of them are a spectrum's 1025 bins
FRAME_HOPS = 4  # a frame of level and zero crossings is four hops long, N_FFT samples


def frequencies() -> FloatArray:
    """Return the centre frequencies in Hz of a spectrum's bins, shape (1 + N_FFT // 2,)."""
    return (np.arange(1 + N_FFT // 2) * (SR / N_FFT)).astype(np.float32)


def centroid(sums: FloatArray, moments: FloatArray) -> FloatArray:
    """Return each frame's mean frequency in Hz, weighted by magnitude; 0 for silence.

    `sums` are a spectrum's sums over its bins, `moments` those of the spectrum times frequency.
    """
    result: FloatArray = np.where(sums > 0, moments / np.where(sums > 0, sums, 1), 0)
    return result


def rolloff(S: FloatArray, sums: FloatArray) -> FloatArray:
    """Return the lowest frequency in Hz below which lies 85 % of each frame's magnitude; 0 for silence."""
    wanted = ROLLOFF_SHARE * sums
    # By runs of bins first, then within the run it is in: a third of the time of adding up all bins.
    runs = S.reshape(len(S), -1, RUN_BINS)
    below = np.cumsum(np.einsum("ijk->ij", runs), axis=1)
    run = np.minimum(np.count_nonzero(below < wanted[:, None], axis=1), below.shape[1] - 1)
    rows = np.arange(len(S))
    before = np.where(run > 0, below[rows, run - 1], 0)
    inside = before[:, None] + np.cumsum(runs[rows, run], axis=1)
    bins = run * RUN_BINS + np.count_nonzero(inside < wanted[:, None], axis=1)
    result: FloatArray = (np.minimum(bins, S.shape[1] - 1) * (SR / N_FFT)).astype(np.float32)
    return result


class Levels:
    """Level and zero crossings of mono audio that comes in blocks, one number each a hop of `hop_length`."""

    def __init__(self, hop_length: int) -> None:
        self.hop_length = hop_length
        self._rest: FloatArray = np.zeros(0, np.float32)
        self._last_sign: bool | None = None
        self._squares: list[FloatArray] = []
        self._crossings: list[FloatArray] = []

    def push(self, y: FloatArray) -> None:
        """Add samples, shape (n,)."""
        y = np.concatenate([self._rest, y])
        n_hops = len(y) // self.hop_length
        self._rest = y[n_hops * self.hop_length :]
        if n_hops:
            self._count(y[: n_hops * self.hop_length].reshape(n_hops, self.hop_length))

    def _count(self, hops: FloatArray) -> None:
        self._squares.append(np.einsum("ij,ij->i", hops, hops))
        negative = hops.ravel() < 0
        before = negative[0] if self._last_sign is None else self._last_sign
        changes = np.empty(len(negative), bool)
        changes[0] = negative[0] != before
        np.not_equal(negative[1:], negative[:-1], out=changes[1:])
        self._last_sign = bool(negative[-1])
        self._crossings.append(changes.reshape(hops.shape).sum(axis=1).astype(np.float32))

    def finish(self) -> tuple[FloatArray, FloatArray]:
        """Return root mean square and zero-crossing rate of frames of four hops, centred as spectra are."""
        n_frames = 1 + (len(self._rest) + self.hop_length * sum(map(len, self._squares))) // self.hop_length
        if len(self._rest):
            self._count(np.pad(self._rest, (0, self.hop_length - len(self._rest)))[None])
        size = FRAME_HOPS * self.hop_length
        rms = np.sqrt(_framed(self._squares, n_frames) / size)
        rate = _framed(self._crossings, n_frames) / size
        return rms.astype(np.float32), rate.astype(np.float32)


def _framed(per_hop: list[FloatArray], n_frames: int) -> FloatArray:
    # Frame i holds hops i - 2 to i + 1; what lies beyond the ends counts as silence.
    half = FRAME_HOPS // 2
    padded = np.concatenate([np.zeros(half), *per_hop, np.zeros(half + 1)])
    total = np.concatenate([[0.0], np.cumsum(padded, dtype=np.float64)])
    sums: FloatArray = (total[FRAME_HOPS:] - total[:-FRAME_HOPS])[:n_frames]
    return np.maximum(0.0, sums)
