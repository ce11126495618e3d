"""Events of the daemon as they come: heartbeats, status, jobs' states and progress."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import msgpack
import zmq
import zmq.asyncio

from bus.client.failures import NotAnswering
from bus.client.link import Keys, Link
from bus.errors import BusError

_FRAMES_OF_AN_EVENT = 2
# A reader that falls so far behind loses the oldest; the gap in `seq` tells it so.
_WAITING = 10_000


@dataclass(frozen=True)
class Event:
    """One event; `body` is the map as it was published (bus/README.md)."""

    topic: str
    body: dict[str, Any]

    @property
    def instance(self) -> str:
        """Which run of the daemon says so; it changes when the daemon restarts."""
        return str(self.body.get("instance", ""))

    @property
    def seq(self) -> int:
        """Number among all events of the instance: a gap is what was lost."""
        return int(self.body.get("seq", 0))

    @property
    def replay(self) -> bool:
        """Whether it is the last value of its topic, from before the subscription."""
        return bool(self.body.get("replay", False))


class Subscription:
    """The events whose topic begins with a prefix, across restarts of the daemon; an async iterator.

    Raises
    ------
    NotRunning, WrongEndpoint, WrongKey, NotAnswering
        From `get` and the iteration, if the publisher was never reached. Once it was, they wait for it.
    """

    def __init__(
        self,
        socket: zmq.asyncio.Socket,
        endpoint: str,
        prefix: str,
        keys: Keys,
        *,
        connect_timeout_s: float,
        on_closed: Callable[["Subscription"], None],
    ) -> None:
        socket.setsockopt(zmq.SUBSCRIBE, prefix.encode())
        self._link = Link(
            socket,
            endpoint,
            keys,
            on_frames=self._heard,
            on_up=self._reached,
            on_trouble=self._not_reached,
        )
        self._connect_timeout_s = connect_timeout_s
        self._on_closed = on_closed
        self._waiting: deque[Event] = deque(maxlen=_WAITING)
        self._news = asyncio.Event()
        self._ever_up = False
        self._trouble: BusError | None = None
        self._impatience: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def connected(self) -> bool:
        """Whether a connection stands now."""
        return self._link.up

    def open(self) -> None:
        """Begin to connect."""
        self._link.open()
        self._impatience = asyncio.get_running_loop().call_later(self._connect_timeout_s, self._too_late)

    def _heard(self, frames: Sequence[bytes]) -> None:
        if len(frames) != _FRAMES_OF_AN_EVENT:
            return
        try:
            body = msgpack.unpackb(frames[1], strict_map_key=False)
            topic = frames[0].decode()
        except (ValueError, msgpack.UnpackException):
            return
        if isinstance(body, dict):
            self._waiting.append(Event(topic, body))
            self._news.set()

    def _reached(self) -> None:
        self._ever_up, self._trouble = True, None

    def _not_reached(self, trouble: BusError) -> None:
        if self._ever_up:
            return
        self._trouble = trouble
        if not isinstance(trouble, NotAnswering):
            self._news.set()

    def _too_late(self) -> None:
        if not self._ever_up:
            self._trouble = self._trouble or NotAnswering(f"{self._link.endpoint}: no connection")
            self._news.set()

    async def get(self) -> Event:
        """Wait for the next event; may be cancelled without losing one.

        Raises
        ------
        StopAsyncIteration
            If the subscription is closed.
        """
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            if self._trouble is not None and self._news.is_set():
                raise self._trouble
            self._news.clear()
            await self._news.wait()
        return self._waiting.popleft()

    async def close(self) -> None:
        """Unsubscribe; iterations over it end."""
        if self._closed:
            return
        self._closed = True
        if self._impatience is not None:
            self._impatience.cancel()
        self._on_closed(self)
        self._news.set()
        await self._link.close()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        return await self.get()

    async def __aenter__(self) -> "Subscription":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
