"""The beat network: what it says of plain truth, of short recordings and of none."""

from pathlib import Path

import numpy as np
import pytest

from engines._errors import NotInstalledError
from engines.analyze import beat_network as bn
from engines.analyze import listening
from engines.analyze.band_network import View
from engines.analyze.bands import FRAME_RATE, N_BANDS
from engines.analyze.onset_strength import rises
from tests import signals
from tests.engines.analyze.chance import random_bands, random_network


@pytest.mark.parametrize("n", [0, 1, 2, 3, 50])
def test_a_moment_has_an_answer(n: int) -> None:
    said = bn.activations(random_bands(n), n / FRAME_RATE, random_network(bn.VIEW, 2, 9))
    assert np.isfinite(said).all()


def test_silence_has_no_beats() -> None:
    bands = np.zeros((3000, N_BANDS), np.float32)
    assert not bn.activations(bands, 3000 / FRAME_RATE, random_network(bn.VIEW, 2, 9)).any()


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
    np.savez(tmp_path / "beats.npz", **vars(random_network(View(3, rises), 2, 9)))
    with pytest.raises(NotInstalledError, match="missing or damaged"):
        bn.network.__wrapped__()
