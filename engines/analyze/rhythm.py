"""Tempo, beats and bars together, from what speaks for them."""

from dataclasses import dataclass, replace

import numpy as np

from engines._audio import FloatArray
from engines.analyze import bars, beat_tracking, onset_strength, pulse
from engines.analyze.harmony import NO_HARMONY, Harmony, hear_harmony
from engines.analyze.pitches import Pitches
from engines.analyze.results import GUESS
from engines.analyze.rhythm_cues import Cues

N_ALTERNATIVES = 4
FEWEST_TO_FOLLOW = 16  # beats
CURVE_STEP = 4  # beats between the points of a tempo curve


@dataclass(frozen=True)
class Rhythm:
    """Tempo in BPM (0: none), its confidence, other tempi as (BPM, weight), beats in seconds, and bars.

    `tempo_curve` has rows of (seconds, BPM) where the tempo drifts, none where it is steady; `loop_beats` is
    how many beats long a recording is that is cut as a loop, 0 for others; `harmony` is what sounds between
    the beats.
    """

    tempo: float
    confidence: float
    alternatives: list[tuple[float, float]]
    beats: FloatArray
    bars: bars.Bars
    loop_beats: int
    tempo_curve: FloatArray
    harmony: Harmony

    @property
    def downbeats(self) -> FloatArray:
        """Times of the first beats of bars, in seconds."""
        return self.bars.downbeats(self.beats)


NO_RHYTHM = Rhythm(0.0, 0.0, [], np.zeros(0), bars.Bars(0, 0.0, 0), 0, np.zeros((0, 2)), NO_HARMONY)


def find_rhythm(heard: Cues, pitches: Pitches, duration: float) -> Rhythm:
    """Find tempo, beats and bars; silence has tempo 0 and no beats.

    Changes of harmony in `pitches` help to find tempo and bars.
    """
    found = pulse.find_pulses(heard, pitches, duration)
    if len(found.tempi) == 0:
        return replace(NO_RHYTHM, harmony=hear_harmony(pitches, NO_RHYTHM.beats, duration))
    weights = pulse.ranker().weigh(found.features)
    # No tempo is likelier than that anything repeats, in noise as little as in silence.
    (best, share), *others = pulse.distinct(found.tempi, weights)
    clarity = found.clarity(best)
    confidence = clarity * share
    bpm = pulse.refine(heard.onset_curve, float(found.tempi[best]))
    placed = beat_tracking.track(heard.beat_curve(), bpm)
    placed = np.maximum(0.0, placed + onset_strength.LEAD_S)
    exact = pulse.loop_tempo(bpm, duration) if confidence >= GUESS else None
    loop = beat_tracking.loop_grid(heard.envelope.sum(axis=1), placed, exact, duration) if exact else None
    curve: FloatArray = np.zeros((0, 2))
    if exact and loop is not None:
        bpm, placed = exact, loop
    else:
        straight, steady_bpm, deviation = beat_tracking.steady_grid(placed, bpm, duration)
        if deviation < beat_tracking.STEADY_S and abs(steady_bpm / bpm - 1) < 0.02:
            placed, bpm = straight, steady_bpm
        else:
            curve = _curve(placed)
    harmony = hear_harmony(pitches, placed, duration)
    measured = bars.find_bars(heard, pitches, harmony, placed, loop=loop is not None)
    # Bars are of beats that are there: a tempo that drifts has them though nothing repeats evenly.
    measured = measured.given(max(confidence, heard.presence(placed)))
    return Rhythm(
        tempo=float(bpm),
        confidence=confidence,
        alternatives=[
            (pulse.related(float(found.tempi[i]), bpm), clarity * weight)
            for i, weight in others[:N_ALTERNATIVES]
        ],
        beats=placed,
        bars=measured,
        loop_beats=0 if loop is None else len(loop),
        tempo_curve=curve,
        harmony=harmony,
    )


def _curve(beats: FloatArray) -> FloatArray:
    """Follow the tempo of beats: every fourth of its local values, shape (n, 2)."""
    if len(beats) < FEWEST_TO_FOLLOW:
        return np.zeros((0, 2))
    return np.column_stack(beat_tracking.local_tempo(beats))[::CURVE_STEP]
