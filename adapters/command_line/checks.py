"""What `doctor` finds: a check each, with what to do about it. Here are those that need no daemon.

A fault keeps something from working; a note is worth knowing and no fault (DAWG-CORE is not open, a model is
not installed).
"""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from adapters.settings import Config

_OLDEST_PYTHON, _FIRST_UNTRIED_PYTHON = (3, 11), (3, 14)
_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)\s*(;?)", re.MULTILINE)
_SHOWN = 5
# The spool and the cache take files of this size; less room is as good as none.
_LEAST_FREE_MB = 200


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    state: Literal["fine", "note", "fault"]
    said: str
    remedy: str = ""


def python() -> Check:
    """Look at the interpreter."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    if _OLDEST_PYTHON <= sys.version_info[:2] < _FIRST_UNTRIED_PYTHON:
        return Check("python", "fine", f"{version}, {sys.executable}")
    return Check(
        "python", "fault", f"{version}; must be 3.11 to 3.13", "make PYTHON=/path/to/python3.12 setup"
    )


def packages(beside: Path) -> Check:
    """Compare what is installed with what is pinned."""
    lock = beside / "requirements.lock"
    try:
        pins = _PIN.findall(lock.read_text(encoding="utf-8"))
    except OSError as error:
        return Check("packages", "note", f"{lock}: {error.strerror}; the pins cannot be compared")
    missing, other = [], []
    for name, version, condition in pins:
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            if not condition:  # with one, it is for another platform or Python
                missing.append(name)
            continue
        if installed != version:
            other.append(f"{name} {installed} (pinned {version})")
    if missing:
        return Check("packages", "fault", f"not installed: {_some(missing)}", "make setup")
    if other:
        return Check("packages", "note", f"not as pinned: {_some(other)}", "make setup")
    return Check("packages", "fine", f"{len(pins)} as pinned")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def folders(config: Config) -> Iterator[Check]:
    """Look at every folder the daemon reads or writes."""
    paths = config.paths
    for name, folder in (
        ("paths.state", paths.state),
        ("paths.cache", paths.cache),
        ("paths.status_file", paths.status_file.expanduser().parent),
    ):
        yield _written(name, folder.expanduser())
    for number, root in enumerate(paths.audio_roots):
        yield _read(f"paths.audio_roots[{number}]", root.expanduser(), needed=True)
    yield _read("paths.projects", paths.projects.expanduser(), needed=False)


def _written(name: str, folder: Path) -> Check:
    key = f"or set {name} in config.toml"
    there = next((parent for parent in (folder, *folder.parents) if parent.exists()), Path("/"))
    if not there.is_dir():
        return Check(name, "fault", f"{there}: is not a folder", f"move it away, {key}")
    free_mb = shutil.disk_usage(there).free / 1e6
    if free_mb < _LEAST_FREE_MB:
        return Check(name, "fault", f"{folder}: the disk has {free_mb:.0f} MB left", f"make room, {key}")
    if there != folder:
        if os.access(there, os.W_OK | os.X_OK):
            return Check(name, "fine", f"{folder}: will be made")
        return Check(name, "fault", f"{folder}: cannot be made, {there} is not writable", f"make it, {key}")
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
            file.flush()
    except OSError as error:
        return Check(name, "fault", f"{folder}: not writable ({error.strerror})", f"chmod u+rwx, {key}")
    return Check(name, "fine", f"{folder}: writable, {free_mb / 1000:.1f} GB left")


def _read(name: str, folder: Path, *, needed: bool) -> Check:
    state: Literal["note", "fault"] = "fault" if needed else "note"
    if not folder.is_dir():
        return Check(name, state, f"{folder}: no such folder", f"make it, or set {name} in config.toml")
    if not os.access(folder, os.R_OK | os.X_OK):
        return Check(name, "fault", f"{folder}: not readable", f"chmod u+rx, or set {name} in config.toml")
    return Check(name, "fine", f"{folder}: readable")
