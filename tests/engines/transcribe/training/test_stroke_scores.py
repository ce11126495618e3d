"""Strokes are counted once, and those of all recordings together."""

import numpy as np

from engines.transcribe import drum_model
from engines.transcribe.drum_spectrum import N_BANDS
from engines.transcribe.training.recordings import Item
from engines.transcribe.training.stroke_scores import f_measures, hits


def test_hits_use_each_stroke_once() -> None:
    assert hits(np.array([1.0, 1.02, 3.0]), np.array([1.01, 2.0, 3.04])) == 2


def test_f_measures_count_all_recordings_together_by_class() -> None:
    bands = np.zeros((300, N_BANDS), np.float32)
    made = [
        Item(bands, np.array([[1.0, 0, 100.0], [2.0, 0, 100.0], [2.0, 1, 90.0]])),
        Item(bands, np.zeros((0, 3))),
    ]
    heard = [np.zeros((300, 10), np.float32) for _ in made]
    heard[0][100, 0] = 0.9
    heard[1][50, 0] = heard[1][150, 0] = 0.9
    f = f_measures(made, heard, np.full(len(drum_model.CLASSES), 0.5))
    assert f[0] == 2 * 1 / (2 + 3)
    assert np.all(f[1:] == 0)
