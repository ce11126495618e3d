"""Fit a `Ranker` to examples, and ask how it does on groups it has not seen."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from engines._audio import FloatArray
from engines.analyze.ranking import Ranker

IntArray: TypeAlias = npt.NDArray[np.intp]

HIDDEN, NETS, STEPS, RATE, DECAY = 12, 4, 400, 0.01, 2e-2
FAMILIES = {"tiled": "loop", "chart": "mma"}  # groups made of the same sounds are left out together


@dataclass(frozen=True)
class Example:
    """One recording's readings: features (n, F), and `right` (n,), 1 for the truth and 0 for the others."""

    name: str
    group: str
    features: FloatArray
    right: FloatArray

    @property
    def weight(self) -> float:
        """How much it counts beside others of its group."""
        return 1.0

    @property
    def family(self) -> str:
        """The group it is left out with."""
        return FAMILIES.get(self.group, self.group)


def train(examples: list[Example], seed: int = 0, n_nets: int = NETS) -> Ranker:
    """Fit the networks to give right candidates the whole weight; small groups count more than their size."""
    usable = [e for e in examples if e.right.any()]
    x = np.concatenate([e.features for e in usable])
    mean, scale = x.mean(axis=0), x.std(axis=0) + 1e-6
    z = ((x - mean) / scale).astype(np.float32)  # twice as fast as in double precision, and as good
    right = np.concatenate([e.right for e in usable]).astype(np.float32)
    owner = np.repeat(np.arange(len(usable)), [len(e.features) for e in usable])
    starts = np.concatenate([[0], np.cumsum([len(e.features) for e in usable])[:-1]])
    sizes = {e.group: sum(o.group == e.group for o in usable) for e in usable}
    weight = np.array([e.weight / np.sqrt(sizes[e.group]) for e in usable])
    weight = (weight / weight.sum()).astype(np.float32)
    nets = [_fit(z, right, owner, starts, weight=weight, seed=seed + k) for k in range(n_nets)]
    return Ranker(mean, scale, *(np.stack(parts) for parts in zip(*nets, strict=True)))


def _fit(
    z: FloatArray, right: FloatArray, owner: IntArray, starts: IntArray, *, weight: FloatArray, seed: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    first_guess = (
        rng.standard_normal((z.shape[1], HIDDEN)) / np.sqrt(z.shape[1]),
        np.zeros(HIDDEN),
        rng.standard_normal(HIDDEN) * 0.3,
    )
    parameters = [p.astype(np.float32) for p in first_guess]
    first, second = ([np.zeros_like(p) for p in parameters] for _ in range(2))
    for step in range(1, STEPS + 1):
        w1, b1, w2 = parameters
        h = np.tanh(z @ w1 + b1)
        score = h @ w2
        score -= np.maximum.reduceat(score, starts)[owner]
        e = np.exp(score)
        p = e / np.add.reduceat(e, starts)[owner]
        q = e * right
        q /= np.add.reduceat(q, starts)[owner]
        slope = (p - q) * weight[owner]
        back = (slope[:, None] * w2) * (1 - h**2)
        gradients = [z.T @ back + DECAY * w1, back.sum(axis=0), h.T @ slope + DECAY * w2]
        for i, g in enumerate(gradients):  # Adam
            first[i] = 0.9 * first[i] + 0.1 * g
            second[i] = 0.999 * second[i] + 0.001 * g * g
            move = first[i] / (1 - 0.9**step) / (np.sqrt(second[i] / (1 - 0.999**step)) + 1e-8)
            parameters[i] = parameters[i] - RATE * move
    return parameters[0], parameters[1], parameters[2]


def leave_group_out(examples: list[Example], n_nets: int = NETS) -> dict[str, list[tuple[Example, int]]]:
    """Rank each recording with a model that has seen nothing of its family: the reading chosen, by group."""
    chosen: dict[str, list[tuple[Example, int]]] = {}
    for family in sorted({e.family for e in examples}):
        model = train([e for e in examples if e.family != family], n_nets=n_nets)
        for e in examples:
            if e.family == family and len(e.features):
                chosen.setdefault(e.group, []).append((e, int(np.argmax(model.weigh(e.features)))))
    return chosen
