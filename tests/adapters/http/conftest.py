"""A real server on a real bus, in a thread of its own, so that tests are clients like any other."""

import asyncio
import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

from adapters.http import HttpServer
from adapters.settings import HttpSettings
from bus.operations import discover
from bus.service import Bus, Surroundings
from bus.settings import BusSettings, LaneSettings, Limits, PoolSettings

T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """A response as a client has it."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Served:
    """The server, and how to talk to it."""

    root: Path
    bus: Bus = field(init=False)
    server: HttpServer = field(init=False)
    loop: asyncio.AbstractEventLoop = field(init=False)

    @property
    def port(self) -> int:
        return int(self.server.url.rpartition(":")[2])

    @property
    def spool(self) -> Path:
        return self.root / "state" / "spool"

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        timeout_s: float = 60.0,
    ) -> Answer:
        """Send one request. A dict is sent as JSON."""
        headers = dict(headers or {})
        if isinstance(body, dict):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout_s)) as connection:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.ask("POST", f"/api/v1/{path}", body, headers)

    def upload(self, path: str, *parts: tuple[str, str | None, bytes], **headers: str) -> Answer:
        """Post a form of (field, file name or None, content)."""
        return self.post(path, form(*parts), **{"Content-Type": FORM, **headers})

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 30)

    def raw(self, data: bytes) -> bytes:
        """Send bytes, and read all that comes until the server hangs up."""
        with self.connect() as client:
            client.sendall(data)
            return read_all(client)

    def inside(self, function: Callable[[], T]) -> T:
        """Call a function in the server's loop."""

        async def call() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(call(), self.loop).result(60)

    def spooled(self) -> list[str]:
        return sorted(path.name for path in self.spool.iterdir())


FORM = "multipart/form-data; boundary=frontier"


def form(*parts: tuple[str, str | None, bytes]) -> bytes:
    body = b""
    for name, filename, content in parts:
        file = f'; filename="{filename}"' if filename is not None else ""
        head = f'--frontier\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
        body += head.encode() + content + b"\r\n"
    return body + b"--frontier--\r\n"


def read_all(client: socket.socket) -> bytes:
    received = b""
    with contextlib.suppress(ConnectionError):
        while piece := client.recv(65536):
            received += piece
    return received


@contextlib.contextmanager
def serving(root: Path, http: HttpSettings | None = None, limits: Limits | None = None) -> Iterator[Served]:
    """Serve the dummy engine until the block ends, and take everything down as the daemon does."""
    served = Served(root)
    ready, stop = threading.Event(), asyncio.Event()

    async def live() -> None:
        served.loop = asyncio.get_running_loop()
        served.bus = Bus(
            BusSettings(
                router="tcp://127.0.0.1:*",
                publisher="tcp://127.0.0.1:*",
                limits=limits or Limits(),
                drain_s=2,
                # A busy machine is no reason to hand a job to another worker.
                pool=PoolSettings(accept_grace_s=60.0),
            ),
            discover("tests.bus.engines"),
            Surroundings(
                roots=[root / "readable"],
                state=root / "state",
                cache=root / "cache",
                lanes={"dummy": LaneSettings(workers=2)},
                log_level="error",
            ),
        )
        served.server = HttpServer(http or HttpSettings(port=0), served.bus)
        parts = [*served.bus.coroutines().values(), served.server.run()]
        tasks = [asyncio.create_task(part) for part in parts]
        served.bus.start()
        ready.set()
        await stop.wait()
        await served.bus.drain()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        served.server.close()
        served.bus.close()
        await asyncio.get_running_loop().shutdown_default_executor()

    (root / "readable").mkdir(exist_ok=True)
    thread = threading.Thread(target=asyncio.run, args=(live(),))
    thread.start()
    assert ready.wait(60)
    try:
        yield served
    finally:
        served.loop.call_soon_threadsafe(stop.set)
        thread.join(60)
        assert not thread.is_alive()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served")) as served:
        yield served
