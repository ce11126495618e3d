"""Networks of the bands: what they are given, and how it is cut into chunks."""

import numpy as np
import pytest

from engines.analyze import band_network
from engines.analyze.bands import N_BANDS
from engines.analyze.onset_strength import LAG_FRAMES, mean_level
from tests.engines.analyze.chance import random_bands, random_network

KINDS, LAYERS = 2, 7
PACES = pytest.mark.parametrize("pace", [1, 2])


@PACES
def test_chunks_say_what_the_whole_says(monkeypatch: pytest.MonkeyPatch, pace: int) -> None:
    bands, net = random_bands(6000), random_network(pace, KINDS, LAYERS)
    whole = band_network.activations(bands, mean_level(bands), net, pace)
    monkeypatch.setattr(band_network, "CHUNK", 500)
    assert whole.shape == (6000 // pace, KINDS)
    assert np.allclose(band_network.activations(bands, mean_level(bands), net, pace), whole, atol=1e-5)


@PACES
def test_an_answer_depends_on_no_more_than_its_reach(pace: int) -> None:
    net = random_network(pace, KINDS, LAYERS)
    bands = random_bands(2000)
    other = bands.copy()
    other[:200] = other[:200][::-1]
    before, after = (band_network.activations(b, mean_level(bands), net, pace) for b in (bands, other))
    untouched = (200 + LAG_FRAMES) // pace + net.reach
    assert np.allclose(before[untouched:], after[untouched:], atol=1e-5)
    assert not np.allclose(before[: 200 // pace], after[: 200 // pace], atol=1e-5)


@PACES
@pytest.mark.parametrize("n", [0, 1, 2, 3, 50])
def test_a_moment_has_an_answer(n: int, pace: int) -> None:
    said = band_network.activations(random_bands(n), 1.0, random_network(pace, KINDS, LAYERS), pace)
    assert said.shape == (n // pace, KINDS)
    assert np.isfinite(said).all()


@PACES
def test_inputs_are_rises_and_levels(pace: int) -> None:
    bands = random_bands(101)
    x = band_network.inputs(bands, 1.0, pace)
    assert x.shape == ((101 - LAG_FRAMES) // pace, band_network.n_inputs(pace))
    rising = np.repeat(np.arange(101, dtype=np.float32)[:, None], N_BANDS, axis=1)
    x = band_network.inputs(rising, 1.0, pace)
    assert (x[:, : pace * N_BANDS] > 0).all(), "everything rises"
    assert (np.diff(x[:, pace * N_BANDS :], axis=0) > 0).all(), "and gets louder"
