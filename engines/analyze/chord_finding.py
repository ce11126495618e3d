"""Which chords: a hidden Markov model over the beats; its states are chords, and none.

`chord_network` says how likely each sounds at each beat. Chords mostly change where bars begin.
"""

from dataclasses import dataclass

import numpy as np

from engines._audio import FloatArray
from engines.analyze import chord_network
from engines.analyze import pitches as pitch

# Against leaving a chord, in logarithmic likelihood: where a bar begins, elsewhere, where bars are not known.
# Chosen on rendered songs that the network had not learned from.
CHANGE_AT_BAR, CHANGE_IN_BAR, CHANGE = 0.5, 2.0, 1.5
FALLBACK_S = 0.5  # where there are no beats, chords may change this often
QUIET = 0.02  # of the loud beats' strength: below, no chord
SAME_S = 0.03  # beats and bars this close are the same


@dataclass(frozen=True)
class Segment:
    """A chord from `start` to `end` in seconds, `label` in Harte's syntax (`C#:min7`, `N`)."""

    start: float
    end: float
    label: str


def find_chords(
    heard: pitch.Pitches, beats: FloatArray, downbeats: FloatArray, duration: float
) -> list[Segment]:
    """Find the chords of a recording; they follow each other without gaps from 0 to its end.

    Parameters
    ----------
    heard
        What sounds.
    beats
        In seconds; chords change there. Without beats, every half second.
    downbeats
        Those of the beats that begin bars; may be empty.
    duration
        Length of the recording in seconds. Nothing tonal at all gives one N.
    """
    edges = beat_edges(beats, duration)
    sounding = chord_network.sounding_at(heard, edges)
    likely = chord_network.log_likelihoods(sounding, chord_network.network())
    strength = sounding.sum(axis=1)
    silent = strength <= QUIET * float(np.percentile(strength, 95))
    likely[silent] = 0.0
    path = best_chords(likely, change_costs(edges[:-1], downbeats))
    segments: list[Segment] = []
    for i, state in enumerate(path):
        label = "N" if silent[i] else chord_network.LABELS[state]
        start, end = float(edges[i]), float(edges[i + 1])
        if segments and segments[-1].label == label:
            segments[-1] = Segment(segments[-1].start, end, label)
        else:
            segments.append(Segment(start, end, label))
    return segments


def beat_edges(beats: FloatArray, duration: float) -> FloatArray:
    """Return where chords may begin and end: 0, the beats inside a recording, and its end."""
    if len(beats) < 4:
        beats = np.arange(0, duration, FALLBACK_S)
    inside = beats[(beats > 0.05) & (beats < duration - 0.05)]
    return np.concatenate([[0.0], inside, [duration]])


def change_costs(starts: FloatArray, downbeats: FloatArray) -> FloatArray:
    """Return what a change to another chord costs at each of some times."""
    if len(downbeats) == 0:
        return np.full(len(starts), CHANGE)
    after = np.searchsorted(downbeats, starts - SAME_S)
    begins = np.abs(downbeats[np.minimum(after, len(downbeats) - 1)] - starts) <= SAME_S
    return np.where(begins, CHANGE_AT_BAR, CHANGE_IN_BAR)


def best_chords(likely: FloatArray, costs: FloatArray) -> list[int]:
    """Return the likeliest chord of each beat (Viterbi): a change into beat i costs `costs[i]`, whichever."""
    n, n_states = likely.shape
    score = likely[0].astype(np.float64)
    back = np.zeros((n, n_states), np.uint8)  # hours have tens of thousands of beats
    stay = np.arange(n_states, dtype=np.uint8)
    for i in range(1, n):
        best = int(np.argmax(score))
        changed = score[best] - costs[i]
        back[i] = np.where(score >= changed, stay, best)
        score = np.maximum(score, changed) + likely[i]
    path = [int(np.argmax(score))]
    for i in range(n - 1, 0, -1):
        path.append(int(back[i, path[-1]]))
    return path[::-1]
