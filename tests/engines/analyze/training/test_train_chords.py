"""What the network of chords learns from: its truth, and that a network learns and runs as it was trained."""

import numpy as np
import pytest

from engines.analyze.chord_network import LABELS, N_INPUTS
from engines.analyze.training.plain_chords import CHORDS, no_chord, plain_chord
from engines.analyze.training.rendered import for_rankers
from engines.analyze.training.train_chords import (
    NONE,
    UNKNOWN,
    build,
    plain,
    rendered,
    train,
    weights_of,
    without_seventh,
)
from tests.engines.analyze.training.conftest import Stored


def test_a_beat_has_the_chord_that_covers_it(stored: Stored) -> None:
    path = stored(chords=[(0.0, 1.0, "C:maj"), (1.0, 2.0, "A:min7")])
    (item,) = rendered(path.parent)
    assert (item.group, item.kept) == ("sheet", for_rankers("sheet_a song@3"))
    named = [LABELS[k] if k != UNKNOWN else "" for k in item.right]
    assert named == ["C:maj", "C:maj", "A:min7", "A:min7", "", "", "", ""]


def test_drums_alone_are_no_chord(stored: Stored) -> None:
    (item,) = rendered(stored(drums_alone=True).parent)
    assert (item.right == NONE).all()


def test_what_has_unknown_chords_is_left_out(stored: Stored) -> None:
    assert not list(rendered(stored().parent))


def test_a_chord_without_its_seventh_is_a_triad() -> None:
    labels = np.array([LABELS.index(name) for name in ("D:7", "D:maj7", "D:min7", "D:min", "N")])
    assert [LABELS[k] for k in without_seventh(labels)] == ["D:maj", "D:maj", "D:min", "D:min", "N"]


@pytest.mark.parametrize("seed", range(6))
def test_plain_chords_sound_where_they_say(seed: int) -> None:
    made = plain_chord(np.random.default_rng(seed))
    assert made.quality in CHORDS
    assert 0 <= made.root < 12
    assert (np.diff(made.edges) > 0).all()
    assert made.heard.strength.any()
    nothing = no_chord(np.random.default_rng(seed))
    assert not nothing.quality
    assert np.isfinite(nothing.heard.strength).all()


@pytest.mark.slow
def test_a_network_runs_as_it_was_trained() -> None:
    tf = pytest.importorskip("tensorflow")
    tf.keras.utils.set_random_seed(3)
    model = build(tf)
    x = np.random.default_rng(0).random((5, N_INPUTS)).astype(np.float32)
    expected = tf.nn.log_softmax(model(x)).numpy()
    assert np.allclose(weights_of(model).forward(x), expected, atol=1e-4)


@pytest.mark.slow
def test_plain_chords_are_learned() -> None:
    pytest.importorskip("tensorflow")
    net = train(list(plain(150, seed=1)), epochs=40, seed=0)
    right = [
        without_seventh(net.forward(item.x).argmax(axis=1)) == without_seventh(item.right)
        for item in plain(40, seed=2)
    ]
    assert np.concatenate(right).mean() > 0.7
