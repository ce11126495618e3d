"""Which chords: a hidden Markov model over the beats; its states are chords, and none.

`harmony` says how likely each is at each beat. Chords mostly change where bars begin.
"""

import numpy as np

from engines._audio import FloatArray
from engines.analyze.chord_network import LABELS
from engines.analyze.harmony import Harmony
from engines.analyze.segments import Segment, joined

# Against leaving a chord, in logarithmic likelihood: where a bar begins, elsewhere, where bars are not known.
# Chosen on rendered songs that the network had not learned from.
CHANGE_AT_BAR, CHANGE_IN_BAR, CHANGE = 0.5, 2.0, 1.5
QUIET = 0.02  # of the loud beats' strength: below, no chord
SAME_S = 0.03  # beats and bars this close are the same


def find_chords(heard: Harmony, downbeats: FloatArray) -> list[Segment]:
    """Find the chords of a recording; they follow each other without gaps from 0 to its end.

    Parameters
    ----------
    heard
        Which chords are likely where. Nothing tonal at all gives one N.
    downbeats
        Those of its edges that begin bars, in seconds; may be empty.
    """
    silent = heard.strength <= QUIET * float(np.percentile(heard.strength, 95))
    likely = np.where(silent[:, None], 0.0, heard.log_likelihoods)
    path = best_chords(likely, change_costs(heard.edges[:-1], downbeats))
    labels = ["N" if silent[i] else LABELS[state] for i, state in enumerate(path)]
    return [Segment(*run) for run in joined(heard.edges, labels)]


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
