"""The child process: loads one engine, warms it, and serves one job at a time until its pipe closes.

Started by `bus.pool` with `spawn`, so nothing is inherited but the two pipes. It lowers its priority (that of
a light engine once it is warm, since the daemon's READY waits for it), keeps every numeric library at one
thread, leaves Ctrl-C to the daemon, and ends when the daemon does.
"""

import contextlib
import importlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection, wait
from pathlib import Path

import structlog

from bus import logs
from bus.failure import translate
from bus.memory import Memory
from bus.messages import pack
from bus.operations import Operation, engine_operations
from bus.pipe import Accepted, Failed, Finished, Message, Progressed, Ready, Run, decode, encode

NICE = 10

# One thread for each: workers are the parallelism, and oversubscribed BLAS is several times slower.
_ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
# More often than this nobody looks; the daemon publishes at most ten a second.
_PROGRESS_INTERVAL_S = 0.05

log = structlog.get_logger()


class SoftCancel(BaseException):
    """Raised out of `progress` when the job is no longer wanted."""


class DaemonGone(BaseException):
    """Raised when nobody is on the other side of the pipe; an engine's own broken pipes are its own."""


@dataclass(frozen=True)
class WorkerSettings:
    """What a worker must know to start."""

    modules: tuple[str, ...]
    """The engine of its lane, which is warmed, and those that have operations there too."""
    result_bytes: int
    log_level: str
    log_json: bool
    cache: Path | None = None
    """The store of results, in which engines remember; None remembers nothing."""
    cache_bytes: int = 0
    light: bool = False
    """Loaded in a moment, which somebody waits for: it yields to others only when it is warm."""


def main(settings: WorkerSettings, jobs: Connection, cancels: Connection) -> None:
    """Serve the engine until the daemon closes the pipe or ends."""
    _settle(settings)
    try:
        modules = [importlib.import_module(name) for name in settings.modules]
        operations = {
            operation.name: operation for module in modules for operation in engine_operations(module)
        }
        warm_up = getattr(modules[0], "warm_up", None)
        if warm_up is not None:
            warm_up()
    except Exception:
        log.exception("worker.warm_up_failed", engine=settings.modules[0])
        sys.exit(1)
    if settings.light:
        _yield_to_others()
    with contextlib.suppress(DaemonGone, EOFError, ConnectionResetError):
        _send(jobs, Ready())
        while True:
            run = decode(jobs.recv_bytes())
            if isinstance(run, Run):
                _serve(run, operations, settings, jobs, cancels)


def _settle(settings: WorkerSettings) -> None:
    """Become a good neighbour before anything heavy is imported."""
    for variable in _ONE_THREAD:
        os.environ[variable] = "1"
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if not settings.light:
        _yield_to_others()
    # What an engine prints is log, not protocol; stdout may be a pipe somebody parses.
    sys.stdout = sys.stderr
    logs.configure(settings.log_level, json=settings.log_json)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _yield_to_others() -> None:
    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(NICE)


def _end_with_parent() -> None:
    # The pipe's end is seen only between jobs; this sees the daemon's death during one.
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _serve(
    run: Run,
    operations: dict[str, Operation],
    settings: WorkerSettings,
    jobs: Connection,
    cancels: Connection,
) -> None:
    _send(jobs, Accepted(run.number))
    structlog.contextvars.bind_contextvars(request_id=run.request_id, op=run.op)
    try:
        _send(jobs, _outcome(run, operations[run.op], settings, _Reporter(run.number, jobs, cancels)))
    finally:
        structlog.contextvars.clear_contextvars()


class _Reporter:
    """The `progress` callback of one job: passes on at most twenty reports a second, and sees the cancel."""

    def __init__(self, number: int, jobs: Connection, cancels: Connection) -> None:
        self._number, self._jobs, self._cancels = number, jobs, cancels
        self._last_s = 0.0
        self._stage = ""

    def check_wanted(self) -> None:
        """Raise if the job was cancelled."""
        while self._cancels.poll():
            # One meant for an earlier job, which ended before it was read, is passed over.
            if int.from_bytes(self._cancels.recv_bytes(8), "big") == self._number:
                raise SoftCancel

    def __call__(self, fraction: float, stage: str) -> None:
        self.check_wanted()
        now = time.monotonic()
        if stage != self._stage or now - self._last_s >= _PROGRESS_INTERVAL_S:
            self._last_s, self._stage = now, stage
            _send(self._jobs, Progressed(self._number, min(max(float(fraction), 0.0), 1.0), str(stage)[:64]))


def _outcome(run: Run, operation: Operation, settings: WorkerSettings, report: _Reporter) -> Message:
    """Run the job and say how it ended; the one place where an engine's exceptions are caught."""
    try:
        # Looked for before it begins too: cancels that no engine reads would fill their pipe.
        report.check_wanted()
        arguments = operation.arguments(run.params)
        if operation.takes_progress:
            arguments["progress"] = report
        if operation.takes_memory:
            arguments["memory"] = _memory(settings)
        result = pack(operation.result.dump_python(operation.function(**arguments)))
    except SoftCancel:
        return Failed(run.number, "CANCELLED", "cancelled")
    except Exception as error:  # whatever it is, the job ends with an answer
        failure = translate(error)
        return Failed(run.number, failure.code, failure.message, failure.details)
    if len(result) > settings.result_bytes:
        return Failed(
            run.number,
            "RESOURCE_EXHAUSTED",
            f"result: {len(result)} bytes; must be at most {settings.result_bytes}",
        )
    return Finished(run.number, result)


@cache
def _memory(settings: WorkerSettings) -> Memory:
    return Memory(settings.cache, settings.cache_bytes, settings.modules[0])


def _send(connection: Connection, message: Message) -> None:
    data = encode(message)
    try:
        connection.send_bytes(data)
    except OSError as error:
        raise DaemonGone from error
