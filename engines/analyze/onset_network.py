"""When notes and strokes begin: the peaks of a network of the bands, 86 times a second.

It hears 0.7 s to each side: how a sound goes on tells whether it has begun. `weights/onsets.md` says what it
was trained on; `training/train_onsets.py` makes it.
"""

from functools import cache
from typing import Final

import numpy as np

from engines._audio import FloatArray
from engines._networks import read_network
from engines.analyze import band_network
from engines.analyze.band_network import BandNetwork, View
from engines.analyze.bands import FRAME_RATE
from engines.analyze.onset_strength import LEAD_S, differences, highest, mean_level
from engines.analyze.ranking import WEIGHTS

MODEL = WEIGHTS / "onsets.npz"
VIEW: Final = View(pace=1, changes=differences)  # what falls tells of the next note as well as what rises
LIKELY = 0.32  # an onset; the card says how it was chosen
REACH_FRAMES: Final = 2  # 23 ms to each side; what is closer begins together
CUT_FRAMES: Final = 2  # the last ones look beyond the end, and a cut there is no onset


def activations(bands: FloatArray, net: BandNetwork) -> FloatArray:
    """Return how likely a note or stroke begins at each frame of bands but the last two, from 0 to 1."""
    level = mean_level(bands)
    whole = bands[: max(0, len(bands) - CUT_FRAMES)]
    if level <= 0:
        return np.zeros(len(whole), np.float32)
    return band_network.activations(whole, level, net, VIEW)[:, 0]


def onset_times(activation: FloatArray, likely: float = LIKELY) -> FloatArray:
    """Return where what `activations` says is highest and at least `likely`, in seconds, increasing."""
    frames = highest(activation, REACH_FRAMES)
    return frames[activation[frames] >= likely] / FRAME_RATE + LEAD_S


def find_onsets(bands: FloatArray) -> FloatArray:
    """Return when notes and strokes begin in bands, shape (n_frames, N_BANDS): seconds, increasing."""
    return onset_times(activations(bands, network()))


@cache
def network() -> BandNetwork:
    """Read the weights that ship with the engine.

    Raises
    ------
    NotInstalledError
        If they are missing or damaged.
    """
    return read_network(MODEL, BandNetwork, VIEW.n_inputs)
