"""When notes of a score begin."""

import numpy as np
import pretty_midi
import pytest

from engines.analyze.training.render import apart, onsets


def test_notes_that_are_struck_together_are_one_onset() -> None:
    assert apart([1.0, 0.5, 1.02, 1.5, 0.5]) == pytest.approx([0.5, 1.0, 1.5])
    assert len(apart([])) == 0


def test_onsets_are_those_of_all_parts() -> None:
    midi = pretty_midi.PrettyMIDI()
    for start, drums in ((0.0, False), (0.25, True), (1.0, False)):
        part = pretty_midi.Instrument(0, is_drum=drums)
        part.notes.append(pretty_midi.Note(90, 60, start, start + 0.1))
        midi.instruments.append(part)
    assert onsets(midi) == pytest.approx(np.array([0.0, 0.25, 1.0]))
