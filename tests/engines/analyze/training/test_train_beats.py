"""What the beat network learns from: pieces, and short ones going round."""

import numpy as np
import pytest

from engines.analyze.bands import FRAME_RATE, N_BANDS
from engines.analyze.beat_network import SHORTEST_S
from engines.analyze.training import train_beats
from tests.engines.analyze.training.conftest import Stored


def test_a_short_piece_goes_round_with_its_beats(stored: Stored) -> None:
    bands = np.ones((round(4 * FRAME_RATE), N_BANDS), np.float16)
    beats = np.arange(0, 3.95, 0.5)
    item = train_beats.read(stored(bands=bands, duration=4.0, beats=beats, downbeats=beats[::4]))
    assert item.duration == SHORTEST_S
    beats, downbeats = item.events
    assert beats[:16] == pytest.approx(np.arange(16) / 2)
    assert downbeats[:4] == pytest.approx([0, 2, 4, 6])
