"""What speaks for beats: how the registers rise, and what the beat network says of the bands."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.ndimage

from engines._audio import FloatArray
from engines.analyze import beat_network
from engines.analyze.bands import FRAME_RATE
from engines.analyze.onset_strength import is_one_event, onset_envelope

BASS_WEIGHT = 0.8  # beats sit on bass notes and bass drums more than on the rest
# Mean likelihood of a beat where beats are tracked in noise or speech, and where there surely are some.
NO_BEATS, BEATS = 0.25, 0.35
ONSET_WEIGHT = 0.5  # beside the network, which knows where a beat is but not to the millisecond


@dataclass(frozen=True)
class Cues:
    """An onset envelope, shape (n, 4), and likelihoods of beats and downbeats, shape (m, 2).

    The envelope has `bands.FRAME_RATE` frames a second, the likelihoods `beat_network.FRAME_RATE`; those of a
    short recording go round some times. `once` is whether something begins once only.
    """

    envelope: FloatArray
    likelihoods: FloatArray
    once: bool = False

    @cached_property
    def onset_curve(self) -> FloatArray:
        """The registers of the envelope added up, peaks rounded off; shape (n,)."""
        curve: FloatArray = scipy.ndimage.gaussian_filter1d(self.envelope.sum(axis=1, dtype=np.float64), 1.0)
        return curve

    def beat_curve(self) -> FloatArray:
        """Return how much speaks for a beat at each frame of the envelope, shape (n,)."""
        n = len(self.envelope)
        onsets = self.envelope.sum(axis=1, dtype=np.float64) + BASS_WEIGHT * self.envelope[:, 0]
        likely = np.interp(
            np.arange(n) / FRAME_RATE,
            np.arange(len(self.likelihoods)) / beat_network.FRAME_RATE,
            self.likelihoods[:, 0],
        )
        curve: FloatArray = _scaled(likely) + ONSET_WEIGHT * _scaled(onsets)
        return curve

    def downbeat_odds(self, times: FloatArray) -> FloatArray:
        """Return the logarithm of the odds that a bar begins at each of some times, the best within 25 ms."""
        likely = self._likelihoods_at(times)[:, 1]
        odds: FloatArray = np.log((likely + 0.01) / (1.01 - likely))
        return odds

    def presence(self, beats: FloatArray) -> float:
        """Say how much beats stand out that are placed at some times, from 0 (as in noise or speech) to 1."""
        likely = float(self._likelihoods_at(beats)[:, 0].mean()) if len(beats) else 0.0
        return float(np.clip((likely - NO_BEATS) / (BEATS - NO_BEATS), 0.0, 1.0))

    def _likelihoods_at(self, times: FloatArray) -> FloatArray:
        at = np.round(times * beat_network.FRAME_RATE).astype(int)
        around = np.clip(at[:, None] + (-1, 0, 1), 0, len(self.likelihoods) - 1)
        best: FloatArray = self.likelihoods[around].max(axis=1).astype(np.float64)
        return best


def cues(bands: FloatArray, duration: float) -> Cues:
    """Listen for beats in bands, shape (n_frames, N_BANDS), of a recording of `duration` seconds."""
    likelihoods = beat_network.activations(bands, duration, beat_network.network())
    envelope, scale = onset_envelope(bands)
    return Cues(envelope, likelihoods, is_one_event(bands, envelope, scale))


def _scaled(curve: FloatArray) -> FloatArray:
    spread = float(curve.std()) if len(curve) else 0.0
    return curve / spread if spread > 0 else curve
