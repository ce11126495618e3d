"""How likely a beat, and a bar, begins at each moment: a network of the bands, 43 times a second.

It hears 12 s to each side, in which a bar comes again some times. `weights/beats.md` says what it was trained
on; `training/train_beats.py` makes it.
"""

from functools import cache
from typing import Final

import numpy as np

from engines._audio import FloatArray
from engines._networks import read_network
from engines.analyze import band_network
from engines.analyze import bands as band
from engines.analyze.band_network import BandNetwork, View
from engines.analyze.onset_strength import mean_level, rises
from engines.analyze.ranking import WEIGHTS

MODEL = WEIGHTS / "beats.npz"
VIEW: Final = View(pace=2, changes=rises)
FRAME_RATE: Final = band.FRAME_RATE / VIEW.pace  # answers a second
SHORTEST_S: Final = 24.0  # shorter recordings are heard going round, as loops are


def going_round(bands: FloatArray, duration: float) -> FloatArray:
    """Repeat a recording of `duration` seconds until it is `SHORTEST_S` long, as one that goes round."""
    n = round(SHORTEST_S * band.FRAME_RATE)
    period = duration * band.FRAME_RATE
    at = np.round(np.mod(np.arange(n), period)).astype(int)
    result: FloatArray = bands[np.minimum(at, len(bands) - 1)]
    return result


def activations(bands: FloatArray, duration: float, net: BandNetwork) -> FloatArray:
    """Run the network over a recording; shape (n, 2), `FRAME_RATE` a second: beats and downbeats, 0 to 1."""
    level = mean_level(bands)
    if level <= 0 or duration <= 0:
        return np.zeros((len(bands) // VIEW.pace, 2), np.float32)
    heard = going_round(bands, duration) if duration < SHORTEST_S else bands
    return band_network.activations(heard, level, net, VIEW)


@cache
def network() -> BandNetwork:
    """Read the weights that ship with the engine.

    Raises
    ------
    NotInstalledError
        If they are missing or damaged.
    """
    return read_network(MODEL, BandNetwork, VIEW.n_inputs)
