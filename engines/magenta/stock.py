"""Loading TensorFlow and Magenta: what must be set before, and what they say meanwhile."""

import os
import sys
import types
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from engines._errors import NotInstalledError


@contextmanager
def quiet() -> Iterator[None]:
    """Load and use them within this: they keep their warnings of age to themselves.

    Raises
    ------
    NotInstalledError
        If one of them is not installed.
    """
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # magenta's companions are from 2022 and say so
        try:
            import tensorflow.compat.v1 as tf  # noqa: PLC0415

            tf.logging.set_verbosity(tf.logging.ERROR)
            yield
        except ImportError as error:
            raise NotInstalledError(f"magenta: {error}; install it as the README says") from error


def without_data_sets() -> None:
    """Let `magenta.models.music_vae` be imported without tensorflow_datasets.

    It imports that, but only its training reads data sets with it (magenta 2.1.4, music_vae/data.py).
    """
    name = "tensorflow_datasets"
    sys.modules.setdefault(name, types.ModuleType(name))
