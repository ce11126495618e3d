"""The daemon as a user runs it: a process with a configuration of its own, on ports that are free."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgpack
import zmq

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = (sys.executable, str(ROOT / "daemon.py"))


class RunningDaemon:
    """A daemon process, its log as it comes, and a plain socket to ask it with."""

    def __init__(
        self,
        home: Path,
        *settings: str,
        environ: dict[str, str] | None = None,
        program: Sequence[str] = PROGRAM,
    ) -> None:
        self.home = home
        defaults = (
            "bus.router=tcp://127.0.0.1:*",
            "bus.publisher=tcp://127.0.0.1:*",
            "http.port=0",
            "core.url=http://127.0.0.1:9",  # discard: nothing of ours listens there
        )
        sets = [word for setting in (*defaults, *settings) for word in ("--set", setting)]
        self.process = subprocess.Popen(
            [*program, "serve", "--config", str(ROOT / "config.toml"), *sets],
            stderr=subprocess.PIPE,
            env={
                **os.environ,
                "HOME": str(home),
                "XDG_STATE_HOME": "",
                "XDG_CACHE_HOME": "",
                **(environ or {}),
            },
            text=True,
        )
        self.log: list[dict[str, Any]] = []
        self.other_output: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._context = zmq.Context()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            try:
                self.log.append(json.loads(line))
            except ValueError:
                self.other_output.append(line)

    def wait_for(self, event: str, timeout_s: float = 100.0) -> dict[str, Any]:
        """Return the first log line of an event."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            # Asked first: what it says last may come between two looks.
            ended = self.process.poll() is not None and not self._reader.is_alive()
            for line in list(self.log):
                if line.get("event") == event:
                    return line
            if ended:
                break
            time.sleep(0.01)
        raise AssertionError(f"no {event} in the log: {self.log} {self.other_output}")

    @property
    def ready(self) -> dict[str, Any]:
        """Where it listens."""
        return self.wait_for("daemon.ready")

    def socket(self) -> zmq.Socket[bytes]:
        """Connect a DEALER."""
        socket = self._context.socket(zmq.DEALER)
        socket.linger = 0
        socket.connect(self.ready["router"])
        return socket

    def ask(self, op: str, timeout_s: float = 100.0, **params: Any) -> dict[str, Any]:
        """Send one request and return its terminal message."""
        with self.socket() as socket:
            send(socket, op, **params)
            return receive(socket, timeout_s)

    def stop(self, number: int = signal.SIGTERM, timeout_s: float = 100.0) -> int:
        """Stop it and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout_s)

    def close(self) -> None:
        """Leave nothing behind."""
        self.process.kill()
        self.process.wait()
        self._reader.join(10)
        if self.process.stderr is not None:
            self.process.stderr.close()
        self._context.destroy(0)


def send(socket: zmq.Socket[bytes], op: str, request_id: str | None = None, **params: Any) -> str:
    """Send one request; returns its id."""
    request_id = request_id or str(uuid.uuid4())
    request = {"type": "request", "id": request_id, "op": op, "params": params}
    socket.send_multipart([b"DAWG1", msgpack.packb(request)])
    return request_id


def receive(socket: zmq.Socket[bytes], timeout_s: float = 100.0) -> dict[str, Any]:
    """Receive one message."""
    assert socket.poll(int(timeout_s * 1000)), "no answer"
    magic, body = socket.recv_multipart()
    assert magic == b"DAWG1"
    message: dict[str, Any] = msgpack.unpackb(body)
    return message


@contextlib.contextmanager
def running(
    home: Path,
    *settings: str,
    environ: dict[str, str] | None = None,
    program: Sequence[str] = PROGRAM,
) -> Iterator[RunningDaemon]:
    """Run a daemon for the length of a block."""
    daemon = RunningDaemon(home, *settings, environ=environ, program=program)
    try:
        yield daemon
    finally:
        daemon.close()
