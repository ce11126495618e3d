"""What speaks for beats, put together."""

import numpy as np
import pytest

from engines.analyze import beat_network
from engines.analyze.bands import FRAME_RATE, N_BANDS
from engines.analyze.rhythm_cues import Cues, cues


def test_the_curve_is_high_where_onsets_and_network_agree() -> None:
    envelope, likelihoods = np.zeros((1000, 4)), np.zeros((500, 2))
    envelope[[100, 200, 300]] = 5
    likelihoods[[50, 150], 0] = 0.9
    curve = Cues(envelope, likelihoods).beat_curve()
    assert curve.shape == (1000,)
    assert curve[100] > curve[200] > curve[250]
    assert curve[300] > curve[200]


def test_without_onsets_and_beats_the_curve_is_flat() -> None:
    assert not Cues(np.zeros((10, 4)), np.zeros((5, 2))).beat_curve().any()


def test_odds_are_those_of_the_best_moment_near() -> None:
    likelihoods = np.zeros((500, 2))
    likelihoods[100, 1] = 0.9
    at = 100 / beat_network.FRAME_RATE
    odds = Cues(np.zeros((1000, 4)), likelihoods).downbeat_odds(
        np.array([0.0, at, at + 0.02, at + 0.2, 99.0])
    )
    assert odds[1] == odds[2] > 2
    assert odds[0] == odds[3] == odds[4] == pytest.approx(np.log(0.01 / 1.01))


def test_beats_are_present_where_they_are_likely() -> None:
    likelihoods = np.zeros((500, 2))
    likelihoods[100:400:50, 0] = 0.8
    heard = Cues(np.zeros((1000, 4)), likelihoods)
    beats = np.arange(100, 400, 50) / beat_network.FRAME_RATE
    assert heard.presence(beats) == 1
    assert heard.presence(beats + 0.2) == 0
    assert heard.presence(np.zeros(0)) == 0
    # 6 of 15 at 0.8: a mean of 0.32.
    assert heard.presence(np.concatenate([beats, beats + 0.2, beats[:3] + 0.2])) == pytest.approx(0.7)


def test_silence_says_nothing() -> None:
    said = cues(np.zeros((860, N_BANDS), np.float32), 860 / FRAME_RATE)
    assert not said.envelope.any()
    assert not said.likelihoods.any()
