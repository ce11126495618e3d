"""Why a socket does not get through: a look at the endpoint without ZeroMQ, which hides it.

libzmq tells "refused" but not who answered instead, so a second, plain connection listens for ZMTP's greeting
(RFC 23): the signature, which every ZeroMQ socket sends unasked, and then the security mechanism.
"""

import asyncio
import contextlib
import re
from enum import Enum

_CONNECT_S = 1.0
_LISTEN_S = 0.4
_SIGNATURE_BYTES = 10
_GREETING_BYTES = 64
_MECHANISM = slice(12, 32)
# Signature and version 3.0. What would follow is left out: on another mechanism than its own libzmq hangs up
# before it has named it.
_HALF_A_GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00"
# Most programs say nothing unasked: this makes those that speak HTTP answer, and most others hang up.
_QUESTION = b"GET / HTTP/1.0\r\n\r\n"
_TCP = re.compile(r"tcp://(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:]+)):(?P<port>\d+)\Z")


class Answer(Enum):
    """What a plain connection came upon."""

    REFUSED = "nothing listens there"
    SILENT = "something listens there and says nothing"
    ZMTP = "a ZeroMQ socket"
    FOREIGN = "another program"


async def look(endpoint: str) -> tuple[Answer, str]:
    """Connect to a `tcp` or `ipc` endpoint and listen; takes at most three seconds.

    Returns
    -------
    tuple
        What is there, and the security mechanism a ZeroMQ socket names (`NULL`, `CURVE`), empty if unknown.
    """
    try:
        # Not wait_for, which before Python 3.12 forgets a cancel that comes together with the answer.
        async with asyncio.timeout(_CONNECT_S):
            reader, writer = await _connect(endpoint)
    except TimeoutError:
        return Answer.SILENT, ""
    except OSError:
        return Answer.REFUSED, ""
    try:
        return await _converse(reader, writer)
    except OSError:
        return Answer.FOREIGN, ""
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[Answer, str]:
    heard = await _hear(reader, _SIGNATURE_BYTES)
    if heard is None:
        writer.write(_QUESTION)
        heard = await _hear(reader, _SIGNATURE_BYTES)
    if heard is None:
        return Answer.SILENT, ""
    if len(heard) != _SIGNATURE_BYTES or heard[0] != 0xFF or heard[-1] != 0x7F:
        return Answer.FOREIGN, ""
    writer.write(_HALF_A_GREETING)
    greeting = heard + (await _hear(reader, _GREETING_BYTES - _SIGNATURE_BYTES) or b"")
    return Answer.ZMTP, greeting[_MECHANISM].rstrip(b"\x00").decode("ascii", "replace")


async def _connect(endpoint: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if endpoint.startswith("ipc://"):
        return await asyncio.open_unix_connection(endpoint.removeprefix("ipc://"))
    parts = _TCP.match(endpoint)
    if parts is None:
        raise OSError(f"{endpoint}; not an address")
    return await asyncio.open_connection(parts["six"] or parts["host"], int(parts["port"]))


async def _hear(reader: asyncio.StreamReader, count: int) -> bytes | None:
    """Read so many bytes, fewer where the other side hangs up; None for silence."""
    try:
        async with asyncio.timeout(_LISTEN_S):
            return await reader.readexactly(count)
    except asyncio.IncompleteReadError as error:
        return error.partial
    except TimeoutError:
        return None
