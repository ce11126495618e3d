"""Tempo and beats together, from the bands of a recording."""

from dataclasses import dataclass

import numpy as np

from engines._audio import FloatArray
from engines.analyze import bars, beat_tracking, onset_strength, pulse
from engines.analyze.pitches import Pitches

N_ALTERNATIVES = 4
BASS_WEIGHT = 0.8  # beats sit on bass notes and bass drums more than on the rest


@dataclass(frozen=True)
class Rhythm:
    """Tempo in BPM (0: none), its confidence, other tempi as (BPM, weight), beats and bars, times in seconds.

    `loop_beats` is how many beats long a recording is that is cut as a loop, 0 for others.
    """

    tempo: float
    confidence: float
    alternatives: list[tuple[float, float]]
    beats: FloatArray
    bars: bars.Bars
    loop_beats: int

    @property
    def downbeats(self) -> FloatArray:
        """Times of the first beats of bars, in seconds."""
        return self.bars.downbeats(self.beats)


NO_RHYTHM = Rhythm(0.0, 0.0, [], np.zeros(0), bars.Bars(0, 0.0, 0), 0)


def find_rhythm(envelope: FloatArray, pitches: Pitches, duration: float) -> Rhythm:
    """Find tempo, beats and bars; silence has tempo 0 and no beats.

    `envelope` is an onset envelope, shape (n_frames, 4); changes of harmony in `pitches` help to find bars.
    """
    found = pulse.find_pulses(envelope, duration)
    if len(found.tempi) == 0:
        return NO_RHYTHM
    weights = pulse.ranker().weigh(found.features)
    order = np.argsort(-weights)
    curve = pulse.smooth(envelope)
    bpm = pulse.refine(curve, float(found.tempi[order[0]]))
    placed = beat_tracking.track(envelope.sum(axis=1) + BASS_WEIGHT * envelope[:, 0], bpm)
    placed = np.maximum(0.0, placed - onset_strength.LATENCY_S)
    exact = pulse.loop_tempo(bpm, duration)
    if exact:
        bpm, placed = exact, beat_tracking.even_grid(placed, exact, duration)
    else:
        straight, steady_bpm, _ = beat_tracking.steady_grid(placed, bpm, duration)
        if abs(steady_bpm / bpm - 1) < 0.02:
            placed, bpm = straight, steady_bpm
    others = [(float(found.tempi[i]), float(weights[i])) for i in order[1 : 1 + N_ALTERNATIVES]]
    confidence = float(weights[order[0]]) * found.clarity(order[0])
    return Rhythm(
        tempo=float(bpm),
        confidence=confidence,
        alternatives=others,
        beats=placed,
        bars=bars.find_bars(envelope, pitches, placed),
        loop_beats=round(duration * bpm / 60) if exact else 0,
    )
