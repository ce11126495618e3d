"""Candidates, their description and the fine measurement of a tempo."""

import numpy as np
import pytest

from engines.analyze import pulse
from engines.analyze.bands import FRAME_RATE
from engines.analyze.pitches import N_BINS, Pitches
from engines.analyze.pulse_features import COMB_COLUMN, N_FEATURES
from engines.analyze.rhythm_cues import Cues
from tests import signals

NO_PITCHES = Pitches(np.zeros((0, N_BINS), np.float32), 0.0, 0.0)


def onsets_only(envelope: signals.FloatArray) -> Cues:
    """Say nothing of beats beside the onsets."""
    return Cues(envelope, np.zeros((len(envelope) // 2, 2)))


def pulses(envelope: signals.FloatArray, seconds: float) -> pulse.Pulses:
    """Find the pulses of onsets alone."""
    return pulse.find_pulses(onsets_only(envelope), NO_PITCHES, seconds)


def spikes(bpm: float, seconds: float) -> signals.FloatArray:
    """Make an onset envelope with an onset on every beat, in all four registers."""
    curve = np.zeros(round(seconds * FRAME_RATE))
    curve[np.round(signals.beat_times(bpm, seconds - 0.05, 0.02) * FRAME_RATE).astype(int)] = 20
    return np.repeat(curve[:, None], 4, axis=1)


@pytest.mark.parametrize("bpm", [48, 70, 96.4, 120, 155.5, 200])
def test_the_truth_is_among_the_candidates(bpm: float) -> None:
    found = pulses(spikes(bpm, 30), 30.0)
    assert np.abs(found.tempi / bpm - 1).min() < 0.01
    assert found.features.shape == (len(found.tempi), N_FEATURES)
    assert np.isfinite(found.features).all()


@pytest.mark.parametrize("bpm", [60, 97.3, 120.05, 171.7])
def test_a_tempo_is_refined_to_a_thousandth(bpm: float) -> None:
    curve = onsets_only(spikes(bpm, 40)).onset_curve
    assert pulse.refine(curve, bpm * 1.01) == pytest.approx(bpm, rel=1e-3)


@pytest.mark.parametrize(("n_beats", "bpm"), [(4, 97.0), (8, 140.0), (16, 171.3)])
def test_a_loops_tempo_comes_from_its_length(n_beats: int, bpm: float) -> None:
    assert pulse.loop_tempo(bpm * 1.005, n_beats * 60 / bpm) == pytest.approx(bpm)


@pytest.mark.parametrize("duration", [5.3, 30.0, 0.1])
def test_what_is_no_whole_number_of_beats_is_no_loop(duration: float) -> None:
    assert pulse.loop_tempo(120.0, duration) is None


def test_weights_are_probabilities() -> None:
    found = pulses(spikes(120, 20), 20.0)
    weights = pulse.ranker().weigh(found.features)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()


def test_no_onsets_have_no_candidates() -> None:
    found = pulses(np.zeros((2000, 4)), 20.0)
    assert len(found.tempi) == 0
    assert len(pulse.ranker().weigh(found.features)) == 0


def test_clarity_tells_a_pulse_from_noise() -> None:
    clear = pulses(spikes(120, 20), 20.0)
    hiss = np.abs(np.random.default_rng(0).standard_normal((1700, 4))) * 3
    noise = pulses(hiss, 20.0)
    assert clear.clarity(int(np.argmax(clear.features[:, COMB_COLUMN]))) == 1.0
    assert max(noise.clarity(i) for i in range(len(noise.tempi))) < 0.2


def test_one_tempo_that_was_measured_twice_is_one() -> None:
    tempi = np.array([60.0, 119.0, 120.0, 121.0, 180.0])
    joined = pulse.distinct(tempi, np.array([0.3, 0.2, 0.25, 0.15, 0.1]))
    assert [i for i, _ in joined] == [2, 0, 4]
    assert [weight for _, weight in joined] == pytest.approx([0.6, 0.3, 0.1])


@pytest.mark.parametrize(
    ("tempo", "exact"), [(59.9, 60.0), (240.3, 240.0), (481, 480.0), (89.8, 90.0), (100, 100)]
)
def test_multiples_are_as_exact_as_the_tempo(tempo: float, exact: float) -> None:
    assert pulse.related(tempo, 120.0) == pytest.approx(exact)
