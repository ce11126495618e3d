"""A worker as the daemon sees it: the child process, its two pipes, and the thread that listens to it.

The thread is all that ever blocks on the child: it starts it, reads what it says, sees it die, and hands
each of these to the event loop. A child that is killed in the middle of a message costs its own pipe and
nobody else's, which is why no pipe or lock is shared between workers.
"""

import asyncio
import contextlib
import multiprocessing
import signal
import threading
from collections.abc import Callable
from enum import StrEnum
from multiprocessing.connection import wait
from typing import Any

import psutil
import structlog

from bus.errors import BusError
from bus.pipe import Message, Run, decode, encode
from bus.worker import WorkerSettings, main

log = structlog.get_logger()

# A message up to this size fits into the empty pipe of an idle worker, so that writing it cannot block.
_SMALL_MESSAGE_BYTES = 32_768
# What a result may be larger than its own bound by: the message around it.
_MESSAGE_OVERHEAD_BYTES = 4096

# How long a process may take to end once its pipe is closed.
_LINGER_S = 1.0
# A write to a process that has ended fails at once.
_LAST_WRITE_S = 1.0

_spawn = multiprocessing.get_context("spawn")
# multiprocessing's list of children is not made for starts from several threads at once.
_starting = threading.Lock()


class WorkerState(StrEnum):
    """What a worker is doing."""

    STARTING = "starting"
    IDLE = "idle"
    BUSY = "busy"
    CANCELLING = "cancelling"
    STOPPING = "stopping"


class WorkerProcess:
    """One child process. All methods are called in the event loop, and none of them blocks."""

    def __init__(
        self,
        settings: WorkerSettings,
        on_message: Callable[["WorkerProcess", Message], None],
        on_death: Callable[["WorkerProcess", int | None], None],
    ) -> None:
        self._settings = settings
        self._on_message = on_message
        self._on_death = on_death
        self._loop = asyncio.get_running_loop()
        self._jobs, jobs_child = _spawn.Pipe()
        cancels_child, self._cancels = _spawn.Pipe(duplex=False)
        self._child_ends = (jobs_child, cancels_child)
        self._process = _spawn.Process(
            target=main,
            args=(settings, jobs_child, cancels_child),
            name=f"dawg-ai worker {settings.modules[0]}",
            daemon=True,
        )
        self._writer: threading.Thread | None = None
        self.state = WorkerState.STARTING
        # What the job ends with if the worker ends first, and whether that speaks against the engine.
        self.stop_reason: BusError | None = None
        self.blameless = False
        threading.Thread(target=self._listen, name=self._process.name, daemon=True).start()

    @property
    def pid(self) -> int | None:
        """The child's process id, once it has one."""
        return self._process.pid

    def enter(self, state: WorkerState) -> None:
        """Change state."""
        self.state = state

    def run(self, run: Run) -> None:
        """Hand the worker, which must be idle, a job."""
        data = encode(run)
        if len(data) <= _SMALL_MESSAGE_BYTES:
            self._write(data)
        else:
            self._writer = threading.Thread(target=self._write, args=(data,), daemon=True)
            self._writer.start()

    def _write(self, data: bytes) -> None:
        # A worker that is gone is seen by the listener.
        with contextlib.suppress(OSError, ValueError):
            self._jobs.send_bytes(data)

    def cancel_softly(self, number: int) -> None:
        """Ask a job to end at its next progress report."""
        with contextlib.suppress(OSError):
            self._cancels.send_bytes(number.to_bytes(8, "big"))

    def kill(self, reason: BusError | None = None, *, blameless: bool = False) -> None:
        """End the process now.

        `reason` is what its job ends with; `blameless` says that the engine is not to be suspected for it.
        """
        self.stop_reason = self.stop_reason or reason
        self.blameless = self.blameless or blameless
        self.enter(WorkerState.STOPPING)
        with contextlib.suppress(OSError, AttributeError, ValueError):
            self._process.kill()  # before it has started there is none: the listener looks again

    def resident_bytes(self) -> int:
        """Return the child's resident size, 0 if it has none."""
        if self.pid is None:
            return 0
        try:
            return int(psutil.Process(self.pid).memory_info().rss)
        except psutil.Error:
            return 0

    def _listen(self) -> None:
        exit_code: int | None = None
        try:
            with _starting:
                self._process.start()
            for end in self._child_ends:
                end.close()
            if self.state is WorkerState.STOPPING:
                self._process.kill()
            self._read()
        except Exception:  # starting failed: no process, no memory
            log.exception("worker.start_failed", engine=self._settings.modules[0])
        else:
            exit_code = self._reap()
        finally:
            self._post(self._gone, exit_code)

    def _gone(self, exit_code: int | None) -> None:
        """Close the pipes, in the loop, which writes to them: closed under a write, it may go elsewhere."""
        if self._writer is not None:
            self._writer.join(_LAST_WRITE_S)
        self._jobs.close()
        self._cancels.close()
        self._on_death(self, exit_code)

    def _read(self) -> None:
        longest = self._settings.result_bytes + _MESSAGE_OVERHEAD_BYTES
        while True:
            if self._jobs not in wait([self._jobs, self._process.sentinel]):
                return
            try:
                message = decode(self._jobs.recv_bytes(longest))
            except (EOFError, OSError):
                return
            except ValueError:
                log.exception("worker.nonsense", engine=self._settings.modules[0])
                return
            self._post(self._on_message, self, message)

    def _reap(self) -> int | None:
        """Wait for the end of a process whose pipe is closed, hurrying it if it lingers."""
        if not wait([self._process.sentinel], _LINGER_S):
            self._process.kill()
        # A start looks at all children, and who of two looks first at one that has ended takes its exit code.
        with _starting:
            self._process.join()
            return self._process.exitcode

    def _post(self, callback: Callable[..., None], *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to tell
            self._loop.call_soon_threadsafe(callback, *arguments)


def signal_name(exit_code: int | None) -> str | None:
    """Name the signal a process died of, from its exit code; None if it was none."""
    if exit_code is None or exit_code >= 0:
        return None
    try:
        return signal.Signals(-exit_code).name
    except ValueError:
        return f"signal {-exit_code}"
