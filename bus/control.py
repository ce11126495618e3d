"""The bus's own operations, answered in the event loop ahead of any queue, also while every worker is busy.

`Control` holds what they tell of; its public methods, listed in `operations`, are the operations `bus.*`:
their docstrings are the manual, their return types the schemas. It also beats: the heartbeat each second,
and the status on every change.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from bus.dispatcher import Dispatcher
from bus.lane import LaneStatus
from bus.messages import ID_CHARACTERS, VERSIONS
from bus.operations import Operation, Operations, declare
from bus.pool import Pool
from bus.publisher import HEARTBEAT, STATUS, Publisher
from bus.schema import documented
from bus.settings import BusSettings, Limits
from bus.stats import OperationStats, Stats

# Changes that come closer together are told in one status event.
_STATUS_DELAY_S = 0.1
_PAYLOAD_BYTES = 1024

Seconds = Annotated[float, Field(ge=0, json_schema_extra={"unit": "s"})]
UnixTime = Annotated[float, Field(json_schema_extra={"unit": "s since 1970-01-01 UTC"})]
Milliseconds = Annotated[float, Field(ge=0, json_schema_extra={"unit": "ms"})]
Number = Annotated[int, Field(ge=0, json_schema_extra={"unit": "1"})]
Fraction = Annotated[float, Field(ge=0, le=1, json_schema_extra={"unit": "1"})]

State = Literal["starting", "running", "draining"]


@documented
@dataclass(frozen=True)
class Pong:
    """The answer to `bus.ping`."""

    time: UnixTime
    payload: str | None
    """What was sent."""


@documented
@dataclass(frozen=True)
class Hello:
    """What a client needs to know before it asks for anything else."""

    versions: list[str]
    """Protocol versions spoken."""
    instance: str
    """Changes when the daemon restarts; a client that sees it change re-sends what is outstanding."""
    version: str
    """Version of the software."""
    limits: Limits
    heartbeat: Seconds
    """Time between heartbeats."""
    endpoints: dict[str, str]
    """Where `router`, `publisher` and, if it is enabled, `http` are served."""


@documented
@dataclass(frozen=True)
class Described:
    """One operation."""

    name: str
    summary: str
    manual: str
    params: dict[str, Any]
    """JSON Schema of the parameters, with units."""
    result: dict[str, Any]
    """JSON Schema of the result, with units."""
    timeout: Seconds
    """Deadline where a request names none."""
    lane: str | None
    """The engine whose workers run it; none for the event loop."""
    cached: bool
    """Whether a result is kept by content and parameters."""
    cancellable: bool


@documented
@dataclass(frozen=True)
class Description:
    """Every operation, or the one asked for."""

    operations: list[Described]


@documented
@dataclass(frozen=True)
class RunningJob:
    """A request that has not ended."""

    id: str
    op: str
    state: str
    fraction: Fraction
    stage: str
    elapsed: Seconds


@documented
@dataclass(frozen=True)
class Core:
    """Whether DAWG-CORE can be reached."""

    connected: bool
    url: str


@documented
@dataclass(frozen=True)
class Status:
    """One snapshot of the daemon, true at event `seq`."""

    seq: Number
    instance: str
    version: str
    state: State
    uptime: Seconds
    queued: Number
    running: Number
    lanes: dict[str, LaneStatus]
    jobs: list[RunningJob]
    core: Core | None
    """None where DAWG-CORE is not configured."""
    models: dict[str, str]
    """Models that are installed, with what is known of each."""


# dataclasses.asdict takes 16 ms for the jobs of six full queues, ten times a second; this half of one.
_status = TypeAdapter(Status)


@documented
@dataclass(frozen=True)
class Statistics:
    """What was counted since the daemon started."""

    uptime: Seconds
    operations: dict[str, OperationStats]
    counters: dict[str, Number]
    """Messages dropped, malformed or refused, and answers that could not be delivered."""
    events: Number
    loop_lag: Milliseconds
    worst_loop_lag: Milliseconds


@documented
@dataclass(frozen=True)
class CancelState:
    """What a cancel came upon: the request itself still ends, with `CANCELLED` unless it was done."""

    state: Literal["cancelled", "cancelling", "done", "not_found"]


@dataclass(frozen=True)
class Facts:
    """What the daemon knows of itself that does not change, and where to look for what does."""

    settings: BusSettings
    instance: str
    version: str
    endpoints: Mapping[str, str]
    core: Callable[[], Core | None] = lambda: None
    models: Callable[[], dict[str, str]] = field(default=lambda: {})


class Control:
    """Knows how the daemon is, and says so: when asked, and by events."""

    def __init__(
        self,
        facts: Facts,
        operations: Operations,
        pool: Pool,
        publisher: Publisher,
        stats: Stats,
    ) -> None:
        self._facts = facts
        self._operations = operations
        self._pool = pool
        self._publisher = publisher
        self._stats = stats
        self._dispatcher: Dispatcher | None = None
        self._began_s = time.monotonic()
        self._changed = asyncio.Event()
        self.on_change: list[Callable[[], None]] = []

    def operations(self) -> list[Operation]:
        """Return the operations `bus.*`."""
        functions = (self.ping, self.hello, self.describe, self.status, self.stats, self.cancel)
        return [declare(f"bus.{function.__name__}", function) for function in functions]

    def attach(self, dispatcher: Dispatcher) -> None:
        """Learn of the dispatcher, whose operations include these."""
        self._dispatcher = dispatcher

    # ------------------------------------------------------------ operations

    def ping(self, payload: Annotated[str, Field(max_length=_PAYLOAD_BYTES)] | None = None) -> Pong:
        """Answer at once, with the time and what was sent."""
        return Pong(time.time(), payload)

    def hello(self) -> Hello:
        """Say who answers: protocol versions, instance, software version, limits and endpoints."""
        facts = self._facts
        return Hello(
            versions=list(VERSIONS),
            instance=facts.instance,
            version=facts.version,
            limits=facts.settings.limits,
            heartbeat=facts.settings.heartbeat_s,
            endpoints=dict(facts.endpoints),
        )

    def describe(self, op: Annotated[str, Field(max_length=128)] | None = None) -> Description:
        """Describe every operation, or the one named `op`: manual, schemas, timeout, lane."""
        chosen = self._operations.values() if op is None else [self._operations[op]]
        return Description([_described(operation) for operation in chosen])

    def status(self) -> Status:
        """Say how the daemon is: lanes and workers, running jobs, DAWG-CORE, models."""
        facts = self._facts
        jobs = self._jobs()
        return Status(
            seq=self._publisher.seq,
            instance=facts.instance,
            version=facts.version,
            state=self.state,
            uptime=self.uptime_s,
            queued=sum(job.state == "queued" for job in jobs),
            running=sum(job.state == "running" for job in jobs),
            lanes=self._pool.status(),
            jobs=jobs,
            core=facts.core(),
            models=self.models(),
        )

    def stats(self) -> Statistics:
        """Say what was counted: per operation, of the sockets, of the event loop."""
        return Statistics(
            uptime=self.uptime_s,
            operations=self._stats.operations(),
            counters=dict(self._stats.counters),
            events=self._publisher.seq,
            loop_lag=1000 * self._stats.loop_lag_s,
            worst_loop_lag=1000 * self._stats.worst_loop_lag_s,
        )

    def cancel(self, id: Annotated[str, Field(min_length=1, max_length=ID_CHARACTERS)]) -> CancelState:
        """Stop the request with this id: softly at its next progress report, else by ending its worker."""
        state: Any = "not_found" if self._dispatcher is None else self._dispatcher.cancel(id)
        return CancelState(state)

    # ---------------------------------------------------------------- events

    @property
    def uptime_s(self) -> float:
        """Seconds since the daemon was built."""
        return time.monotonic() - self._began_s

    @property
    def state(self) -> State:
        """`starting` until every lane has had a warm worker, then `running`, in the end `draining`."""
        if self._dispatcher is not None and self._dispatcher.draining:
            return "draining"
        return "running" if self._pool.warm else "starting"

    def models(self) -> dict[str, str]:
        """Return the models that are installed, with what is known of each."""
        return self._facts.models()

    def changed(self) -> None:
        """Note that the status is another; it is published soon."""
        self._changed.set()
        for listener in self.on_change:
            listener()

    async def beat(self) -> None:
        """Publish the heartbeat, and measure how late the loop comes to it, until cancelled."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            lag_s = max(loop.time() - due_s, 0.0)
            self._stats.lagged(lag_s)
            jobs = self._dispatcher.jobs.values() if self._dispatcher is not None else ()
            running = sum(job.state == "running" for job in jobs)
            body = {
                "uptime": self.uptime_s,
                "loop_lag": lag_s,
                "queued": len(jobs) - running,
                "running": running,
                "state": self.state,
            }
            self._publisher.publish(HEARTBEAT, body)
            due_s += self._facts.settings.heartbeat_s
            if due_s < loop.time():
                # A loop that was stopped for long does not make up for the beats it missed.
                due_s = loop.time() + self._facts.settings.heartbeat_s
            await asyncio.sleep(due_s - loop.time())

    async def tell(self) -> None:
        """Publish the status soon after every change, and now and then without one, until cancelled."""
        while True:
            self._changed.clear()
            status = _status.dump_python(self.status())
            status.pop("seq")  # the event has its own
            self._publisher.publish(STATUS, status)
            await asyncio.sleep(_STATUS_DELAY_S)
            # Not wait_for, which before Python 3.12 forgets a cancel that comes together with the change.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._facts.settings.status_s):
                    await self._changed.wait()

    def _jobs(self) -> list[RunningJob]:
        if self._dispatcher is None:
            return []
        now_s = asyncio.get_running_loop().time()
        return [
            RunningJob(
                job.id, job.operation.name, job.state.value, job.fraction, job.stage, now_s - job.arrived_s
            )
            for job in self._dispatcher.jobs.values()
        ]


def _described(operation: Operation) -> Described:
    return Described(
        name=operation.name,
        summary=operation.summary,
        manual=operation.manual,
        params=operation.params_schema,
        result=operation.result_schema,
        timeout=operation.timeout_s,
        lane=operation.lane,
        cached=operation.version is not None,
        cancellable=not operation.immediate,
    )
