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
# A peer whose machine stops answering at all is let go, after twenty seconds.
_KEEPALIVE_S: Final = 5
_KEEPALIVES: Final = 3
_HANDSHAKE_MS: Final = 5_000


def common_options(socket: zmq.asyncio.Socket, largest_frame: int) -> None:
    """Bound what a socket waits for and takes in, whatever it is for."""
    socket.setsockopt(zmq.LINGER, LINGER_MS)
    keep_alive(socket)
    socket.setsockopt(zmq.HANDSHAKE_IVL, _HANDSHAKE_MS)
    socket.setsockopt(zmq.MAXMSGSIZE, largest_frame)


def keep_alive(socket: zmq.asyncio.Socket) -> None:
    """Have the kernel see that the other side is there.

    ZeroMQ's own heartbeat would end the process: one that is due after a peer has broken the connection, and
    before what the peer had sent is read, fails an assertion (libzmq 4.3.5 `!_io_error`, zeromq/libzmq#4841).
    """
    socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
    socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, _KEEPALIVE_S)
    socket.setsockopt(zmq.TCP_KEEPALIVE_INTVL, _KEEPALIVE_S)
    socket.setsockopt(zmq.TCP_KEEPALIVE_CNT, _KEEPALIVES)


def send_now(socket: zmq.asyncio.Socket, frames: Sequence[bytes]) -> BaseException | None:
    """Send without waiting; return what went wrong (`zmq.Again`: the peer does not read), or None."""
    sent = cast("asyncio.Future[Any]", socket.send_multipart(frames, zmq.DONTWAIT))
    return sent.exception()


def receive_now(socket: zmq.asyncio.Socket) -> list[bytes] | None:
    """Return a message that is there already, or None."""
    received = cast("asyncio.Future[list[bytes]]", socket.recv_multipart(zmq.DONTWAIT))
    return None if received.exception() is not None else received.result()
