"""The beat network: what it is given, how it is cut into chunks, and what it says of plain truth."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engines._errors import NotInstalledError
from engines.analyze import beat_network as bn
from engines.analyze import listening
from engines.analyze.bands import FRAME_RATE, N_BANDS
from tests import signals


def random_network(seed: int = 0) -> bn.Network:
    """Make a network that answers something else at every frame."""
    rng = np.random.default_rng(seed)
    c, layers = 8, len(bn.DILATIONS)
    shapes = ((bn.N_INPUTS, c), (c,), (layers, 3, c, c), (layers, c), (c, 2), (2,))
    return bn.Network(*((rng.standard_normal(shape) * 0.3).astype(np.float32) for shape in shapes))


def random_bands(n: int) -> signals.FloatArray:
    return np.random.default_rng(1).random((n, N_BANDS)).astype(np.float32)


def test_chunks_say_what_the_whole_says(monkeypatch: pytest.MonkeyPatch) -> None:
    bands, net = random_bands(6000), random_network()
    whole = bn.activations(bands, 6000 / FRAME_RATE, net)
    monkeypatch.setattr(bn, "CHUNK", 500)
    assert whole.shape == (3000, 2)
    assert np.allclose(bn.activations(bands, 6000 / FRAME_RATE, net), whole, atol=1e-5)


def test_an_answer_depends_on_no_more_than_its_reach() -> None:
    net, n = random_network(), 4000
    bands = random_bands(n)
    before = bn.activations(bands, n / FRAME_RATE, net)
    other = bands.copy()
    # Both halves keep their sums: the level that all is seen against must stay.
    other[:200] = other[:200][::-1]
    after = bn.activations(other, n / FRAME_RATE, net)
    assert np.allclose(before[102 + bn.REACH :], after[102 + bn.REACH :], atol=1e-5)
    assert not np.allclose(before[:100], after[:100], atol=1e-5)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 50])
def test_a_moment_has_an_answer(n: int) -> None:
    said = bn.activations(random_bands(n), n / FRAME_RATE, random_network())
    assert np.isfinite(said).all()


def test_silence_has_no_beats() -> None:
    assert not bn.activations(
        np.zeros((3000, N_BANDS), np.float32), 3000 / FRAME_RATE, random_network()
    ).any()


def test_a_short_recording_goes_round() -> None:
    bands = random_bands(345)
    round_ = bn.going_round(bands, 4.0)
    period = round(4 * FRAME_RATE)
    assert len(round_) == round(bn.SHORTEST_S * FRAME_RATE)
    assert np.array_equal(round_[:300], bands[:300])
    assert np.array_equal(round_[period + 10 : period + 200], bands[9:199]) or np.array_equal(
        round_[period + 10 : period + 200], bands[10:200]
    )


def test_the_network_hears_the_beats_of_drums(tmp_path: Path) -> None:
    y = signals.drum_loop(110, 12)
    heard = listening.listen(signals.write(tmp_path / "a.wav", y), {listening.RHYTHM})
    said = bn.activations(heard.bands, heard.duration, bn.network())
    beats = np.round(np.arange(4, 44) * 60 / 110 * bn.FRAME_RATE).astype(int)
    between = np.round((np.arange(4, 44) + 0.25) * 60 / 110 * bn.FRAME_RATE).astype(int)
    assert np.median([said[b - 1 : b + 2, 0].max() for b in beats]) > 0.5
    assert np.median(said[between, 0]) < 0.1


def test_missing_weights_say_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bn, "MODEL", tmp_path / "beats.npz")
    with pytest.raises(NotInstalledError, match="missing or damaged; reinstall"):
        bn.network.__wrapped__()
    np.savez(tmp_path / "beats.npz", **vars(replace(random_network(), k1=np.zeros((3, 8)))))
    with pytest.raises(NotInstalledError, match="missing or damaged"):
        bn.network.__wrapped__()
