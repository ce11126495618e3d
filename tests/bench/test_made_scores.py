"""What the accuracy bench takes for the truth about what it makes itself."""

import numpy as np
import pytest

from bench import made_scores
from bench.made_scores import Manner, Note, Score
from tests import signals

FOUR_BARS = Score(
    "beats and off-beats",
    tuple(Note("bass", 32, 40, 90, b / 2, b / 2 + 0.4) for b in range(32)),
    n_beats=16,
    tempo=120.0,
)


def onsets(manner: Manner, seed: int = 0) -> list[float]:
    played = made_scores.perform(FOUR_BARS, manner, np.random.default_rng(seed))
    return sorted(note.start for note in played.midi.instruments[0].notes)


def test_a_straight_performance_has_its_beats_where_its_tempo_says() -> None:
    played = made_scores.perform(FOUR_BARS, Manner(), np.random.default_rng(0))
    assert played.beats == pytest.approx(np.arange(16) / 2)
    assert played.downbeats == pytest.approx([0, 2, 4, 6])
    assert played.tempo == pytest.approx(120)
    assert onsets(Manner()) == pytest.approx(np.arange(32) / 4)


def test_a_swing_moves_the_off_beats_and_leaves_the_beats() -> None:
    starts = onsets(Manner(swing=2 / 3))
    assert starts[::2] == pytest.approx(np.arange(16) / 2)
    assert starts[1::2] == pytest.approx(np.arange(16) / 2 + 1 / 3)


def test_players_who_are_not_exact_play_round_the_true_beat() -> None:
    off = np.array(onsets(Manner(jitter=0.02))) - np.arange(32) / 4
    assert 0.01 < off.std() < 0.03
    assert abs(off.mean()) < 0.015


def test_a_tempo_that_steps_takes_its_beats_and_notes_along() -> None:
    played = made_scores.perform(
        FOUR_BARS, Manner(speed=lambda share: np.where(share < 0.5, 1.0, 2.0)), np.random.default_rng(0)
    )
    assert np.diff(played.beats) == pytest.approx([0.5] * 8 + [0.25] * 7)
    assert played.midi.instruments[0].notes[30].start == pytest.approx(played.beats[15])


@pytest.mark.parametrize("meter", ["4/4", "3/4", "2/4", "6/8"])
def test_a_band_plays_whole_bars_in_its_key(meter: str) -> None:
    score = made_scores.band("a", meter=meter, rng=np.random.default_rng(3))
    assert score.n_beats % made_scores.BEATS_PER_BAR[meter] == 0
    tonic, mode = score.key.split()
    scale = {(signals.PITCH_CLASSES.index(tonic) + s) % 12 for s in made_scores.SCALES[mode]}
    pitched = [n.pitch % 12 for n in score.notes if n.part != "drums"]
    assert np.mean([p in scale for p in pitched]) > 0.9
    assert made_scores.band("a", meter=meter, rng=np.random.default_rng(3)) == score
