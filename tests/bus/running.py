"""A bus that runs in the test's own loop, and raw sockets to speak to it.

`async with running_bus(tmp_path) as bus:` binds it to free ports with the dummy engine's worker behind it;
`Dealer` and `Subscriber` are clients that know nothing but the wire. At its end a bus must have left nothing:
no error in the loop, no task that died, no job, no spooled file.
"""

import asyncio
import contextlib
import dataclasses
import gc
import itertools
import math
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgpack
import zmq
import zmq.asyncio

from bus.operations import Operation, discover
from bus.service import Bus, Surroundings
from bus.settings import BusSettings, LaneSettings, PoolSettings

DUMMY = "tests.bus.engines"
FREE_PORTS = BusSettings(
    router="tcp://127.0.0.1:*",
    publisher="tcp://127.0.0.1:*",
    drain_s=2.0,
    # A busy machine is no reason to hand a job to another worker, unless a test says so.
    pool=PoolSettings(cancel_grace_s=0.3, accept_grace_s=60.0),
)
Message = dict[str, Any]

_numbers = itertools.count(1)


class RunningBus:
    """A bus, its tasks, and where it keeps its files."""

    def __init__(self, bus: Bus, folder: Path) -> None:
        self.bus = bus
        self.folder = folder
        self.tasks = {name: asyncio.create_task(run, name=name) for name, run in bus.coroutines().items()}

    @property
    def router(self) -> str:
        """Endpoint for requests."""
        return self.bus.endpoints["router"]

    @property
    def publisher(self) -> str:
        """Endpoint for events."""
        return self.bus.endpoints["publisher"]

    @property
    def spooled(self) -> list[Path]:
        """Files that came as bytes and are still there."""
        return list((self.folder / "state" / "spool").iterdir())

    async def warm(self) -> None:
        """Wait until every lane has a worker."""
        await until(lambda: self.bus.pool.warm, 60)

    def worker_pids(self, lane: str = "dummy") -> list[int]:
        """Return the process ids of a lane's workers."""
        return [worker.pid for worker in self.bus.pool[lane].status().workers if worker.pid is not None]


@contextlib.asynccontextmanager
async def running_bus(
    folder: Path,
    settings: BusSettings = FREE_PORTS,
    operations: Iterable[Operation] | None = None,
    lanes: Mapping[str, LaneSettings] | None = None,
    **around: Any,
) -> AsyncIterator[RunningBus]:
    """Run a bus; its readable root is `folder/root`."""
    (folder / "root").mkdir(exist_ok=True)
    surroundings = Surroundings(
        roots=[folder / "root"],
        state=folder / "state",
        cache=folder / "cache",
        lanes=lanes or {},
        log_level="error",
    )
    faults: list[Mapping[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    bus = Bus(
        settings,
        discover(DUMMY) if operations is None else operations,
        dataclasses.replace(surroundings, **around),
    )
    running = RunningBus(bus, folder)
    try:
        bus.start()
        yield running
        ended = {name: task for name, task in running.tasks.items() if task.done()}
        assert not ended, f"ended by themselves: {ended}"
        await bus.drain()
        assert not bus.dispatcher.jobs
        await until(lambda: not running.spooled)
    finally:
        await bus.drain()
        for task in running.tasks.values():
            task.cancel()
        await asyncio.gather(*running.tasks.values(), return_exceptions=True)
        bus.close()
    gc.collect()
    await asyncio.sleep(0)
    assert not faults, faults


async def until(condition: Callable[[], object], timeout_s: float = 60.0) -> None:
    """Wait for something that gives no event."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - that is what this is
            await asyncio.sleep(0.005)


async def _more(socket: zmq.asyncio.Socket, until_s: float) -> bool:
    """Whether a message comes before a time of the loop's.

    No receive is cancelled for it: of one that ends just then `wait_for` forgets a cancel before Python 3.12,
    and pyzmq may lose the message.
    """
    left_s = until_s - asyncio.get_running_loop().time()
    return left_s > 0 and bool(await socket.poll(math.ceil(1000 * left_s)))


def new_id() -> str:
    """Return an id no other request of this process has."""
    return f"test-{next(_numbers)}"


class Dealer:
    """A client by the letter of the protocol. What is read for others is kept for who asks for it."""

    def __init__(
        self, endpoint: str, kind: int = zmq.DEALER, options: Mapping[int, Any] | None = None
    ) -> None:
        self._context = zmq.asyncio.Context()
        self.socket = self._context.socket(kind)
        self.socket.setsockopt(zmq.LINGER, 0)
        for option, value in (options or {}).items():
            self.socket.setsockopt(option, value)
        self.socket.connect(endpoint)
        self.kept: list[Message] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave."""
        self._context.destroy(0)

    async def send(self, op: str, params: Any = None, **envelope: Any) -> str:
        """Send a request; returns its id."""
        message = {"type": "request", "id": new_id(), "op": op, "params": params or {}, **envelope}
        await self.frames(b"DAWG1", msgpack.packb(message))
        return str(message["id"])

    async def frames(self, *frames: bytes) -> None:
        """Send whatever."""
        await self.socket.send_multipart(frames)

    async def receive(self, timeout_s: float = 60.0) -> Message:
        """Return the next message from the socket."""
        frames = await asyncio.wait_for(self.socket.recv_multipart(), timeout_s)
        assert len(frames) == 2
        assert frames[0] == b"DAWG1"
        message: Message = msgpack.unpackb(frames[1])
        return message

    async def terminal(self, request_id: str, timeout_s: float = 60.0) -> Message:
        """Return the reply or error of a request."""
        return await self.match(
            lambda message: message["id"] == request_id and message["type"] != "progress", timeout_s
        )

    async def match(self, wanted: Callable[[Message], bool], timeout_s: float = 60.0) -> Message:
        """Return the first message that is wanted, keeping the others."""
        for message in self.kept:
            if wanted(message):
                self.kept.remove(message)
                return message
        while not wanted(message := await self.receive(timeout_s)):
            self.kept.append(message)
        return message

    async def ask(self, op: str, params: Any = None, timeout_s: float = 60.0, **envelope: Any) -> Message:
        """Send a request and return how it ended."""
        return await self.terminal(await self.send(op, params, **envelope), timeout_s)

    async def result(self, op: str, params: Any = None, **envelope: Any) -> Message:
        """Send a request and return its result."""
        message = await self.ask(op, params, **envelope)
        assert message["type"] == "reply", message
        result: Message = message["result"]
        return result

    async def rest(self, for_s: float = 0.2) -> list[Message]:
        """Return everything that is there and still comes within a time."""
        until_s = asyncio.get_running_loop().time() + for_s
        while await _more(self.socket, until_s):
            self.kept.append(await self.receive())
        rest, self.kept = self.kept, []
        return rest


class Subscriber:
    """A subscriber by the letter of the protocol."""

    def __init__(self, endpoint: str, *topics: str, options: Mapping[int, Any] | None = None) -> None:
        self._context = zmq.asyncio.Context()
        self.socket = self._context.socket(zmq.SUB)
        self.socket.setsockopt(zmq.LINGER, 0)
        for option, value in (options or {}).items():
            self.socket.setsockopt(option, value)
        for topic in topics:
            self.socket.subscribe(topic)
        self.socket.connect(endpoint)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave."""
        self._context.destroy(0)

    async def receive(self, timeout_s: float = 60.0) -> tuple[str, Message]:
        """Return the next event."""
        topic, body = await asyncio.wait_for(self.socket.recv_multipart(), timeout_s)
        event: Message = msgpack.unpackb(body)
        return topic.decode(), event

    async def upto(
        self, wanted: Callable[[str, Message], bool], timeout_s: float = 60.0
    ) -> list[tuple[str, Message]]:
        """Return every event up to the first that is wanted, with it."""
        events = []
        async with asyncio.timeout(timeout_s):
            while True:
                topic, event = await self.receive(timeout_s)
                events.append((topic, event))
                if wanted(topic, event):
                    return events

    async def synchronised(self, bus: RunningBus) -> None:
        """Wait until the bus knows of what was subscribed to, and has said what it had to say of it."""
        await self.so_far(bus)
        # Subscriptions are answered in their order, this one last.
        bus.bus.publisher.publish("synchronised/", {})
        self.socket.subscribe("synchronised/")
        await self.upto(lambda topic, event: topic == "synchronised/" and "replay" in event)
        self.socket.unsubscribe("synchronised/")
        bus.bus.publisher.forget("synchronised/")
        # A replay is not in the order in which was subscribed.
        await self.so_far(bus)

    async def so_far(self, bus: RunningBus) -> list[tuple[str, Message]]:
        """Return every event that was published until now, however long it is on its way."""
        # Its own each time: others of the one before may still be on their way.
        mark = f"so far/{next(_numbers)}/"
        self.socket.subscribe(mark)
        events: list[tuple[str, Message]] = []
        async with asyncio.timeout(60):
            while True:
                # Until it is known what was subscribed to, a mark is lost; nothing overtakes one that comes.
                bus.bus.publisher.publish(mark, {})
                while await self.socket.poll(20):
                    topic, event = await self.receive()
                    if topic == mark:
                        self.socket.unsubscribe(mark)
                        bus.bus.publisher.forget(mark)
                        return events
                    events.append((topic, event))

    async def rest(self, for_s: float = 0.2) -> list[tuple[str, Message]]:
        """Return everything that is there and still comes within a time."""
        until_s = asyncio.get_running_loop().time() + for_s
        events = []
        while await _more(self.socket, until_s):
            events.append(await self.receive())
        return events
