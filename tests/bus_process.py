"""A real bus with the dummy engine or one of ours, in a process of its own: killed, stopped, started again.

As a script it serves: the settings come as JSON on the command line, and `ready` goes to stdout when the
sockets are bound and the engine is warm.
"""

import asyncio
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_START_S = 100.0


def free_port() -> int:
    """Return a port of 127.0.0.1 where nothing listens until somebody means to."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        if sys.platform == "linux":
            # It stays bound until the tests end, and nobody is given it by chance, not even a client that
            # looks for who listens there. Who asks for it by number, with SO_REUSEADDR as libzmq, has it.
            probe.detach()
        return port


def free_endpoint() -> str:
    return f"tcp://127.0.0.1:{free_port()}"


class BusProcess:
    """`start`, `kill`, `start` again: the endpoints stay the same."""

    def __init__(self, folder: Path, *, workers: int = 1, engine: str | None = None, **bus: Any) -> None:
        self.router = free_endpoint()
        self.publisher = free_endpoint()
        self.folder = folder
        self._settings = {
            "bus": {"router": self.router, "publisher": self.publisher, "heartbeat_s": 0.2, **bus},
            "workers": workers,
            "engine": engine,
            "folder": str(folder),
        }
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "BusProcess":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, json.dumps(self._settings)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        readable, _, _ = select.select([self._process.stdout], [], [], _START_S)
        assert readable, "the bus did not start"
        assert self._process.stdout.readline() == "ready\n"

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


async def _serve(settings: dict[str, Any]) -> None:
    from bus.operations import discover
    from bus.service import Bus, Surroundings
    from bus.settings import BusSettings, Curve, LaneSettings, Limits, PoolSettings

    folder, engine = Path(settings["folder"]), settings["engine"]
    bus_settings = dict(settings["bus"])
    bus_settings["limits"] = Limits(**bus_settings.pop("limits", {}))
    bus_settings["curve"] = Curve(**bus_settings.pop("curve", {}))
    bus = Bus(
        # A busy machine is no reason to hand a job to another worker.
        BusSettings(pool=PoolSettings(accept_grace_s=60.0), **bus_settings),
        [op for op in discover("engines") if op.lane == engine] if engine else discover("tests.bus.engines"),
        Surroundings(
            roots=[folder],
            state=folder / ".state",
            cache=folder / ".cache",
            lanes={engine or "dummy": LaneSettings(workers=settings["workers"])},
            log_level="error",
        ),
    )
    tasks = [asyncio.create_task(part) for part in bus.coroutines().values()]
    bus.start()
    deadline_s = time.monotonic() + _START_S
    while not bus.pool.warm and time.monotonic() < deadline_s:  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0.01)
    print("ready", flush=True)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    await bus.drain()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    bus.close()


if __name__ == "__main__":
    asyncio.run(_serve(json.loads(sys.argv[1])))
