"""What a training starts from and ends with is the same network."""

from pathlib import Path

import numpy as np

from engines.transcribe import drum_model


def test_weights_that_were_written_are_read_as_they_were(tmp_path: Path) -> None:
    net = drum_model.network()
    np.savez_compressed(tmp_path / "drums.npz", **vars(net))
    again = drum_model.read(tmp_path / "drums.npz")
    for name, values in vars(net).items():
        assert np.array_equal(values, getattr(again, name))
