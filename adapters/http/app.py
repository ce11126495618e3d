"""What is served where: operations at `POST /api/v1/<engine>/<operation>`, and the few paths beside them.

The routes of operations are made from the table, whatever is in it; none is written by hand.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from adapters.http import openapi
from adapters.http.answers import JSON, as_json, error_answer, json_answer, of_status
from adapters.http.calls import Calls
from adapters.http.events import EventStreams
from adapters.settings import HttpSettings
from bus import identity
from bus.errors import BusError, Cancelled, InvalidArgument, Unavailable
from bus.failure import translate
from bus.operations import Operation
from bus.service import Bus

API: Final = "/api/v1"
SERVICE: Final = "DAWG AI Engine"

_PAGE: Final = Path(__file__).parent / "page"
_PAGE_FILES: Final = {"/page.js": "text/javascript", "/page.css": "text/css"}
_PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Vary": "Accept",
}

Endpoint = Callable[[Request], Awaitable[Response]]


def path_of(operation: str) -> str:
    """Return where an operation is served."""
    return f"{API}/{operation.replace('.', '/')}"


def make_app(bus: Bus, settings: HttpSettings, streams: EventStreams) -> FastAPI:
    """Put the routes together."""
    app = FastAPI(
        title=SERVICE,
        version=identity.version(),
        docs_url=None,  # FastAPI's own pages load scripts from other hosts
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        # FastAPI 0.165 reports to whatever OpenTelemetry finds configured; this daemon reports to nobody.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        exception_handlers={
            HTTPException: _refused,
            BusError: _failed,
            ClientDisconnect: _gone,
            Exception: _failed,
        },
    )
    calls = Calls(bus, settings)
    for operation in bus.operations.values():
        app.add_api_route(
            path_of(operation.name), _endpoint(calls, operation), methods=["POST"], name=operation.name
        )

    @functools.cache
    def document() -> bytes:
        return as_json(openapi.document(bus.operations.values(), app.version))

    async def root(request: Request) -> Response:
        if "text/html" in request.headers.get("Accept", ""):
            return Response((_PAGE / "page.html").read_text(), headers=_PAGE_HEADERS, media_type="text/html")
        body = {"service": SERVICE, "version": app.version, "status": "running"}
        return json_answer(body, headers={"Vary": "Accept"})

    async def health(request: Request) -> Response:
        del request
        if bus.dispatcher.draining:
            raise Unavailable("the daemon is stopping", retry_after=1.0)
        return json_answer({"status": "healthy"})

    async def described(request: Request) -> Response:
        del request
        return Response(await asyncio.to_thread(document), media_type=JSON)

    async def events(request: Request) -> Response:
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        return streams.open(_topic(request))

    async def unknown(request: Request) -> Response:
        name = request.url.path.removeprefix(API).strip("/").replace("/", ".")
        bus.operations[name]  # refuses it, and names what is near
        raise HTTPException(404)

    for path, endpoint in {
        "/": root,
        "/health": health,
        "/openapi.json": described,
        f"{API}/events": events,
        **{path: _page_file(path, media_type) for path, media_type in _PAGE_FILES.items()},
    }.items():
        app.add_route(path, endpoint, methods=["GET"])
    app.add_route(API + "/{engine}/{operation}", unknown, methods=["POST"])
    return app


def _endpoint(calls: Calls, operation: Operation) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return await calls.answer(operation, request)

    return endpoint


def _page_file(path: str, media_type: str) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        del request
        return Response((_PAGE / path.strip("/")).read_text(), headers=_PAGE_HEADERS, media_type=media_type)

    return endpoint


def _topic(request: Request) -> str:
    given = request.query_params.multi_items()
    if any(name != "topic" for name, _ in given) or len(given) > 1:
        raise InvalidArgument("query: must be one `topic`, the beginning of the topics wanted, or nothing")
    return given[0][1] if given else ""


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    answer = error_answer(of_status(status, request.url.path))
    answer.headers.update(getattr(error, "headers", None) or {})
    return answer


async def _failed(request: Request, error: Exception) -> Response:
    del request
    return error_answer(translate(error))


async def _gone(request: Request, error: Exception) -> Response:
    del request, error
    return error_answer(Cancelled("the client has gone"))  # for the log: nobody reads it
