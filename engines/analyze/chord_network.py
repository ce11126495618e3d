"""How likely each chord sounds at each beat: a small network that hears every root in turn as if it were C.

It sees which pitch classes sound in four registers, in the bass and above it a beat before and after, and
over some bars around, which tell a chord of the key from one that shares its notes. `weights/chords.md` says
what it was trained on; `training/train_chords.py` makes it.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from engines._audio import FloatArray
from engines._networks import read_network
from engines.analyze import pitches as pitch
from engines.analyze.keys import PITCH_CLASSES
from engines.analyze.ranking import WEIGHTS

MODEL = WEIGHTS / "chords.npz"
QUALITIES: Final = ("maj", "min", "7", "maj7", "min7")
# Every chord of the first quality, C first, then of the next; at last none.
LABELS: Final = (*(f"{root}:{quality}" for quality in QUALITIES for root in PITCH_CLASSES), "N")
REGISTERS: Final = ((0, 52), (52, 64), (64, 76), (76, 128))  # MIDI notes, from and up to but not including
AROUND: Final = 24  # beats to each side whose notes say what key this is
QUIET: Final = 0.05  # of what loud beats have: so much less counts as nothing
N_BLOCKS: Final = len(REGISTERS) + 2 + 2 + 1  # of twelve classes: registers, a beat before, after, around
N_ROOTLESS: Final = 3 * 12 + 1
N_INPUTS: Final = 12 * N_BLOCKS + N_ROOTLESS
CHUNK: Final = 4096  # beats
# For each root, the inputs in the order that has its class first in every block.
TURNED: npt.NDArray[np.intp] = np.stack(
    [
        np.concatenate([12 * block + (np.arange(12) + root) % 12 for block in range(N_BLOCKS)])
        for root in range(12)
    ]
)


@dataclass(frozen=True)
class ChordNetwork:
    """Weights of the layers that hear each root: `k1` (12 N_BLOCKS, H), `k2` (H, G), `k3` (G, qualities).

    `b1` to `b3` are their biases. `n1` (N_ROOTLESS, J) and `n2` (J, 1), with biases `c`, weigh whether there
    is a chord at all.
    """

    k1: FloatArray
    b1: FloatArray
    k2: FloatArray
    b2: FloatArray
    k3: FloatArray
    b3: FloatArray
    n1: FloatArray
    c1: FloatArray
    n2: FloatArray
    c2: FloatArray

    def forward(self, x: FloatArray) -> FloatArray:
        """Return the logarithmic likelihoods of LABELS, shape (n, 61), for inputs (n, N_INPUTS)."""
        of_roots = []
        for turned in TURNED:
            h = np.maximum(0, x[:, turned] @ self.k1 + self.b1)
            h = np.maximum(0, h @ self.k2 + self.b2)
            of_roots.append(h @ self.k3 + self.b3)
        chords = np.stack(of_roots, axis=2).reshape(len(x), -1)
        none = np.maximum(0, x[:, 12 * N_BLOCKS :] @ self.n1 + self.c1) @ self.n2 + self.c2
        score = np.concatenate([chords, none], axis=1)
        score -= score.max(axis=1, keepdims=True)
        likely: FloatArray = score - np.log(np.exp(score).sum(axis=1, keepdims=True))
        return likely


def sounding_at(heard: pitch.Pitches, edges: FloatArray) -> FloatArray:
    """Return the mean strength of each class in each register between edges; shape (n_beats, 48).

    `edges` are in seconds, shape (n_beats + 1,).
    """
    return np.concatenate(
        [
            pitch.means_between(pitch.chroma(heard, lowest, highest), edges[:-1], edges[1:])
            for lowest, highest in REGISTERS
        ],
        axis=1,
    )


def inputs(sounding: FloatArray) -> FloatArray:
    """Return what the network sees of `sounding_at`; shape (n_beats, N_INPUTS)."""
    n = len(sounding)
    registers = sounding.reshape(n, len(REGISTERS), 12)
    total = sounding.sum(axis=1, keepdims=True)
    loud = float(np.percentile(total, 95)) + 1e-9
    scale = total + QUIET * loud
    now = np.sqrt(sounding / scale)
    bass_and_rest = np.concatenate([now[:, :12], np.sqrt(registers[:, 1:].sum(axis=1) / scale)], axis=1)
    nothing = np.zeros((1, bass_and_rest.shape[1]))
    before = np.concatenate([nothing, bass_and_rest[:-1]])
    after = np.concatenate([bass_and_rest[1:], nothing])
    classes = registers.sum(axis=1)
    around = _around(classes)
    rootless = [
        *map(_descending, (classes / (total + 1e-9), now[:, :12], around)),
        np.minimum(1, total / loud),
    ]
    return np.concatenate([now, before, after, around, *rootless], axis=1).astype(np.float32)


def _around(classes: FloatArray) -> FloatArray:
    """Return the root of each class's share of what sounds up to `AROUND` beats away."""
    n = len(classes)
    total = np.concatenate([np.zeros((1, 12)), np.cumsum(classes, axis=0, dtype=np.float64)])
    at = np.arange(n)
    sums = total[np.minimum(n, at + AROUND + 1)] - total[np.maximum(0, at - AROUND)]
    share: FloatArray = np.sqrt(np.maximum(0, sums) / (sums.sum(axis=1, keepdims=True) + 1e-9))
    return share


def _descending(rows: FloatArray) -> FloatArray:
    return np.sort(rows, axis=1)[:, ::-1]


def log_likelihoods(sounding: FloatArray, net: ChordNetwork) -> FloatArray:
    """Return the logarithm of how likely each of LABELS is at each beat of `sounding_at`, (n_beats, 61)."""
    x = inputs(sounding)
    return np.concatenate([net.forward(x[at : at + CHUNK]) for at in range(0, len(x), CHUNK)])


def likelihoods(heard: pitch.Pitches, edges: FloatArray) -> FloatArray:
    """Return how likely the shipped network takes each of LABELS to be between edges, (n_beats, 61)."""
    return np.exp(log_likelihoods(sounding_at(heard, edges), network()))


@cache
def network() -> ChordNetwork:
    """Load the network that ships with the engine; weights/chords.md says what it learned from."""
    return read_network(MODEL, ChordNetwork, N_INPUTS)
