"""Notes that end alike: held to the next one or just before it, rests kept, however they were played."""

import numpy as np

from engines._notes import Note
from engines.generate import line
from engines.generate.articulation import articulated


def test_notes_end_a_sixteenth_before_the_next_one_or_where_it_starts_if_it_comes_soon() -> None:
    notes = [(0, 5, 36), (8, 9, 38), (10, 13, 40), (12, 20, 41), (20, 22, 43)]
    assert [end for _, end, _ in articulated(notes)] == [7, 10, 12, 19, 22]


def test_a_rest_longer_than_a_beat_stays_and_starts_on_an_eighth() -> None:
    assert articulated([(0, 3, 36), (16, 17, 38)]) == [(0, 4, 36), (16, 18, 38)]


def test_the_last_note_is_held_to_what_comes_next() -> None:
    assert articulated([(0, 13, 36)], next_start=16) == [(0, 15, 36)]
    assert articulated([(0, 3, 36)], next_start=16) == [(0, 4, 36)]


def test_once_is_as_good_as_twice_and_no_notes_are_none() -> None:
    notes = articulated([(0, 5, 36), (8, 9, 38), (10, 13, 40), (30, 33, 41)])
    assert articulated(notes) == notes
    assert articulated([]) == []


def test_a_bass_is_heard_the_same_whenever_its_keys_were_left() -> None:
    short, held = ([Note(float(beat), 36 + beat, length) for beat in range(4)] for length in (0.25, 0.9))
    assert not np.array_equal(line.classes(short, 16, -24), line.classes(held, 16, -24))
    heard = [line.classes(notes, 16, -24, articulate=True).tolist() for notes in (short, held)]
    assert heard[0] == heard[1]
