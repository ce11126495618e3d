"""The status file: what the daemon is doing, for people and scripts that only read files.

A JSON document that is replaced as a whole: whoever reads it sees the old one or the new one, never half. It
is written at start-up, soon after every change and at least every five minutes, off the event loop. Whatever
keeps it from being written (a full disk, a read-only folder, a folder in its place) is logged once and tried
again, and never stops the daemon.
"""

import asyncio
import concurrent.futures
import contextlib
import glob
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import structlog
from pydantic import Field

# The contract is five minutes; a write that takes long or fails once must not break it.
LONGEST_PAUSE_S = 120.0
# Changes come in bursts (a job ends, the next begins): one write shows them all.
DEBOUNCE_S = 0.5
RETRY_S = 15.0
# What a killed daemon may have left beside the file is removed once it is this old.
STALE_S = 60.0
# Other programs on the machine, under other users too, may read it: it says nothing private.
MODE = 0o644

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class StatusDocument:
    """What stands in the status file. Every value is derived from what is true when it is written."""

    instance: Annotated[str, Field(description="Which program this is: DAWG-AI.")]
    last_update: Annotated[str, Field(description="When it was written, ISO 8601 in UTC.")]
    phase: Annotated[str, Field(description="State of the daemon: starting, running, draining, stopped.")]
    current_task: Annotated[str, Field(description="The running jobs, or `idle`.")]
    completed_tasks: Annotated[
        list[str], Field(description="Operations done since the start, each with how many times.")
    ]
    api_endpoints_ready: Annotated[
        list[str], Field(description="HTTP calls that are served, such as `POST /api/v1/analyze/audio`.")
    ]
    ai_models: Annotated[dict[str, str], Field(description="State of each model, by its name.")]
    dawg_core_connected: Annotated[bool, Field(description="Whether DAWG-CORE answered when last asked.")]
    next_steps: Annotated[
        list[str], Field(description="What a person may have to do; empty when nothing is missing.")
    ]


def status_document(
    *,
    phase: str,
    running: Sequence[str],
    completed: Mapping[str, int],
    endpoints: Sequence[str],
    models: Mapping[str, str],
    connected: bool,
    core_url: str,
    lanes_down: Mapping[str, str],
    models_missing: Mapping[str, str],
    core_asked: bool = True,
    now: datetime | None = None,
) -> StatusDocument:
    """Make the status document of plain facts.

    Parameters
    ----------
    phase
        `starting`, `running`, `draining` or `stopped`.
    running
        Operations of the running jobs, oldest first; the same one may stand there twice.
    completed
        How often each operation has succeeded since the start.
    endpoints
        HTTP calls that are served now; empty where HTTP is off.
    models
        State of each model, by its name.
    connected
        Whether DAWG-CORE answered when it was last asked.
    core_url
        Where it was asked.
    lanes_down
        Why each engine that does not serve does not, by its name.
    models_missing
        How to install each model that an operation needs and that is not installed, by its name.
    core_asked
        Whether DAWG-CORE has been asked at all since the start: until then nothing is said to be missing.
    now
        Time of writing, with its time zone; None for now.
    """
    now = now or datetime.now(UTC)
    steps = [f"engine {lane} is not serving: {why}" for lane, why in sorted(lanes_down.items())]
    steps += [f"install model {model}: {how}" for model, how in sorted(models_missing.items())]
    if core_asked and not connected and phase != "draining":
        steps.append(f"start DAWG-CORE: not reachable at {core_url}")
    if phase == "stopped":
        steps = ["start DAWG-AI: it was stopped"]
    return StatusDocument(
        instance="DAWG-AI",
        last_update=now.astimezone(UTC).isoformat(timespec="seconds"),
        phase=phase,
        current_task=_tally(running) or "idle",
        completed_tasks=[f"{op}: {times}" for op, times in sorted(completed.items()) if times > 0],
        api_endpoints_ready=sorted(endpoints),
        ai_models=dict(sorted(models.items())),
        dawg_core_connected=connected,
        next_steps=steps,
    )


def encode(document: StatusDocument) -> bytes:
    """Return the document as the file's bytes: JSON in UTF-8, one field a line."""
    text = json.dumps(asdict(document), ensure_ascii=False, indent=2)
    return (text + "\n").encode("utf-8", "replace")


class StatusFile:
    """Keeps the status file true.

    Attributes
    ----------
    path
        Where it is.
    """

    def __init__(self, path: Path, read: Callable[[], StatusDocument]) -> None:
        """`read` is called in the event loop each time before the file is written."""
        self.path = path
        self._read = read
        self._changed = asyncio.Event()
        # One thread, so that an older document never overtakes a newer one.
        self._thread = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="status-file")
        self._trouble: str | None = None

    def changed(self) -> None:
        """Have the file written soon. Costs next to nothing; call it in the event loop."""
        self._changed.set()

    async def run(self) -> None:
        """Write the file now, soon after each change and every two minutes, until cancelled."""
        while True:
            self._changed.clear()
            written = await self.write_now()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_PAUSE_S if written else RETRY_S):
                    await self._changed.wait()
            await asyncio.sleep(DEBOUNCE_S)

    async def write_now(self) -> bool:
        """Write the file, and return whether that worked. Never raises for what the disk does."""
        data = encode(self._read())
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._thread, replace, self.path, data)
        except (OSError, RuntimeError) as error:  # RuntimeError: closed while somebody still writes
            self._note(str(error))
            return False
        self._note(None)
        return True

    def close(self) -> None:
        """Write no more; the thread ends by itself."""
        self._thread.shutdown(wait=False)

    def _note(self, trouble: str | None) -> None:
        if trouble != self._trouble:
            if trouble:
                log.warning("status_file.not_written", path=str(self.path), why=trouble)
            else:
                log.info("status_file.written_again", path=str(self.path))
        self._trouble = trouble


def replace(path: Path, data: bytes) -> None:
    """Replace a file as a whole, on disk before its name points to it; its folder is created where missing.

    Raises
    ------
    OSError
        If that is not possible. The old file is then as it was, and nothing is left beside it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_stale(path)
    new = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        # Whoever may write to the folder could have left a link under this name.
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), MODE)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor has no path to open
            file.write(data)
            file.flush()
            # The service's umask is 0077; on Windows there is nothing to change.
            new.chmod(MODE)
            os.fsync(file.fileno())
        new.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
        raise


def _remove_stale(path: Path) -> None:
    now = time.time()
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        with contextlib.suppress(OSError):
            if now - left.stat().st_mtime > STALE_S:
                left.unlink()


def _tally(running: Sequence[str]) -> str:
    counts = {op: running.count(op) for op in running}
    return ", ".join(f"{op} ({times})" if times > 1 else op for op, times in counts.items())
