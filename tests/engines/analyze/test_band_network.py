"""Networks of the bands: what they are given, and how it is cut into chunks."""

import numpy as np
import pytest

from engines.analyze import band_network
from engines.analyze.band_network import View
from engines.analyze.bands import N_BANDS
from engines.analyze.onset_strength import LAG_FRAMES, differences, mean_level, rises
from tests.engines.analyze.chance import random_bands, random_network

KINDS, LAYERS = 2, 7
VIEWS = pytest.mark.parametrize("view", [View(1, differences), View(2, rises)], ids=["1", "2"])


@VIEWS
def test_chunks_say_what_the_whole_says(monkeypatch: pytest.MonkeyPatch, view: View) -> None:
    bands, net = random_bands(6000), random_network(view, KINDS, LAYERS)
    whole = band_network.activations(bands, mean_level(bands), net, view)
    monkeypatch.setattr(band_network, "CHUNK", 500)
    assert whole.shape == (6000 // view.pace, KINDS)
    assert np.allclose(band_network.activations(bands, mean_level(bands), net, view), whole, atol=1e-5)


@VIEWS
def test_an_answer_depends_on_no_more_than_its_reach(view: View) -> None:
    net = random_network(view, KINDS, LAYERS)
    bands = random_bands(2000)
    other = bands.copy()
    other[:200] = other[:200][::-1]
    before, after = (band_network.activations(b, mean_level(bands), net, view) for b in (bands, other))
    untouched = (200 + LAG_FRAMES) // view.pace + net.reach
    assert np.allclose(before[untouched:], after[untouched:], atol=1e-5)
    assert not np.allclose(before[: 200 // view.pace], after[: 200 // view.pace], atol=1e-5)


@VIEWS
@pytest.mark.parametrize("n", [0, 1, 2, 3, 50])
def test_a_moment_has_an_answer(n: int, view: View) -> None:
    said = band_network.activations(random_bands(n), 1.0, random_network(view, KINDS, LAYERS), view)
    assert said.shape == (n // view.pace, KINDS)
    assert np.isfinite(said).all()


@VIEWS
def test_inputs_are_rises_and_levels(view: View) -> None:
    bands = random_bands(101)
    x = view.inputs(bands, 1.0)
    assert x.shape == ((101 - LAG_FRAMES) // view.pace, view.n_inputs)
    rising = np.repeat(np.arange(101, dtype=np.float32)[:, None], N_BANDS, axis=1)
    x = view.inputs(rising, 1.0)
    assert (x[:, : view.pace * N_BANDS] > 0).all(), "everything rises"
    assert (np.diff(x[:, view.pace * N_BANDS :], axis=0) > 0).all(), "and gets louder"
