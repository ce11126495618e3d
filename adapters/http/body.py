"""A request's body in pieces, as far as it is allowed to be long, and as fast as it must come."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from starlette.requests import ClientDisconnect, Request

from adapters.http.answers import TooSlow
from bus.errors import TooLarge

# Whoever sends less than this a second, after a while to begin with, holds a place that others wait for.
SLOWEST_BYTES_A_SECOND: Final = 50_000


class Body:
    """Reads a body once; `received` counts its bytes.

    Parameters
    ----------
    limit
        Most bytes.
    grace_s
        Seconds before its pace counts.
    hint
        What to do with more, if anything.
    """

    def __init__(self, request: Request, limit: int, grace_s: float, hint: str = "") -> None:
        self._request = request
        self._limit = limit
        self._grace_s = grace_s
        self._hint = hint
        self.received = 0

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes.

        Raises
        ------
        TooLarge
            If it is longer than the limit, by its own header or in fact.
        TooSlow
            If it comes slower than `SLOWEST_BYTES_A_SECOND` after `grace_s` seconds.
        ClientDisconnect
            If the client goes away before its end.
        """
        declared = self._request.headers.get("Content-Length", "")
        if declared.isdecimal():
            self._check(int(declared))
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        more = True
        while more:
            due_s = began_s + self._grace_s + self.received / SLOWEST_BYTES_A_SECOND
            try:
                async with asyncio.timeout_at(due_s):
                    message = await self._request.receive()
            except TimeoutError:
                raise TooSlow(f"body: {self.received} bytes so far; comes too slowly") from None
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            piece = message.get("body", b"")
            more = message.get("more_body", False)
            self.received += len(piece)
            self._check(self.received)
            if piece:
                yield piece

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise TooLarge(
                f"body: must be at most {self._limit} bytes{self._hint and f'; {self._hint}'}",
                details={"limit": self._limit},
            )

    async def whole(self) -> bytes:
        """Read a body that is short."""
        return b"".join([piece async for piece in self.pieces()])
