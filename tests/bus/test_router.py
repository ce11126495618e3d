import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import msgpack
import psutil
import pytest
import pytest_asyncio
import zmq
from pydantic import Field

from bus.operations import declare
from bus.settings import Limits
from tests.bus.running import FREE_PORTS, Dealer, RunningBus, new_id, running_bus, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMITS = Limits(message_mb=1.0, outbox_messages=300, outbox_mb=20.0, outboxes_mb=25.0)

Megabytes = Annotated[float, Field(ge=0, json_schema_extra={"unit": "MB"})]


made: Counter[str] = Counter()


def large(megabytes: Megabytes = 0.1) -> dict[str, bytes]:
    """Give a large result, at once."""
    made["large"] += 1
    return {"data": b"x" * int(megabytes * 1_000_000)}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def bus(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningBus]:
    settings = replace(FREE_PORTS, limits=LIMITS, heartbeat_s=0.05)
    operations = [declare("test.large", large)]
    async with running_bus(tmp_path_factory.mktemp("bus"), settings, operations) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def narrow_bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunningBus]:
    """Run a bus whose pipes are soon full: fewer answers than a thousand wait in ZMQ before the outbox."""
    monkeypatch.setattr("bus.service._ROUTER_WAITING", 20)
    async with running_bus(
        tmp_path, replace(FREE_PORTS, limits=LIMITS), [declare("test.large", large)]
    ) as running:
        yield running


def counter(bus: RunningBus, name: str) -> int:
    return bus.bus.stats.counters[name]


# ------------------------------------------------------------------ frames


async def test_a_req_socket_has_its_delimiter_back(bus: RunningBus) -> None:
    async with Dealer(bus.router, zmq.REQ) as client:
        for number in range(3):
            assert (await client.ask("bus.ping", {"payload": str(number)}))["result"]["payload"] == str(
                number
            )
        assert (await client.ask("no.such"))["code"] == "UNIMPLEMENTED"


async def test_a_dealer_may_send_the_delimiter_too(bus: RunningBus) -> None:
    async with Dealer(bus.router) as client:
        request = msgpack.packb({"id": "1", "op": "bus.ping"})
        await client.frames(b"", b"DAWG1", request)
        empty, magic, body = await client.socket.recv_multipart()
        assert (empty, magic) == (b"", b"DAWG1")
        assert msgpack.unpackb(body)["type"] == "reply"


async def test_a_peer_may_choose_its_name(bus: RunningBus) -> None:
    async with Dealer(bus.router, options={zmq.IDENTITY: b"chosen"}) as client:
        assert (await client.ask("bus.ping"))["type"] == "reply"
        async with Dealer(bus.router, options={zmq.IDENTITY: b"chosen"}) as thief:
            await thief.send("bus.ping")
            assert not await thief.socket.poll(200), "a name that is taken cannot be stolen"
        assert (await client.ask("bus.ping"))["type"] == "reply"


@pytest.mark.parametrize(
    "frames",
    [
        [b""],
        [b"", b""],
        [b"", b"", b""],
        [b"junk"],
        [b"DAWG1"],
        [b"DAWG1", b""],
        [b"DAWG1", b"\xc1"],
        [b"DAWG1", b"\x93\x01\x02\x03"],
        [b"DAWG1", msgpack.packb({"op": "bus.ping"})],
        [b"", b"DAWG1"],
        [b"", b"", b"DAWG1", msgpack.packb({"id": "1", "op": "bus.ping"})],
        [b"dawg1", msgpack.packb({"id": "1", "op": "bus.ping"})],
        [b"GET / HTTP/1.1\r\n"],
        [b"x"] * 2000,
    ],
    ids=lambda frames: repr(frames[:4])[:40],
)
async def test_what_is_no_request_is_dropped_and_counted(bus: RunningBus, frames: list[bytes]) -> None:
    before = counter(bus, "malformed")
    async with Dealer(bus.router) as client:
        await client.frames(*frames)
        await client.result("bus.ping")
        assert counter(bus, "malformed") == before + 1
        assert await client.rest(0.02) == []


async def test_another_version_is_answered_in_this_one(bus: RunningBus) -> None:
    before = counter(bus, "refused")
    async with Dealer(bus.router) as client:
        await client.frames(b"DAWG2", msgpack.packb({"id": "7", "new": "shape"}))
        error = await client.receive()
        assert (error["id"], error["code"]) == ("7", "FAILED_PRECONDITION")
        assert error["details"] == {"versions": ["DAWG1"]}
    assert counter(bus, "refused") == before + 1


async def test_a_message_over_its_bound_is_told_so_up_to_twice_the_bound(bus: RunningBus) -> None:
    async with Dealer(bus.router) as client:
        error = await client.ask("bus.ping", {"payload": b"x" * 1_500_000})
        assert (error["code"], error["retryable"]) == ("RESOURCE_EXHAUSTED", False)
        assert error["details"]["limit"] == 1_000_000
        await client.send("bus.ping", {"payload": b"x" * 2_500_000})
        assert not await client.socket.poll(200), "past that ZMQ cuts the connection"
        async with asyncio.timeout(60):
            # What is sent before the cut is noticed is lost with the connection.
            while not await client.socket.poll(200):
                await client.send("bus.ping")
        assert (await client.receive())["type"] == "reply", "and the client connects again"


async def test_many_frames_cost_little(bus: RunningBus) -> None:
    before = psutil.Process().memory_info().rss
    async with Dealer(bus.router) as client:
        await client.frames(b"DAWG1", *[b""] * 50_000)
        await client.result("bus.ping")
    assert psutil.Process().memory_info().rss - before < 60_000_000


# ------------------------------------------------------------------ peers that do not read, or leave


async def test_what_a_slow_peer_is_answered_waits_for_it(narrow_bus: RunningBus) -> None:
    bus = narrow_bus
    boxes = bus.bus._router._outboxes
    async with Dealer(bus.router, options={zmq.RCVHWM: 1, zmq.SNDHWM: 0}) as slow:
        ids = []
        before = made["large"]
        async with asyncio.timeout(60):
            # The pipe takes its share, and the two kernels what they like.
            while not boxes:
                ids.append(await slow.send("test.large"))
                # One after the other: what runs ahead of the daemon may be more than the outbox takes.
                await until(lambda: made["large"] == before + len(ids))
        ids += [await slow.send("test.large") for _ in range(5)]
        async with Dealer(bus.router) as other:
            for _ in range(20):
                assert (await other.ask("bus.ping"))["type"] == "reply"
        answered = {(await slow.receive())["id"] for _ in ids}
        assert answered == set(ids), "and it is given all when it reads again"
        await until(lambda: not boxes)


async def test_an_outbox_is_bounded(narrow_bus: RunningBus) -> None:
    bus = narrow_bus
    dropped = counter(bus, "outbox_dropped")
    before = psutil.Process().memory_info().rss
    async with Dealer(bus.router, options={zmq.RCVHWM: 1, zmq.RCVBUF: 1, zmq.SNDHWM: 0}) as slow:
        ids = [await slow.send("test.large") for _ in range(600)]
        async with Dealer(bus.router) as other:
            await until(lambda: counter(bus, "outbox_dropped") > dropped)
            assert (await other.ask("bus.ping"))["type"] == "reply"
        box = next(iter(bus.bus._router._outboxes.values()))
        assert len(box.messages) <= LIMITS.outbox_messages
        assert box.size <= LIMITS.outbox_mb * 1_000_000
        # 20 answers of 0.1 MB in the pipe, which ZMQ holds, what the kernel does, and the outbox.
        assert psutil.Process().memory_info().rss - before < 60_000_000
        got = [message["id"] for message in await slow.rest(0.5)]
        assert len(set(got)) == len(got) < len(ids)
        assert set(got) <= set(ids)
    await until(lambda: not bus.bus._router._outboxes, 20)


async def test_a_peer_that_leaves_takes_nothing_with_it(
    bus: RunningBus, dealer: Callable[[], Dealer]
) -> None:
    for _ in range(20):
        async with Dealer(bus.router) as leaving:
            for _ in range(20):
                await leaving.send("test.large")
    client = dealer()
    assert (await client.ask("bus.ping"))["type"] == "reply"
    await until(lambda: not bus.bus._router._outboxes)


async def test_a_peer_that_breaks_off_in_a_frame_does_no_harm(
    bus: RunningBus, dealer: Callable[[], Dealer]
) -> None:
    port = int(bus.router.rpartition(":")[2])
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(16) + b"\x00" + bytes(31)
    ready = b"\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER"
    for piece in (
        b"",
        greeting[:10],
        greeting,
        greeting + ready,
        greeting + ready + b"\x01\x05DAWG1\x02\xff\xff",
    ):
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.sendall(piece)
            await asyncio.sleep(0.01)
    assert (await dealer().ask("bus.ping"))["type"] == "reply"


# ------------------------------------------------------------------ many


async def test_a_burst_is_answered_whole_and_in_order(
    bus: RunningBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    # How much of it the machine does not send at once is its own business.
    monkeypatch.setattr(bus.bus._router, "_limits", replace(LIMITS, outbox_messages=5000))
    async with Dealer(bus.router, options={zmq.SNDHWM: 0, zmq.RCVHWM: 0}) as client:
        ids = [await client.send("bus.ping") for _ in range(5000)]
        assert [(await client.receive())["id"] for _ in ids] == ids


async def test_large_requests_one_after_the_other_do_not_hold_the_loop(bus: RunningBus) -> None:
    async with Dealer(bus.router, options={zmq.SNDHWM: 0}) as large_client, Dealer(bus.router) as client:
        for _ in range(100):
            await large_client.send("no.such", {"data": b"x" * 900_000})
        for _ in range(20):
            assert (await client.ask("bus.ping"))["type"] == "reply"
        for _ in range(100):
            assert (await large_client.receive())["code"] == "UNIMPLEMENTED"


async def test_two_hundred_clients_are_served_at_once(bus: RunningBus) -> None:
    clients = [Dealer(bus.router) for _ in range(200)]
    try:

        async def ask(client: Dealer, name: str) -> list[Any]:
            return [
                (await client.result("bus.ping", {"payload": f"{name} {turn}"}))["payload"]
                for turn in range(5)
            ]

        answers = await asyncio.gather(*(ask(client, str(number)) for number, client in enumerate(clients)))
        assert answers == [[f"{number} {turn}" for turn in range(5)] for number in range(200)]
    finally:
        for client in clients:
            client.close()


async def test_the_same_id_from_two_peers_is_answered_to_each(bus: RunningBus) -> None:
    again = new_id()
    async with Dealer(bus.router) as one, Dealer(bus.router) as two:
        await one.send("bus.ping", {"payload": "1"}, id=again)
        await two.send("bus.ping", {"payload": "2"}, id=again)
        assert (await one.terminal(again))["result"]["payload"] == "1"
        assert (await two.terminal(again))["result"]["payload"] == "2"
