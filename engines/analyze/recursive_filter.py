"""Recursive filters as matrix products, in blocks, exact to rounding.

A run of 64 samples leaves a filter as a product of the run with its impulse responses, plus what its state
before the run rings on; states of 64 runs follow from each other the same way. It is as fast as scipy's
`sosfilt`, without `scipy.signal`, whose import alone would take a worker longer than it may take to be
ready.
"""

import numpy as np

from engines._audio import FloatArray

RUN = 64  # samples decided at once
GROUP = 64  # runs whose states are decided at once


class RecursiveFilter:
    """Second-order sections applied to a stream of blocks.

    Parameters
    ----------
    sections
        Coefficients b0 b1 b2 1 a1 a2, shape (n_sections, 6), as scipy's `sosfilt` has them.
    n_channels
        Channels of the blocks to come.
    """

    def __init__(self, sections: FloatArray, n_channels: int) -> None:
        a, b, c, d = _state_space(sections)
        n = len(a)
        powers = [np.eye(n)]
        for _ in range(RUN):
            powers.append(powers[-1] @ a)
        impulse = np.array([d, *(float(c @ powers[k] @ b) for k in range(RUN - 1))])
        lag = np.arange(RUN)[None] - np.arange(RUN)[:, None]
        through = np.where(lag >= 0, impulse[np.maximum(lag, 0)], 0.0)  # (in, out)
        self._ring = np.stack([c @ powers[k] for k in range(RUN)], axis=1)  # (state, out)
        drive = np.stack([powers[RUN - 1 - k] @ b for k in range(RUN)])  # (in, state)
        self._through_and_drive = np.concatenate([through, drive], axis=1)  # one product reads the input once
        self._step = powers[RUN].T  # (state before, state after)
        group = np.zeros((GROUP, n, GROUP, n))  # (drive of run, state before run)
        steps = [np.eye(n)]
        for _ in range(GROUP):
            steps.append(steps[-1] @ self._step)
        for i in range(GROUP):
            for j in range(i + 1, GROUP):
                group[i, :, j] = steps[j - i - 1]
        self._group: FloatArray = group.reshape(GROUP * n, GROUP * n)
        self._ahead = np.concatenate(steps[:GROUP], axis=1)  # (state, states before each run)
        self._last = steps[GROUP]
        self._last_drive = np.concatenate([steps[GROUP - 1 - i] for i in range(GROUP)])
        self._state = np.zeros((n_channels, n))
        self._waiting: FloatArray = np.zeros((n_channels, 0))

    def push(self, x: FloatArray) -> FloatArray:
        """Filter samples of shape (n_channels, n); return those now decided, shape (n_channels, m)."""
        x = np.concatenate([self._waiting, x], axis=1)
        n_runs = x.shape[1] // RUN
        self._waiting = x[:, n_runs * RUN :]
        return self._filter(x[:, : n_runs * RUN])

    def finish(self) -> FloatArray:
        """Return the last samples, shape (n_channels, less than RUN)."""
        n = self._waiting.shape[1]
        rest = self._filter(np.pad(self._waiting, ((0, 0), (0, RUN - n))))[:, :n]
        self._waiting = self._waiting[:, :0]
        return rest

    def _filter(self, x: FloatArray) -> FloatArray:
        n_channels = len(x)
        runs = x.reshape(n_channels, -1, RUN)
        product = runs @ self._through_and_drive
        before = self._states_before(np.ascontiguousarray(product[..., RUN:]))
        result: FloatArray = (product[..., :RUN] + before @ self._ring).reshape(n_channels, -1)
        return result

    def _states_before(self, drive: FloatArray) -> FloatArray:
        n_channels, n_runs, n = drive.shape
        states = np.empty_like(drive)
        whole = n_runs // GROUP
        groups = drive[:, : whole * GROUP].reshape(n_channels, whole, GROUP * n)
        inner, onward = groups @ self._group, groups @ self._last_drive
        for g in range(whole):
            at = slice(g * GROUP, (g + 1) * GROUP)
            states[:, at] = (inner[:, g] + self._state @ self._ahead).reshape(n_channels, GROUP, n)
            self._state = self._state @ self._last + onward[:, g]
        for i in range(whole * GROUP, n_runs):
            states[:, i] = self._state
            self._state = self._state @ self._step + drive[:, i]
        return states


def _state_space(sections: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    """Put sections in a row into one system: s' = A s + B x, y = C s + D x (transposed direct form II)."""
    n = 2 * len(sections)
    a, b, c, d = np.zeros((n, n)), np.zeros(n), np.zeros(n), 1.0
    for k, (b0, b1, b2, _, a1, a2) in enumerate(np.asarray(sections, np.float64)):
        s = 2 * k
        # The section's input is what the system so far gives out: c s + d x.
        for row, b_k, a_k in ((s, b1, a1), (s + 1, b2, a2)):
            gain = b_k - a_k * b0
            a[row] += gain * c
            a[row, s] -= a_k
            b[row] = gain * d
        a[s, s + 1] += 1.0
        c, d = b0 * c, b0 * d
        c[s] += 1.0
    return a, b, c, d
