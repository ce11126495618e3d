"""What the daemon and a worker say to each other over their private pipe.

Down goes one job at a time; up come `ready`, then for each job `accepted`, any number of `progress`, and
one ending: `finished` or `failed`. A second pipe carries the number of a job that is no longer wanted, the
soft cancel, which the worker looks for whenever the engine reports progress.
"""

from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import msgpack


@dataclass(frozen=True, slots=True)
class Run:
    """Down: run an operation. `params` are validated, files are paths."""

    number: int
    request_id: str
    op: str
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ready:
    """Up: the engine is loaded and warm."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Up: the job has begun."""

    number: int


@dataclass(frozen=True, slots=True)
class Progressed:
    """Up: how far the job is."""

    number: int
    fraction: float
    stage: str


@dataclass(frozen=True, slots=True)
class Finished:
    """Up: the job's result, encoded."""

    number: int
    result: bytes


@dataclass(frozen=True, slots=True)
class Failed:
    """Up: the job's error, by code."""

    number: int
    code: str
    message: str
    details: dict[str, Any] | None = None


Message: TypeAlias = Run | Ready | Accepted | Progressed | Finished | Failed

_KINDS: tuple[type[Message], ...] = (Run, Ready, Accepted, Progressed, Finished, Failed)
_BY_NAME = {kind.__name__: kind for kind in _KINDS}


def encode(message: Message) -> bytes:
    """Write a message for the other side."""
    # A path must come through as it is, and on some disks a file's name is no Unicode.
    fields = [type(message).__name__, asdict(message)]
    return bytes(msgpack.packb(fields, unicode_errors="surrogateescape"))


def decode(data: bytes) -> Message:
    """Read a message of the other side.

    Raises
    ------
    ValueError
        If it is none: the other side is broken.
    """
    try:
        name, fields = msgpack.unpackb(data, strict_map_key=False, unicode_errors="surrogateescape")
        return _BY_NAME[name](**fields)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a message of the pipe: {data[:80]!r}") from error
