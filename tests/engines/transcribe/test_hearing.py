"""Bounds of one pass."""

from pathlib import Path

import numpy as np
import pytest

from engines import transcribe
from engines._errors import TooLongError
from engines.transcribe import hearing
from engines.transcribe.hearing import AFTER, SEGMENT, HeardNote, NoteCollector
from engines.transcribe.note_creation import BASIC_PITCH
from engines.transcribe.pitch_model import Activations, frame_times
from tests import signals


def activations(n_frames: int, *notes: tuple[int, int, int]) -> Activations:
    """Draw notes as (start, end, column), each with an onset; their contours are of their columns."""
    sounding, onsets = np.zeros((n_frames, 88), np.float32), np.zeros((n_frames, 88), np.float32)
    for start, end, column in notes:
        sounding[start:end, column] = 0.6
        onsets[start, column] = 0.9
    return Activations(sounding, onsets, np.repeat(sounding, 3, axis=1), sounding)


def collected(heard: Activations, block: int) -> list[HeardNote]:
    collector = NoteCollector(BASIC_PITCH)
    for at in range(0, len(heard.notes), block):
        parts = (heard.notes, heard.onsets, heard.contours, heard.powers)
        collector.push(Activations(*(part[at : at + block] for part in parts if part is not None)))
    return collector.finish()


@pytest.mark.parametrize("block", [142, 5000])
def test_a_note_of_any_length_is_one_note(block: int) -> None:
    n = 4 * SEGMENT
    notes = collected(activations(n, (100, n - 500, 40), (200, SEGMENT + AFTER + 700, 52)), block)
    times = frame_times(0, n)
    assert [(note.start, note.end) for note in notes] == [
        (times[100], times[n - 500]),
        (times[200], times[SEGMENT + AFTER + 700]),
    ]
    assert [len(note.bend) for note in notes if note.bend is not None] == [n - 600, SEGMENT + AFTER + 500]


@pytest.mark.parametrize("again", [SEGMENT - 400, SEGMENT + 300, SEGMENT + AFTER + 200])
def test_a_held_note_ends_where_its_key_is_struck_again(again: int) -> None:
    n = 3 * SEGMENT
    first, second = collected(activations(n, (100, again - 1, 40), (again, n - 500, 40)), 142)
    times = frame_times(0, n)
    assert (first.start, second.start, second.end) == (times[100], times[again], times[n - 500])
    assert first.end == pytest.approx(times[again], abs=0.02)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    events = [(t, signals.note(60 + t, 0.45, amplitude=0.4)) for t in range(4)]
    return signals.write(tmp_path / "notes.wav", signals.mix_at(events, 4.5))


def test_more_notes_than_an_answer_holds_are_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hearing, "MAX_NOTES", 3)
    with pytest.raises(TooLongError, match="more notes in the first 0 min than one answer can hold"):
        transcribe.audio(path, kind="pitched", tempo=120)


def test_more_bends_than_an_answer_holds_are_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hearing, "MAX_BEND_FRAMES", 50)
    assert len(transcribe.audio(path, kind="pitched", tempo=120).notes) == 4
    with pytest.raises(TooLongError, match="more bends"):
        transcribe.audio(path, kind="pitched", tempo=120, bends=True)


def test_more_strokes_than_an_answer_holds_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drums = signals.write(tmp_path / "drums.wav", signals.drum_loop(120, 2))
    monkeypatch.setattr(hearing, "MAX_NOTES", 5)
    with pytest.raises(TooLongError, match="more strokes"):
        transcribe.audio(drums, kind="drums", tempo=120)
