"""What every request passes before anything else looks at it, and every response on its way out.

There is no password on :9000, so two things keep web pages out: a `Host` that is not ours is a name that was
rebound to this machine, and an `Origin` that is not ours (or configured) is a page that has no business here.
Programs send no `Origin`; browsers always do when a page sends a request that may change something, and say
in `Sec-Fetch-Site` where one came from that carries none.
"""

import asyncio
import re
import secrets
import time
from collections.abc import Sequence
from typing import Any, Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.http.answers import HeadTooLarge, error_answer
from bus.errors import BusError, InvalidArgument, PermissionDenied, Unavailable
from bus.failure import translate
from bus.messages import ID_CHARACTERS

REQUEST_ID: Final = "X-Request-Id"
TIMEOUT: Final = "X-Timeout-S"
PRIORITY: Final = "X-Priority"
CACHED: Final = "X-Cached"

HEAD_BYTES: Final = 32_768
_MOST_HEADERS: Final = 100
_PORT = re.compile(r":\d{1,5}\Z")
_ID = re.compile(rf"[!-~]{{1,{ID_CHARACTERS}}}\Z")
_PREFLIGHT_S = 600
_EVERYWHERE: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}

log = structlog.get_logger()


class Guard:
    """An ASGI application around another: refuses, names, logs."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str], origins: Sequence[str]) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._origins = frozenset(origin.lower().rstrip("/") for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        headers = Headers(scope=scope)
        wanted = headers.get(REQUEST_ID)
        request_id = wanted if wanted and _ID.match(wanted) else f"http-{secrets.token_hex(8)}"
        scope["state"] = {"request_id": request_id}
        exchange = _Exchange(request_id, send)
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            began_s = time.perf_counter()
            try:
                await self._serve(headers, scope, receive, exchange)
            finally:
                level = "info" if scope["method"] == "POST" else "debug"
                getattr(log, level)(
                    "http.request",
                    method=scope["method"],
                    path=scope["path"][:200],
                    status=exchange.status,
                    elapsed_ms=round(1000 * (time.perf_counter() - began_s), 1),
                )

    async def _serve(self, headers: Headers, scope: Scope, receive: Receive, exchange: "_Exchange") -> None:
        try:
            origin = self._admit(headers, scope)
            if origin is not None:
                exchange.origin = origin
                if scope["method"] == "OPTIONS" and "Access-Control-Request-Method" in headers:
                    await _preflight(headers)(scope, receive, exchange.send)
                    return
            await self._app(scope, receive, exchange.send)
        except asyncio.CancelledError:
            stopping = Unavailable("the daemon is stopping", retry_after=1.0)
            await self._say(stopping, scope, receive, exchange)
        except Exception as error:
            if exchange.status is None:  # Starlette raises again what it has answered
                await self._say(translate(error), scope, receive, exchange)

    @staticmethod
    async def _say(error: BusError, scope: Scope, receive: Receive, exchange: "_Exchange") -> None:
        if exchange.status is None:
            await error_answer(error)(scope, receive, exchange.send)

    def _admit(self, headers: Headers, scope: Scope) -> str | None:
        """Refuse what is not for us; returns the configured origin a request comes from, if it does.

        Raises
        ------
        PermissionDenied
            If the host or the origin is not one of ours.
        InvalidArgument
            If a header is given twice, or the request id cannot be one.
        HeadTooLarge
            If there is more of it than any client of ours sends.
        """
        # What comes in one piece, the parser of HTTP has not bounded.
        head_bytes = len(scope["raw_path"]) + len(scope["query_string"])
        head_bytes += sum(len(name) + len(value) for name, value in scope["headers"])
        if head_bytes > HEAD_BYTES or len(scope["headers"]) > _MOST_HEADERS:
            raise HeadTooLarge(
                f"request: a head of {head_bytes} bytes and {len(scope['headers'])} headers; "
                f"must be at most {HEAD_BYTES} and {_MOST_HEADERS}"
            )
        for name in ("Host", "Origin", "Content-Type", REQUEST_ID, TIMEOUT, PRIORITY):
            if len(headers.getlist(name)) > 1:
                raise InvalidArgument(f"{name}: given twice; must be given once")
        host = headers.get("Host", "").lower()
        if host not in self._hosts and _PORT.sub("", host) not in self._hosts:
            raise PermissionDenied(
                f"Host: {host[:80]!r}; must be one of {', '.join(sorted(self._hosts))} (http.allowed_hosts)"
            )
        identifier = headers.get(REQUEST_ID)
        if identifier is not None and not _ID.match(identifier):
            raise InvalidArgument(
                f"{REQUEST_ID}: {identifier[:80]!r}; must be 1 to {ID_CHARACTERS} visible ASCII characters"
            )
        origin = headers.get("Origin")
        if origin is None:
            self._admit_without_origin(headers, scope)
            return None
        if origin.lower() == f"http://{host}":
            return None
        if origin.lower() not in self._origins:
            raise PermissionDenied(
                f"Origin: {origin[:80]!r}; not a page that may call (http.allowed_origins)"
            )
        return origin

    @staticmethod
    def _admit_without_origin(headers: Headers, scope: Scope) -> None:
        """Refuse what a browser sends for another page without naming it; a link to us may be followed."""
        if headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin"):
            return
        if scope["method"] in ("GET", "HEAD") and headers.get("Sec-Fetch-Mode") == "navigate":
            return
        raise PermissionDenied("Sec-Fetch-Site: another page; not one that may call (http.allowed_origins)")


class _Exchange:
    """One response on its way out: what stands on all of them is added, and the status noted."""

    def __init__(self, request_id: str, send: Send) -> None:
        self._request_id = request_id
        self._send = send
        self.origin: str | None = None
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers[REQUEST_ID] = self._request_id
            for name, value in _EVERYWHERE.items():
                headers.setdefault(name, value)
            headers.add_vary_header("Origin")
            if self.origin is not None:
                headers["Access-Control-Allow-Origin"] = self.origin
                headers["Access-Control-Expose-Headers"] = f"{REQUEST_ID}, {CACHED}, Retry-After"
        await self._send(message)


def _preflight(asked: Headers) -> Response:
    answer: dict[str, Any] = {
        "Access-Control-Allow-Methods": "GET, POST",
        "Access-Control-Allow-Headers": f"Content-Type, {REQUEST_ID}, {TIMEOUT}, {PRIORITY}",
        "Access-Control-Max-Age": str(_PREFLIGHT_S),
    }
    if asked.get("Access-Control-Request-Private-Network") == "true":
        answer["Access-Control-Allow-Private-Network"] = "true"
    return Response(status_code=204, headers=answer)
