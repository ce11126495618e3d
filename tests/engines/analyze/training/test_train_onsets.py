"""What the network of onsets learns from, and how it is scored."""

import numpy as np
import pytest

from engines.analyze.bands import FRAME_RATE, N_BANDS
from engines.analyze.training import train_onsets
from engines.analyze.training.rendered import for_rankers
from tests.engines.analyze.chance import random_network
from tests.engines.analyze.training.conftest import Stored


def test_a_piece_has_its_onsets(stored: Stored) -> None:
    onsets = np.array([0.25, 1.0, 2.5])
    item = train_onsets.read(stored(bands=np.ones((300, N_BANDS), np.float32), onsets=onsets))
    assert len(item.events) == train_onsets.SHAPE.kinds
    assert item.events[0] == pytest.approx(onsets)


def test_scores_are_f_measures_at_each_threshold(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    onsets = np.array([0.25, 1.0, 2.5])
    item = train_onsets.read(stored(bands=np.ones((300, N_BANDS), np.float32), onsets=onsets))
    said = np.zeros(300, np.float32)
    said[np.round(onsets * FRAME_RATE).astype(int)] = 0.5
    monkeypatch.setattr(train_onsets, "activations", lambda *_: said)
    f = train_onsets.scores([item], random_network(train_onsets.SHAPE.view, 1, 6))
    assert f.shape == (1, len(train_onsets.THRESHOLDS))
    right = train_onsets.THRESHOLDS <= 0.5
    assert (f[0, right] == 1).all()
    assert (f[0, ~right] == 0).all()


def test_about_half_of_the_songs_choose_the_threshold(stored: Stored) -> None:
    bands = np.ones((300, N_BANDS), np.float32)
    names = [name for i in range(300) if for_rankers(name := f"sheet_{i:03}@3")]
    pieces = [train_onsets.read(stored(name=name, bands=bands)) for name in names]
    assert 0.3 < np.mean([train_onsets.chosen_on(piece) for piece in pieces]) < 0.7
    again = train_onsets.read(stored(name=names[0].replace("@3", "@9"), bands=bands))
    assert train_onsets.chosen_on(again) == train_onsets.chosen_on(pieces[0]), "a song is in one half"
