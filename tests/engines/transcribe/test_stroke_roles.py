"""Strokes weighed by those that sound like them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines._errors import NotInstalledError
from engines.transcribe import stroke_roles
from engines.transcribe.drum_model import CLASSES
from engines.transcribe.drum_spectrum import N_BANDS
from engines.transcribe.stroke_roles import N_FEATURES, N_SOUND, RoleNetwork, network, strokes_of, weighed
from tests.signals import FloatArray

KICK, SNARE, HAT = range(3)
LOW, HIGH = slice(2, 8), slice(28, 38)  # bands that a drum with a skin and one of metal fill


def silent(n: int) -> tuple[FloatArray, FloatArray]:
    """Return log bands and activations of nothing."""
    return np.full((n, N_BANDS), -5.0, np.float16), np.zeros((n, 2 * len(CLASSES)), np.float32)


def hit(bands: FloatArray, frame: int, where: slice) -> None:
    for i in range(20):
        bands[frame + i, where] = np.maximum(bands[frame + i, where], -1.0 - 0.08 * i)


def beat(n: int = 1200) -> tuple[FloatArray, FloatArray]:
    """Return a hat each quarter of a second, heard as one, and a bass drum each second."""
    bands, activation = silent(n)
    for frame in range(30, n - 30, 25):
        hit(bands, frame, HIGH)
        activation[frame, HAT] = 0.9
        activation[frame, len(CLASSES) + HAT] = 0.6
        if frame % 100 == 30:
            hit(bands, frame, LOW)
            activation[frame, KICK] = 0.95
    return bands, activation


def test_what_sounds_like_the_hats_is_a_hat_though_it_was_heard_as_a_snare() -> None:
    bands, activation = beat()
    activation[555, HAT], activation[555, SNARE] = 0.25, 0.55
    net = network()
    after = weighed(bands, activation, net)
    assert after[555, HAT] > net.thresholds[HAT]
    assert after[555, SNARE] < net.thresholds[SNARE] < activation[555, SNARE]


def test_strengths_and_what_nobody_plays_stay_as_they_were() -> None:
    bands, activation = beat()
    after = weighed(bands, activation, network())
    assert np.array_equal(after[:, len(CLASSES) :], activation[:, len(CLASSES) :])
    assert np.all(after[activation == 0] == 0)


def test_a_network_that_says_nothing_changes_nothing() -> None:
    bands, activation = beat()
    net = network()
    mute = replace(net, w3=np.zeros_like(net.w3), b3=np.zeros_like(net.b3))
    assert np.allclose(weighed(bands, activation, mute), activation, atol=1e-5)


def test_peaks_of_several_classes_at_once_are_one_stroke_and_later_ones_another() -> None:
    _, activation = silent(200)
    activation[50, SNARE], activation[52, HAT], activation[57, HAT] = 0.3, 0.6, 0.2
    activation[90, KICK] = stroke_roles.LOWEST / 2
    assert strokes_of(activation).tolist() == [52, 57]


def test_a_long_recording_is_weighed_as_its_parts_are() -> None:
    bands, activation = beat()
    activation[555, HAT], activation[555, SNARE] = 0.35, 0.45
    alone = weighed(bands, activation, network())
    long = weighed(np.tile(bands, (3, 1)), np.tile(activation, (3, 1)), network())
    assert np.allclose(long[:600], alone[:600], atol=1e-5)
    assert np.allclose(long[-300:], alone[-300:], atol=1e-5)


@pytest.mark.parametrize("n", [0, 1, 5, 100])
def test_short_and_silent_recordings_are_weighed_too(n: int) -> None:
    bands, activation = silent(n)
    assert weighed(bands, activation, network()).shape == (n, 2 * len(CLASSES))
    if n:
        activation[n // 2, KICK] = 0.7
        assert weighed(bands, activation, network())[n // 2, KICK] > 0


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 2500), st.floats(0, 0.3))
def test_whatever_was_heard_stays_a_likelihood(seed: int, n: int, density: float) -> None:
    rng = np.random.default_rng(seed)
    bands = rng.uniform(-8, 0.5, (n, N_BANDS)).astype(np.float16)
    activation = (rng.random((n, 2 * len(CLASSES))) * (rng.random((n, 1)) < density)).astype(np.float32)
    after = weighed(bands, activation, network())
    assert np.all(np.isfinite(after))
    assert np.all((after >= 0) & (after <= 1))


def test_weights_that_do_not_fit_ask_for_a_new_installation(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    net = network()
    cut = {**vars(net), "embedding": net.embedding[: N_SOUND - 1]}
    np.savez_compressed(tmp_path / "roles.npz", **cut)
    monkeypatch.setattr(stroke_roles, "WEIGHTS", tmp_path / "roles.npz")
    with pytest.raises(NotInstalledError, match="reinstall"):
        network.__wrapped__()


def test_the_features_are_as_many_as_the_network_takes() -> None:
    net: RoleNetwork = network()
    assert net.w1.shape[0] == N_FEATURES == len(net.mean) == len(net.scale)
    assert net.embedding.shape[0] == N_SOUND
