"""What a training sees is what its recordings say."""

import numpy as np

from engines.transcribe.drum_spectrum import N_BANDS
from engines.transcribe.training import drum_examples
from engines.transcribe.training.recordings import Item


def test_music_is_added_where_the_recording_is_softer_and_changes_nothing_far_below_it() -> None:
    x = np.zeros((40, drum_examples.LENGTH, N_BANDS), np.float32)
    x[:, 100] = 4.0
    music = np.full((700, N_BANDS), 2.5, np.float16)
    mixed = drum_examples.with_music(x, [music], np.random.default_rng(0))
    changed = np.any(mixed != x, axis=(1, 2))
    assert 0 < changed.sum() < len(x)
    assert np.all(mixed[changed][:, 0] > 1.0)
    assert np.allclose(mixed[changed][:, 100], 4.0, atol=0.2)


def test_examples_have_the_targets_of_their_strokes() -> None:
    strokes = np.array([[3.0, 1, 100.0]])
    bands = np.zeros((1200, N_BANDS), np.float16)
    bands[300] = 1.0
    made = [Item(bands, strokes)] * drum_examples.BATCH
    ((x, y),) = drum_examples.batches([item.bands for item in made], made, np.random.default_rng(0))
    struck = np.argwhere(x[:, :, 0] == 1.0)
    assert len(struck) > 0
    assert all(y[row, frame, 1] == 1.0 for row, frame in struck)
