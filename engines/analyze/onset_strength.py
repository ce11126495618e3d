"""Where notes and drums begin: the rise of the spectrum in four registers.

An onset envelope has shape (n_frames, 4), one column a register from bass to cymbals, at `bands.FRAME_RATE`.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import scipy.ndimage

from engines._audio import FloatArray
from engines.analyze.bands import FRAME_RATE, band_edges

IntArray: TypeAlias = npt.NDArray[np.intp]

REGISTERS_HZ = (180.0, 900.0, 3500.0)  # bass | low middle | high middle | cymbals
COMPRESSION = 10.0  # a band at the mean level of all stands at log(1 + 10): quiet notes count, noise does not
LAG_FRAMES = 2  # a rise is measured over 23 ms
LOCAL_MEAN_S = 0.8
PIECE_FRAMES = 1 << 14
PEAK_FLOOR = 0.15  # of the strong onsets' height
FAINTEST_ONSET = 0.1  # of the registers' rises together: a held triad ripples by 0.01, strings by up to 0.2
START_FRAMES = 8  # in which a recording begins that is cut where its first note is
AROUND = 8  # frames before and after an onset
SAME_EVENT = 0.05  # of the strongest rise: what one note does while it dies away is less, 0.01 to 0.03
FAINTEST = 0.02  # a spread below this is dither; the stillest of 140 recordings of music has 0.04
LEAD_S = 0.004  # by which the strongest rise comes before the sound; measured on clicks and drums


def log_bands(bands: FloatArray, level: float) -> FloatArray:
    """Compress band magnitudes, shape (n_frames, N_BANDS), relative to a level above 0."""
    result: FloatArray = np.log1p(bands * np.float32(COMPRESSION / level))
    return result


def mean_level(bands: FloatArray) -> float:
    """Return the mean magnitude of all bands over the recording; 0 for silence."""
    return float(bands.mean(dtype=np.float64)) if len(bands) else 0.0


def rises(L: FloatArray) -> FloatArray:
    """Return how much compressed bands, shape (n, N_BANDS), rise over two frames; shape (n - 2, N_BANDS).

    The rise is measured against the loudest of three neighbouring bands before it, so that vibrato is no
    onset (S. Böck, G. Widmer, "Maximum Filter Vibrato Suppression for Onset Detection", DAFx 2013).
    """
    before = scipy.ndimage.maximum_filter1d(L[:-LAG_FRAMES], 3, axis=1)
    result: FloatArray = np.maximum(0, L[LAG_FRAMES:] - before)
    return result


def differences(L: FloatArray) -> FloatArray:
    """Return how much compressed bands, shape (n, N_BANDS), rise or fall over two frames, as `rises` does."""
    return L[LAG_FRAMES:] - L[:-LAG_FRAMES]


def onset_envelope(bands: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return how strongly each register rises at each frame, shape (n_frames, 4), each scaled to its spread.

    With it comes what each was divided by, shape (4,). Silence gives zeros.
    """
    envelope = _rise(bands)
    envelope -= 0.9 * scipy.ndimage.uniform_filter1d(
        envelope, max(1, round(FRAME_RATE * LOCAL_MEAN_S)), axis=0
    )
    np.maximum(0, envelope, out=envelope)
    spread = envelope.std(axis=0) if len(envelope) else np.zeros(envelope.shape[1])
    # A register with next to nothing in it must not be blown up to the loudness of the others.
    scale: FloatArray = np.maximum(spread, max(FAINTEST, 0.15 * spread.max(initial=0)))
    envelope /= scale
    return envelope, scale


def is_one_event(bands: FloatArray, envelope: FloatArray, scale: FloatArray) -> bool:
    """Whether nothing begins but once, as in the recording of one note or stroke: that has no tempo.

    Parameters
    ----------
    bands
        Shape (n_frames, N_BANDS); what begins with a recording shows in them alone.
    envelope, scale
        What `onset_envelope` says of them.
    """
    level = mean_level(bands)
    if level <= 0:
        return True
    at_start = float((log_bands(bands[:START_FRAMES], level) @ _registers()).sum(axis=1).max())
    curve = envelope @ scale.astype(np.float64)
    peaks = _peaks(curve)
    later = curve[peaks[(peaks >= START_FRAMES) & _goes_on(bands, peaks)]]
    strong = SAME_EVENT * max(at_start, float(later.max(initial=0)))
    return int(at_start > strong) + int((later > strong).sum()) < 2


def _goes_on(bands: FloatArray, frames: IntArray) -> npt.NDArray[np.bool_]:
    # Where a sound is cut off it rises too, in the bands that it had not.
    level = np.pad(bands.mean(axis=1, dtype=np.float64), AROUND)
    mean = scipy.ndimage.uniform_filter1d(level, AROUND - 1)[
        frames + AROUND + np.array([[-1], [1]]) * AROUND // 2
    ]
    return np.asarray(mean[1] > mean[0] / 2)


def _registers() -> FloatArray:
    """Return what averages bands into registers, shape (N_BANDS, 4)."""
    register = np.searchsorted(REGISTERS_HZ, band_edges()[1:-1], side="right")
    mean = (register[:, None] == np.arange(len(REGISTERS_HZ) + 1)).astype(np.float32)
    result: FloatArray = mean / mean.sum(axis=0)
    return result


def _rise(bands: FloatArray) -> FloatArray:
    n, n_registers = len(bands), len(REGISTERS_HZ) + 1
    envelope = np.zeros((n, n_registers), np.float32)
    level = mean_level(bands)
    if level <= 0 or n <= 2 * LAG_FRAMES:
        return envelope
    mean = _registers()
    # In pieces, so that three hours need no second copy of the bands.
    for start in range(LAG_FRAMES, n, PIECE_FRAMES):
        L = log_bands(bands[start - LAG_FRAMES : start + PIECE_FRAMES], level)
        envelope[start : start + PIECE_FRAMES] = rises(L) @ mean
    # The last frames look beyond the end, and a cut there is no onset. A cut at the start is: loops begin
    # on a beat, which counts like the strongest later one.
    envelope[-LAG_FRAMES:] = 0
    envelope[:LAG_FRAMES] = np.minimum(log_bands(bands[:LAG_FRAMES], level) @ mean, envelope.max(axis=0))
    return envelope


def _peaks(curve: FloatArray) -> IntArray:
    around = scipy.ndimage.uniform_filter1d(curve, 2 * round(0.1 * FRAME_RATE) + 1)
    floor = max(FAINTEST_ONSET, PEAK_FLOOR * float(np.percentile(curve, 98)))
    frames = highest(curve, round(0.03 * FRAME_RATE))
    peaks: IntArray = frames[(curve[frames] > 1.5 * around[frames]) & (curve[frames] > floor)]
    return peaks


def highest(curve: FloatArray, reach: int) -> IntArray:
    """Return the frames that are highest of `reach` to each side; of neighbours of one height the first."""
    if len(curve) == 0:
        return np.zeros(0, np.intp)
    frames = np.flatnonzero(scipy.ndimage.maximum_filter1d(curve, 2 * reach + 1) == curve)
    first: IntArray = frames[np.concatenate([[True], np.diff(frames) > LAG_FRAMES])]
    return first
