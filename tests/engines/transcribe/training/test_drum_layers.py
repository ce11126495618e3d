"""The network that is trained is the one that the engine runs."""

from pathlib import Path

import numpy as np
import pytest

from engines.transcribe import drum_model
from engines.transcribe.drum_spectrum import N_BANDS
from engines.transcribe.training.drum_layers import build, weights_of, with_weights


@pytest.mark.slow
def test_keras_plays_the_weights_as_the_engine_does_and_gives_them_back() -> None:
    import tensorflow as tf

    net = drum_model.network()
    model = with_weights(build(tf), net)
    x = np.random.default_rng(0).uniform(0, 4, (2 * drum_model.CONTEXT, N_BANDS)).astype(np.float32)
    said = model.predict(x[None, :, :, None], verbose=0)[0]
    middle = drum_model.CONTEXT  # the one frame whose surroundings are the whole excerpt in both
    assert np.allclose(said[middle], net.forward(x)[middle], atol=1e-3)
    again = weights_of(model)
    for name, values in vars(net).items():
        assert name == "thresholds" or np.array_equal(values, getattr(again, name))


def test_weights_that_were_written_are_read_as_they_were(tmp_path: Path) -> None:
    net = drum_model.network()
    np.savez_compressed(tmp_path / "drums.npz", **vars(net))
    again = drum_model.read(tmp_path / "drums.npz")
    for name, values in vars(net).items():
        assert np.array_equal(values, getattr(again, name))
