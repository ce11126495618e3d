"""A real HTTP server standing for DAWG-CORE, which can be down, slow, wrong or cut off.

`with CoreServer() as core:` listens on a free port of 127.0.0.1 and does what DAWG-CORE promises.
`core.behave(path, behaviour)` replaces what one path (or `None`: every path) does; `core.behave(path)`
restores it. `core.stop()` breaks its connections and refuses new ones, `core.start()` comes back on the same
port.

A behaviour is a function of the request; those made here are `answer`, `slow`, `drip`, `cut`, `raw`, `hang`.
Import it as `from tests import core_server`.
"""

import base64
import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from tests.bus_process import free_port

HEALTH = "/api/v1/health"
STATUS = "/api/v1/project/status"
PLAY = "/api/v1/transport/play"
STOP = "/api/v1/transport/stop"
IMPORT = "/api/v1/midi/import"


@dataclass
class Request:
    """What came, and the connection to answer on."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    server: "CoreServer"
    handler: BaseHTTPRequestHandler = field(repr=False)

    def send(self, data: bytes) -> bool:
        """Send bytes as they are; False if nobody listens any more."""
        try:
            self.handler.connection.sendall(data)
        except OSError:
            return False
        return True

    def hang_up(self) -> None:
        self.handler.close_connection = True


Behaviour = Callable[[Request], None]


def answer(
    body: object = None,
    status: int = 200,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Behaviour:
    """Answer with `body`: bytes or text as they are, anything else as JSON."""
    return lambda request: _reply(request, body, status, content_type, headers or {})


def slow(seconds: float, behaviour: Behaviour) -> Behaviour:
    """Wait (or until the server stops), then behave."""

    def behave(request: Request) -> None:
        if not request.server.stopping.wait(seconds):
            behaviour(request)

    return behave


def hang() -> Behaviour:
    """Never answer, until the server stops."""
    return slow(600, lambda request: request.hang_up())


def drip(data: bytes, every_s: float) -> Behaviour:
    """Send raw bytes one by one: each in time, the whole never."""

    def behave(request: Request) -> None:
        for byte in data:
            if not request.send(bytes([byte])) or request.server.stopping.wait(every_s):
                break
        request.hang_up()

    return behave


def raw(data: bytes) -> Behaviour:
    """Send raw bytes and hang up."""

    def behave(request: Request) -> None:
        request.send(data)
        request.hang_up()

    return behave


def cut(body: bytes = b'{"numTracks": 12, "isPla', promised: int = 4096) -> Behaviour:
    """Promise more bytes than are sent, and hang up."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {promised}\r\n\r\n"
    return raw(head.encode() + body)


def endless(piece: bytes = b"x" * 65536, head: bytes = b"HTTP/1.1 200 OK\r\n\r\n") -> Behaviour:
    """Send a body without end, as fast as it is taken."""

    def behave(request: Request) -> None:
        going = request.send(head)
        while going and not request.server.stopping.is_set():
            going = request.send(piece)
        request.hang_up()

    return behave


class CoreServer:
    """DAWG-CORE as far as its clients may rely on it.

    Attributes
    ----------
    num_tracks, is_playing
        What the project's status says.
    imported
        MIDI files received, decoded.
    requests
        Every request received, oldest first.
    connections
        How many connections were accepted.
    """

    def __init__(self) -> None:
        self.num_tracks = 3
        self.is_playing = False
        self.imported: list[bytes] = []
        self.requests: list[Request] = []
        self.connections = 0
        self.stopping = threading.Event()
        self._behaviours: dict[str | None, Behaviour] = {}
        self._port = 0
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def behave(self, path: str | None, behaviour: Behaviour | None = None) -> None:
        if behaviour is None:
            self._behaviours.pop(path, None)
        else:
            self._behaviours[path] = behaviour

    def paths(self) -> list[str]:
        return [f"{request.method} {request.path}" for request in self.requests]

    def start(self) -> None:
        self.stopping.clear()
        self._server = _Server(("127.0.0.1", self._port), self)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        if self._server is None:
            return
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._server.break_connections()
        self._server = None

    def __enter__(self) -> "CoreServer":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def serve(self, request: Request) -> None:
        """Do what this path does now."""
        self.requests.append(request)
        behaviour = self._behaviours.get(request.path) or self._behaviours.get(None) or self._default
        behaviour(request)

    def _default(self, request: Request) -> None:
        match request.method, request.path:
            case "GET", "/api/v1/health":
                answer({"status": "ok"})(request)
            case "GET", "/api/v1/project/status":
                answer({"numTracks": self.num_tracks, "isPlaying": self.is_playing})(request)
            case "POST", "/api/v1/transport/play" | "/api/v1/transport/stop":
                self.is_playing = request.path.endswith("play")
                answer({"success": True})(request)
            case "POST", "/api/v1/midi/import":
                self.imported.append(base64.b64decode(json.loads(request.body)["midi_data"], validate=True))
                answer({"success": True})(request)
            case _:
                answer({"error": "no such call"}, 404)(request)


def unused_url() -> str:
    """Return an address where nothing listens."""
    return f"http://127.0.0.1:{free_port()}"


def wait_until(condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
    """Wait for something that happens in another thread."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def _reply(
    request: Request, body: object, status: int, content_type: str, headers: Mapping[str, str]
) -> None:
    if isinstance(body, str):
        body = body.encode()
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    with contextlib.suppress(OSError):
        request.handler.send_response(status)
        request.handler.send_header("Content-Type", content_type)
        request.handler.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            request.handler.send_header(name, value)
        request.handler.end_headers()
        request.handler.wfile.write(data)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], core: CoreServer) -> None:
        self.core = core
        self._connections: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.core.connections += 1
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def break_connections(self) -> None:
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients of these tests hang up when they like."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes: 40 ms of delayed acknowledgement each
    server: _Server

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        core = self.server.core
        core.serve(Request(self.command, self.path, headers, body, core, self))

    do_GET = do_POST = _serve  # noqa: N815 - http.server looks them up by these names

    def log_message(self, format: str, *arguments: Any) -> None:
        """Keep the tests' output clean."""
