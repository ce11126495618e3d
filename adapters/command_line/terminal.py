"""Where output goes: the answer to stdout, everything else to stderr."""

import json
import os
import shutil
import stat
import sys
import tempfile
from base64 import b64encode
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

_NARROWEST = 40
_WIDTH_WITHOUT_TERMINAL = 10_000


class OutputError(Exception):
    """A result that could not be put where it was wanted."""


def answer(text: str) -> None:
    """Print a part of the answer."""
    sys.stdout.flush()
    answer_bytes((text + "\n").encode(sys.stdout.encoding or "utf-8", "replace"))


def answer_bytes(data: bytes) -> None:
    """Print a part of the answer that is no text.

    Raises
    ------
    BrokenPipeError
        If its reader has gone; a write that ended half-way is not taken for a whole one, which Python does
        where PYTHONUNBUFFERED is set.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[sys.stdout.buffer.write(rest) :]


def answer_json(value: Any) -> None:
    """Print an answer as one line of JSON; bytes become base64."""
    answer(json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain))


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    raise TypeError(type(value).__name__)


def say(text: str) -> None:
    """Tell the person something that is not the answer."""
    sys.stderr.write(text + "\n")


def say_error(text: str) -> None:
    """Tell the person what went wrong, in one sentence."""
    say(f"dawg-ai: {text}")


def is_watched() -> bool:
    """Whether stderr is a terminal that can redraw a line."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def width() -> int:
    """Columns to fill; without a terminal nothing is cut."""
    if not sys.stdout.isatty():
        return _WIDTH_WITHOUT_TERMINAL
    return max(shutil.get_terminal_size().columns, _NARROWEST)


def count(n: float, what: str) -> str:
    """Say how many there are of what: `1 bar`, `2 bars`."""
    return f"{n:.10g} {what}{'' if n == 1 else 's'}"


def columns(rows: Iterable[Sequence[str]], indent: str = "") -> str:
    """Set rows of text one under the other; the last column is cut at the terminal's edge."""
    table = [list(row) for row in rows]
    if not table:
        return ""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]) - 1)]
    lines = []
    for row in table:
        padded = [cell.ljust(size) for cell, size in zip(row, widths, strict=False)]
        lines.append((indent + "  ".join([*padded, row[-1]])).rstrip())
    return "\n".join(line if len(line) <= width() else line[: width() - 1] + "…" for line in lines)


def check_writable(target: Path, *, force: bool) -> None:
    """Find out that a file cannot be written before the work for it is done.

    Raises
    ------
    OutputError
        If its folder is not there, it is a folder itself, or a file that only `force` replaces.
    """
    if not target.parent.is_dir():
        raise OutputError(f"{target}: the folder {target.parent} does not exist")
    if target.is_dir():
        raise OutputError(f"{target}: is a folder")
    if target.is_file() and not force:
        raise OutputError(f"{target}: is there already; --force replaces it")


def write_file(target: Path, data: bytes) -> None:
    """Write a file whole or not at all; a link's target in its place, a pipe or device as it takes it.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    try:
        target = target.resolve()
        if target.exists() and not target.is_file():
            target.write_bytes(data)
        else:
            _replace(target, data)
    except OSError as error:
        raise OutputError(f"{target}: {error.strerror or error}") from error


def _replace(target: Path, data: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
        written = Path(file.name)
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            # As it was, or as if it had been opened by name: a temporary file is private.
            umask = os.umask(0)
            os.umask(umask)
            written.chmod(stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~umask)
            written.replace(target)
        except BaseException:
            written.unlink(missing_ok=True)
            raise
