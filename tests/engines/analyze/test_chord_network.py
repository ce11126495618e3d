"""The chord network: what it is given, that it hears every root alike, and chunks."""

from pathlib import Path

import numpy as np
import pytest

from engines._errors import NotInstalledError
from engines._networks import read_network, write_weights
from engines.analyze import chord_network as cn
from engines.analyze.pitches import BINS_PER_SEMITONE, LOWEST_PITCH, N_BINS, Pitches
from tests.signals import FloatArray

EDGES = np.arange(9) / 2  # of eight beats, a second each two


def random_network(seed: int = 0) -> cn.ChordNetwork:
    """Make a network that answers something else for every input."""
    rng = np.random.default_rng(seed)
    tones, h, g, j = 12 * cn.N_BLOCKS, 16, 8, 4
    shapes = ((tones, h), (h,), (h, g), (g,), (g, 5), (5,), (cn.N_ROOTLESS, j), (j,), (j, 1), (1,))
    return cn.ChordNetwork(*((rng.standard_normal(shape) * 0.5).astype(np.float32) for shape in shapes))


def random_sounding(n: int = 8) -> FloatArray:
    return np.random.default_rng(1).random((n, 48))


def held(*notes: int) -> Pitches:
    """Let notes sound for four seconds."""
    strength = np.zeros((44, N_BINS), np.float32)
    strength[:, [(note - LOWEST_PITCH) * BINS_PER_SEMITONE + 1 for note in notes]] = 1.0
    return Pitches(strength, 0.0, 1.0)


def test_a_note_sounds_in_its_register() -> None:
    sounding = cn.sounding_at(held(36, 55, 65, 81), EDGES).reshape(8, 4, 12)
    for register, pitch_class in enumerate((0, 7, 5, 9)):
        assert np.flatnonzero(sounding[0, register]).tolist() == [pitch_class]


@pytest.mark.parametrize("steps", range(12))
def test_music_higher_by_some_steps_has_the_chords_of_these_steps(steps: int) -> None:
    net, sounding = random_network(), random_sounding()
    likely = cn.log_likelihoods(sounding, net)
    higher = np.roll(sounding.reshape(8, 4, 12), steps, axis=2).reshape(8, 48)
    chords = np.roll(likely[:, :-1].reshape(8, 5, 12), steps, axis=2).reshape(8, 60)
    assert np.allclose(cn.log_likelihoods(higher, net), np.column_stack([chords, likely[:, -1]]), atol=1e-4)


def test_likelihoods_together_are_one() -> None:
    likely = cn.log_likelihoods(random_sounding(), random_network())
    assert likely.shape == (8, len(cn.LABELS))
    assert np.exp(likely).sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_chunks_say_what_the_whole_says(monkeypatch: pytest.MonkeyPatch) -> None:
    net, sounding = random_network(), random_sounding(100)
    whole = cn.log_likelihoods(sounding, net)
    monkeypatch.setattr(cn, "CHUNK", 7)
    assert np.allclose(cn.log_likelihoods(sounding, net), whole, atol=1e-5)


def test_how_loud_music_is_does_not_matter() -> None:
    sounding = random_sounding()
    assert np.allclose(cn.inputs(sounding), cn.inputs(1000 * sounding), atol=1e-5)


@pytest.mark.parametrize("n", [1, 2, 60])
def test_silence_has_an_answer(n: int) -> None:
    assert np.isfinite(cn.log_likelihoods(np.zeros((n, 48)), random_network())).all()


@pytest.mark.parametrize("root", range(12))
def test_the_shipped_network_knows_plain_chords(root: int) -> None:
    likely = cn.log_likelihoods(cn.sounding_at(held(36 + root, 52 + root, 55 + root), EDGES), cn.network())
    assert cn.LABELS[int(likely[4].argmax())] == f"{cn.LABELS[root].partition(':')[0]}:maj"


def test_weights_that_are_stored_are_read_again(tmp_path: Path) -> None:
    net = random_network()
    write_weights(tmp_path / "chords.npz", net)
    again = read_network(tmp_path / "chords.npz", cn.ChordNetwork, cn.N_INPUTS)
    sounding = random_sounding()
    assert np.allclose(cn.log_likelihoods(sounding, net), cn.log_likelihoods(sounding, again), atol=0.05)


def test_a_damaged_network_says_so(tmp_path: Path) -> None:
    path = tmp_path / "chords.npz"
    path.write_bytes(cn.MODEL.read_bytes()[:2000])
    with pytest.raises(NotInstalledError, match=r"chords\.npz"):
        read_network(path, cn.ChordNetwork, cn.N_INPUTS)
