"""What the network that weighs strokes is shown is what was struck."""

import numpy as np

from engines.transcribe import drum_model
from engines.transcribe.drum_spectrum import N_BANDS
from engines.transcribe.stroke_roles import N_FEATURES, N_SOUND
from engines.transcribe.training.recordings import Item, hear
from engines.transcribe.training.role_examples import BATCH, RoleExample, batches, example, scaling, struck
from tests import signals


def test_a_stroke_is_told_of_the_nearest_frame_and_of_none_that_is_far() -> None:
    item = Item(np.zeros((400, N_BANDS)), np.array([[1.01, 0, 90.0], [1.02, 2, 80.0], [3.0, 1, 90.0]]))
    said = struck(item, np.array([97, 102, 200]))
    assert said.tolist() == [[0, 0, 0, 0, 0], [1, 0, 1, 0, 0], [0, 0, 0, 0, 0]]


def test_a_recording_is_described_stroke_by_stroke() -> None:
    y = signals.drum_loop(110, 4)
    kicks = np.arange(0, 16, 2) * 60 / 110
    item = Item(hear(y), np.array([[t, 0, 100.0] for t in kicks]))
    one = example(drum_model.network(), item)
    n = len(one.features)
    assert n >= 16
    assert (one.features.shape, one.sounds.shape) == ((n, N_FEATURES), (n, N_SOUND))
    assert one.struck[:, 0].sum() == len(kicks)
    assert one.struck[:, 1:].sum() == 0


def test_nothing_heard_is_no_stroke() -> None:
    one = example(drum_model.network(), Item(np.full((300, N_BANDS), -8, np.float16), np.zeros((0, 3))))
    assert len(one.features) == len(one.sounds) == len(one.struck) == 0


def test_batches_are_filled_up_and_say_what_is_real() -> None:
    rng = np.random.default_rng(0)
    made = [
        RoleExample(np.full((n, N_FEATURES), n), np.zeros((n, N_SOUND)), np.ones((n, 5)))
        for n in range(1, BATCH + 1)
    ]
    ((features, sounds, real, hit),) = batches(made, rng)
    assert features.shape == (BATCH, BATCH, N_FEATURES)
    assert sounds.shape == (BATCH, BATCH, N_SOUND)
    assert sorted(real.sum(axis=1)) == list(range(1, BATCH + 1))
    assert np.array_equal(hit[:, :, 0], real)
    assert np.array_equal(features[:, 0, 0], real.sum(axis=1))
    mean, scale = scaling(made)
    assert mean.shape == scale.shape == (N_FEATURES,)
