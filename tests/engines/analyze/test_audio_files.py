"""Which files of a folder are taken for audio."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engines._errors import TooLongError
from engines._units import silent
from engines.analyze import audio_files
from engines.analyze.audio_files import find_audio_files


@pytest.fixture
def touch(tmp_path: Path) -> Callable[[str], Path]:
    def make(name: str) -> Path:
        path = tmp_path / "music" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return path

    return make


def names(folder: Path, recursive: bool = True) -> list[str]:
    return [str(path.relative_to(folder)) for path in find_audio_files(folder, recursive, silent).paths]


def test_audio_is_found_by_its_endings_in_order(tmp_path: Path, touch: Callable[[str], Path]) -> None:
    for name in ("b.WAV", "a/loop.flac", "a/b/c/deep.mp3", "notes.txt", "song.als", "wav", "a.m4a"):
        touch(name)
    assert names(tmp_path / "music") == ["a/b/c/deep.mp3", "a/loop.flac", "a.m4a", "b.WAV"]
    assert names(tmp_path / "music", recursive=False) == ["a.m4a", "b.WAV"]


def test_hidden_files_and_folders_are_left_out(tmp_path: Path, touch: Callable[[str], Path]) -> None:
    for name in (".hidden.wav", ".trash/old.wav", "a/._resource.wav", "seen.wav"):
        touch(name)
    assert names(tmp_path / "music") == ["seen.wav"]


def test_links_lead_neither_in_circles_nor_out(tmp_path: Path, touch: Callable[[str], Path]) -> None:
    song = touch("a/song.wav")
    folder = tmp_path / "music"
    (folder / "a" / "up").symlink_to(folder)
    (folder / "away").symlink_to(tmp_path)
    (folder / "self").symlink_to("self")
    (folder / "self.wav").symlink_to("self.wav")
    outside = tmp_path / "secret.wav"
    outside.touch()
    (folder / "out.wav").symlink_to(outside)
    (folder / "dangling.wav").symlink_to(folder / "nothing.wav")
    (folder / "alias.wav").symlink_to(song)
    (folder / ".kept").mkdir()
    (folder / ".kept" / "hidden.wav").touch()
    (folder / "shown.wav").symlink_to(folder / ".kept" / "hidden.wav")
    found = find_audio_files(folder, True, silent)
    assert [path.name for path in found.paths] == ["song.wav", "alias.wav"]
    away = "path: a link out of the folder, or to what is hidden; name the folder of the file itself"
    # What is inside is looked into at its own place: a link to it hides nothing.
    assert {Path(failure.path).name: failure.error for failure in found.failures} == {
        "away": "folder: a link, which is not followed; name the folder itself",
        "dangling.wav": "path: No such file or directory",
        "out.wav": away,
        "self.wav": "path: Too many levels of symbolic links",
        "shown.wav": away,
    }
    alone = find_audio_files(folder, False, silent)
    assert [path.name for path in alone.paths] == ["alias.wav"]
    assert "away" not in {Path(failure.path).name for failure in alone.failures}


def test_what_is_outside_is_not_said_to_exist(tmp_path: Path, touch: Callable[[str], Path]) -> None:
    touch("song.wav")
    (tmp_path / "there.wav").touch()
    for name in ("there.wav", "not there.wav"):
        (tmp_path / "music" / name).symlink_to(tmp_path / name)
    a, b = find_audio_files(tmp_path / "music", True, silent).failures
    assert a.error == b.error


def test_only_regular_files_count(tmp_path: Path, touch: Callable[[str], Path]) -> None:
    touch("song.wav")
    folder = tmp_path / "music"
    (folder / "folder.wav").mkdir()
    os.mkfifo(folder / "pipe.wav")
    found = find_audio_files(folder, True, silent)
    assert [path.name for path in found.paths] == ["song.wav"]
    assert [(Path(failure.path).name, failure.error) for failure in found.failures] == [
        ("pipe.wav", "path: must be a regular file")
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="this system's names are all UTF-8")
def test_names_that_no_answer_can_hold_are_listed_as_far_as_they_can_be_read(
    tmp_path: Path, touch: Callable[[str], Path]
) -> None:
    folder = touch("song.wav").parent
    bad = touch(os.fsdecode(b"bad\xff\xfe.wav"))
    touch(os.fsdecode(b"folder\xff/a.wav"))
    (folder / "alias.wav").symlink_to(bad)
    found = find_audio_files(folder, True, silent)
    assert [path.name for path in found.paths] == ["song.wav"]
    assert [(failure.path, failure.error) for failure in found.failures] == [
        (f"{folder}/alias.wav", "path: its name is not UTF-8; rename it"),
        (f"{folder}/bad\\xff\\xfe.wav", "path: its name is not UTF-8; rename it"),
        (f"{folder}/folder\\xff", "folder: its name is not UTF-8; rename it"),
    ]


def test_folders_too_deep_are_listed(
    tmp_path: Path, touch: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio_files, "DEEPEST", 1)
    touch("a/song.wav")
    touch("a/b/deep.wav")
    found = find_audio_files(tmp_path / "music", True, silent)
    assert [path.name for path in found.paths] == ["song.wav"]
    assert [failure.error for failure in found.failures] == [
        "folder: more than 1 deep; name a folder within it"
    ]


def test_a_folder_that_may_not_be_read_is_listed(
    tmp_path: Path, touch: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    touch("song.wav")
    locked = touch("locked/other.wav").parent
    scandir = os.scandir

    def refuse(path: str) -> Any:  # as the system does for anybody but root
        if path == str(locked):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr("engines.analyze.audio_files.os.scandir", refuse)
    found = find_audio_files(tmp_path / "music", True, silent)
    assert [path.name for path in found.paths] == ["song.wav"]
    assert [(failure.path, failure.error) for failure in found.failures] == [
        (str(locked), "folder: Permission denied")
    ]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        find_audio_files(tmp_path / "nothing", True, silent)


def test_huge_folders_are_refused_with_what_is_allowed(
    tmp_path: Path, touch: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        touch(f"{number}.wav")
    monkeypatch.setattr(audio_files, "MOST_FILES", 6)
    assert len(names(tmp_path / "music")) == 6
    (tmp_path / "music" / "7.wav").symlink_to("nothing")  # what is listed as a failure takes room too
    with pytest.raises(TooLongError, match="folder: more than 6 audio files; name a folder within it"):
        names(tmp_path / "music")
    monkeypatch.setattr(audio_files, "MOST_FILES", 100)
    monkeypatch.setattr(audio_files, "MOST_ENTRIES", 6)
    with pytest.raises(TooLongError, match="more than 6 files"):
        names(tmp_path / "music")


def test_looking_can_be_cancelled(tmp_path: Path, touch: Callable[[str], Path]) -> None:
    touch("song.wav")

    def cancel(fraction: float, stage: str) -> None:
        raise InterruptedError(stage)

    with pytest.raises(InterruptedError, match="look into music"):
        find_audio_files(tmp_path / "music", True, cancel)
