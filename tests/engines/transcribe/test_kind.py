"""What a recording is told to be, from what was heard in it."""

import numpy as np

from engines.transcribe.drum_model import Strokes
from engines.transcribe.hearing import Heard, HeardNote
from engines.transcribe.kind import tell

NONE = Strokes(np.zeros(0), np.zeros(0), np.zeros(0))
BEAT = Strokes(np.arange(0, 10, 0.5), np.full(20, 0.7), np.full(20, 0.9))
CHORD = [HeardNote(0.0, 9.0, pitch, 0.5, 1.0, None) for pitch in (60, 64, 67)]
THUD = [HeardNote(t, t + 0.1, 33, 0.4, 1.0, None) for t in range(10)]


def test_strokes_without_long_notes_are_drums() -> None:
    assert tell(Heard(THUD, [BEAT, BEAT, BEAT, NONE, NONE], 10.0)) == "drums"


def test_toms_alone_are_drums() -> None:
    assert tell(Heard([], [NONE, NONE, NONE, BEAT, NONE], 10.0)) == "drums"


def test_long_notes_without_strokes_are_pitched() -> None:
    assert tell(Heard(CHORD, [NONE] * 5, 10.0)) == "pitched"


def test_both_are_mixed() -> None:
    assert tell(Heard(CHORD, [BEAT, BEAT, BEAT, NONE, NONE], 10.0)) == "mixed"


def test_nothing_is_pitched() -> None:
    assert tell(Heard([], [NONE] * 5, 10.0)) == "pitched"
    assert tell(Heard([], [NONE] * 5, 0.0)) == "pitched"
