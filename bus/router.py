"""The ROUTER socket: frames in, frames out, and an outbox for each peer that does not keep up.

One task reads, for ever. Answers are sent at once; where a peer's pipe is full they wait in its outbox,
bounded by count, bytes and age, and a peer that is gone loses them (it asks again under the same id).
Progress is never kept: the next is worth more.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field

import structlog
import zmq
import zmq.asyncio

from bus.dispatcher import Dispatcher
from bus.errors import BusError
from bus.job import Outcome
from bus.messages import (
    MAGIC,
    Malformed,
    Refused,
    Request,
    decode_request,
    encode_error,
    encode_progress,
    encode_reply,
)
from bus.settings import MEGABYTE, Limits
from bus.sockets import receive_now, send_now
from bus.stats import Stats

log = structlog.get_logger()

# After reading for so long the loop gets a turn.
_TURN_S = 0.002
_OUTBOX_RETRY_S = 0.01
# A peer that has not read for so long is given up; its answers stay remembered under their ids.
_OUTBOX_PATIENCE_S = 30.0
_LAST_FLUSH_S = 1.0
_FRAMES_OF_A_MESSAGE = 2


@dataclass
class _Outbox:
    messages: deque[list[bytes]] = field(default_factory=deque)
    size: int = 0
    stuck_since_s: float = 0.0


@dataclass(frozen=True)
class Peer:
    """A client of the socket: its routing id, and the empty delimiter if it is a REQ socket."""

    router: "Router"
    envelope: tuple[bytes, ...]

    def progress(self, request: Request, seq: int, fraction: float, stage: str) -> None:
        """Send progress, if it was asked for and the peer keeps up."""
        if request.progress:
            self.router.send(self, encode_progress(request.id, seq, fraction, stage), keep=False)

    def end(self, request_id: str, outcome: Outcome) -> None:
        """Send the reply or error."""
        instance = self.router.instance
        if isinstance(outcome, BusError):
            message = encode_error(request_id, instance, outcome)
        else:
            message = encode_reply(
                request_id, instance, outcome.encoded, outcome.elapsed_s, cached=outcome.cached
            )
        self.router.send(self, message, keep=True)


class Router:
    """Owns the socket: nobody else touches it."""

    def __init__(
        self,
        socket: zmq.asyncio.Socket,
        dispatcher: Dispatcher,
        stats: Stats,
        limits: Limits,
        instance: str,
    ) -> None:
        self._socket = socket
        self._dispatcher = dispatcher
        self._stats = stats
        self._limits = limits
        self.instance = instance
        self._outboxes: dict[Peer, _Outbox] = {}
        self._held: list[tuple[Peer, bytes, bool]] | None = None
        self._retry: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Read requests until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            frames: list[bytes] | None = await self._socket.recv_multipart()
            # What is answered in this turn leaves together: each send on its own would wake ZMQ's thread.
            self._held = []
            until_s = loop.time() + _TURN_S
            while frames is not None:
                self._receive(frames)
                frames = receive_now(self._socket) if loop.time() < until_s else None
            held, self._held = self._held, None
            for peer, message, keep in held:
                self.send(peer, message, keep=keep)
            await asyncio.sleep(0)

    def _receive(self, frames: list[bytes]) -> None:
        """Take in one message; whatever it is, the reader goes on."""
        delimiter = 1 if len(frames) > _FRAMES_OF_A_MESSAGE and not frames[1] else 0
        peer = Peer(self, tuple(frames[: 1 + delimiter]))
        try:
            request = decode_request(frames[1 + delimiter :], self._limits)
        except Malformed as reason:
            self._stats.counters["malformed"] += 1
            log.debug("message.dropped", reason=str(reason))
        except Refused as refused:
            self._stats.counters["refused"] += 1
            peer.end(refused.id, refused.error)
        else:
            self._dispatcher.submit(request, peer)

    def send(self, peer: Peer, message: bytes, *, keep: bool) -> None:
        """Send now, or at the end of the reader's turn; or keep for a peer that does not read."""
        if self._held is not None:
            self._held.append((peer, message, keep))
            return
        frames = [*peer.envelope, MAGIC, message]
        outbox = self._outboxes.get(peer)
        if outbox is None:
            failure = send_now(self._socket, frames)
            if failure is None:
                return
            if not isinstance(failure, zmq.Again):
                self._stats.counters["peer_gone"] += 1
                return
        if keep:
            self._keep(peer, frames, len(message))
        else:
            self._stats.counters["progress_dropped"] += 1

    def _keep(self, peer: Peer, frames: list[bytes], size: int) -> None:
        loop = asyncio.get_running_loop()
        outbox = self._outboxes.setdefault(peer, _Outbox(stuck_since_s=loop.time()))
        total = sum(box.size for box in self._outboxes.values())
        if (
            len(outbox.messages) >= self._limits.outbox_messages
            or outbox.size + size > self._limits.outbox_mb * MEGABYTE
            or total + size > self._limits.outboxes_mb * MEGABYTE
        ):
            self._stats.counters["outbox_dropped"] += 1
            return
        outbox.messages.append(frames)
        outbox.size += size
        if self._retry is None:
            self._retry = loop.call_later(_OUTBOX_RETRY_S, self._retry_outboxes)

    def _retry_outboxes(self) -> None:
        loop = asyncio.get_running_loop()
        for peer, outbox in list(self._outboxes.items()):
            if self._flush(outbox) or loop.time() - outbox.stuck_since_s > _OUTBOX_PATIENCE_S:
                self._stats.counters["outbox_dropped"] += len(outbox.messages)
                del self._outboxes[peer]
        self._retry = loop.call_later(_OUTBOX_RETRY_S, self._retry_outboxes) if self._outboxes else None

    async def flush(self) -> None:
        """Give peers that are slow to read a last moment for what they were answered."""
        deadline_s = asyncio.get_running_loop().time() + _LAST_FLUSH_S
        # A peer that reads again gives no event: the outboxes are tried again and again anyway.
        while self._outboxes and asyncio.get_running_loop().time() < deadline_s:  # noqa: ASYNC110
            await asyncio.sleep(_OUTBOX_RETRY_S)

    def _flush(self, outbox: _Outbox) -> bool:
        """Send what can be sent; returns whether the outbox is done with."""
        while outbox.messages:
            failure = send_now(self._socket, outbox.messages[0])
            if isinstance(failure, zmq.Again):
                return False
            if failure is not None:
                return True  # the peer is gone, and what was left for it is counted as dropped
            frames = outbox.messages.popleft()
            outbox.size -= len(frames[-1])
            outbox.stuck_since_s = asyncio.get_running_loop().time()
        return True
