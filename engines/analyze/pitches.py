"""Which pitches sound: the spectral peaks of each frame, sorted into thirds of a semitone.

From audio at 11025 Hz, a frame every 1024 samples (10.77 a second) of 4096 samples. Everything tonal
(tuning, key, chords) is heard from this one picture, shape (n_frames, N_BINS).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.ndimage

from engines._audio import FloatArray
from engines.analyze.frames import Framer, Rows, hann, magnitudes

SR = 11025
N_FFT = 4096
HOP_LENGTH = 1024
FRAME_RATE = SR / HOP_LENGTH
LOWEST_PITCH, HIGHEST_PITCH = 33, 97  # A1, 55 Hz, to C#7, 2217 Hz
BINS_PER_SEMITONE = 3
N_BINS = (HIGHEST_PITCH - LOWEST_PITCH) * BINS_PER_SEMITONE
WHITENING_BINS = 81  # 218 Hz: a peak is as strong as it stands out of its neighbourhood
FLOOR = 1e-3  # of a frame's strongest peak: below are side lobes


@dataclass(frozen=True)
class Pitches:
    """What sounds when.

    `strength` has shape (n_frames, N_BINS): bin b is centred `(b % 3 - 1) / 3` semitones from pitch
    `LOWEST_PITCH + b // 3`, before tuning. `tuning` is in semitones from A4 = 440 Hz, -0.5 to 0.5;
    `clarity` from 0 (pitches anywhere) to 1 (all exactly in that tuning).
    """

    strength: FloatArray
    tuning: float
    clarity: float


class PitchListener:
    """Takes mono audio at 11025 Hz block by block."""

    def __init__(self) -> None:
        self._framer = Framer(N_FFT, HOP_LENGTH)
        self._window = hann(N_FFT)
        self._strength = Rows(N_BINS)
        self._direction = 0j
        self._weight = 0.0

    def push(self, y: FloatArray) -> None:
        """Add samples, shape (n,)."""
        self._hear(self._framer.push(y))

    def finish(self) -> Pitches:
        """Return what was heard."""
        self._hear(self._framer.finish())
        return Pitches(
            strength=self._strength.take(),
            tuning=float(np.angle(self._direction) / (2 * np.pi)) if self._weight else 0.0,
            clarity=abs(self._direction) / self._weight if self._weight else 0.0,
        )

    def _hear(self, frames: FloatArray) -> None:
        if len(frames) == 0:
            return
        row, pitch, weight = peaks(magnitudes(frames, self._window))
        self._direction += complex((weight * np.exp(2j * np.pi * pitch)).sum())
        self._weight += float(weight.sum())
        place = np.floor((pitch - LOWEST_PITCH) * BINS_PER_SEMITONE + 1.5).astype(int)
        inside = (place >= 0) & (place < N_BINS)
        cells = row[inside] * N_BINS + place[inside]
        strength = np.bincount(cells, weight[inside], minlength=len(frames) * N_BINS)
        self._strength.add(strength.reshape(len(frames), N_BINS).astype(np.float32))


def peaks(S: FloatArray) -> tuple[npt.NDArray[np.intp], FloatArray, FloatArray]:
    """Find the spectral peaks of frames, shape (n_frames, 1 + N_FFT // 2).

    Returns
    -------
    (row, pitch, weight)
        The frame each peak is in, its pitch in semitones (69 = 440 Hz) to a few cents, and its strength:
        the root of how far it stands out of its neighbourhood, less far from 330 Hz.
    """
    bin_hz = SR / N_FFT
    low = int(440 * 2 ** ((LOWEST_PITCH - 69.5) / 12) / bin_hz)
    high = int(440 * 2 ** ((HIGHEST_PITCH - 68.5) / 12) / bin_hz) + 1
    c = S[:, low : high + 1]
    neighbourhood = scipy.ndimage.uniform_filter1d(c, WHITENING_BINS, axis=1)
    loudest = c.max(axis=1, keepdims=True)
    is_peak = (c > S[:, low - 1 : high]) & (c >= S[:, low + 1 : high + 2]) & (c > FLOOR * loudest)
    row, column = np.nonzero(is_peak)
    before, top, after = (np.log(S[row, column + low + k] + 1e-9) for k in (-1, 0, 1))
    bend = before - 2 * top + after
    shift = np.where(bend < -1e-9, 0.5 * (before - after) / np.where(bend < -1e-9, bend, -1), 0)
    f = (column + low + np.clip(shift, -0.5, 0.5)) * bin_hz
    pitch = 69 + 12 * np.log2(f / 440)
    weight = np.sqrt(c[row, column] / (neighbourhood[row, column] + 1e-12))
    weight = weight * np.exp(-0.5 * (np.log2(f / 330) / 1.6) ** 2)
    return row, pitch, weight


def chroma(pitches: Pitches, lowest: float = 0.0, highest: float = 128.0) -> FloatArray:
    """Fold pitches into the twelve classes, C first, corrected for tuning; shape (n_frames, 12).

    Only pitches from `lowest` up to but not including `highest` (MIDI note numbers) count.
    """
    b = np.arange(N_BINS)
    pitch = (
        LOWEST_PITCH
        + b // BINS_PER_SEMITONE
        + (b % BINS_PER_SEMITONE - 1) / BINS_PER_SEMITONE
        - pitches.tuning
    )
    # Within a semitone's half, what is off its centre counts less: between two notes it belongs to neither.
    nearest = np.round(pitch).astype(int)
    fold = np.zeros((N_BINS, 12), np.float32)
    counted = (nearest >= lowest) & (nearest < highest)
    fold[b[counted], nearest[counted] % 12] = np.cos(np.pi * (pitch - nearest)[counted]) ** 2
    result: FloatArray = pitches.strength @ fold
    return result


def means_between(rows: FloatArray, starts: FloatArray, ends: FloatArray) -> FloatArray:
    """Return the means of frames from each of some times to another, of one frame at least.

    `rows` has shape (n_frames, n_columns); the result has (n_times, n_columns), zeros if there are no frames.
    Frames count from that whose centre is nearest to the start up to that before the one nearest to the end,
    half a frame earlier than the time between; the networks have learned from such means.
    """
    n = len(rows)
    low = np.clip(np.round(starts * FRAME_RATE).astype(int), 0, max(0, n - 1))
    high = np.clip(np.round(ends * FRAME_RATE).astype(int), low + 1, max(1, n))
    total = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0, dtype=np.float64)])
    mean: FloatArray = (total[np.minimum(high, n)] - total[low]) / (high - low)[:, None]
    return mean


def without_overtones(chroma: FloatArray, share: float) -> FloatArray:
    """Take from each pitch class what the overtones of others put there; shape (n_frames, 12), never below 0.

    A note's fifth partial sounds a major third above it and its third a fifth: a minor chord looks half
    major. `share` of each class is taken off the class a major third up, half as much off that a fifth up.
    """
    heard: FloatArray = chroma - share * np.roll(chroma, 4, axis=1) - 0.5 * share * np.roll(chroma, 7, axis=1)
    return np.maximum(0.0, heard)
