"""Which audio files a folder holds."""

import os
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
    """Paths in order, and what could not be looked into."""

    paths: list[Path]
    failures: list[Failure]


def find_audio_files(folder: Path, recursive: bool, progress: _units.Progress) -> AudioFiles:
    """List the audio files of a folder by their names' endings.

    Hidden files and folders are not part of it. Links to folders are not followed, so that there are no
    loops; a link to a file counts if the file is inside the folder. Reports progress 0 now and then.

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
                    if entry.is_dir(follow_symlinks=False):
                        if recursive and depth < DEEPEST:
                            waiting.append((entry.path, depth + 1))
                    elif _is_audio(entry, root):
                        paths.append(Path(entry.path))
                    _refuse_huge(len(paths), n_entries)
        except OSError as error:
            if here == str(folder):
                raise
            failures.append(Failure(here, f"folder: {error.strerror or error}"))
    return AudioFiles(sorted(paths), failures)


def _is_audio(entry: os.DirEntry[str], root: Path) -> bool:
    if not entry.name.lower().endswith(SUFFIXES):
        return False
    try:
        # What is outside, or hidden, was not asked for and may not be anybody's to read.
        return entry.is_file() and (
            not entry.is_symlink() or _is_within(Path(os.path.realpath(entry.path)), root)
        )
    except OSError:  # a link to itself
        return False


def _is_within(path: Path, root: Path) -> bool:
    return path.is_relative_to(root) and not any(
        part.startswith(".") for part in path.relative_to(root).parts
    )


def _refuse_huge(n_files: int, n_entries: int) -> None:
    if n_files > MOST_FILES:
        raise TooLongError(f"folder: more than {MOST_FILES} audio files; name a folder within it")
    if n_entries > MOST_ENTRIES:
        raise TooLongError(f"folder: more than {MOST_ENTRIES} files; name a folder within it")
