"""Requests over a daemon that is killed and started again."""

import asyncio
import contextlib
import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgpack
import pytest
import zmq
import zmq.asyncio

from bus.client import Client, NotRunning, new_id
from bus.errors import BusError
from bus.messages import MAGIC, pack
from tests.bus_process import BusProcess, free_endpoint


@pytest.mark.slow
async def test_fifty_requests_over_a_killed_daemon_each_end_exactly_once(own_bus: BusProcess) -> None:
    ends: Counter[int] = Counter()
    gate = own_bus.folder / "gate"

    async def one(client: Client, number: int) -> str:
        if number < 25:
            result = await client.call("dummy.wait", seconds=0.05, steps=1 + number, timeout=100)
        else:  # these are open when the daemon is killed, however late that is
            result = await client.call("dummy.hold", file=str(gate), timeout=100)
        ends[number] += 1
        return str(result["value"])

    async with Client(own_bus.router) as client:
        before = (await client.hello())["instance"]
        calls = [asyncio.create_task(one(client, number)) for number in range(50)]
        while not ends:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        own_bus.kill()
        open_then = sum(not call.done() for call in calls)
        gate.touch()
        await asyncio.to_thread(own_bus.start)
        assert await asyncio.gather(*calls) == ["waited"] * 25 + ["let go"] * 25
        assert client.instance != before
        assert not client._daemon.outstanding
    assert open_then > 20
    assert ends == Counter(range(50))


async def test_a_request_does_not_outlive_its_deadline_while_the_daemon_is_away(own_bus: BusProcess) -> None:
    async with Client(own_bus.router) as client:
        await client.hello()
        own_bus.kill()
        while client._daemon.trouble is None:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.01)
        began_s = time.monotonic()
        with pytest.raises(NotRunning):
            await client.call("dummy.echo", timeout=0.5)
        assert 0.4 < time.monotonic() - began_s < 25


async def test_a_request_without_a_deadline_has_the_operations_own(own_bus: BusProcess) -> None:
    async with Client(own_bus.router) as client:
        request_id = new_id()
        call = asyncio.create_task(client.call("dummy.wait", seconds=20, request_id=request_id))
        await asyncio.sleep(0)
        request = client._daemon.outstanding[request_id]
        while request.deadline_s is None:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.01)
        assert request.deadline_s == request.began_s + 30
        call.cancel()


async def answered_at_last(client: Client, until_then: type[BusError]) -> bool:
    """Ask until an answer comes: how soon a client connects again is the machine's business."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(until_then):
                answer = await client.call("dummy.echo", value="back")
                return bool(answer["value"] == "back")


@pytest.mark.slow
async def test_patience_with_a_daemon_that_went_away_ends(own_bus: BusProcess) -> None:
    async with Client(own_bus.router, patience=0.5) as client:
        await client.hello()
        call = asyncio.create_task(client.call("dummy.wait", seconds=60))
        await asyncio.sleep(0.2)
        own_bus.kill()
        with pytest.raises(NotRunning):
            await asyncio.wait_for(call, 30)
        with pytest.raises(NotRunning):
            await asyncio.wait_for(client.call("dummy.echo"), 30)
        await asyncio.to_thread(own_bus.start)
        # Half a second may be too soon.
        assert await answered_at_last(client, NotRunning)


@pytest.mark.slow
async def test_events_go_on_after_a_restart_under_another_instance(own_bus: BusProcess) -> None:
    instances: list[str] = []
    async with Client(own_bus.router, own_bus.publisher) as client:
        async for event in client.events("heartbeat/"):
            if event.instance not in instances:
                instances.append(event.instance)
                if len(instances) == 2:
                    break
                own_bus.kill()
                await asyncio.to_thread(own_bus.start)
    assert len(instances) == 2


@pytest.mark.slow
async def test_a_daemon_that_comes_after_another_program_is_found(tmp_path: Path) -> None:
    with BusProcess(tmp_path) as bus:
        bus.kill()
        context = zmq.asyncio.Context()
        with context.socket(zmq.XPUB) as squatter:
            squatter.bind(bus.router)
            async with Client(bus.router) as client:
                with pytest.raises(BusError):
                    await client.call("dummy.echo")
                # Which waits until the port is free; closing the socket alone does not.
                context.destroy(0)
                await asyncio.to_thread(bus.start)
                assert await answered_at_last(client, BusError)


class OddDaemon:
    """Answers hello as the daemon does, and everything else as the test wants."""

    def __init__(self) -> None:
        self.endpoint = free_endpoint()
        self.asked: Counter[str] = Counter()
        self.instance = "first"
        self.answers = 1

    async def serve(self, socket: zmq.asyncio.Socket) -> None:
        while True:
            peer, _, message = await socket.recv_multipart()
            request = msgpack.unpackb(message)
            head = {"type": "reply", "id": request["id"], "instance": self.instance}
            if request["op"] == "bus.hello":
                result: dict[str, Any] = {
                    "heartbeat": 0.1,
                    "limits": {"message_mb": 1.0},
                    "endpoints": {"publisher": free_endpoint()},
                }
                await socket.send_multipart([peer, MAGIC, pack({**head, "result": result})])
                continue
            self.asked[request["op"]] += 1
            for number in range(self.answers):
                await socket.send_multipart([peer, MAGIC, pack({**head, "result": {"number": number}})])
                await socket.send_multipart([peer, MAGIC, b"\xc1 not msgpack"])
                await socket.send_multipart([peer, b"junk"])


async def test_late_duplicates_and_junk_are_ignored() -> None:
    odd, context = OddDaemon(), zmq.asyncio.Context()
    odd.answers = 3
    with context.socket(zmq.ROUTER) as router:
        router.bind(odd.endpoint)
        serving = asyncio.create_task(odd.serve(router))
        async with Client(odd.endpoint) as client:
            for _ in range(20):
                assert await client.call("any.thing", timeout=60) == {"number": 0}
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    context.destroy(0)
    assert odd.asked["any.thing"] == 20


async def test_a_new_instance_on_the_same_connection_is_asked_again() -> None:
    odd, context = OddDaemon(), zmq.asyncio.Context()
    odd.answers = 0
    with context.socket(zmq.ROUTER) as router:
        router.bind(odd.endpoint)
        serving = asyncio.create_task(odd.serve(router))
        async with Client(odd.endpoint) as client:
            call = asyncio.create_task(client.call("any.thing", timeout=60))
            while not odd.asked:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            odd.instance, odd.answers = "second", 1
            assert await call == {"number": 0}
            assert client.instance == "second"
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    context.destroy(0)
    assert odd.asked["any.thing"] == 2
