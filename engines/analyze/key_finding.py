"""Which key: how each of the 24 fits what sounds, in the bass, at the start and at the end, and the chords.

A small model weighs them against each other and against none: drums alone, noise and notes at random have no
key. `weights/keys.md` says what it learned from; `training/train_keys.py` makes it.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from engines._audio import FloatArray
from engines._networks import read_network
from engines.analyze import chord_network
from engines.analyze import pitches as pitch
from engines.analyze.keys import correlations, key_name, sounding
from engines.analyze.ranking import WEIGHTS, Ranker

MODEL = WEIGHTS / "keys.npz"
N_KEYS = 24
BASS_BELOW = 52  # MIDI note E3
EDGE_S = 2.5  # music begins and ends at home more often than it is there
CELL_S = 0.5  # of which each has its likely chords: beats need not be known
N_EDGE_CELLS = 4
N_OF_CHORDS = 9
N_KEY_FEATURES = 26 + N_OF_CHORDS


@dataclass(frozen=True)
class KeyFound:
    """The likeliest key and the next: C to B major are 0 to 11, C to B minor 12 to 23.

    `confidence` is how likely key and mode are right.
    """

    best: int
    second: int
    confidence: float

    @property
    def name(self) -> str:
        """The key as mir_eval writes it: `C# minor`."""
        return key_name(self.best)


@cache
def ranker() -> Ranker:
    """Load the model that ships with the engine; weights/keys.md says what it learned from."""
    return read_network(MODEL, Ranker, N_KEY_FEATURES)


def find_key(pitches: pitch.Pitches) -> KeyFound | None:
    """Find the key of a recording; None if nothing tonal sounds."""
    features = key_features(pitches)
    if len(features) == 0:
        return None
    weights = ranker().weigh(features)[:N_KEYS]
    second, best = (int(k) for k in weights.argsort()[-2:])
    return KeyFound(best, second, float(weights[best]))


def key_features(pitches: pitch.Pitches) -> FloatArray:
    """Describe each key, and at the end none; shape (25, N_KEY_FEATURES), empty if nothing tonal sounds.

    Of the whole, its bass, its first and last seconds and the bass of those: how well the key fits, and
    how much of its tonic, fifth and third there is. Then its mode, how far behind the best fit it is, and how
    far its relative is ahead of it, and what its chords are (`_of_chords`). None is described by the best fit
    and by how evenly all classes sound.
    """
    classes = sounding(pitch.chroma(pitches))
    heard = np.flatnonzero(classes.any(axis=1))
    if len(heard) == 0:
        return np.zeros((0, N_KEY_FEATURES))
    bass = sounding(pitch.chroma(pitches, highest=BASS_BELOW))
    edge = int(EDGE_S * pitch.FRAME_RATE)
    first, end = int(heard[0]), int(heard[-1]) + 1
    start, close = slice(first, first + edge), slice(max(first, end - edge), end)
    sums = [part.sum(axis=0) for part in (classes, bass, classes[start], classes[close], bass[close])]
    profiles = np.array([total / max(float(total.sum()), 1e-9) for total in sums])
    fits = np.array([correlations(profile) for profile in profiles])
    whole = fits[0]
    key = np.arange(N_KEYS)
    tonic, minor = key % 12, key // 12
    relative = (tonic + np.where(minor, 3, 9)) % 12 + 12 * (1 - minor)
    degrees = [tonic, (tonic + 7) % 12, (tonic + np.where(minor, 3, 4)) % 12]
    of_keys = np.column_stack(
        [
            fits.T,
            minor,
            whole - whole.max(),
            whole[relative] - whole,
            *(profile[degree] for profile in profiles for degree in degrees),
            _of_chords(pitches),
            np.zeros((N_KEYS, 3)),
        ]
    )
    of_none = np.zeros(N_KEY_FEATURES)
    evenness = -float(profiles[0] @ np.log(profiles[0] + 1e-9))
    of_none[-3:] = 1.0, whole.max(), evenness
    return np.vstack([of_keys, of_none])


def _of_chords(pitches: pitch.Pitches) -> FloatArray:
    """Describe each key by the likely chords of half seconds; shape (24, N_OF_CHORDS).

    How much there is of its tonic's chord, its dominant, its subdominant and its relative's tonic; of the
    tonic's at the start and at the end; how often the dominant leads to the tonic; and how much there is of
    dominant sevenths on the fifth and on the tonic.
    """
    n_cells = max(2, round(len(pitches.strength) / pitch.FRAME_RATE / CELL_S))
    likely = chord_network.likelihoods(pitches, CELL_S * np.arange(n_cells + 1))[:, :-1]
    quality = dict(
        zip(chord_network.QUALITIES, likely.reshape(n_cells, -1, 12).transpose(1, 0, 2), strict=True)
    )
    sevenths = quality["7"]
    dominants = quality["maj"] + sevenths
    majors, minors = dominants + quality["maj7"], quality["min"] + quality["min7"]
    rows = []
    for key in range(N_KEYS):
        minor, tonic = divmod(key, 12)
        fifth, fourth, relative = ((tonic + steps) % 12 for steps in (7, 5, 3 if minor else 9))
        own, other = (minors, majors) if minor else (majors, minors)
        home, dominant = own[:, tonic], dominants[:, fifth]
        means = [of.mean() for of in (home, dominant, own[:, fourth], other[:, relative])]
        edges = [home[:N_EDGE_CELLS].mean(), home[-N_EDGE_CELLS:].mean()]
        cadences = (dominant[:-1] * home[1:]).mean()
        rows.append([*means, *edges, cadences, sevenths[:, fifth].mean(), sevenths[:, tonic].mean()])
    return np.array(rows)
