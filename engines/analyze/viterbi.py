"""The best path through states that change at a cost."""

import numpy as np
import numpy.typing as npt

from engines._audio import FloatArray


def best_path(evidence: FloatArray, costs: FloatArray) -> npt.NDArray[np.intp]:
    """Return the state of each step whose evidence, less what the changes cost, is greatest.

    Parameters
    ----------
    evidence
        What speaks for each state at each step, shape (n_steps, n_states), at least one step.
    costs
        Of going from each state to each other, shape (n_states, n_states).

    References
    ----------
    A. Viterbi, "Error bounds for convolutional codes and an asymptotically optimum decoding algorithm", IEEE
    Trans. Information Theory 13(2), 1967.
    """
    n, n_states = evidence.shape
    back = np.zeros((n, n_states), np.intp)
    score = evidence[0].copy()
    for i in range(1, n):
        reached = score[:, None] - costs
        back[i] = reached.argmax(axis=0)
        score = reached.max(axis=0) + evidence[i]
    path = np.zeros(n, np.intp)
    path[-1] = score.argmax()
    for i in range(n - 1, 0, -1):
        path[i - 1] = back[i, path[i]]
    return path
