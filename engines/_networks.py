"""What the small networks of several engines share: reading weights, convolution over time, the sigmoid."""

import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from engines._audio import FloatArray
from engines._errors import NotInstalledError


class _Network(Protocol):
    def forward(self, x: FloatArray) -> FloatArray: ...


Made = TypeVar("Made")
Tried = TypeVar("Tried", bound=_Network)


def read_weights(path: Path, make: Callable[..., Made]) -> Made:
    """Read the weights of a network, a `.npz` in the folder `weights` of its engine.

    Parameters
    ----------
    path
        Where they are.
    make
        Takes the arrays by their names, in single precision; a `ValueError` or `TypeError` of it says that
        they do not fit.

    Raises
    ------
    NotInstalledError
        If they are missing or damaged.
    """
    try:
        with path.open("rb") as file, np.load(file) as stored:
            return make(**{name: stored[name].astype(np.float32) for name in stored.files})
    except (OSError, EOFError, ValueError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        engine = path.parent.parent.name
        raise NotInstalledError(
            f"model: {path.name} of {engine} is missing or damaged; reinstall the program"
        ) from error


def write_weights(path: Path, network: object) -> None:
    """Write a network's arrays as `read_weights` reads them, in half precision: answers stay within 0.01."""
    np.savez_compressed(path, **{name: value.astype(np.float16) for name, value in vars(network).items()})


def read_network(path: Path, make: Callable[..., Tried], n_inputs: int) -> Tried:
    """Read a network as `read_weights` does; a frame of `n_inputs` zeros shows whether its layers fit."""

    def tried(**weights: FloatArray) -> Tried:
        network = make(**weights)
        network.forward(np.zeros((1, n_inputs), np.float32))
        return network

    return read_weights(path, tried)


def dilated(x: FloatArray, kernel: FloatArray, dilation: int) -> FloatArray:
    """Convolve (n, in) with a kernel of three frames, (3, in, out), `dilation` apart, zeros around."""
    n = len(x)
    wide = np.pad(x, ((dilation, dilation), (0, 0)))
    result: FloatArray = sum(wide[i * dilation : i * dilation + n] @ kernel[i] for i in range(3))
    return result


def sigmoid(x: FloatArray) -> FloatArray:
    """Turn logits into likelihoods; beyond 30 they are as good as sure."""
    result: FloatArray = 1 / (1 + np.exp(-np.clip(x, -30, 30)))
    return result
