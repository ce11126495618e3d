"""What speaks for a tempo."""

import numpy as np
import pytest

from engines.analyze import pulse_features as features
from engines.analyze.bands import FRAME_RATE
from engines.analyze.correlation import correlate
from engines.analyze.harmonic_rhythm import N_HARMONIC
from engines.analyze.pitches import N_BINS, Pitches
from engines.analyze.rhythm_cues import Cues
from tests import signals

NO_PITCHES = Pitches(np.zeros((0, N_BINS), np.float32), 0.0, 0.0)
ROUND_S = 5.0  # eight beats at 96 BPM


def phrases(seconds: float = 40.0) -> signals.FloatArray:
    """Repeat nine onsets at any of the half beats of a phrase of two bars."""
    curve = np.zeros(round(seconds * FRAME_RATE))
    phrase = np.random.default_rng(0).choice(np.arange(0, ROUND_S, 60 / 96 / 2), 9, replace=False)
    for start in np.arange(0.02, seconds - 6, ROUND_S):
        curve[np.round((start + phrase) * FRAME_RATE).astype(int)] = 20
    return np.repeat(curve[:, None], 4, axis=1)


def described(tempi: signals.FloatArray, seconds: float = 40.0) -> signals.FloatArray:
    heard = Cues(phrases(seconds), np.zeros((round(seconds * FRAME_RATE / 2), 2)))
    again = features.hear_repeats(heard, around=seconds < features.LOOP_S)
    return features.describe(tempi, again, heard, NO_PITCHES, seconds)


@pytest.mark.parametrize("seconds", [6.5, 12.0, 40.0])
def test_each_tempo_is_described_in_full(seconds: float) -> None:
    found = described(np.array([48.0, 96.0, 192.0]), seconds)
    assert found.shape == (3, features.N_FEATURES)
    assert np.isfinite(found).all()


def test_a_phrase_that_comes_again_speaks_for_the_tempi_that_fit_it() -> None:
    again = described(96 * np.array([1.0, 0.8, 0.9, 1.1, 1.25]))[
        :, features.PHRASE_COLUMN + features.PHRASES.index(8)
    ]
    assert again[0] > 0.8
    assert again[1:].max() < 0.6


def test_the_shortest_round_is_found() -> None:
    own = correlate(
        Cues(phrases(), np.zeros((0, 2))).onset_curve, int(FRAME_RATE * features.LONGEST_PHRASE_S)
    )
    found = features.shortest_round(own)
    assert found is not None
    assert found[0] == pytest.approx(ROUND_S, rel=0.005)
    assert found[1] > 0.85


def test_a_round_speaks_for_the_tempi_at_which_it_is_two_four_or_eight_beats() -> None:
    in_two, in_three, in_four = range(
        features.N_FEATURES - N_HARMONIC - features.N_ROUND, features.N_FEATURES - N_HARMONIC - 2
    )
    plain, third, between = described(np.array([96.0, 144.0, 104.0]))
    assert plain[in_two] > 0.8
    assert plain[in_four] > 0.8
    assert third[in_three] > 0.8
    assert third[in_two] < 0.1
    assert between[[in_two, in_three, in_four]].max() < 0.1


def test_what_never_comes_again_has_no_round() -> None:
    assert features.shortest_round(np.linspace(1, -1, 1000)) is None
    assert features.shortest_round(np.zeros(10)) is None


def test_harmony_speaks_for_tempi_but_not_in_a_loop() -> None:
    noise = np.random.default_rng(0).random((430, N_BINS)).astype(np.float32)
    for seconds, speaks in ((features.LOOP_S - 1, False), (features.LOOP_S + 1, True)):
        heard = Cues(phrases(seconds), np.zeros((round(seconds * FRAME_RATE / 2), 2)))
        again = features.hear_repeats(heard, around=seconds < features.LOOP_S)
        found = features.describe(np.array([96.0]), again, heard, Pitches(noise, 0.0, 1.0), seconds)
        assert found[:, -N_HARMONIC:].any() == speaks
