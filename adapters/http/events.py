"""The bus's events as server-sent events, for a browser's `EventSource` or `curl -N`.

`event` is the first level of the topic (`heartbeat/`, `status/`, `job/`), since a browser can only listen to
names it knows; the whole topic stands in the data as `topic`. `id` is the event's `seq`. Like on the bus, a
stream begins with the last value of each topic it matches, marked `"replay": true`, and who reads too slowly
loses events, which a gap in `seq` shows, and costs bounded memory.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from adapters.http.answers import as_json
from bus.errors import ResourceExhausted, Unavailable
from bus.publisher import Publisher

MOST_STREAMS: Final = 32
KEEP_ALIVE_S: Final = 15.0
WAITING_EVENTS: Final = 1024
WAITING_BYTES: Final = 1_000_000
_PREFIX_CHARACTERS: Final = 512
# A browser that was cut off comes back after this.
_RETRY: Final = b"retry: 2000\n\n"


class EventStreams:
    """The streams that are open; each event is written out once for all of them."""

    def __init__(self, publisher: Publisher, keep_alive_s: float = KEEP_ALIVE_S) -> None:
        self._publisher = publisher
        self._keep_alive_s = keep_alive_s
        self._open: set[EventStream] = set()
        self._closed = False
        self._written: tuple[Mapping[str, Any] | None, bytes] = (None, b"")

    def open(self, prefix: str) -> "EventStream":
        """Begin a stream of what is published under a prefix.

        Raises
        ------
        ResourceExhausted
            If there are as many as may be.
        Unavailable
            If the daemon stops.
        """
        if self._closed:
            raise Unavailable("the daemon is stopping", retry_after=1.0)
        if len(self._open) >= MOST_STREAMS:
            raise ResourceExhausted(
                f"events: {MOST_STREAMS} streams are open; try again later", retry_after=5.0
            )
        stream = EventStream(self, prefix[:_PREFIX_CHARACTERS])
        self._open.add(stream)
        return stream

    def close(self) -> None:
        """End every stream."""
        self._closed = True
        for stream in self._open:
            stream.wake.set()

    @property
    def closed(self) -> bool:
        """Whether streams are to end."""
        return self._closed

    @property
    def keep_alive_s(self) -> float:
        """Longest silence on a stream, seconds."""
        return self._keep_alive_s

    def begin(self, stream: "EventStream") -> Any:
        """Let a stream hear of events; returns how to stop that."""
        return self._publisher.listen(stream.prefix, stream.hear)

    def end(self, stream: "EventStream") -> None:
        """Forget a stream."""
        self._open.discard(stream)

    def write(self, topic: str, event: dict[str, Any]) -> bytes:
        """Write one event as a stream has it."""
        if self._written[0] is not event:
            data = as_json({"topic": topic, **event})
            kind = topic.partition("/")[0]
            self._written = (event, b"event: %b/\nid: %d\ndata: %b\n\n" % (kind.encode(), event["seq"], data))
        return self._written[1]


class EventStream(Response):
    """One client's stream."""

    media_type = "text/event-stream"

    def __init__(self, streams: EventStreams, prefix: str) -> None:
        super().__init__()
        del self.headers["Content-Length"]
        self._streams = streams
        self.prefix = prefix
        self.wake = asyncio.Event()
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0

    def hear(self, topic: str, event: dict[str, Any]) -> None:
        """Take an event in, and lose the oldest where too many wait."""
        written = self._streams.write(topic, event)
        self._waiting.append(written)
        self._waiting_bytes += len(written)
        while len(self._waiting) > WAITING_EVENTS or self._waiting_bytes > WAITING_BYTES:
            self._waiting_bytes -= len(self._waiting.popleft())
        self.wake.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream until the client goes or the daemon stops."""
        gone = asyncio.create_task(self._until_gone(receive))
        stop = self._streams.begin(self)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": _RETRY, "more_body": True})
            while not gone.done() and not self._streams.closed:
                await send({"type": "http.response.body", "body": await self._next(), "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            stop()
            self._streams.end(self)
            gone.cancel()

    async def _next(self) -> bytes:
        """Wait for what comes next; a comment where nothing comes for long."""
        if not self._waiting:
            try:
                async with asyncio.timeout(self._streams.keep_alive_s):
                    await self.wake.wait()
            except TimeoutError:
                return b": still here\n\n"
        self.wake.clear()
        if not self._waiting:
            return b""
        written = self._waiting.popleft()
        self._waiting_bytes -= len(written)
        return written

    async def _until_gone(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.wake.set()
