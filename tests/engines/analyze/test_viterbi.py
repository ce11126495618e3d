"""The best path, against trying every path."""

from itertools import pairwise, product

import numpy as np
import pytest

from engines.analyze.viterbi import best_path


@pytest.mark.parametrize("seed", range(10))
def test_no_other_path_is_better(seed: int) -> None:
    rng = np.random.default_rng(seed)
    evidence, costs = rng.random((6, 3)), rng.random((3, 3))

    def worth(path: tuple[int, ...]) -> float:
        steps = evidence[range(6), path].sum()
        return float(steps - sum(costs[a, b] for a, b in pairwise(path)))

    best = max(product(range(3), repeat=6), key=worth)
    assert best_path(evidence, costs).tolist() == list(best)


def test_dear_changes_are_not_made() -> None:
    evidence = np.array([[1.0, 0.0], [0.0, 0.9], [1.0, 0.0]])
    dear = 10 * (1 - np.eye(2))
    assert best_path(evidence, dear).tolist() == [0, 0, 0]
    assert best_path(evidence, 0 * dear).tolist() == [0, 1, 0]


def test_one_step_is_its_best_state() -> None:
    assert best_path(np.array([[0.1, 0.7, 0.2]]), np.zeros((3, 3))).tolist() == [1]
