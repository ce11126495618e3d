"""What networks of the bands are shown: their answers must lie where their inputs rise."""

from pathlib import Path

import numpy as np
import pytest

from engines.analyze.band_network import View
from engines.analyze.bands import FRAME_RATE, N_BANDS
from engines.analyze.onset_strength import LEAD_S, differences, rises
from engines.analyze.training import band_training
from engines.analyze.training.band_training import BATCH, Plan, Shape, example

SECONDS, PERIOD = 60, 0.5
VIEWS = [View(1, differences), View(2, rises)]


def shape(view: View) -> Shape:
    return Shape(view=view, kinds=2, channels=48, layers=5, seconds=23.0)


def loud_on_beats() -> band_training.Item:
    """Make a piece that gets loud on each beat, every fourth an event of another kind too."""
    beats = np.arange(0, SECONDS - 0.05, PERIOD)
    bands = np.full((round(SECONDS * FRAME_RATE), N_BANDS), 0.1, np.float32)
    for beat in beats:
        at = round((beat - LEAD_S) * FRAME_RATE)
        bands[max(0, at) : at + 4] = 3.0
    return band_training.item("a_b@0", "a", bands, SECONDS, beats, beats[::4])


@pytest.mark.parametrize("view", VIEWS, ids=["1", "2"])
@pytest.mark.parametrize("seed", range(6))
def test_answers_lie_where_inputs_rise(seed: int, view: View) -> None:
    x, y = example(loud_on_beats(), shape(view), np.random.default_rng(seed))
    assert len(x) == len(y) == round(23.0 * FRAME_RATE / view.pace)
    rise = x[:, : view.pace * N_BANDS].sum(axis=1)
    beats = np.flatnonzero(y[2:-2, 0] == 1) + 2
    assert len(beats) > 30
    nearest = [max(range(b - 2, b + 3), key=rise.__getitem__) for b in beats]
    assert np.abs(np.array(nearest) - beats).max() <= 1
    assert set(np.flatnonzero(y[:, 1] == 1)) <= set(np.flatnonzero(y[:, 0] == 1))


def test_a_network_learns(tmp_path: Path) -> None:
    item, of_beats = loud_on_beats(), shape(VIEWS[1])
    out = tmp_path / "net.npz"
    plan = Plan(epochs=30, rate=2e-3, seed=0, start=None)
    net = band_training.train([item] * BATCH, of_beats, plan, out)
    x, y = example(item, of_beats, np.random.default_rng(9))
    said = net.forward(x)[:, 0]
    assert said[y[:, 0] == 1].mean() > 3 * said[y[:, 0] == 0].mean()
    on = Plan(epochs=1, rate=1e-9, seed=1, start=net)
    again = band_training.train([item] * BATCH, of_beats, on, out)
    assert np.allclose(again.forward(x)[:, 0], said, atol=1e-3), "it goes on from where it was"
    with np.load(out) as written:
        assert np.allclose(written["k1"], again.k1, atol=1e-3), "what is written is what was learned"
