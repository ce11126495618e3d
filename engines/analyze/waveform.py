"""What the samples themselves tell: silence at both ends, clipping, and how far peaks stand above the mean.

Every channel counts, at the file's own sample rate.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines._audio import FloatArray
from engines.analyze.frames import Rows

SILENCE_DBFS = -60.0  # chosen: above the noise of a quiet recording, below what is heard beside music
# The last step of 16 bits upwards is 32767; more bits reach nearer to 1, and 8 bits do not reach it.
FULL_SCALE, FULL_SCALE_8_BIT = 32767 / 32768, 127 / 128
STRETCH = 1024  # samples looked through at once
RUN = 3  # samples at full scale in a row that a peak which was not cut would hardly have


@dataclass(frozen=True)
class Waveform:
    """What was measured; see `results.Analysis`."""

    rms: float
    leading_silence: float
    trailing_silence: float
    clipped_runs: int
    full_scale_samples: int


NO_WAVEFORM = Waveform(0.0, 0.0, 0.0, 0, 0)


class SilentEnds:
    """Takes a recording block by block and keeps where it first and last exceeds -60 dBFS in any channel."""

    def __init__(self) -> None:
        self._n = 0
        self._first: int | None = None
        self._after_last = 0

    def push(self, y: FloatArray) -> None:
        """Add audio of shape (n_channels, n_samples)."""
        first = _first_loud(y) if self._first is None else None
        if first is not None:
            self._first = self._n + first
        last = _first_loud(y[:, ::-1])
        self._n += y.shape[1]
        if last is not None:
            self._after_last = self._n - last

    def samples(self) -> tuple[int, int]:
        """Return how many samples are silent at the start and at the end; both all of them if all are."""
        return (self._n if self._first is None else self._first), self._n - self._after_last


def _first_loud(y: FloatArray) -> int | None:
    # A stretch at a time: music is loud within the first.
    for start in range(0, y.shape[1], STRETCH):
        loud = np.any(np.abs(y[:, start : start + STRETCH]) > 10 ** (SILENCE_DBFS / 20), axis=0)
        if loud.any():
            return start + int(loud.argmax())
    return None


class ClippingCounter:
    """Counts samples at full scale, and the runs of them, in blocks.

    A run is three or more samples of one channel in a row at full scale with one sign. What was cut and then
    made softer cannot be seen so; a full-scale square wave is counted as cut.

    Parameters
    ----------
    n_channels
        Channels of the blocks to come.
    full_scale
        The least absolute value that counts.
    """

    def __init__(self, n_channels: int, full_scale: float = FULL_SCALE) -> None:
        self.samples = 0
        self.runs = 0
        self._full_scale = full_scale
        self._open = [0] * (
            2 * n_channels
        )  # how long the run is that reached the last block's end, up to RUN

    def push(self, y: FloatArray) -> None:
        """Add audio of shape (n_channels, n_samples)."""
        if y.shape[1] == 0:
            return
        if max(y.max(), -y.min()) < self._full_scale:  # almost always, and much faster
            self._open = [0] * len(self._open)
            return
        for c, channel in enumerate(y):
            self._count(2 * c, channel >= self._full_scale)
            self._count(2 * c + 1, channel <= -self._full_scale)

    def _count(self, row: int, full: npt.NDArray[np.bool_]) -> None:
        before = self._open[row]
        if not full.any():
            self._open[row] = 0
            return
        self.samples += int(np.count_nonzero(full))
        edges = np.diff(np.concatenate([[0], np.ones(before, np.int8), full.view(np.int8), [0]]))
        lengths = np.flatnonzero(edges < 0) - np.flatnonzero(edges > 0)
        already_counted = before == RUN
        self.runs += int(np.count_nonzero(lengths >= RUN)) - already_counted
        self._open[row] = min(RUN, int(lengths[-1])) if full[-1] else 0


class Overview:
    """The least and the greatest sample of each hop of mono audio that comes in blocks: what is drawn of it.

    Parameters
    ----------
    hop_length
        Samples a hop.
    """

    def __init__(self, hop_length: int) -> None:
        self._hop_length = hop_length
        self._rest: FloatArray = np.zeros(0, np.float32)
        self._extremes = Rows(2)

    def push(self, y: FloatArray) -> None:
        """Add samples, shape (n,)."""
        y = np.concatenate([self._rest, y])
        n = len(y) // self._hop_length * self._hop_length
        self._rest = y[n:]
        hops = y[:n].reshape(-1, self._hop_length)
        self._extremes.add(np.column_stack([hops.min(axis=1), hops.max(axis=1)]))

    def finish(self) -> FloatArray:
        """Return the extremes, shape (n_hops, 2)."""
        if len(self._rest):
            self._extremes.add(np.array([[self._rest.min(), self._rest.max()]], np.float32))
        return self._extremes.take()


class WaveformMeter:
    """Takes a recording block by block and tells its `Waveform`.

    Parameters
    ----------
    sr
        Sample rate in Hz.
    n_channels
        Channels of the blocks to come.
    encoding
        How the file stores samples, in libsndfile's words.
    """

    def __init__(self, sr: int, n_channels: int, encoding: str) -> None:
        self._sr = sr
        self._ends = SilentEnds()
        eight_bit = encoding in {"PCM_U8", "PCM_S8"}
        self._clipping = ClippingCounter(n_channels, FULL_SCALE_8_BIT if eight_bit else FULL_SCALE)

    def push(self, y: FloatArray) -> None:
        """Add audio of shape (n_channels, n_samples)."""
        self._ends.push(y)
        self._clipping.push(y)

    def read(self, mean_square: float) -> Waveform:
        """Say what was measured; the mean square over all channels is the caller's, who needs it too."""
        leading, trailing = self._ends.samples()
        return Waveform(
            rms=mean_square**0.5,
            leading_silence=leading / self._sr,
            trailing_silence=trailing / self._sr,
            clipped_runs=self._clipping.runs,
            full_scale_samples=self._clipping.samples,
        )
