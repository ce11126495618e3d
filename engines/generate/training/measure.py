"""How well a bundle predicts songs it was not trained on, in nats a step; no TensorFlow needed.

Every sequence is read from its start with the state carried through, up to 512 steps, in the key it was
written in.
"""

from collections.abc import Sequence as Many
from dataclasses import dataclass

import numpy as np

from engines.generate.network import Network
from engines.generate.training import corpus, encoding


@dataclass(frozen=True)
class Fit:
    """`nll` in nats a step, `accuracy` of the likeliest class.

    The `unigram` entropy of the same labels, and `steps`.
    """

    nll: float
    accuracy: float
    unigram: float
    steps: int


def held_out(network: Network, part: str, sequences: Many[corpus.Sequence], longest: int = 512) -> Fit:
    """Measure a network on sequences.

    Parameters
    ----------
    network
        What predicts.
    part
        Which encoding.
    sequences
        Songs; a song longer than `longest` events is cut there.
    longest
        Events of a sequence that are read.
    """
    encoded = sorted((encoding.encode(part, s, 0, longest) for s in sequences), key=lambda e: len(e.labels))
    encoded = [e for e in encoded if len(e.labels)]
    total, right, counts = 0.0, 0, np.zeros(network.n_out)
    for first in range(0, len(encoded), 64):
        batch = encoded[first : first + 64]
        state = network.zero(len(batch))
        x = np.zeros((len(batch), len(batch[-1].labels), network.n_in), np.float32)
        for row, e in enumerate(batch):
            x[row, : len(e.labels)] = e.inputs
        for t in range(x.shape[1]):
            logits, state = network.step(network.project(x[:, t]), state)
            alive = [row for row, e in enumerate(batch) if t < len(e.labels)]
            labels = np.array([batch[row].labels[t] for row in alive])
            shown = logits[alive].astype(np.float64)
            shown -= shown.max(axis=1, keepdims=True)
            total -= float((shown[np.arange(len(alive)), labels] - np.log(np.exp(shown).sum(axis=1))).sum())
            right += int((shown.argmax(axis=1) == labels).sum())
            np.add.at(counts, labels, 1)
    steps = int(counts.sum())
    p = counts[counts > 0] / steps
    return Fit(total / steps, right / steps, float(-(p * np.log(p)).sum()), steps)
