"""A file that a transport of this process has put into the spool: taken as it is, and removed afterwards."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgpack
import pytest

from bus.errors import BusError, InvalidArgument
from bus.files import Spooled
from bus.job import Outcome
from bus.messages import Request, decode_request, pack
from bus.operations import discover
from bus.service import Bus, Surroundings
from bus.settings import BusSettings, Limits


class _Waiting:
    def __init__(self) -> None:
        self.outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def progress(self, request: Request, seq: int, fraction: float, stage: str) -> None: ...

    def end(self, request_id: str, outcome: Outcome) -> None:
        self.outcome.set_result(outcome)


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[Bus]:
    bus = Bus(
        BusSettings(router="tcp://127.0.0.1:*", publisher="tcp://127.0.0.1:*"),
        discover("tests.bus.engines"),
        Surroundings([tmp_path / "readable"], tmp_path / "state", tmp_path / "cache", log_level="error"),
    )
    bus.start()
    yield bus
    await bus.drain()
    bus.close()


def spooled(bus: Bus, content: bytes) -> Spooled:
    bus.files.reserve(len(content))
    return Spooled.of(bus.files.write(content), len(content))


async def ask(bus: Bus, request_id: str, **params: object) -> Outcome:
    waiting = _Waiting()
    bus.dispatcher.submit(Request(id=request_id, op="dummy.size", params=params), waiting)
    return await asyncio.wait_for(waiting.outcome, 30)


async def gone(path: str) -> bool:
    return await asyncio.to_thread(_gone_soon, path)


def _gone_soon(path: str) -> bool:
    for _ in range(3000):
        if not Path(path).exists():
            return True
        time.sleep(0.02)
    return False


async def test_a_spooled_file_is_read_and_removed_with_its_room(bus: Bus) -> None:
    room = bus.files._spool_bytes_left
    file = spooled(bus, b"x" * 1000)
    outcome = await ask(bus, "1", path=file)
    assert not isinstance(outcome, BusError)
    assert msgpack.unpackb(outcome.encoded) == {"size": 1000}
    assert await gone(file)
    assert bus.files._spool_bytes_left == room


async def test_a_spooled_file_of_a_refused_request_is_removed_with_its_room(bus: Bus) -> None:
    room = bus.files._spool_bytes_left
    file = spooled(bus, b"x" * 1000)
    outcome = await ask(bus, "1", path=file, other=1)
    assert isinstance(outcome, InvalidArgument)
    assert await gone(file)
    assert bus.files._spool_bytes_left == room


async def test_a_spooled_file_that_is_given_back_after_the_end_is_removed_too(bus: Bus) -> None:
    file = spooled(bus, b"x" * 1000)
    bus.dispatcher.close()
    bus.dispatcher._disk.discard([file])
    assert not Path(file).exists()  # noqa: ASYNC240 - one look


async def test_no_message_can_name_a_spooled_file(bus: Bus) -> None:
    file = spooled(bus, b"secret")
    message = pack({"type": "request", "id": "1", "op": "dummy.size", "params": {"path": file}})
    request = decode_request([b"DAWG1", message], Limits())
    assert type(request.params["path"]) is str
    outcome = await ask(bus, "1", **request.params)
    assert isinstance(outcome, BusError)
    assert outcome.code == "PERMISSION_DENIED"
    assert Path(file).exists()  # noqa: ASYNC240 - one look


async def test_who_leaves_a_request_cancels_it_unless_another_waits(bus: Bus) -> None:
    request = Request(id="1", op="dummy.wait", params={"seconds": 30.0})
    first, second = _Waiting(), _Waiting()
    bus.dispatcher.submit(request, first)
    bus.dispatcher.submit(request, second)
    bus.dispatcher.leave("1", first)
    await asyncio.sleep(0)
    assert "1" in bus.dispatcher.jobs
    bus.dispatcher.leave("1", second)
    task = bus.dispatcher.jobs["1"].task
    assert task is not None
    await asyncio.wait([task], timeout=20)
    await asyncio.sleep(0)
    assert "1" not in bus.dispatcher.jobs
    assert not first.outcome.done()
    assert not second.outcome.done()


async def test_a_listener_hears_the_last_values_and_then_every_event(bus: Bus) -> None:
    heard: list[tuple[str, int, bool]] = []
    bus.publisher.publish("job/a/1/state/", {"state": "queued"})
    bus.publisher.publish("job/a/1/state/", {"state": "running"})
    bus.publisher.publish("other/", {})
    stop = bus.publisher.listen(
        "job/", lambda topic, event: heard.append((topic, event["topic_seq"], event.get("replay", False)))
    )
    bus.publisher.publish("job/a/1/state/", {"state": "done"})
    bus.publisher.publish("other/", {})
    stop()
    bus.publisher.publish("job/a/1/state/", {"state": "done"})
    assert heard == [("job/a/1/state/", 2, True), ("job/a/1/state/", 3, False)]
