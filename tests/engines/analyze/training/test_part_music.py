"""Chorales and quartets: inside their bars, in their key, and moving with the beat."""

import numpy as np
import pytest

from engines.analyze.keys import key_name
from engines.analyze.training.part_music import part_music
from engines.analyze.training.performing import Music, perform


def some(count: int = 24) -> list[Music]:
    return [part_music(f"{seed}", np.random.default_rng(seed)) for seed in range(count)]


@pytest.mark.parametrize("seed", range(12))
def test_every_note_is_inside(seed: int) -> None:
    music = part_music("p", np.random.default_rng(seed))
    assert music.n_beats % music.beats_per_bar == 0
    assert music.notes
    assert all(0 <= note.start < music.n_beats for note in music.notes)
    assert all(30 <= note.pitch <= 90 and note.length > 0 for note in music.notes)


def test_the_key_is_that_of_most_notes() -> None:
    for music in some():
        key = next(k for k in range(24) if key_name(k) == music.key)
        scale = (0, 2, 4, 5, 7, 9, 11) if key < 12 else (0, 2, 3, 5, 7, 8, 10, 11)
        inside = [(note.pitch - key) % 12 in scale for note in music.notes]
        assert np.mean(inside) > 0.98
        assert perform(music, np.random.default_rng(0)).key == music.key


def test_more_begins_on_beats_and_bars_than_elsewhere() -> None:
    starts = np.concatenate([[note.start for note in music.notes] for music in some(40)])
    on_beat = np.isclose(starts % 1, 0)
    assert on_beat.mean() > 0.5
    assert {music.beats_per_bar for music in some(40)} == {2, 3, 4}


def test_the_same_seed_writes_the_same() -> None:
    first, second = (part_music("p", np.random.default_rng(5)) for _ in range(2))
    assert first == second
