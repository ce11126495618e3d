"""The server: its socket is bound when it is made, and it is served by the daemon's own event loop."""

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import Iterator
from typing import Final

import structlog
import uvicorn

from adapters.http.app import make_app, path_of
from adapters.http.connection import Connection
from adapters.http.events import EventStreams
from adapters.http.guard import HEAD_BYTES, Guard
from adapters.settings import HttpSettings
from bus.endpoints import EndpointError, EndpointNotAllowed, is_loopback, port_holder
from bus.service import Bus

_BACKLOG: Final = 256
_IDLE_S: Final = 5
# Answers that are being written when the daemon stops have this long.
_STOP_S: Final = 2


class HttpServer:
    """:9000. `run` serves until it is cancelled; `close` lets the socket go.

    Attributes
    ----------
    url
        Where it is served.

    Raises
    ------
    EndpointError
        If the address can be reached from other machines, or is taken: the message says by whom.
    """

    def __init__(self, settings: HttpSettings, bus: Bus) -> None:
        self._bus = bus
        self._socket = _bound(settings)
        host, port = self._socket.getsockname()[:2]
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        bus.endpoints["http"] = self.url  # for `bus.hello`
        self._streams = EventStreams(bus.publisher)
        app = make_app(bus, settings, self._streams)
        config = uvicorn.Config(
            Guard(app, settings.allowed_hosts, settings.allowed_origins),
            http=Connection,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=_BACKLOG,
            timeout_keep_alive=_IDLE_S,
            timeout_graceful_shutdown=_STOP_S,
            h11_max_incomplete_event_size=HEAD_BYTES,
        )
        self._server = _Server(config)

    @property
    def endpoints(self) -> list[str]:
        """What is served for operations, such as `POST /api/v1/analyze/audio`."""
        return [f"POST {path_of(name)}" for name in sorted(self._bus.operations)]

    async def run(self) -> None:
        """Serve until cancelled; then finish what is being written, within seconds."""
        _forward_logs()
        serving = asyncio.create_task(self._server.serve(sockets=[self._socket]), name="uvicorn")
        try:
            await asyncio.shield(serving)
        finally:
            self._streams.close()
            self._server.should_exit = True
            await serving
            # Who did not read until now is not waited for.
            for connection in list(self._server.server_state.connections):
                connection.transport.abort()

    def close(self) -> None:
        """Let the socket go."""
        self._socket.close()


class _Server(uvicorn.Server):
    """uvicorn's, which leaves signals to the daemon."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _bound(settings: HttpSettings) -> socket.socket:
    host, port = settings.host, settings.port
    where = f"http.host, http.port: {host} port {port}"
    if not is_loopback(host):
        raise EndpointNotAllowed(
            f"{where}; can be reached from other machines, and there is no password. Bind 127.0.0.1"
        )
    # A name may be more than one address; the number is what clients of :9000 have always used.
    address = "127.0.0.1" if host == "localhost" else host.strip("[]")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return socket.create_server((address, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise EndpointError(f"{where}; is taken by {port_holder(port)}") from error
        raise EndpointError(f"{where}; {error.strerror}") from error


def _forward_logs() -> None:
    """Write what uvicorn has to complain of as this daemon writes its logs."""
    logger = logging.getLogger("uvicorn.error")
    logger.handlers = [_ToStructlog(logging.ERROR)]
    logger.setLevel(logging.ERROR)
    logger.propagate = False


class _ToStructlog(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().error("http.server", reason=record.getMessage(), exc_info=record.exc_info)
