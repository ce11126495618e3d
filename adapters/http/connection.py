"""One connection: uvicorn's, with the bounds in time and number that it lacks.

A client has a while to send a request's head, and a while to read what it is sent, or is cut off; what cannot
be read as HTTP is answered in the shape of every other error. uvicorn 0.54 has no time limit on a request's
head or on a client that stops reading, and answers what is no HTTP with plain text.
"""

import asyncio
import socket
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol

from adapters.http.answers import JSON, TooSlow, as_json, error_body
from bus.errors import BusError, InvalidArgument, ResourceExhausted

MOST_CONNECTIONS: Final = 400
HEAD_S: Final = 10.0
# A client that reads nothing while there is something for it, or goes on sending what was refused.
STALLED_S: Final = 30.0


class Connection(H11Protocol):
    """An asyncio protocol; uvicorn makes one for each client."""

    head_s: float = HEAD_S
    stalled_s: float = STALLED_S

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._head_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; the head of the first request is awaited."""
        super().connection_made(transport)
        # asyncio does so only for sockets that name their protocol, which an accepted one does not. Without,
        # the body of an answer waits 40 ms for the client to acknowledge its head.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if len(self.connections) > MOST_CONNECTIONS:
            self._refuse(
                ResourceExhausted(f"connections: {MOST_CONNECTIONS} are open; try again later", retry_after=1)
            )
            return
        self._watch_head()

    def data_received(self, data: bytes) -> None:
        """Take bytes in."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        self._watch_head()

    def on_response_complete(self) -> None:
        """Await the next request; what is still sent of one that was refused is read away for a while."""
        super().on_response_complete()
        if not self.transport.is_closing() and self.conn.their_state is h11.SEND_BODY:
            self._watch_stall()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        del msg
        self._refuse(InvalidArgument("request: cannot be read as HTTP, or its head is too long"))

    def pause_writing(self) -> None:
        """Learn that the client does not read as fast as is written."""
        super().pause_writing()
        self._watch_stall()

    def resume_writing(self) -> None:
        """Learn that it does again."""
        super().resume_writing()
        self._cancel("_stall_timer")

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self._cancel("_head_timer")
        self._cancel("_stall_timer")

    def _watch_head(self) -> None:
        if self.transport.is_closing() or self.conn.their_state is not h11.IDLE:
            self._cancel("_head_timer")
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_s, self._head_is_late)

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self._refuse(TooSlow("request: its head comes too slowly"))

    def _watch_stall(self) -> None:
        if self._stall_timer is None:
            self._stall_timer = self.loop.call_later(self.stalled_s, self.transport.abort)

    def _cancel(self, timer: str) -> None:
        handle = getattr(self, timer)
        if handle is not None:
            handle.cancel()
            setattr(self, timer, None)

    def _refuse(self, error: BusError) -> None:
        """Say why, if anything can be said now, and hang up."""
        body = as_json(error_body(error))
        status = error.http_status
        headers = [
            (b"content-type", JSON.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        try:
            head = h11.Response(status_code=status, headers=headers, reason=STATUS_PHRASES[status])
            for event in (head, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        except h11.LocalProtocolError:
            pass  # in the middle of a response
        self.transport.close()
