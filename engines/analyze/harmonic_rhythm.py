"""Which tempi harmony speaks for: how often chords and bass change, and after how long they come again.

Where strings and voices swell no onset tells a beat, but chords change on beats and mostly on bars; and music
at half or double tempo has the same onsets, but not as many chords a bar.
"""

import numpy as np
import scipy.ndimage

from engines._audio import FloatArray
from engines.analyze import pitches as pitch
from engines.analyze.correlation import at, correlate, likeness
from engines.analyze.pitches import Pitches

BASS_BELOW = 56  # MIDI note number
SMOOTHED = 3  # frames
APART = 2  # frames before and after that are compared: their sounds do not overlap
FAINT = 1e-3  # of the loudest: what is fainter than this has no harmony
SHORTEST = 12  # frames; in less nothing comes again
# Beats after which changes come again, and after which the same sounds do.
CHANGE_BEATS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
AGAIN_BEATS = (0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)
N_HARMONIC = 2 * (len(CHANGE_BEATS) + len(AGAIN_BEATS))


def describe(tempi: FloatArray, pitches: Pitches, slowest: float) -> FloatArray:
    """Describe tempi in BPM by what changes and comes again, of all pitches, then of the bass.

    None is below `slowest`. Shape (n_tempi, N_HARMONIC), correlations from -1 to 1.
    """
    periods = 60 / tempi * pitch.FRAME_RATE
    n_lags = int(60 / slowest * pitch.FRAME_RATE * (max(AGAIN_BEATS) + 0.5))
    columns: list[FloatArray] = []
    if len(pitches.strength) < SHORTEST:
        return np.zeros((len(tempi), N_HARMONIC))
    for chroma in (pitch.chroma(pitches), pitch.chroma(pitches, highest=BASS_BELOW)):
        sound = _directions(chroma)
        lags = min(n_lags, len(sound) - 1)
        changes, again = correlate(_changes(sound), lags), likeness(sound, lags)
        columns += [at(changes, periods * n) for n in CHANGE_BEATS]
        columns += [at(again, periods * n) for n in AGAIN_BEATS]
    return np.stack(columns, axis=1)


def _directions(chroma: FloatArray) -> FloatArray:
    """Return what sounds, however loud: rows of length 1, shorter where next to nothing sounds."""
    smoothed: FloatArray = scipy.ndimage.uniform_filter1d(
        np.sqrt(np.maximum(chroma, 0)), SMOOTHED, axis=0, mode="constant"
    )
    length = np.linalg.norm(smoothed, axis=1, keepdims=True)
    directions: FloatArray = smoothed / (length + FAINT * smoothed.max() + 1e-9)
    return directions


def _changes(sound: FloatArray) -> FloatArray:
    """Say how unlike what sounds before and after each frame is, 0 to 1, beside silence 0; shape (n,)."""
    before, after = sound[: -2 * APART], sound[2 * APART :]
    most = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    changes = np.zeros(len(sound))
    changes[APART:-APART] = np.maximum(0.0, most - np.einsum("ij,ij->i", before, after))
    return changes
