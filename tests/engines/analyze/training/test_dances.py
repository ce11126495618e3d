"""Dances: their bars, beats and the parts that beats fall into."""

import numpy as np
import pytest

from engines.analyze.training.dances import SIGNATURES, beat_music, dance_music
from engines.analyze.training.performing import DRUMS, Music

NUMBERS = range(60)
CRASH = 49


def made(number: int) -> Music:
    return dance_music(f"{number:03}", np.random.default_rng(number))


def test_every_meter_is_danced() -> None:
    assert {made(number).name.partition("_")[2] for number in NUMBERS} == set(SIGNATURES)


@pytest.mark.parametrize("number", NUMBERS)
def test_notes_lie_in_the_parts_of_beats_of_whole_bars(number: int) -> None:
    music = made(number)
    signature = SIGNATURES[music.name.partition("_")[2]]
    assert music.beats_per_bar == signature.beats
    assert music.n_beats % signature.beats == 0
    assert signature.slowest <= music.tempo <= signature.fastest
    assert music.notes
    for note in music.notes:
        assert 0 <= note.start < music.n_beats
        assert note.length > 0
        assert 24 < note.pitch < 96
        if note.program != DRUMS:
            in_parts = note.start * signature.parts
            assert in_parts == pytest.approx(round(in_parts), abs=1e-6)


def test_a_dance_depends_on_its_seed_alone() -> None:
    assert made(7) == made(7)
    assert made(7) != made(8)


def test_the_drums_of_a_beat_come_again_in_every_bar_of_four() -> None:
    for number in range(8):
        music = beat_music("1", np.random.default_rng(number))
        assert (music.group, music.beats_per_bar) == ("beat", 4)
        struck = [(n.start % 4, n.pitch) for n in music.notes if n.program == DRUMS and n.pitch != CRASH]
        n_bars = music.n_beats // 4
        assert all(struck.count(stroke) > 0.8 * n_bars for stroke in set(struck))
