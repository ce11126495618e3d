"""Which audio files a folder holds."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from engines import _units
from engines._errors import TooLongError
from engines.analyze.library_results import Failure

# What people name recordings. One that cannot be decoded here (m4a, wma) is listed as a failure: it is
# better to be told than to miss it. What is named otherwise is not opened.
SUFFIXES = (
    *(".wav", ".wave", ".rf64", ".w64", ".aif", ".aiff", ".aifc", ".caf", ".au", ".snd", ".voc", ".flac"),
    *(".ogg", ".oga", ".opus", ".mp3", ".mp2", ".m4a", ".aac", ".wma", ".ape", ".wv", ".mpc", ".amr"),
)
MOST_FILES = 10_000
MOST_ENTRIES = 1_000_000  # of all folders together, audio or not
DEEPEST = 64


@dataclass(frozen=True)
class AudioFiles:
    """Paths in order, and what could not be looked into or is not to be heard, in order too."""

    paths: list[Path]
    failures: list[Failure]


def find_audio_files(folder: Path, recursive: bool, progress: _units.Progress) -> AudioFiles:
    """List the audio files of a folder by their names' endings.

    Hidden files and folders are not part of it. Links to folders are not followed, so that there are no
    loops; a link to a file counts if the file is inside the folder. What else is named like audio, and a
    folder whose recordings are missing from the list, is a failure. Reports progress 0 now and then.

    Raises
    ------
    TooLongError
        If there are more than 10,000 audio files, or a million entries.
    """
    root = Path(os.path.realpath(folder))
    paths: list[Path] = []
    failures: list[Failure] = []
    waiting = [(str(folder), 0)]
    n_entries = 0
    while waiting:
        here, depth = waiting.pop()
        progress(0.0, f"look into {Path(here).name}")
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    n_entries += 1
                    if n_entries % 1000 == 0:
                        progress(0.0, f"look into {Path(here).name}")
                    if entry.name.startswith("."):
                        continue
                    fault = None
                    if entry.is_dir(follow_symlinks=False):
                        fault = _why_not_entered(entry, depth) if recursive else None
                        if recursive and fault is None:
                            waiting.append((entry.path, depth + 1))
                    elif entry.name.lower().endswith(SUFFIXES):
                        fault = _why_not_heard(entry, root)
                        if fault is None:
                            paths.append(Path(entry.path))
                    elif recursive and _leads_to_another_folder(entry, root):
                        fault = "folder: a link, which is not followed; name the folder itself"
                    if fault is not None:
                        failures.append(Failure(_shown(entry.path), fault))
                    _refuse_huge(len(paths) + len(failures), n_entries)
        except OSError as error:
            if here == str(folder):
                raise
            failures.append(Failure(here, f"folder: {error.strerror or error}"))
    return AudioFiles(sorted(paths), sorted(failures, key=lambda failure: failure.path))


def _why_not_entered(entry: os.DirEntry[str], depth: int) -> str | None:
    if not _is_utf8(entry.path):
        return "folder: its name is not UTF-8; rename it"
    return f"folder: more than {DEEPEST} deep; name a folder within it" if depth >= DEEPEST else None


def _why_not_heard(entry: os.DirEntry[str], root: Path) -> str | None:
    target = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
    # What is outside, or hidden, was not asked for and may not be anybody's to read: it comes first, so that
    # it is not even said to exist.
    if entry.is_symlink() and not _is_within(Path(target), root):
        return "path: a link out of the folder, or to what is hidden; name the folder of the file itself"
    if not (_is_utf8(entry.path) and _is_utf8(target)):  # which answers and progress are
        return "path: its name is not UTF-8; rename it"
    try:
        mode = entry.stat().st_mode
    except OSError as error:
        return f"path: {error.strerror or error}"
    return None if stat.S_ISREG(mode) else "path: must be a regular file"


def _leads_to_another_folder(entry: os.DirEntry[str], root: Path) -> bool:
    """Whether it is a link to a folder that is not looked into at its own place either."""
    try:
        return (
            entry.is_symlink() and entry.is_dir() and not _is_within(Path(os.path.realpath(entry.path)), root)
        )
    except OSError:  # a link to itself
        return False


def _is_within(path: Path, root: Path) -> bool:
    return path.is_relative_to(root) and not any(
        part.startswith(".") for part in path.relative_to(root).parts
    )


def _is_utf8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:  # Python has put half characters in place of what it could not read
        return False
    return True


def _shown(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _refuse_huge(n_files: int, n_entries: int) -> None:
    if n_files > MOST_FILES:
        raise TooLongError(f"folder: more than {MOST_FILES} audio files; name a folder within it")
    if n_entries > MOST_ENTRIES:
        raise TooLongError(f"folder: more than {MOST_ENTRIES} files; name a folder within it")
