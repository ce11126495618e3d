"""What happens at each beat, from which bars are told."""

from dataclasses import dataclass

import numpy as np
import scipy.ndimage

from engines._audio import FloatArray
from engines.analyze import pitches as pitch
from engines.analyze.bands import FRAME_RATE
from engines.analyze.rhythm_cues import Cues

N_MOMENT = 8
RISES, HARMONY, BASS, ODDS = slice(0, 4), 4, 5, 7  # columns of the moments
HIGHEST_BASS = 56  # MIDI pitch
N_PITCH_CLASSES = 12
FLOOR = 0.02  # of what begins at beats: less counts as nothing


@dataclass(frozen=True)
class BarCues:
    """What is heard at beats.

    Attributes
    ----------
    moments
        The rise in four registers, and how much harmony, bass and loudness change, each scaled to a mean of 1
        over the recording; and the odds of a downbeat; shape (n_beats, N_MOMENT).
    harmony, bass
        Pitch classes from each beat to the next, of all and of low pitches, shape (n_beats, 12).
    thirds
        What begins at each third of beats beside what begins halfway: logarithms of the ratios, shape (2,).
        In compound meters the last is high and often the first, in a swing the last alone.
    period
        Seconds from beat to beat.
    """

    moments: FloatArray
    harmony: FloatArray
    bass: FloatArray
    thirds: FloatArray
    period: float


def bar_cues(heard: Cues, pitches: pitch.Pitches, beats: FloatArray) -> BarCues:
    """Hear what happens at beats in seconds, two or more."""
    envelope = heard.envelope
    period = float(np.median(np.diff(beats)))
    odds = heard.downbeat_odds(beats)[:, None]
    peaks = scipy.ndimage.maximum_filter1d(envelope, 5, axis=0)
    at = np.clip(np.round(beats * FRAME_RATE).astype(int), 0, len(envelope) - 1)
    rise = peaks[at] / (envelope.mean(axis=0) + 1e-9)
    parts = thirds(envelope, beats)
    if len(pitches.strength) == 0:
        unheard = np.zeros((len(beats), N_PITCH_CLASSES))
        moments = np.concatenate([rise, np.zeros((len(beats), 3)), odds], axis=1)
        return BarCues(moments, unheard, unheard, parts, period)
    chroma, low = pitch.chroma(pitches), pitch.chroma(pitches, highest=HIGHEST_BASS)
    harmony, bass = _between(chroma, beats, period), _between(low, beats, period)
    total = pitches.strength.sum(axis=1, keepdims=True)
    changes = (
        1 - likeness(_between(chroma, beats - period, period), harmony),
        1 - likeness(_between(low, beats - period, period), bass),
        np.maximum(0, _between(total, beats, period) - _between(total, beats - period, period))[:, 0],
    )
    columns = [c / (c.mean() + 1e-9) for c in changes]
    moments = np.concatenate([rise, np.stack(columns, axis=1), odds], axis=1)
    return BarCues(moments, harmony, bass, parts, period)


def likeness(before: FloatArray, after: FloatArray) -> FloatArray:
    """Return the cosine of each pair of rows, shape (n,); 1 where one is silent, for nothing changes."""
    norm = np.linalg.norm(after, axis=1) * np.linalg.norm(before, axis=1)
    cosine: FloatArray = np.einsum("ij,ij->i", after, before) / np.maximum(norm, 1e-9)
    return np.where(norm > 1e-9, cosine, 1.0)


def _between(series: FloatArray, times: FloatArray, period: float) -> FloatArray:
    # Means over [t, t + period) of a series at the pitch frames' rate; a frame's window is wider than its
    # hop.
    total = np.concatenate([np.zeros((1, series.shape[1])), np.cumsum(series, axis=0, dtype=np.float64)])
    low = np.clip(np.round(times * pitch.FRAME_RATE).astype(int), 0, len(series) - 1)
    high = np.clip(np.round((times + period) * pitch.FRAME_RATE).astype(int), low + 1, len(series))
    mean: FloatArray = (total[high] - total[low]) / (high - low)[:, None]
    return mean


def thirds(envelope: FloatArray, beats: FloatArray) -> FloatArray:
    """Compare what begins at each third of beats with what begins halfway: logarithms of the ratios.

    Shape (2,). In compound meters the last third is high and often the first, in a swing the last alone.
    """
    curve = scipy.ndimage.maximum_filter1d(envelope.sum(axis=1), 3)

    def strength(share: float) -> float:
        times = beats[:-1] + share * np.diff(beats)
        at = np.clip(np.round(times * FRAME_RATE).astype(int), 0, len(curve) - 1)
        return float(curve[at].mean())

    floor = FLOOR * strength(0) + 1e-9
    halfway = strength(1 / 2) + floor
    return np.log([(strength(share) + floor) / halfway for share in (1 / 3, 2 / 3)])
