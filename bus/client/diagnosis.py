"""Why a socket does not get through: a look at the endpoint without ZeroMQ, which hides it.

libzmq tells "refused" but not who answered instead, so a second, plain connection listens for ZMTP's greeting
(RFC 23: 0xFF, eight bytes, 0x7F), which every ZeroMQ socket sends unasked.
"""

import asyncio
import contextlib
import re
from enum import Enum

_CONNECT_S = 1.0
_LISTEN_S = 0.4
_SIGNATURE_BYTES = 10
# Most programs say nothing unasked: this makes those that speak HTTP answer, and most others hang up.
_QUESTION = b"GET / HTTP/1.0\r\n\r\n"
_TCP = re.compile(r"tcp://(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:]+)):(?P<port>\d+)\Z")


class Answer(Enum):
    """What a plain connection came upon."""

    REFUSED = "nothing listens there"
    SILENT = "something listens there and says nothing"
    ZMTP = "a ZeroMQ socket"
    FOREIGN = "another program"


async def look(endpoint: str) -> Answer:
    """Connect to a `tcp` or `ipc` endpoint and listen; takes at most two seconds."""
    try:
        reader, writer = await asyncio.wait_for(_connect(endpoint), _CONNECT_S)
    except TimeoutError:
        return Answer.SILENT
    except OSError:
        return Answer.REFUSED
    try:
        heard = await _hear(reader)
        if heard is None:
            writer.write(_QUESTION)
            heard = await _hear(reader)
    except OSError:
        return Answer.FOREIGN
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    if heard is None:
        return Answer.SILENT
    greeted = len(heard) == _SIGNATURE_BYTES and heard[0] == 0xFF and heard[-1] == 0x7F
    return Answer.ZMTP if greeted else Answer.FOREIGN


async def _connect(endpoint: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if endpoint.startswith("ipc://"):
        return await asyncio.open_unix_connection(endpoint.removeprefix("ipc://"))
    parts = _TCP.match(endpoint)
    if parts is None:
        raise OSError(f"{endpoint}; not an address")
    return await asyncio.open_connection(parts["six"] or parts["host"], int(parts["port"]))


async def _hear(reader: asyncio.StreamReader) -> bytes | None:
    """Read a greeting's worth of bytes, fewer where the other side hangs up; None for silence."""
    try:
        return await asyncio.wait_for(reader.readexactly(_SIGNATURE_BYTES), _LISTEN_S)
    except asyncio.IncompleteReadError as error:
        return error.partial
    except TimeoutError:
        return None
