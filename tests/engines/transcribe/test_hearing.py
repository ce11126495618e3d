"""Bounds of one pass."""

from pathlib import Path

import pytest

from engines import transcribe
from engines._errors import TooLongError
from engines.transcribe import hearing
from tests import signals


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
