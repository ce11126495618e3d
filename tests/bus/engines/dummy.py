"""An engine that does as it is told: waits, fails, dies, grows."""

import ctypes
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from engines._units import Memory, forgetful

Progress = Callable[[float, str], None]
Seconds = Annotated[float, Field(ge=0, le=3600, json_schema_extra={"unit": "s"})]
Count = Annotated[int, Field(ge=0, le=1_000_000, json_schema_extra={"unit": "1"})]
AnyFile = Annotated[Path, Field(json_schema_extra={"contentMediaType": "audio/*"})]
Folder = Annotated[Path, WithJsonSchema({"type": "string", "format": "directory-path"})]


class Undecodable(ValueError):
    """As engines name what a client can act on."""

    code = "DATA_LOSS"


class NotInstalled(OSError):
    """As engines name what a client can act on."""

    code = "FAILED_PRECONDITION"


FAILURES: dict[str, BaseException] = {
    "value": ValueError("tempo: 0; must be between 20 and 400 BPM"),
    "undecodable": Undecodable("file: not audio"),
    "not installed": NotInstalled("model: not there"),
    "missing": FileNotFoundError("gone"),
    "forbidden": PermissionError("not yours"),
    "os": OSError("cut off"),
    "pipe": BrokenPipeError("the engine's own"),
    "reset": ConnectionResetError("the engine's own"),
    "memory": MemoryError(),
    "recursion": RecursionError("too deep"),
    "bug": KeyError("secret"),
    "no unicode": ValueError("a\udcffb"),
    "exit": SystemExit(3),
    "interrupt": KeyboardInterrupt(),
}


def silent(fraction: float, stage: str) -> None:
    """Ignore progress."""


@dataclass(frozen=True)
class Echo:
    """What came."""

    value: str
    pid: Count


@dataclass(frozen=True)
class Size:
    """How large a file is."""

    size: Count


def echo(
    value: str = "", number: Annotated[float, Field(ge=20, le=400, json_schema_extra={"unit": "BPM"})] = 120
) -> Echo:
    """Give back what came."""
    del number
    return Echo(value, os.getpid())


def wait(seconds: Seconds, steps: Count = 10, progress: Progress = silent) -> Echo:
    """Take a while, reporting how far it is."""
    for step in range(steps):
        progress(step / steps, f"step {step}")
        time.sleep(seconds / steps)
    return Echo("waited", os.getpid())


def hold(file: str, progress: Progress = silent) -> Echo:
    """Go on until a file is there."""
    while not Path(file).exists():
        progress(0.5, "holding")
        time.sleep(0.005)
    return Echo("let go", os.getpid())


def quiet(file: str, fractions: list[float], progress: Progress = silent) -> Echo:
    """Report these fractions at once, then say and hear nothing until a file is there."""
    for number, fraction in enumerate(fractions):
        progress(fraction, f"stage {number}")
    while not Path(file).exists():
        time.sleep(0.005)
    return Echo("let go", os.getpid())


def report(fractions: list[float], every: Seconds = 0.0, progress: Progress = silent) -> Echo:
    """Report these fractions."""
    for number, fraction in enumerate(fractions):
        progress(fraction, f"stage {number}")
        time.sleep(every)
    return Echo("reported", os.getpid())


def stubborn(seconds: Seconds) -> Echo:
    """Take a while without looking whether it is still wanted."""
    time.sleep(seconds)
    return Echo("waited", os.getpid())


def fail(kind: str) -> Echo:
    """Raise what is asked for."""
    raise FAILURES[kind]


def die(signal_number: Count = int(signal.SIGKILL), after: Seconds = 0.0) -> Echo:
    """Kill the worker."""
    time.sleep(after)
    os.kill(os.getpid(), signal_number)
    time.sleep(60)
    return Echo("alive", 0)


def grow(megabytes: Count) -> Echo:
    """Take memory and keep it for a while."""
    block = bytearray(megabytes * 1_000_000)
    ctypes.memset((ctypes.c_char * len(block)).from_buffer(block), 1, len(block))
    time.sleep(60)
    return Echo("grown", os.getpid())


def optional(path: AnyFile | None = None) -> Size:
    """Measure a file, or nothing."""
    return Size(0 if path is None else len(path.read_bytes()))


def nested(values: dict[str, Any] | None = None, numbers: list[Count] | None = None) -> Size:
    """Count what came."""
    return Size(len(values or {}) + len(numbers or []))


def size(path: AnyFile) -> Size:
    """Measure a file."""
    return Size(len(path.read_bytes()))


def count(folder: Folder) -> Size:
    """Count what is in a folder."""
    return Size(len(list(folder.iterdir())))


def big(megabytes: Count) -> dict[str, Any]:
    """Give a large result."""
    return {"data": b"x" * (megabytes * 1_000_000)}


def again(key: str, memory: Memory = forgetful) -> Size:
    """Say how often it was asked so before."""
    before = memory.recall(["again", key]) or 0
    memory.remember(["again", key], before + 1)
    return Size(before)


def installed_models() -> dict[str, str]:
    """Say which models are there."""
    return {"dummy": "is no model"}


OPERATIONS = (
    echo,
    wait,
    hold,
    quiet,
    report,
    stubborn,
    fail,
    die,
    grow,
    size,
    optional,
    nested,
    count,
    big,
    again,
)
VERSION = "1"
CACHED = (size,)
TIMEOUTS_S = {"wait": 30.0}
