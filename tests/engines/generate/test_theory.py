"""Keys, scales and chords, in every spelling, and what is said of those that are none."""

import pytest

from engines.generate.theory import (
    NO_CHORD,
    SCALES,
    nearest,
    parse_chord,
    pitch_class,
    progression,
    scale_tones,
    spell,
)


@pytest.mark.parametrize(
    ("name", "expected"), [("C", 0), ("F#", 6), ("Gb", 6), ("bb", 10), ("Cb", 11), ("E##", 6)]
)
def test_note_names_are_pitch_classes(name: str, expected: int) -> None:
    assert pitch_class(name) == expected


@pytest.mark.parametrize("name", ["", "H", "C major", "C#b#", "7"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="key"):
        pitch_class(name)


def test_modes_are_rotations_of_the_major_scale() -> None:
    modes = ("major", "dorian", "phrygian", "lydian", "mixolydian", "minor", "locrian")
    for mode, key in zip(modes, "CDEFGAB", strict=True):
        assert scale_tones(key, mode) == scale_tones("C", "major")


@pytest.mark.parametrize("name", ["Harmonic_Minor", "harmonic-minor", " HARMONIC  MINOR "])
def test_scales_are_found_however_they_are_written(name: str) -> None:
    assert scale_tones("A", name) == {9, 11, 0, 2, 4, 5, 8}


def test_every_scale_holds_its_tonic() -> None:
    assert all(0 in scale_tones("C", name) for name in SCALES)


@pytest.mark.parametrize(
    ("symbol", "root", "bass", "tones"),
    [
        ("C", 0, 0, {0, 4, 7}),
        ("Am", 9, 9, {9, 0, 4}),
        ("A:min", 9, 9, {9, 0, 4}),
        ("F#m7b5", 6, 6, {6, 9, 0, 4}),
        ("F#:hdim7", 6, 6, {6, 9, 0, 4}),
        ("G7/B", 7, 11, {7, 11, 2, 5}),
        ("C:maj/3", 0, 4, {0, 4, 7}),
        ("C:maj/b7", 0, 10, {0, 4, 7, 10}),
        ("C6/9", 0, 0, {0, 4, 7, 9, 2}),
        ("Ebmaj7", 3, 3, {3, 7, 10, 2}),
        ("Dsus4", 2, 2, {2, 7, 9}),
        ("E5", 4, 4, {4, 11}),
    ],
)
def test_chords_are_read_in_either_spelling(symbol: str, root: int, bass: int, tones: set[int]) -> None:
    chord = parse_chord(symbol)
    assert (chord.root, chord.bass, chord.tones) == (root, bass, frozenset(tones))


@pytest.mark.parametrize("symbol", ["N", "N.C.", "NC"])
def test_no_chord_is_a_chord(symbol: str) -> None:
    assert parse_chord(symbol) == NO_CHORD


@pytest.mark.parametrize("symbol", ["Q", "", "Cmajj7", "C/14", "C" * 30, "🎵"])
def test_what_is_no_chord_is_refused(symbol: str) -> None:
    with pytest.raises(ValueError, match="chords"):
        parse_chord(symbol)


def test_a_spelled_chord_reads_as_itself() -> None:
    for symbol in ("C", "Am", "F#m7b5", "Bb7", "Ebmaj7", "G7/B", "Dsus4", "Cdim", "Caug"):
        chord = parse_chord(symbol)
        again = parse_chord(spell(chord.root, chord.tones, chord.bass))
        assert (again.root, again.bass, again.tones) == (chord.root, chord.bass, chord.tones)


def test_a_transposed_chord_moves_whole() -> None:
    moved = parse_chord("G7/B").transposed(5)
    assert (moved.root, moved.bass, moved.tones) == (0, 4, frozenset({0, 4, 7, 10}))
    assert NO_CHORD.transposed(3) == NO_CHORD


def test_a_progression_is_one_chord_a_bar_and_starts_again() -> None:
    assert [c.symbol for c in progression("C, Am", 3, 1)] == ["C", "Am", "C"]


def test_bar_lines_share_a_bar() -> None:
    assert [c.symbol for c in progression("| C G | Am |", 3, 2)] == ["C", "G", "Am", "Am", "C", "G"]


@pytest.mark.parametrize("text", ["", " ", "C | | G", "C D E | F"])
def test_a_progression_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="chords"):
        progression(text, 4, 2)


def test_near_names_are_offered() -> None:
    assert nearest("hous", ["house", "rock"]) == "did you mean house?"
    assert nearest("zzz", ["house", "rock"]) == "must be one of house, rock"


def test_a_quality_without_near_ones_names_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"must be one of \+, "):
        parse_chord("C9999")
