"""Sending without waiting, and the options both sockets share.

A socket has one owner that only uses its asyncio calls: raw calls beside them lose wake-ups. A send with
DONTWAIT is such a call that ends at once, so that its fate is known without giving way to another task.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, cast

import zmq
import zmq.asyncio

LINGER_MS: Final = 1000
# A peer that stops answering at all is let go; a stopped Python loop does not count, ZMQ answers for it.
_HEARTBEAT_MS: Final = 5_000
_HANDSHAKE_MS: Final = 5_000


def common_options(socket: zmq.asyncio.Socket, largest_frame: int) -> None:
    """Bound what a socket waits for and takes in, whatever it is for."""
    socket.setsockopt(zmq.LINGER, LINGER_MS)
    socket.setsockopt(zmq.HEARTBEAT_IVL, _HEARTBEAT_MS)
    socket.setsockopt(zmq.HANDSHAKE_IVL, _HANDSHAKE_MS)
    socket.setsockopt(zmq.MAXMSGSIZE, largest_frame)


def send_now(socket: zmq.asyncio.Socket, frames: Sequence[bytes]) -> BaseException | None:
    """Send without waiting; return what went wrong (`zmq.Again`: the peer does not read), or None."""
    sent = cast("asyncio.Future[Any]", socket.send_multipart(frames, zmq.DONTWAIT))
    return sent.exception()


def receive_now(socket: zmq.asyncio.Socket) -> list[bytes] | None:
    """Return a message that is there already, or None."""
    received = cast("asyncio.Future[list[bytes]]", socket.recv_multipart(zmq.DONTWAIT))
    return None if received.exception() is not None else received.result()
