"""Chords that change, and come again, speak for tempi."""

from pathlib import Path

import numpy as np
import pytest

from engines.analyze.harmonic_rhythm import AGAIN_BEATS, CHANGE_BEATS, N_HARMONIC, describe
from engines.analyze.listening import TONAL, listen
from engines.analyze.pitches import N_BINS, Pitches
from tests import signals

BEAT_S, SLOWEST = 0.5, 38.0
TEMPI = 60 / BEAT_S * np.array([1.0, 0.8, 1.25])


@pytest.fixture(scope="module")
def hymn(tmp_path_factory: pytest.TempPathFactory) -> Pitches:
    """Play a chord a beat, eight of which come again and again."""
    path = Path(tmp_path_factory.mktemp("hymn")) / "hymn.wav"
    chords = ("C:maj", "F:maj", "D:min", "G:maj", "E:min", "A:min", "F:maj", "G:maj")
    played = np.concatenate([signals.chord(label, BEAT_S) for label in chords * 6])
    return listen(signals.write(path, played), {TONAL}).pitches


def test_chords_a_beat_long_speak_for_that_beat(hymn: Pitches) -> None:
    found = describe(TEMPI, hymn, SLOWEST)
    assert found.shape == (len(TEMPI), N_HARMONIC)
    for beats in (1.0, 2.0, 4.0):
        changes = found[:, CHANGE_BEATS.index(beats)]
        assert changes[0] > changes[1:].max() + 0.1


def test_chords_that_come_again_speak_for_the_phrase(hymn: Pitches) -> None:
    again = describe(TEMPI, hymn, SLOWEST)[0, len(CHANGE_BEATS) :][: len(AGAIN_BEATS)]
    assert AGAIN_BEATS[int(np.argmax(again))] in (8.0, 16.0)
    assert again[AGAIN_BEATS.index(8.0)] > 0.8


@pytest.mark.parametrize("n_frames", [0, 1, 5, 11, 12, 300])
def test_silence_has_no_harmony(n_frames: int) -> None:
    silence = Pitches(np.zeros((n_frames, N_BINS), np.float32), 0.0, 0.0)
    assert np.array_equal(describe(TEMPI, silence, SLOWEST), np.zeros((3, N_HARMONIC)))
