"""A lane: one engine's workers, and the work that waits for them.

It hands waiting work to idle workers, interactive before batch; sees to accepting and cancelling; replaces
workers that die, with back-off; and stands aside (`NOT_SERVING`) when they keep dying, while every other lane
goes on. Deadlines are the dispatcher's: it cancels.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count
from typing import Annotated, Any

import structlog
from pydantic import Field

from bus.errors import Aborted, BusError, Internal, TooLarge, Unavailable, by_code
from bus.messages import Priority
from bus.pipe import Accepted, Failed, Finished, Message, Progressed, Ready, Run
from bus.schema import documented
from bus.settings import MEGABYTE, LaneSettings, PoolSettings
from bus.worker import WorkerSettings
from bus.worker_process import WorkerProcess, WorkerState, signal_name

log = structlog.get_logger()

# A worker that keeps more than this share of its budget after a job is replaced before it is stopped in one.
_RECYCLE_SHARE = 0.8
# After so many interactive jobs in a row one batch job that waits is let through.
_BATCH_TURN = 8
# How fast the mean run time, from which `retry_after` is guessed, follows the latest.
_RUN_TIME_WEIGHT = 0.2

_numbers = count(1)

Megabytes = Annotated[float, Field(ge=0, json_schema_extra={"unit": "MB"})]
Number = Annotated[int, Field(ge=0, json_schema_extra={"unit": "1"})]


class Serving(StrEnum):
    """Whether a lane takes work."""

    SERVING = "SERVING"
    NOT_SERVING = "NOT_SERVING"


@dataclass(eq=False)
class Work:
    """One job for a lane. `ended` resolves to the encoded result, or raises the `BusError` it ended with."""

    request_id: str
    op: str
    params: dict[str, Any]
    priority: Priority
    on_started: Callable[[], None]
    on_progress: Callable[[float, str], None]
    ended: "asyncio.Future[bytes]"
    number: int = field(default_factory=lambda: next(_numbers))
    started_s: float | None = None
    handed_out: int = 0


@documented
@dataclass(frozen=True)
class WorkerStatus:
    """One worker: its process, what it does, and how large it is."""

    pid: Annotated[int, Field(ge=0, json_schema_extra={"unit": "process id"})] | None
    state: str
    resident: Megabytes


@documented
@dataclass(frozen=True)
class LaneStatus:
    """One engine: whether it takes work, how much waits, how often its workers died, and its workers."""

    serving: str
    waiting: Number
    deaths: Number
    workers: list[WorkerStatus]


class Lane:
    """One engine's workers and queue. All methods are called in the event loop."""

    def __init__(
        self,
        name: str,
        worker: WorkerSettings,
        settings: LaneSettings,
        pool: PoolSettings,
        on_change: Callable[[], None],
    ) -> None:
        self.name = name
        self._worker_settings = worker
        self._settings = settings
        self._pool = pool
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[Priority, deque[Work]] = {"interactive": deque(), "batch": deque()}
        self._interactive_in_a_row = 0
        self._workers: dict[WorkerProcess, Work | None] = {}
        self._timers: dict[WorkerProcess, asyncio.TimerHandle] = {}
        self._respawns: set[asyncio.TimerHandle] = set()
        self._closed: asyncio.Future[None] | None = None
        self._run_time_s = 1.0
        self._deaths_in_a_row = 0
        self.deaths = 0
        self.warm = False
        self.serving = Serving.SERVING

    def start(self) -> None:
        """Start every worker; jobs wait until the first is warm."""
        while len(self._workers) < self._settings.workers and self._closed is None:
            worker = WorkerProcess(self._worker_settings, self._heard, self._died)
            self._workers[worker] = None
            self._arm(worker, self._pool.warm_up_timeout_s, worker.kill)
        self._on_change()

    # ------------------------------------------------------------------ work

    def submit(self, work: Work) -> None:
        """Queue a job.

        Raises
        ------
        Unavailable
            If the engine keeps dying; `retry_after` says when it is tried again.
        """
        if self.serving is Serving.NOT_SERVING:
            raise self._not_serving()
        self._waiting[work.priority].append(work)
        if not self._workers and not self._respawns:  # asked for before its turn to start
            self.start()
        self._hand_out()
        self._on_change()

    def expected_wait_s(self) -> float:
        """Guess when a request that is refused now would find room."""
        ahead = 1 + sum(map(len, self._waiting.values()))
        return min(max(ahead * self._run_time_s / self._settings.workers, 0.1), 60.0)

    def cancel(self, work: Work, error: BusError) -> None:
        """End a job with `error`: at once if it waits, else when its worker notices or is stopped."""
        if work in self._waiting[work.priority]:
            self._waiting[work.priority].remove(work)
            _end(work, error)
            return
        for worker, busy_with in self._workers.items():
            if busy_with is not work:
                continue
            # Also of a worker that is being stopped for something else: its job must not begin anew.
            worker.stop_reason = worker.stop_reason or error
            if worker.state is WorkerState.BUSY:
                worker.enter(WorkerState.CANCELLING)
                worker.blameless = True
                worker.cancel_softly(work.number)
                self._arm(worker, self._pool.cancel_grace_s, worker.kill)
                self._on_change()

    def end_waiting(self, error: BusError) -> None:
        """End every job that has not begun."""
        for queue in self._waiting.values():
            while queue:
                _end(queue.popleft(), error)

    def _hand_out(self) -> None:
        for worker in self._workers:
            if worker.state is not WorkerState.IDLE:
                continue
            work = self._next()
            if work is None:
                return
            work.handed_out += 1
            self._workers[worker] = work
            worker.enter(WorkerState.BUSY)
            worker.run(Run(work.number, work.request_id, work.op, work.params))
            self._arm(worker, self._pool.accept_grace_s, worker.kill)

    def _next(self) -> Work | None:
        interactive, batch = self._waiting["interactive"], self._waiting["batch"]
        if batch and (not interactive or self._interactive_in_a_row >= _BATCH_TURN):
            self._interactive_in_a_row = 0
            return batch.popleft()
        if interactive:
            # Counted only while a batch job is passed over.
            self._interactive_in_a_row = self._interactive_in_a_row + 1 if batch else 0
            return interactive.popleft()
        return None

    # --------------------------------------------------------------- workers

    def _heard(self, worker: WorkerProcess, message: Message) -> None:
        work = self._workers.get(worker)
        if worker.state is WorkerState.STOPPING:
            return
        match message:
            case Ready():
                self._disarm(worker)
                worker.enter(WorkerState.IDLE)
                self.warm = True
                self._serve_again()
            case Accepted() if work is not None:
                if worker.state is WorkerState.BUSY:
                    self._disarm(worker)
                    work.started_s = self._loop.time()
                    work.on_started()
                return
            case Progressed() if work is not None:
                if worker.state is WorkerState.BUSY:
                    work.on_progress(message.fraction, message.stage)
                return
            case Finished() | Failed() if work is not None:
                self._finished(worker, work, message)
        self._hand_out()
        self._on_change()

    def _finished(self, worker: WorkerProcess, work: Work, message: Finished | Failed) -> None:
        self._disarm(worker)
        self._deaths_in_a_row = 0
        self.serving = Serving.SERVING
        # A result that arrives while the job is being cancelled comes too late: it ends as was said.
        reason, worker.stop_reason, worker.blameless = worker.stop_reason, None, False
        self._workers[worker] = None
        worker.enter(WorkerState.IDLE)
        if work.started_s is not None:
            self._run_time_s += _RUN_TIME_WEIGHT * (self._loop.time() - work.started_s - self._run_time_s)
        if reason is not None:
            _end(work, reason)
        elif isinstance(message, Finished):
            _end(work, message.result)
        else:
            failure = by_code(message.code, retryable=False) or Internal
            _end(work, failure(message.message, details=message.details))
        if worker.resident_bytes() > _RECYCLE_SHARE * self._settings.memory_mb * MEGABYTE:
            log.info("worker.recycled", lane=self.name, pid=worker.pid)
            worker.kill(blameless=True)

    def _died(self, worker: WorkerProcess, exit_code: int | None) -> None:
        self._disarm(worker)
        work = self._workers.pop(worker, None)
        how = signal_name(exit_code)
        if self._closed is not None:
            if work is not None:
                _end(work, worker.stop_reason or Unavailable("the daemon is stopping"))
            if not self._workers and not self._closed.done():
                self._closed.set_result(None)
            return
        log.info("worker.ended", lane=self.name, pid=worker.pid, exit_code=exit_code, signal=how)
        if not worker.blameless:
            self.deaths += 1
            self._deaths_in_a_row += 1
        if work is not None:
            self._lost(work, worker, exit_code)
        self._replace()
        self._on_change()

    def _lost(self, work: Work, worker: WorkerProcess, exit_code: int | None) -> None:
        """End the job a dead worker had, or give it to another if it never began."""
        if worker.stop_reason is None and work.started_s is None and work.handed_out == 1:
            self._waiting[work.priority].appendleft(work)
            return
        how = signal_name(exit_code)
        _end(
            work,
            worker.stop_reason
            or Aborted(
                f"the worker died under the request ({how or f'exit code {exit_code}'})",
                details={"signal": how, "exit_code": exit_code},
            ),
        )

    def _replace(self) -> None:
        """Start what is missing: soon, later, or after standing aside."""
        if self._deaths_in_a_row >= self._pool.deaths:
            if self.serving is Serving.SERVING:
                log.error("lane.not_serving", lane=self.name, retry_s=self._pool.retry_s)
            self.serving = Serving.NOT_SERVING
            self.end_waiting(self._not_serving())
            if not self._respawns:
                self._start_in(self._pool.retry_s)
            return
        delay_s = 0.0
        if self._deaths_in_a_row > 1:
            delay_s = self._pool.respawn_delay_s * 2.0 ** (self._deaths_in_a_row - 2)
        self._start_in(min(delay_s, self._pool.longest_respawn_delay_s))

    def _start_in(self, delay_s: float) -> None:
        def start() -> None:
            self._respawns.discard(timer)
            self.start()

        timer = self._loop.call_later(delay_s, start)
        self._respawns.add(timer)

    def _serve_again(self) -> None:
        if self.serving is Serving.NOT_SERVING:
            log.info("lane.serving", lane=self.name)
            self.serving = Serving.SERVING
            # One more death without a finished job between, and it stands aside again.
            self._deaths_in_a_row = self._pool.deaths - 1

    def _not_serving(self) -> Unavailable:
        return Unavailable(
            f"engine {self.name}: NOT_SERVING, its workers keep dying; see the log",
            retry_after=self._pool.retry_s,
        )

    def check_memory(self) -> None:
        """Stop every worker that is over its budget."""
        budget_mb = self._settings.memory_mb
        for worker in list(self._workers):
            if worker.state is not WorkerState.STOPPING and worker.resident_bytes() > budget_mb * MEGABYTE:
                log.warning("worker.over_budget", lane=self.name, pid=worker.pid, budget_mb=budget_mb)
                # What a job takes is its own fault; what a worker takes without one is the engine's.
                busy = worker.state in (WorkerState.BUSY, WorkerState.CANCELLING)
                worker.kill(
                    TooLarge(f"memory: the job needs more than the engine's {budget_mb:g} MB"), blameless=busy
                )

    def status(self) -> LaneStatus:
        """Say how the lane is."""
        return LaneStatus(
            serving=self.serving.value,
            waiting=sum(map(len, self._waiting.values())),
            deaths=self.deaths,
            workers=[
                WorkerStatus(worker.pid, worker.state.value, round(worker.resident_bytes() / MEGABYTE, 1))
                for worker in self._workers
            ],
        )

    async def close(self) -> None:
        """Stop every worker and wait until they have ended."""
        self._closed = self._loop.create_future()
        for timer in [*self._respawns, *self._timers.values()]:
            timer.cancel()
        self.end_waiting(Unavailable("the daemon is stopping"))
        if not self._workers:
            return
        for worker in self._workers:
            worker.kill(blameless=True)
        await self._closed

    def _arm(self, worker: WorkerProcess, delay_s: float, action: Callable[[], None]) -> None:
        self._disarm(worker)
        self._timers[worker] = self._loop.call_later(delay_s, action)

    def _disarm(self, worker: WorkerProcess) -> None:
        timer = self._timers.pop(worker, None)
        if timer is not None:
            timer.cancel()


def _end(work: Work, outcome: bytes | BusError) -> None:
    if work.ended.done():
        return
    if isinstance(outcome, bytes):
        work.ended.set_result(outcome)
    else:
        work.ended.set_exception(outcome)
