"""Listening to all recordings of a folder, each once: what was heard is remembered until the file changes.

A job that is killed loses the one recording it was at. One bad file costs its own line.
"""

import contextlib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engines import _units
from engines._errors import NotInstalledError
from engines.analyze.audio_files import find_audio_files
from engines.analyze.library_results import Failure, Library, Similar
from engines.analyze.likeness import rank
from engines.analyze.portrait import Portrait, portray

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Collection:
    """The portraits of a folder's recordings in the order of their paths, and what was passed over."""

    portraits: list[Portrait]
    failures: list[Failure]


class Portraitist:
    """Makes portraits, or finds them in memory.

    Parameters
    ----------
    version
        Of the engine; what another one remembered does not count.
    progress, memory
        As an operation has them.
    """

    def __init__(self, version: str, progress: _units.Progress, memory: _units.Memory) -> None:
        self._version = version
        self._progress = progress
        self._memory = memory
        self._stopped: BaseException | None = None
        self.analysed = 0

    def of_folder(self, folder: Path, recursive: bool) -> Collection:
        """Portray every audio file of a folder, reporting progress from 0 to 1.

        Raises
        ------
        TooLongError
            As `audio_files.find_audio_files`.
        NotInstalledError
            If a model of the program is missing or damaged.
        """
        found = find_audio_files(folder, recursive, self._progress)
        portraits, failures = [], list(found.failures)
        n = len(found.paths)
        for i, path in enumerate(found.paths):
            try:
                portraits.append(self.of_file(path, f"{i + 1} of {n}: {path.name}", i / n, 1 / n))
            except NotInstalledError:  # of the program, not of the file: no other would do better
                raise
            except Exception as error:  # whatever a file does, the others are still wanted
                if error is self._stopped:
                    raise
                failures.append(Failure(str(path), _words(error, path)))
        self._report(1.0, "done")
        return Collection(portraits, failures)

    def of_file(self, path: Path, stage: str, start: float, share: float) -> Portrait:
        """Portray one file, reporting progress from `start` on for `share`."""
        key = self._key(path)
        self._report(start, stage)
        known = Portrait.of_plain(path, self._memory.recall(key))
        if known is not None:
            return known
        portrait = portray(path, self._within(stage, start, share))
        self.analysed += 1
        with contextlib.suppress(OSError):  # what was heard is still good when the file has gone meanwhile
            if self._key(path) == key:  # otherwise it was written to meanwhile
                self._memory.remember(key, portrait.plain())
        return portrait

    def _key(self, path: Path) -> tuple[str | int, ...]:
        # One state of a file is told from another as git's index does it, by what the system says of it, the
        # time of its last change and its inode too: files whose names were exchanged have the same size and
        # time of writing. Reading terabytes to know that nothing changed would not help.
        status = path.stat()
        return (
            *("portrait", self._version, os.path.realpath(path)),
            *(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino),
        )

    def _within(self, stage: str, start: float, share: float) -> Callable[[float, str], None]:
        def report(fraction: float, _: str) -> None:
            self._report(start + share * fraction, stage)

        return report

    def _report(self, fraction: float, stage: str) -> None:
        try:
            self._progress(fraction, stage)
        except BaseException as error:
            self._stopped = error  # so that it is not taken for the file's fault
            raise


def library(folder: Path, recursive: bool, portraitist: Portraitist) -> Library:
    """Answer `analyze.library`."""
    found = portraitist.of_folder(folder, recursive)
    recordings = [portrait.recording for portrait in found.portraits]
    return Library(
        recordings=recordings,
        failures=found.failures,
        analysed=portraitist.analysed,
        remembered=len(recordings) - portraitist.analysed,
        duration=sum(recording.duration for recording in recordings),
    )


def similar(path: Path, folder: Path, recursive: bool, count: int, portraitist: Portraitist) -> Similar:
    """Answer `analyze.similar`."""
    wanted = portraitist.of_file(path, path.name, 0.0, 0.0)
    found = portraitist.of_folder(folder, recursive)
    others = [portrait for portrait in found.portraits if not _same(path, Path(portrait.recording.path))]
    return Similar(
        matches=rank(wanted, others, count),
        compared=len(others),
        analysed=portraitist.analysed,
        failures=found.failures,
    )


def _same(a: Path, b: Path) -> bool:
    try:
        return a.samefile(b)
    except OSError:  # gone meanwhile
        return False


def _words(error: Exception, path: Path) -> str:
    if isinstance(error, OSError):
        return f"path: {error.strerror or error}"
    if isinstance(error, ValueError):
        return str(error)
    _LOG.exception("analysing %s", path)
    return f"internal: {type(error).__name__}; see the daemon's log"
