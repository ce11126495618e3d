"""Choosing among readings of the same music with small trained networks.

A reading (a tempo, a meter with its downbeat) is a row of features; the readings of one recording compete.
`training.rank` fits the networks, `weights/` holds them, each with a card of the same name.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engines._audio import FloatArray

WEIGHTS = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class Ranker:
    """Small networks that score candidates; their mean score, softmax over a recording's candidates.

    Shapes: `mean` and `scale` (F,), `w1` (n_nets, F, H), `b1` (n_nets, H), `w2` (n_nets, H).
    """

    mean: FloatArray
    scale: FloatArray
    w1: FloatArray
    b1: FloatArray
    w2: FloatArray

    def weigh(self, features: FloatArray) -> FloatArray:
        """Return each candidate's probability, together 1; empty if there are none."""
        if len(features) == 0:
            return np.zeros(0)
        z = (features - self.mean) / self.scale
        score = np.einsum("knh,kh->n", np.tanh(z @ self.w1 + self.b1[:, None]), self.w2) / len(self.w2)
        e = np.exp(score - score.max())
        weights: FloatArray = e / e.sum()
        return weights

    @staticmethod
    def load(path: Path) -> "Ranker":
        """Read a model as training writes it."""
        with np.load(path) as stored:
            return Ranker(*(stored[name].astype(np.float64) for name in ("mean", "scale", "w1", "b1", "w2")))

    def save(self, path: Path) -> None:
        """Write the model, in single precision."""
        np.savez_compressed(path, **{name: value.astype(np.float32) for name, value in vars(self).items()})
