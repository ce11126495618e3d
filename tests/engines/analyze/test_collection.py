"""A folder of recordings as one job: once each, resumed, bad files passed over."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines import analyze
from engines._errors import NotInstalledError
from engines.analyze import listening, pulse
from engines.analyze.library_results import Library
from tests import signals


class Memory:
    """As the worker's, without a disk."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str | int, ...], Any] = {}

    def recall(self, key: Sequence[str | int]) -> Any:
        return self.kept.get(tuple(key))

    def remember(self, key: Sequence[str | int], value: Any) -> None:
        self.kept[tuple(key)] = value


class Cancelled(Exception):
    """Raised out of progress."""


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were listened to, in order."""
    names: list[str] = []

    def watched(path: Path, *arguments: Any) -> Any:
        names.append(path.name)
        return listening.listen(path, *arguments)

    monkeypatch.setattr("engines.analyze.portrait.listen", watched)
    return names


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    (folder / "more").mkdir(parents=True)
    loop = 0.5 * signals.drum_loop(120, 2)
    signals.write(folder / "a drums.wav", loop)
    signals.write(folder / "b chords.wav", 0.5 * signals.cadence("A minor", 1.0, times=1))
    (folder / "c broken.wav").write_bytes(b"RIFF, but nothing else")
    signals.write(folder / "more" / "d drums slower.wav", 0.5 * signals.drum_loop(114, 2))
    (folder / "notes.txt").write_text("no audio")
    return folder


def names(library: Library) -> list[str]:
    return [Path(recording.path).name for recording in library.recordings]


def test_every_file_has_a_line_and_bad_ones_an_error(folder: Path) -> None:
    found = analyze.library(folder)
    assert names(found) == ["a drums.wav", "b chords.wav", "d drums slower.wav"]
    assert [Path(failure.path).name for failure in found.failures] == ["c broken.wav"]
    assert "not audio that can be decoded" in found.failures[0].error
    assert (found.analysed, found.remembered) == (3, 0)
    assert found.duration == pytest.approx(sum(recording.duration for recording in found.recordings))
    drums, chords, _ = found.recordings
    assert drums.tempo == pytest.approx(120, rel=1e-3)
    assert drums.loop_beats == 8
    assert (chords.key, chords.mode) == ("A", "minor")
    whole = analyze.audio(Path(chords.path))
    assert chords.integrated_lufs == whole.loudness.integrated_lufs
    assert (chords.tempo, chords.key_confidence) == (whole.tempo, whole.key_confidence)


def test_folders_within_are_left_alone_on_request(folder: Path) -> None:
    assert names(analyze.library(folder, recursive=False)) == ["a drums.wav", "b chords.wav"]


def test_an_empty_folder_has_no_recordings(tmp_path: Path) -> None:
    found = analyze.library(tmp_path)
    assert (found.recordings, found.failures, found.duration) == ([], [], 0)


def test_a_second_call_listens_to_nothing(folder: Path, memory: Memory, heard: list[str]) -> None:
    first = analyze.library(folder, memory=memory)
    heard.clear()
    second = analyze.library(folder, memory=memory)
    assert heard == ["c broken.wav"]  # what failed is tried again
    assert second.recordings == first.recordings
    assert (second.analysed, second.remembered) == (0, 3)


def test_only_what_changed_is_listened_to_again(folder: Path, memory: Memory, heard: list[str]) -> None:
    analyze.library(folder, memory=memory)
    heard.clear()
    signals.write(folder / "b chords.wav", 0.5 * signals.cadence("E minor", 1.0, times=1))
    os.utime(folder / "b chords.wav", ns=(1, 1))
    signals.write(folder / "c broken.wav", 0.5 * signals.drum_loop(100, 2))
    (folder / "a drums.wav").rename(folder / "more" / "a drums.wav")
    found = analyze.library(folder, memory=memory)
    assert heard == ["b chords.wav", "c broken.wav", "a drums.wav"]
    assert found.failures == []
    assert found.recordings[0].key == "E"


def test_a_call_that_was_stopped_goes_on_where_it_was(folder: Path, memory: Memory, heard: list[str]) -> None:
    def stop_at_the_third(fraction: float, stage: str) -> None:
        if stage.startswith("3 of 4"):
            raise Cancelled

    with pytest.raises(Cancelled):
        analyze.library(folder, progress=stop_at_the_third, memory=memory)
    assert heard == ["a drums.wav", "b chords.wav"]
    heard.clear()
    found = analyze.library(folder, memory=memory)
    assert heard == ["c broken.wav", "d drums slower.wav"]
    assert (found.analysed, found.remembered) == (1, 2)


def test_a_cancel_within_a_file_is_no_failure_of_the_file(folder: Path, memory: Memory) -> None:
    def stop_within(fraction: float, stage: str) -> None:
        if 0 < fraction < 0.25:
            raise ValueError("stop")  # whatever it raises, it is the caller's

    with pytest.raises(ValueError, match="stop"):
        analyze.library(folder, progress=stop_within, memory=memory)
    assert memory.kept == {}


def test_a_damaged_program_is_no_failure_of_the_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "MODEL", folder / "gone.npz")
    monkeypatch.setattr(pulse, "ranker", pulse.ranker.__wrapped__)
    with pytest.raises(NotInstalledError, match=r"gone\.npz .* reinstall the program"):
        analyze.library(folder)


def test_progress_names_the_file_and_never_falls(folder: Path) -> None:
    reports: list[tuple[float, str]] = []
    analyze.library(folder, progress=lambda fraction, stage: reports.append((fraction, stage)))
    fractions = [fraction for fraction, _ in reports]
    assert fractions == sorted(fractions)
    assert reports[-1] == (1.0, "done")
    assert {"1 of 4: a drums.wav", "4 of 4: d drums slower.wav"} <= {stage for _, stage in reports}


def test_a_fault_of_the_engine_costs_one_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fault(*_: Any) -> Any:
        raise IndexError("a fault")

    monkeypatch.setattr("engines.analyze.portrait.find_key", fault)
    found = analyze.library(folder)
    assert found.recordings == []
    assert [failure.error for failure in found.failures if "broken" not in failure.path] == [
        "internal: IndexError; see the daemon's log"
    ] * 3
    assert "a fault" in caplog.text


def test_what_an_older_engine_remembered_does_not_count(
    folder: Path, memory: Memory, heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    analyze.library(folder, memory=memory)
    heard.clear()
    monkeypatch.setattr(analyze, "VERSION", "another")
    analyze.library(folder, memory=memory)
    assert len(heard) == 4


def test_a_link_within_the_folder_has_a_line_and_is_heard_once(
    folder: Path, memory: Memory, heard: list[str]
) -> None:
    (folder / "alias.wav").symlink_to(folder / "a drums.wav")
    found = analyze.library(folder, recursive=False, memory=memory)
    assert names(found) == ["a drums.wav", "alias.wav", "b chords.wav"]
    assert heard == ["a drums.wav", "b chords.wav", "c broken.wav"]
    assert (found.analysed, found.remembered) == (2, 1)


def test_a_recording_that_was_finished_is_kept_though_its_file_has_gone(
    folder: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hear_and_remove(path: Path, *arguments: Any) -> Any:
        heard = listening.listen(path, *arguments)
        if path.name.startswith("a"):
            path.unlink()
        return heard

    monkeypatch.setattr("engines.analyze.portrait.listen", hear_and_remove)
    found = analyze.library(folder, memory=memory)
    assert names(found) == ["a drums.wav", "b chords.wav", "d drums slower.wav"]
    assert (found.analysed, found.remembered) == (3, 0)
    assert len(memory.kept) == 2


def test_a_file_that_has_gone_before_its_turn_is_a_failure_and_counts_stay_right(
    folder: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def remove_and_hear(path: Path, *arguments: Any) -> Any:
        path.unlink()
        return listening.listen(path, *arguments)

    monkeypatch.setattr("engines.analyze.portrait.listen", remove_and_hear)
    found = analyze.library(folder, memory=memory)
    assert (found.recordings, found.analysed, found.remembered) == ([], 0, 0)
    assert {failure.error for failure in found.failures} == {"path: No such file or directory"}


def test_files_that_exchange_their_names_are_told_apart(folder: Path, memory: Memory) -> None:
    a, b = folder / "a.wav", folder / "b.wav"
    signals.write(a, 0.5 * signals.cadence("A minor", 1.0, times=1))
    signals.write(b, 0.5 * signals.cadence("C minor", 1.0, times=1))
    assert a.stat().st_size == b.stat().st_size
    for path in (a, b):
        os.utime(path, ns=(1, 1))
    before = analyze.library(folder, recursive=False, memory=memory)
    a.rename(folder / "c.wav")
    b.rename(a)
    (folder / "c.wav").rename(b)
    after = analyze.library(folder, recursive=False, memory=memory)
    keys = [
        {Path(recording.path).name: recording.key for recording in found.recordings}
        for found in (before, after)
    ]
    assert (keys[0]["a.wav"], keys[0]["b.wav"]) == ("A", "C")
    assert (keys[1]["a.wav"], keys[1]["b.wav"]) == ("C", "A")


def test_a_line_says_what_is_wrong_with_the_file(folder: Path, memory: Memory) -> None:
    whole = (folder / "a drums.wav").read_bytes()
    (folder / "a drums.wav").write_bytes(whole[: len(whole) // 2])
    y = 0.5 * signals.drum_loop(120, 2)
    y[100:103] = np.nan
    signals.write(folder / "b chords.wav", y, encoding="FLOAT")
    for _ in range(2):  # heard, and remembered
        cut, faulty, good = analyze.library(folder, memory=memory).recordings
        assert (cut.truncated, cut.faulty_samples) == (True, 0)
        assert (faulty.truncated, faulty.faulty_samples) == (False, 3)
        assert (good.truncated, good.faulty_samples) == (False, 0)


def test_what_was_remembered_without_what_is_wrong_is_heard_again(
    folder: Path, memory: Memory, heard: list[str]
) -> None:
    analyze.library(folder, memory=memory)
    for kept in memory.kept.values():
        del kept["recording"]["truncated"]
    heard.clear()
    assert analyze.library(folder, memory=memory).analysed == 3
    assert len(heard) == 4


def test_what_is_remembered_wrongly_is_heard_again(folder: Path, memory: Memory, heard: list[str]) -> None:
    analyze.library(folder, memory=memory)
    for key in memory.kept:
        memory.kept[key] = {"recording": {"tempo": 1.0}, "texture": None}
    heard.clear()
    assert analyze.library(folder, memory=memory).analysed == 3
    assert len(heard) == 4


def test_the_same_loop_repeated_fits_best_and_one_is_not_compared_with_itself(
    folder: Path, memory: Memory
) -> None:
    song = signals.write(folder / "song.wav", 0.5 * signals.drum_loop(120, 8))
    found = analyze.similar(song, folder, memory=memory)
    assert Path(found.matches[0].path).name == "a drums.wav"
    assert str(song) not in {match.path for match in found.matches}
    assert (found.compared, len(found.matches), len(found.failures)) == (3, 3, 1)
    again = analyze.similar(song, folder, count=1, memory=memory)
    assert again.matches == found.matches[:1]
    assert again.analysed == 0


def test_a_slower_loop_says_how_much_faster_it_must_be(folder: Path) -> None:
    found = analyze.similar(folder / "a drums.wav", folder)
    slower = next(match for match in found.matches if match.path.endswith("slower.wav"))
    assert slower.speed == pytest.approx(120 / 114, rel=1e-3)
    assert "5.3 % faster to be in tempo" in slower.reason


def test_silence_fits_nothing_and_is_no_error(folder: Path) -> None:
    quiet = signals.write(folder / "silence.wav", signals.silence(1))
    found = analyze.similar(quiet, folder)
    assert {match.distance for match in found.matches} == {1.0}


def test_a_query_that_is_no_audio_is_an_error(folder: Path) -> None:
    with pytest.raises(ValueError, match="not audio"):
        analyze.similar(folder / "c broken.wav", folder)
