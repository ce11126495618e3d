"""Loudness as broadcasters and streaming services measure it.

ITU-R BS.1770-4 (K-weighting, gating, true peak), EBU R 128, EBU Tech 3341 (momentary, short-term) and 3342
(loudness range), at any sample rate, in blocks: what is kept is one number for each 10 ms.

Mono is measured as it is: one channel of a level reads 3 LU below the same signal in two, as the standard
has it.
"""

from dataclasses import dataclass

import numpy as np

from engines._audio import FloatArray
from engines.analyze.recursive_filter import RecursiveFilter
from engines.analyze.true_peak import TruePeakMeter

STEPS_PER_S = 100  # 10 ms: at the usual 100 ms, a meter misses 0.45 LU of Tech 3341's case 13
MOMENTARY_STEPS, SHORT_TERM_STEPS, GATING_HOP_STEPS = 40, 300, 10  # 400 ms, 3 s, and 75 % overlap of 400 ms
ABSOLUTE_GATE_LUFS = -70.0
OFFSET_DB = -0.691  # K-weighting's gain at 997 Hz (BS.1770-4, equation 2)
# BS.1770-4, tables 3 and 4: surrounds between 60 and 120 degrees count 1.5 dB more, the LFE not at all.
WEIGHTS = {"LFE": 0.0, "Ls": 1.41, "Rs": 1.41}


@dataclass(frozen=True)
class Measured:
    """What a meter read; None where the recording is too short or too quiet to say."""

    integrated_lufs: float | None
    range_lu: float | None
    true_peak_dbtp: float | None
    sample_peak_dbfs: float | None
    momentary_max_lufs: float | None
    short_term_max_lufs: float | None


def k_weighting(sr: float) -> FloatArray:
    """Design the two K-weighting filters for a sample rate, as second-order sections of shape (2, 6).

    References
    ----------
    BS.1770-4, annex 1, gives coefficients at 48 kHz only. The analogue prototypes behind them (shelf at
    1681.97 Hz, high-pass at 38.14 Hz) are those of Brecht De Man, "Evaluation of Implementations of the EBU
    R128 Loudness Measurement", AES 145, 2018; at 48 kHz they give the standard's own numbers to 12 digits.
    """
    q = 0.7071752369554196
    k = np.tan(np.pi * 1681.974450955533 / sr)
    high = 10 ** (3.999843853973347 / 20)
    band = high**0.4996667741545416
    a0 = 1 + k / q + k * k
    shelf = [
        (high + band * k / q + k * k) / a0,
        2 * (k * k - high) / a0,
        (high - band * k / q + k * k) / a0,
        1.0,
        2 * (k * k - 1) / a0,
        (1 - k / q + k * k) / a0,
    ]
    q = 0.5003270373238773
    k = np.tan(np.pi * 38.13547087602444 / sr)
    a0 = 1 + k / q + k * k
    high_pass = [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]
    return np.array([shelf, high_pass])


class LoudnessMeter:
    """Takes a recording block by block; `read` gives what a loudness meter shows at its end.

    Parameters
    ----------
    sr
        Sample rate in Hz.
    positions
        Where each channel belongs, as `AudioReader.positions` has it.
    """

    def __init__(self, sr: int, positions: tuple[str, ...]) -> None:
        self._sr = sr
        weights = np.array([WEIGHTS.get(position, 1.0) for position in positions])
        self._counted = np.flatnonzero(weights)
        self._weights = weights[self._counted]
        self._filter = RecursiveFilter(k_weighting(sr), len(self._counted))
        self._n_samples = 0
        self._step_energy = [np.zeros(0)]
        self._open_step = 0.0
        self._true_peak = TruePeakMeter(len(positions))

    def push(self, y: FloatArray) -> None:
        """Add audio of shape (n_channels, n_samples)."""
        self._true_peak.push(y)
        self._add(self._filter.push(y if len(y) == len(self._counted) else y[self._counted]))

    def _add(self, weighted: FloatArray) -> None:
        n = weighted.shape[1]
        if n == 0:
            return
        energy = self._weights @ np.square(weighted)
        # Steps end on the sample nearest to each 10 ms, since few sample rates divide by 100.
        start = self._n_samples
        first, last = self._steps_before(start), self._steps_before(start + n)
        ends = np.round(np.arange(first + 1, last + 1) * (self._sr / STEPS_PER_S)).astype(int) - start
        sums = np.add.reduceat(energy, np.concatenate([[0], ends[ends < n]]))
        sums[0] += self._open_step
        complete = len(ends)
        self._open_step = 0.0 if complete == len(sums) else float(sums[-1])
        self._step_energy.append(sums[:complete])
        self._n_samples += n

    def _steps_before(self, sample: int) -> int:
        steps = int(sample * STEPS_PER_S / self._sr + 0.5)
        while round(steps * self._sr / STEPS_PER_S) > sample:
            steps -= 1
        while round((steps + 1) * self._sr / STEPS_PER_S) <= sample:
            steps += 1
        return steps

    def read(self) -> Measured:
        """Say what the meter reads at the end of the recording."""
        self._add(self._filter.finish())
        energy = self.energy()
        momentary = to_lufs(sliding_mean(energy, MOMENTARY_STEPS))
        short_term = to_lufs(sliding_mean(energy, SHORT_TERM_STEPS))
        return Measured(
            integrated_lufs=integrated(energy),
            range_lu=loudness_range(energy),
            true_peak_dbtp=_decibels(self._true_peak.peak()),
            sample_peak_dbfs=_decibels(self._true_peak.sample_peak),
            momentary_max_lufs=_largest(momentary),
            short_term_max_lufs=_largest(short_term),
        )

    def energy(self) -> FloatArray:
        """Return the weighted mean squares of each 10 ms so far, which `sliding_mean` and `to_lufs` read."""
        return np.concatenate(self._step_energy) / (self._sr / STEPS_PER_S)


def sliding_mean(energy: FloatArray, steps: int) -> FloatArray:
    """Mean of every run of `steps` energies, shape (max(0, n - steps + 1),)."""
    if len(energy) < steps:
        return np.zeros(0)
    total = np.concatenate([[0.0], np.cumsum(energy)])
    mean: FloatArray = np.maximum(0.0, (total[steps:] - total[:-steps]) / steps)
    return mean


def to_lufs(energy: FloatArray) -> FloatArray:
    """Turn weighted mean squares into LUFS; 0 becomes -inf (BS.1770-4, equation 2)."""
    with np.errstate(divide="ignore"):
        lufs: FloatArray = OFFSET_DB + 10 * np.log10(energy)
    return lufs


def integrated(energy: FloatArray) -> float | None:
    """Gated loudness of a recording in LUFS from its energies each 10 ms.

    None if it is shorter than 400 ms or nowhere above -70 LUFS (BS.1770-4, equations 3 to 7).
    """
    blocks = sliding_mean(energy, MOMENTARY_STEPS)[::GATING_HOP_STEPS]
    blocks = blocks[to_lufs(blocks) >= ABSOLUTE_GATE_LUFS]
    if len(blocks) == 0:
        return None
    gate = blocks.mean() * 10**-1.0
    return float(to_lufs(blocks[blocks >= gate].mean()))


def loudness_range(energy: FloatArray) -> float | None:
    """Loudness range in LU from energies each 10 ms (EBU Tech 3342); None if shorter than 3 s or silent."""
    windows = sliding_mean(energy, SHORT_TERM_STEPS)[::GATING_HOP_STEPS]
    windows = windows[to_lufs(windows) >= ABSOLUTE_GATE_LUFS]
    if len(windows) == 0:
        return None
    lufs = np.sort(to_lufs(windows[windows >= windows.mean() * 10**-2.0]))
    # Tech 3342's own code picks ranks, it does not interpolate.
    low, high = (lufs[round((len(lufs) - 1) * p)] for p in (0.10, 0.95))
    return float(high - low)


def _largest(lufs: FloatArray) -> float | None:
    return float(lufs.max()) if len(lufs) and np.isfinite(lufs.max()) else None


def _decibels(amplitude: float) -> float | None:
    return float(20 * np.log10(amplitude)) if amplitude > 0 else None
