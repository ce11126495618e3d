"""Choosing among readings of the same music with small trained networks.

A reading (a tempo, a meter with its downbeat) is a row of features; the readings of one recording compete.
`training.rank` fits the networks, `weights/` holds them, each with a card of the same name.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.special

from engines._audio import FloatArray

WEIGHTS = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class Ranker:
    """Small networks that score candidates; their mean score, softmax over a recording's candidates.

    `engines._networks.read_network` reads them. Shapes: `mean` and `scale` (F,), `w1` (n_nets, F, H),
    `b1` (n_nets, H), `w2` (n_nets, H).
    """

    mean: FloatArray
    scale: FloatArray
    w1: FloatArray
    b1: FloatArray
    w2: FloatArray

    def forward(self, features: FloatArray) -> FloatArray:
        """Return each candidate's score, shape (n,), for features (n, F)."""
        z = (features - self.mean) / self.scale
        score: FloatArray = np.einsum("knh,kh->n", np.tanh(z @ self.w1 + self.b1[:, None]), self.w2)
        return score / len(self.w2)

    def weigh(self, features: FloatArray) -> FloatArray:
        """Return each candidate's probability, together 1; empty if there are none."""
        return np.zeros(0) if len(features) == 0 else scipy.special.softmax(self.forward(features))

    def save(self, path: Path) -> None:
        """Write the model, in single precision."""
        np.savez_compressed(path, **{name: value.astype(np.float32) for name, value in vars(self).items()})
