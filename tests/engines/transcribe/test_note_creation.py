"""Notes from made activations, where the truth was drawn by hand."""

import numpy as np
import pytest

from engines._audio import FloatArray
from engines.transcribe.note_creation import BASIC_PITCH, FoundNote, bend, create_notes, with_rises
from engines.transcribe.pitch_model import Activations


def drawn(*notes: tuple[int, int, int, float], n_frames: int = 200) -> Activations:
    """Draw notes as (start, end, column, likelihood), each with an onset."""
    sounding, onsets = np.zeros((n_frames, 88), np.float32), np.zeros((n_frames, 88), np.float32)
    for start, end, pitch, likelihood in notes:
        sounding[start:end, pitch] = likelihood
        onsets[start, pitch] = 0.9
    return Activations(sounding, onsets, None, sounding)


def test_a_note_begins_at_its_onset_and_ends_where_its_key_falls_silent() -> None:
    assert create_notes(drawn((20, 60, 40, 0.75)), BASIC_PITCH) == [FoundNote(20, 40, 60, 0.75)]


def test_notes_of_a_chord_are_found_together() -> None:
    found = create_notes(drawn((20, 60, 40, 0.7), (20, 70, 44, 0.7), (20, 80, 47, 0.7)), BASIC_PITCH)
    assert [(note.start, note.pitch, note.end) for note in found] == [
        (20, 40, 60),
        (20, 44, 70),
        (20, 47, 80),
    ]


def test_a_key_struck_again_is_two_notes() -> None:
    heard = drawn((20, 100, 40, 0.8))
    heard.onsets[60, 40] = 0.9
    assert [(note.start, note.end) for note in create_notes(heard, BASIC_PITCH)] == [(20, 60), (60, 100)]


def test_a_short_gap_does_not_end_a_note() -> None:
    heard = drawn((20, 60, 40, 0.8))
    heard.notes[35:42, 40] = 0.6, 0.4, 0.25, 0.25, 0.25, 0.4, 0.6  # too slow a rise to be an onset
    assert [(note.start, note.end) for note in create_notes(heard, BASIC_PITCH)] == [(20, 60)]


def test_what_has_no_onset_grows_both_ways_from_its_strongest_frame() -> None:
    heard = drawn((20, 60, 40, 0.8))
    heard.onsets[:] = 0
    heard.notes[40, 40] = 0.9
    (note,) = create_notes(heard, BASIC_PITCH)
    assert (note.start, note.pitch, note.end) == (20, 40, 59)


def test_a_note_longer_than_a_first_look_keeps_its_length() -> None:
    assert [note.end for note in create_notes(drawn((10, 1900, 40, 0.8), n_frames=2000), BASIC_PITCH)] == [
        1900
    ]


@pytest.mark.parametrize("n_frames", [0, 1, 2, 3, 50])
def test_silence_has_no_notes(n_frames: int) -> None:
    assert create_notes(drawn(n_frames=n_frames), BASIC_PITCH) == []


def test_the_activations_are_left_as_they_were() -> None:
    heard = drawn((20, 60, 40, 0.8))
    before = heard.notes.copy(), heard.onsets.copy()
    create_notes(heard, BASIC_PITCH)
    assert (heard.notes == before[0]).all()
    assert (heard.onsets == before[1]).all()


def test_a_rise_of_a_key_counts_as_an_onset() -> None:
    heard = drawn((20, 60, 40, 0.8))
    heard.onsets[:] = 0
    heard.onsets[100, 10] = 0.7
    assert with_rises(heard.onsets, heard.notes)[20, 40] == pytest.approx(0.7)


def test_the_loop_over_frames_that_the_paper_describes_finds_the_same_ends() -> None:
    rng = np.random.default_rng(5)
    for _ in range(40):
        sounding = rng.random((300, 88)).astype(np.float32) ** 2
        found = create_notes(
            Activations(sounding, (sounding * 0).astype(np.float32), None, sounding), BASIC_PITCH
        )
        for note in found:
            column = sounding[:, note.pitch]
            run = longest_run_below(column[note.start : note.end], BASIC_PITCH.frame_threshold)
            assert run < BASIC_PITCH.tolerance


def longest_run_below(column: FloatArray, threshold: float) -> int:
    longest = current = 0
    for value in column:
        current = current + 1 if value < threshold else 0
        longest = max(longest, current)
    return longest


def test_a_contour_a_third_of_a_semitone_up_is_a_bend_of_a_third() -> None:
    contours = np.zeros((100, 264), np.float32)
    contours[20:60, 3 * 40 + 2] = 1
    assert bend(contours, FoundNote(20, 40, 60, 0.8)) == pytest.approx(np.full(40, 1 / 3))


@pytest.mark.parametrize("pitch", [0, 87])
def test_bends_are_told_at_both_ends_of_the_keyboard(pitch: int) -> None:
    contours = np.zeros((30, 264), np.float32)
    contours[:, 3 * pitch + 1] = 1
    assert bend(contours, FoundNote(5, pitch, 25, 0.8)) == pytest.approx(np.zeros(20))
