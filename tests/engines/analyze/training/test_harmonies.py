"""Songs over progressions: their chords are written down, and every quality is among them."""

from collections import Counter

import numpy as np
import pytest

from engines.analyze.training.harmonies import TEMPI, harmony_music
from engines.analyze.training.performing import DRUMS, SPELLINGS, Music


def made(number: int) -> Music:
    return harmony_music(f"{number:03}", np.random.default_rng(number))


@pytest.mark.parametrize("number", range(12))
def test_every_beat_has_its_chord(number: int) -> None:
    music = made(number)
    assert TEMPI[0] <= music.tempo <= TEMPI[1]
    assert [start for start, *_ in music.chords] == list(range(music.n_beats))
    assert all(0 <= note.pitch < 128 for note in music.notes)


@pytest.mark.parametrize("number", range(6))
def test_the_tones_of_a_chord_sound_while_it_lasts(number: int) -> None:
    music = made(number)
    in_chord = []
    for note in music.notes:
        if note.program != DRUMS:
            _, _, root, quality = music.chords[min(int(note.start), music.n_beats - 1)]
            in_chord.append((note.pitch - root) % 12 in SPELLINGS[quality][0])
    assert np.mean(in_chord) > 0.75


def test_no_quality_is_rare() -> None:
    heard = Counter(quality for number in range(60) for *_, quality in made(number).chords)
    assert set(heard) == set(SPELLINGS)
    assert min(heard.values()) > 0.08 * sum(heard.values())


def test_a_song_depends_on_its_seed_alone() -> None:
    assert made(7) == made(7)
    assert made(7) != made(8)
