"""What the beat network is shown: its answers must lie where its inputs rise."""

from pathlib import Path

import numpy as np
import pytest

from engines.analyze.bands import FRAME_RATE, N_BANDS
from engines.analyze.beat_network import FRAME_RATE as ANSWERS_A_SECOND
from engines.analyze.beat_network import SHORTEST_S
from engines.analyze.onset_strength import LEAD_S
from engines.analyze.training import train_beats
from tests.engines.analyze.training.conftest import Stored


def loud_on_beats(stored: Stored, duration: float, period: float) -> train_beats.Item:
    """Read a piece that gets loud on each beat, every fourth a downbeat."""
    beats = np.arange(0, duration - 0.05, period)
    bands = np.full((round(duration * FRAME_RATE), N_BANDS), 0.1, np.float16)
    for beat in beats:
        at = round((beat - LEAD_S) * FRAME_RATE)
        bands[max(0, at) : at + 4] = 3.0
    return train_beats.read(stored(bands=bands, duration=duration, beats=beats, downbeats=beats[::4]))


@pytest.mark.parametrize("seed", range(6))
def test_answers_lie_where_inputs_rise(stored: Stored, seed: int) -> None:
    item = loud_on_beats(stored, 60, 0.5)
    x, y = train_beats.example(item, np.random.default_rng(seed))
    assert len(x) == len(y) == round(train_beats.SECONDS * ANSWERS_A_SECOND)
    rise = x[:, : 2 * N_BANDS].sum(axis=1)
    beats = np.flatnonzero(y[2:-2, 0] == 1) + 2
    assert len(beats) > 30
    nearest = [max(range(b - 2, b + 3), key=rise.__getitem__) for b in beats]
    assert np.abs(np.array(nearest) - beats).max() <= 1
    assert set(np.flatnonzero(y[:, 1] == 1)) <= set(np.flatnonzero(y[:, 0] == 1))


def test_a_short_piece_goes_round_with_its_beats(stored: Stored) -> None:
    item = loud_on_beats(stored, 4.0, 0.5)
    assert item.duration == SHORTEST_S
    assert item.beats[:16] == pytest.approx(np.arange(16) / 2)
    assert item.downbeats[:4] == pytest.approx([0, 2, 4, 6])


def test_a_network_learns(tmp_path: Path, stored: Stored) -> None:
    item = loud_on_beats(stored, 60, 0.5)
    plan = train_beats.Plan(epochs=30, rate=2e-3, seed=0, start=None)
    net = train_beats.train([item] * train_beats.BATCH, plan, tmp_path / "net.npz")
    x, y = train_beats.example(item, np.random.default_rng(9))
    said = net.forward(x)[:, 0]
    assert said[y[:, 0] == 1].mean() > 3 * said[y[:, 0] == 0].mean()
    on = train_beats.Plan(epochs=1, rate=1e-9, seed=1, start=net)
    again = train_beats.train([item] * train_beats.BATCH, on, tmp_path / "net.npz")
    assert np.allclose(again.forward(x)[:, 0], said, atol=1e-3), "it goes on from where it was"
