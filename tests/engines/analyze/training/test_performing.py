"""Music in beats, played: where its beats then are, and its notes."""

import numpy as np
import pytest

from engines.analyze.training.drumming import add_drums, add_style
from engines.analyze.training.electronic import electronic_music
from engines.analyze.training.performing import DRUMS, Music, excerpt, perform
from engines.generate import styles


def music(n_beats: int = 16, beats_per_bar: int = 4) -> Music:
    """Make one note on each beat."""
    made = Music("m", "g", n_beats, beats_per_bar, 120.0)
    for beat in range(n_beats):
        made.add(0, 60, 80, beat, 0.5)
    return made


def test_a_loop_begins_at_once_and_is_exact() -> None:
    piece = perform(music(), np.random.default_rng(0), exact=True)
    assert piece.beats == pytest.approx(np.arange(16) / 2)
    assert piece.downbeats == pytest.approx(np.arange(0, 16, 4) / 2)
    starts = np.array([note.start for note in piece.midi.instruments[0].notes])
    assert np.abs(starts - piece.beats).max() < 0.08


@pytest.mark.parametrize("seed", range(8))
def test_beats_are_where_the_notes_are_however_the_tempo_goes(seed: int) -> None:
    piece = perform(music(64), np.random.default_rng(seed))
    starts = np.array([note.start for note in piece.midi.instruments[0].notes])
    assert np.median(np.abs(starts - piece.beats)) < 0.02
    assert (np.diff(piece.beats) > 0).all()
    assert set(piece.downbeats) <= set(piece.beats)


@pytest.mark.parametrize("lead_in", [1, 2, 3])
def test_what_begins_within_a_bar_has_its_downbeats_later(lead_in: int) -> None:
    piece = perform(music(), np.random.default_rng(3), lead_in=lead_in)
    assert len(piece.beats) == 16 - lead_in
    assert piece.downbeats[0] == pytest.approx(piece.beats[4 - lead_in])


def test_swing_makes_off_beats_late() -> None:
    made = Music("m", "g", 4, 4, 60.0, swing=2 / 3)
    made.add(0, 60, 80, 0.5, 0.1)
    piece = perform(made, np.random.default_rng(0), exact=True)
    assert piece.midi.instruments[0].notes[0].start == pytest.approx(2 / 3, abs=0.08)


def test_an_excerpt_begins_at_its_first_bar() -> None:
    cut = excerpt(music(), 4, 8)
    assert cut.n_beats == 8
    assert [note.start for note in cut.notes] == list(range(8))


def test_chords_are_cut_and_played_with_the_notes() -> None:
    made = music()
    made.add_chord(0, 6, (60, 64, 67), 60)
    made.add_chord(6, 6, (57, 60, 64, 67), 57)
    made.add_chord(12, 4, (60, 61, 62), 60)  # no chord that has a name
    cut = excerpt(made, 4, 8)
    assert cut.chords == [(0, 2, 0, "maj"), (2, 8, 9, "min7")]
    piece = perform(cut, np.random.default_rng(0), lead_in=1)
    (start, end, *_), (after, last, root, quality) = piece.chords
    assert start == pytest.approx(piece.beats[0])
    assert end == after == pytest.approx(piece.beats[1])
    assert (root, quality) == (9, "min7")
    assert last > piece.beats[-1]


@pytest.mark.parametrize(
    ("beats_per_bar", "ternary"), [(4, False), (3, False), (2, False), (2, True), (4, True)]
)
def test_drums_stay_inside(beats_per_bar: int, ternary: bool) -> None:
    made = Music("m", "g", 12 * beats_per_bar, beats_per_bar, 100.0)
    add_drums(made, np.random.default_rng(0), ternary=ternary)
    assert made.notes
    assert all(note.program == DRUMS and 0 <= note.start < made.n_beats for note in made.notes)


@pytest.mark.parametrize("style", ["house", "jazz", "hiphop"])
def test_a_style_is_heard_in_its_bars(style: str) -> None:
    made = Music("m", "g", 400, 4, 120.0)
    add_style(made, style, np.random.default_rng(1))
    kicks = [note.start for note in made.notes if note.pitch == 36]
    share = len([start for start in kicks if start % 4 == 0]) / 100
    assert share == pytest.approx(styles.find(style).chances[0, 0], abs=0.25)


@pytest.mark.parametrize("seed", range(12))
def test_electronic_music_is_never_empty(seed: int) -> None:
    made = electronic_music("e", np.random.default_rng(seed))
    assert made.notes
    assert made.n_beats % 4 == 0
    assert all(0 <= note.pitch < 128 for note in made.notes)
