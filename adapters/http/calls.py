"""One HTTP request to one operation: its parameters gathered, submitted to the dispatcher, its end awaited.

A client that goes away cancels what it asked for, unless somebody else waits for the same request id.
"""

import asyncio
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from adapters.http.answers import JSON, UnsupportedMedia, error_answer, result_as_json
from adapters.http.arguments import Arguments, from_text
from adapters.http.body import Body
from adapters.http.guard import CACHED, PRIORITY, TIMEOUT
from adapters.http.multipart import MultipartForm
from adapters.settings import HttpSettings
from bus.errors import BusError, InvalidArgument, ResourceExhausted
from bus.files import Files
from bus.job import Outcome
from bus.messages import Request as BusRequest
from bus.operations import Operation
from bus.service import Bus
from bus.settings import MEGABYTE

# Parameters, without files: what is larger is a file, or a mistake.
TEXT_BYTES: Final = 1_000_000
MOST_UPLOADS: Final = 8
# Before its pace counts, a body may take this long.
_TEXT_GRACE_S: Final = 10.0
_UPLOAD_GRACE_S: Final = 20.0

_FORM: Final = "multipart/form-data"
_URLENCODED: Final = "application/x-www-form-urlencoded"


class _Waiting:
    """The dispatcher's client: a request that waits for its end."""

    def __init__(self) -> None:
        self.outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def progress(self, request: BusRequest, seq: int, fraction: float, stage: str) -> None:
        """Progress is watched at `/api/v1/events`."""

    def end(self, request_id: str, outcome: Outcome) -> None:
        """Wake who waits."""
        del request_id
        if not self.outcome.done():
            self.outcome.set_result(outcome)


class Calls:
    """Answers requests to operations."""

    def __init__(self, bus: Bus, settings: HttpSettings) -> None:
        self._dispatcher = bus.dispatcher
        self._longest_timeout_s = bus.settings.limits.timeout_s
        self._files: Files = bus.files
        self._upload_bytes = int(settings.max_upload_mb * MEGABYTE)
        self._uploads = 0

    async def answer(self, operation: Operation, request: Request) -> Response:
        """Serve one request."""
        arguments = Arguments(operation)
        submitted = False
        try:
            await self._gather(arguments, request)
            wanted = BusRequest(
                id=request.state.request_id,
                op=operation.name,
                params=arguments.values,
                timeout=self._timeout_s(request),
                priority=_priority(request),
            )
            waiting = _Waiting()
            submitted = True  # its files are the dispatcher's from here on
            self._dispatcher.submit(wanted, waiting)
            return _answer(await self._end(wanted, waiting, request))
        finally:
            if not submitted:
                for file in arguments.files:
                    self._files.release(file.size)
                    asyncio.get_running_loop().run_in_executor(None, self._files.remove, str(file))

    # ------------------------------------------------------------- gathering

    async def _gather(self, arguments: Arguments, request: Request) -> None:
        arguments.add_query(request.scope["query_string"], "query")
        content_type = request.headers.get("Content-Type", "")
        kind = content_type.partition(";")[0].strip().lower()
        if kind == _FORM:
            await self._gather_form(arguments, request, content_type)
            return
        body = await Body(
            request, TEXT_BYTES, _TEXT_GRACE_S, f"a file goes as {_FORM}, or by its path"
        ).whole()
        if not body:
            return
        if kind == JSON or kind.endswith("+json"):
            arguments.add_json(body)
        elif kind == _URLENCODED:
            arguments.add_query(body, "body")
        else:
            raise UnsupportedMedia(
                f"Content-Type: {content_type[:80]!r}; must be one of {JSON}, {_FORM}, {_URLENCODED}"
            )

    async def _gather_form(self, arguments: Arguments, request: Request, content_type: str) -> None:
        if self._uploads >= MOST_UPLOADS:
            raise ResourceExhausted(
                f"uploads: {MOST_UPLOADS} are under way; try again later", retry_after=1.0
            )
        self._uploads += 1
        try:
            form = MultipartForm(content_type, arguments, self._files, TEXT_BYTES)
            await form.read(Body(request, self._upload_bytes, _UPLOAD_GRACE_S))
        finally:
            self._uploads -= 1

    def _timeout_s(self, request: Request) -> float | None:
        text = request.headers.get(TIMEOUT)
        if text is None:
            return None
        value: Any = from_text(text, {"type": "number"})
        if not isinstance(value, float) or not 0 < value <= self._longest_timeout_s:
            raise InvalidArgument(
                f"{TIMEOUT}: {text[:60]!r}; must be above 0 and at most {self._longest_timeout_s:g} s",
                details={"field": TIMEOUT},
            )
        return value

    # --------------------------------------------------------------- waiting

    async def _end(self, wanted: BusRequest, waiting: _Waiting, request: Request) -> Outcome:
        if waiting.outcome.done():
            return waiting.outcome.result()
        gone = asyncio.create_task(_until_gone(request))
        either: list[asyncio.Future[Any]] = [waiting.outcome, gone]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            if not waiting.outcome.done():
                self._dispatcher.leave(wanted.id, waiting)
        if not waiting.outcome.done():
            raise ClientDisconnect
        return waiting.outcome.result()


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _priority(request: Request) -> Any:
    priority = request.headers.get(PRIORITY, "interactive")
    if priority not in ("interactive", "batch"):
        raise InvalidArgument(
            f"{PRIORITY}: {priority[:60]!r}; must be one of interactive, batch", details={"field": PRIORITY}
        )
    return priority


def _answer(outcome: Outcome) -> Response:
    if isinstance(outcome, BusError):
        return error_answer(outcome)

    headers = {
        CACHED: "true" if outcome.cached else "false",
        "Server-Timing": f"total;dur={1000 * outcome.elapsed_s:.1f}",
    }
    return Response(result_as_json(outcome.encoded), headers=headers, media_type=JSON)
