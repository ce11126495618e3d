"""What happens to audio on its way from a reader to listeners, block by block: mixed to mono, resampled."""

from typing import Final

import numpy as np
import soxr

from engines._audio import FloatArray, to_mono

# Below this share of its channels' energy, a mono sum has lost the music: the channels cancel each other out.
CANCELLED: Final = 0.01


class Mixdown:
    """Mixes `n_channels` to mono, or takes the one `channel`, and notices where channels cancel out."""

    def __init__(self, n_channels: int, channel: int | None = None) -> None:
        self._channel = channel
        self._energies = np.zeros(n_channels)
        self._mono_energy = 0.0

    def push(self, block: FloatArray) -> FloatArray:
        """Mix a block, shape (n_channels, n); returns a copy, shape (n,)."""
        mono: FloatArray = to_mono(block) if self._channel is None else block[self._channel].copy()
        self._energies += np.einsum("ij,ij->i", block, block)
        self._mono_energy += float(np.vdot(mono, mono))
        return mono

    @property
    def energy(self) -> float:
        """The sum of the squares of all samples so far, the mean of the channels."""
        return float(self._energies.mean())

    @property
    def instead(self) -> int | None:
        """The loudest channel, if the sum of all was taken and has lost the music; else None."""
        lost = self._channel is None and self._mono_energy < CANCELLED * self.energy
        return int(np.argmax(self._energies)) if lost else None


class Resampler:
    """Takes mono audio from one rate to another, in samples a second; `finish` returns what was held back."""

    def __init__(self, sr: int, new_sr: int) -> None:
        self._stream = (
            None if sr == new_sr else soxr.ResampleStream(sr, new_sr, 1, dtype="float32", quality="HQ")
        )

    def push(self, y: FloatArray) -> FloatArray:
        """Resample samples, shape (n,); as many come back as are ready."""
        return y if self._stream is None else np.asarray(self._stream.resample_chunk(y))

    def finish(self) -> FloatArray:
        """Return the last samples."""
        empty: FloatArray = np.zeros(0, np.float32)
        return empty if self._stream is None else np.asarray(self._stream.resample_chunk(empty, last=True))
