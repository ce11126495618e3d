"""How likely each chord sounds from beat to beat: heard once, for bars as for chords."""

from dataclasses import dataclass

import numpy as np

from engines._audio import FloatArray
from engines.analyze import chord_network
from engines.analyze.pitches import Pitches

FALLBACK_S = 0.5  # where there are no beats, chords may change this often
FEWEST_BEATS = 4  # fewer say nothing of when chords change
AT_ENDS_S = 0.05  # beats this close to the start or the end of a recording are there


@dataclass(frozen=True)
class Harmony:
    """What sounds between `edges` in seconds, shape (n + 1,): 0, the beats inside a recording, and its end.

    `log_likelihoods` of `chord_network.LABELS` have shape (n, 61), `strength`, how much sounds at all, (n,).
    """

    edges: FloatArray
    log_likelihoods: FloatArray
    strength: FloatArray


NO_HARMONY = Harmony(np.zeros(1), np.zeros((0, len(chord_network.LABELS))), np.zeros(0))


def hear_harmony(pitches: Pitches, beats: FloatArray, duration: float) -> Harmony:
    """Hear which chords are likely from beat to beat, without beats in each half second; all in seconds."""
    edges = beat_edges(beats, duration)
    sounding = chord_network.sounding_at(pitches, edges)
    likely = chord_network.log_likelihoods(sounding, chord_network.network())
    return Harmony(edges, likely, sounding.sum(axis=1))


def beat_edges(beats: FloatArray, duration: float) -> FloatArray:
    """Return where chords may begin and end: 0, the beats inside a recording, and its end."""
    if len(beats) < FEWEST_BEATS:
        beats = np.arange(0, duration, FALLBACK_S)
    inside = beats[(beats > AT_ENDS_S) & (beats < duration - AT_ENDS_S)]
    return np.concatenate([[0.0], inside, [duration]])
