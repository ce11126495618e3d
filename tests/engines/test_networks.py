"""Weights that are missing, cut short or of something else."""

from pathlib import Path

import numpy as np
import pytest

from engines._errors import NotInstalledError
from engines._networks import dilated, read_weights
from tests.signals import FloatArray


def halves(**arrays: FloatArray) -> FloatArray:
    """Take one array of an even length."""
    (array,) = arrays.values()
    if len(array) % 2:
        raise ValueError
    return array


def written(folder: Path, n: int = 400) -> Path:
    path = folder / "listen" / "weights" / "ears.npz"
    path.parent.mkdir(parents=True)
    np.savez_compressed(path, w=np.random.default_rng(0).random(n).astype(np.float16))
    return path


def test_weights_are_read_in_single_precision(tmp_path: Path) -> None:
    read = read_weights(written(tmp_path), halves)
    assert read.dtype == np.float32
    assert read.shape == (400,)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_weights_cut_short_say_what_to_do(tmp_path: Path, share: float) -> None:
    path = written(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(NotInstalledError, match=r"ears.npz of listen is missing or damaged; reinstall"):
        read_weights(path, halves)


def test_weights_with_a_wrong_byte_are_damaged(tmp_path: Path) -> None:
    path = written(tmp_path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(NotInstalledError, match="damaged"):
        read_weights(path, halves)


def test_weights_that_do_not_fit_are_damaged(tmp_path: Path) -> None:
    with pytest.raises(NotInstalledError, match="damaged"):
        read_weights(written(tmp_path, 401), halves)


def test_missing_weights_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotInstalledError, match="reinstall the program"):
        read_weights(tmp_path / "analyze" / "weights" / "none.npz", halves)


@pytest.mark.parametrize("dilation", [1, 4, 30])
def test_a_convolution_sees_frames_that_far_apart(dilation: int) -> None:
    x = np.zeros((20, 2), np.float32)
    x[10] = (1, 2)
    kernel = np.random.default_rng(0).random((3, 2, 5)).astype(np.float32)
    said = dilated(x, kernel, dilation)
    for frame in range(20):
        tap = {10 - dilation: 2, 10: 1, 10 + dilation: 0}.get(frame)
        expected = x[10] @ kernel[tap] if tap is not None else np.zeros(5)
        assert np.allclose(said[frame], expected)
