"""Chords heard from beat to beat."""

import numpy as np
import pytest

from engines.analyze import pitches as pitch
from engines.analyze.chord_network import LABELS
from engines.analyze.harmony import beat_edges, hear_harmony
from tests import signals


def test_each_beat_has_its_chord() -> None:
    labels = ["C:maj", "A:min", "F:maj", "G:maj"]
    listener = pitch.PitchListener()
    listener.push(signals.progression(labels, 2.0, sr=pitch.SR))
    heard = hear_harmony(listener.finish(), np.arange(0, 8.0), 8.0)
    assert heard.edges.tolist() == list(range(9))
    assert heard.log_likelihoods.shape == (8, len(LABELS))
    assert [LABELS[i] for i in heard.log_likelihoods[1::2].argmax(axis=1)] == labels
    assert (heard.strength > 0).all()


@pytest.mark.parametrize("duration", [0.01, 1.8, 30.0])
def test_nothing_has_a_harmony_too(duration: float) -> None:
    nothing = pitch.Pitches(np.zeros((0, pitch.N_BINS), np.float32), 0.0, 0.0)
    heard = hear_harmony(nothing, np.zeros(0), duration)
    assert len(heard.log_likelihoods) == len(heard.strength) == len(heard.edges) - 1
    assert not heard.strength.any()
    assert np.exp(heard.log_likelihoods).sum(axis=1) == pytest.approx(1.0)


def test_without_beats_chords_may_change_twice_a_second() -> None:
    assert beat_edges(np.zeros(0), 1.8).tolist() == [0.0, 0.5, 1.0, 1.5, 1.8]
    assert beat_edges(np.array([0.01, 0.5, 1.0, 1.5, 1.99]), 2.0).tolist() == [0.0, 0.5, 1.0, 1.5, 2.0]
