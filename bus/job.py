"""A request on its way: who waits for it, where it is, and how it ends."""

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

from bus.errors import BusError
from bus.lane import Work
from bus.messages import Request
from bus.operations import Operation


@dataclass(frozen=True, slots=True)
class Result:
    """A good end: the result as MessagePack, the seconds it took, and whether it came from the cache."""

    encoded: bytes
    elapsed_s: float
    cached: bool


Outcome: TypeAlias = Result | BusError


class Client(Protocol):
    """Whoever waits for an answer: a peer of the ROUTER socket, an HTTP request."""

    def progress(self, request: Request, seq: int, fraction: float, stage: str) -> None:
        """Learn how far a request is, where it asked to be told."""

    def end(self, request_id: str, outcome: Outcome) -> None:
        """Learn how a request ended; called once for each request."""


class JobState(StrEnum):
    """Where a job is, as its `state` events say it."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(eq=False)
class Job:
    """A request that was accepted. Times are the event loop's, in seconds."""

    request: Request
    operation: Operation
    params: dict[str, Any]
    fingerprint: bytes
    arrived_s: float
    clients: list[Client]
    state: JobState = JobState.QUEUED
    started_s: float | None = None
    fraction: float = 0.0
    stage: str = ""
    progress_seq: int = 0
    published_s: float = float("-inf")
    # What it ends with if it is stopped: a cancel, a deadline, the daemon's end.
    stopped_by: BusError | None = None
    deadline: asyncio.TimerHandle | None = None
    next_progress: asyncio.TimerHandle | None = None
    task: "asyncio.Task[Result] | None" = None
    # Both may still read its files when the job has ended.
    disk: "asyncio.Future[Any] | None" = None
    work: Work | None = None
    spool_bytes: int = 0
    spooled: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The request's id."""
        return self.request.id

    def check_wanted(self) -> None:
        """Raise what the job was stopped by, if it was; for threads that work for it."""
        if self.stopped_by is not None:
            raise self.stopped_by
