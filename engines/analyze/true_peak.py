"""The highest level between the samples: BS.1770-4 annex 2, at four times the sample rate.

Four times is kept at high sample rates too: twice, as other meters do at 96 kHz, misses 0.46 dB of
EBU Tech 3341's cases 21 and 23, more than its tolerance.

The interpolation is a matrix product over short runs of samples, and runs that cannot reach the peak found
so far are passed over: a run cannot exceed its loudest samples times what the filter can add.
"""

import numpy as np

from engines._audio import FloatArray

OVERSAMPLING = 4
REACH = 24  # samples to each side that an interpolated value depends on
RUN = 32  # samples interpolated at once: the fastest of 16 to 128 here
KAISER_BETA = 9.0  # -90 dB
MAX_RUNS = 2048  # a product's result stays in the cache


def interpolators() -> FloatArray:
    """Design the three filters for the quarters between two samples, shape (3, 2 * REACH).

    A windowed sinc, each scaled to pass a constant unchanged; flat within 0.02 dB to 0.42 of the sample rate.
    """
    # Value k/4 after sample n is the sum over j of x[n + j] h(j - k/4), j from 1 - REACH to REACH.
    j = np.arange(1 - REACH, REACH + 1)
    distance = np.stack([j - k / OVERSAMPLING for k in range(1, OVERSAMPLING)])
    window = np.i0(KAISER_BETA * np.sqrt(1 - (distance / REACH) ** 2)) / np.i0(KAISER_BETA)
    taps: FloatArray = np.sinc(distance) * window
    taps /= taps.sum(axis=1, keepdims=True)
    return taps


def _run_matrix() -> FloatArray:
    # Columns are outputs, rows the samples from REACH - 1 before the run to REACH after it.
    taps = interpolators()
    matrix = np.zeros((RUN + 2 * REACH - 1, len(taps) * RUN), np.float32)
    for i in range(RUN):
        for k, tap in enumerate(taps):
            matrix[i : i + 2 * REACH, len(taps) * i + k] = tap
    return matrix


class TruePeakMeter:
    """Takes a recording block by block and keeps its highest absolute value between the samples.

    Parameters
    ----------
    n_channels
        Channels of the blocks to come.
    """

    def __init__(self, n_channels: int) -> None:
        self.sample_peak = 0.0
        self._between = 0.0
        self._matrix = _run_matrix()
        self._most_gain = float(np.abs(interpolators()).sum(axis=1).max())
        self._waiting: FloatArray = np.zeros((n_channels, REACH - 1), np.float32)

    def push(self, y: FloatArray) -> None:
        """Add audio of shape (n_channels, n_samples)."""
        if y.shape[1] == 0:
            return
        self.sample_peak = max(self.sample_peak, float(y.max()), -float(y.min()))
        x = np.concatenate([self._waiting, y], axis=1)
        width = RUN + 2 * REACH - 1
        n_runs = max(0, 1 + (x.shape[1] - width) // RUN)
        if n_runs:
            for channel in x:
                self._interpolate(np.lib.stride_tricks.sliding_window_view(channel, width)[::RUN][:n_runs])
        self._waiting = x[:, n_runs * RUN :]

    def peak(self) -> float:
        """Return the true peak so far, full scale = 1; never below the sample peak."""
        rest = np.pad(self._waiting, ((0, 0), (0, RUN + 2 * REACH)))
        runs = 1 + (rest.shape[1] - (RUN + 2 * REACH - 1)) // RUN
        for channel in rest:
            width = RUN + 2 * REACH - 1
            self._interpolate(np.lib.stride_tricks.sliding_window_view(channel, width)[::RUN][:runs])
        return max(self._between, self.sample_peak)

    def _interpolate(self, runs: FloatArray) -> None:
        for i in range(0, len(runs), MAX_RUNS):
            part = runs[i : i + MAX_RUNS]
            loudest = np.maximum(part.max(axis=1), -part.min(axis=1))
            part = part[loudest * self._most_gain > max(self._between, self.sample_peak)]
            if len(part):
                values = part @ self._matrix
                self._between = max(self._between, float(values.max()), -float(values.min()))
