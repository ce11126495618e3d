"""The bus under attack, for long: what is random is drawn from a seed, which a failure shows."""

import asyncio
import contextlib
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgpack
import psutil
import pytest
import zmq

from bus.lane import Lane, Work
from bus.settings import LaneSettings, PoolSettings
from bus.worker_process import WorkerProcess, WorkerState
from tests.bus.running import FREE_PORTS, Dealer, RunningBus, Subscriber, new_id, running_bus, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SEED = 20261122
KILLS = 200
WORKERS = 3
# So many deaths speak against any engine; here they are meant.
SETTINGS = replace(
    FREE_PORTS,
    pool=PoolSettings(
        cancel_grace_s=0.2,
        accept_grace_s=60.0,
        deaths=100_000,
        respawn_delay_s=0.001,
        longest_respawn_delay_s=0.01,
    ),
)


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[RunningBus]:
    async with running_bus(tmp_path, SETTINGS, lanes={"dummy": LaneSettings(workers=WORKERS)}) as running:
        await running.warm()
        yield running


def _lane(bus: RunningBus) -> Lane:
    return bus.bus.pool["dummy"]


def _workers(bus: RunningBus) -> dict[WorkerProcess, Work | None]:
    return _lane(bus)._workers


def _worker_of(bus: RunningBus, request_id: str) -> WorkerProcess | None:
    works = _workers(bus).items()
    return next((worker for worker, work in works if work and work.request_id == request_id), None)


def _runs(bus: RunningBus, request_id: str) -> bool:
    job = bus.bus.dispatcher.jobs.get(request_id)
    return job is not None and job.state == "running"


def _ended(bus: RunningBus, request_id: str) -> bool:
    return bus.bus.dispatcher._answered.get(request_id) is not None


def _kill(worker: WorkerProcess | None, number: signal.Signals = signal.SIGKILL) -> None:
    if worker is not None and worker.pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker.pid, number)


async def _idle(bus: RunningBus) -> WorkerProcess:
    await until(lambda: any(worker.state is WorkerState.IDLE for worker in _workers(bus)), 60)
    return next(worker for worker in _workers(bus) if worker.state is WorkerState.IDLE)


# ------------------------------------------------------------------ kill -9, in each phase of a job

Phase = Callable[[RunningBus, Dealer, str], Awaitable[None]]


async def _idle_just_before(bus: RunningBus, client: Dealer, job: str) -> None:
    _kill(await _idle(bus))
    await client.send("dummy.echo", id=job)


async def _while_it_is_handed_out(bus: RunningBus, client: Dealer, job: str) -> None:
    for worker in _workers(bus):
        if worker.state is WorkerState.IDLE:
            _kill(worker, signal.SIGSTOP)
    await client.send("dummy.optional", {"path": b"x" * 500_000}, id=job)
    await until(lambda: _worker_of(bus, job) or _ended(bus, job), 60)
    for worker in list(_workers(bus)):
        if worker.state in (WorkerState.IDLE, WorkerState.BUSY):
            _kill(worker)


async def _while_it_reads_large_params(bus: RunningBus, client: Dealer, job: str) -> None:
    await _idle(bus)
    await client.send("dummy.nested", {"numbers": list(range(15_000))}, id=job)
    await until(lambda: _worker_of(bus, job) or _ended(bus, job), 60)
    _kill(_worker_of(bus, job))


async def _while_it_runs(bus: RunningBus, client: Dealer, job: str) -> None:
    await client.send("dummy.stubborn", {"seconds": 60}, id=job)
    await until(lambda: _runs(bus, job), 60)
    _kill(_worker_of(bus, job))


async def _while_it_reports(bus: RunningBus, client: Dealer, job: str) -> None:
    await client.send("dummy.report", {"fractions": [i / 9999 for i in range(9999)], "every": 0.01}, id=job)
    await until(lambda: (it := bus.bus.dispatcher.jobs.get(job)) and it.fraction > 0, 60)
    _kill(_worker_of(bus, job))


async def _while_it_writes_a_large_result(bus: RunningBus, client: Dealer, job: str) -> None:
    await client.send("dummy.big", {"megabytes": 30}, id=job)
    await until(lambda: _runs(bus, job) or _ended(bus, job), 60)
    await asyncio.sleep(0.01 * (bus.bus.publisher.seq % 6))
    _kill(_worker_of(bus, job))


async def _while_it_is_cancelled(bus: RunningBus, client: Dealer, job: str) -> None:
    await _while_it_runs_softly(bus, client, job)
    await client.result("bus.cancel", {"id": job})
    _kill(_worker_of(bus, job))


async def _while_it_runs_softly(bus: RunningBus, client: Dealer, job: str) -> None:
    await client.send("dummy.hold", {"file": "/nowhere"}, id=job)
    await until(lambda: _runs(bus, job), 60)


async def _while_it_ends(bus: RunningBus, client: Dealer, job: str) -> None:
    await client.send("dummy.wait", {"seconds": 0.02, "steps": 1}, id=job)
    await until(lambda: _worker_of(bus, job) or _ended(bus, job), 60)
    worker = _worker_of(bus, job)
    await asyncio.sleep(0.02)
    _kill(worker)


async def _while_all_warm_up(bus: RunningBus, client: Dealer, job: str) -> None:
    killed = list(_workers(bus))
    await until(lambda: all(worker.pid for worker in killed))  # what only starts cannot be killed yet
    for worker in killed:
        _kill(worker)
    # A job that is handed to two dead workers, one after the other, is lost: until their deaths are known.
    await until(lambda: not any(worker in _workers(bus) for worker in killed))
    await client.send("dummy.echo", id=job)


PHASES: dict[Phase, set[str]] = {
    _idle_just_before: {"reply"},
    _while_it_is_handed_out: {"reply", "ABORTED"},
    _while_it_reads_large_params: {"reply", "ABORTED"},
    _while_it_runs: {"ABORTED"},
    _while_it_reports: {"ABORTED"},
    _while_it_writes_a_large_result: {"reply", "ABORTED"},
    _while_it_is_cancelled: {"CANCELLED"},
    _while_it_ends: {"reply", "ABORTED"},
    _while_all_warm_up: {"reply"},
}


async def test_a_worker_killed_in_any_phase_costs_at_most_its_job(bus: RunningBus) -> None:
    ends: Counter[tuple[str, str]] = Counter()
    async with Dealer(bus.router, options={zmq.RCVHWM: 0}) as client:
        for number in range(KILLS):
            phase, allowed = list(PHASES.items())[number % len(PHASES)]
            job = new_id()
            await phase(bus, client, job)
            end = await client.terminal(job, 60)
            kind = end.get("code", "reply")
            assert kind in allowed, (phase.__name__, number, end)
            ends[phase.__name__, kind] += 1
            following = await client.ask("dummy.echo", {"value": str(number)}, timeout_s=60)
            assert following["type"] == "reply", (phase.__name__, number, following)
            assert not [message for message in client.kept if message["id"] == job]
            client.kept.clear()
        assert await client.rest() == []
    assert len({name for name, _ in ends}) == len(PHASES)
    await until(lambda: not bus.spooled)


# ------------------------------------------------------------------ all at once


class _Asker:
    """A client that asks for whatever, cancels whatever, asks again, and counts how each request ends."""

    def __init__(self, bus: RunningBus, chance: random.Random, asked: dict[str, tuple[str, Any]]) -> None:
        self._bus = bus
        self._chance = chance
        self._asked = asked
        self.ended: Counter[str] = Counter()

    def _something(self) -> tuple[str, Any]:
        chance = self._chance
        choices: list[tuple[str, Any]] = [
            ("dummy.echo", {"value": "x" * chance.choice([0, 10, 100_000])}),
            ("dummy.wait", {"seconds": chance.uniform(0, 0.05), "steps": 3}),
            ("dummy.optional", {"path": b"x" * chance.choice([0, 1, 300_000])}),
            ("dummy.size", {"path": b"%d" % chance.randrange(5)}),
            ("dummy.fail", {"kind": chance.choice(["value", "undecodable", "pipe"])}),
            ("dummy.big", {"megabytes": chance.choice([0, 1])}),
            ("dummy.stubborn", {"seconds": 0.02}),
            ("dummy.echo", {"number": 0}),
            ("no.such", {}),
            ("bus.ping", {}),
        ]
        return chance.choice(choices)

    async def _ask(self, client: Dealer) -> None:
        chance = self._chance
        op, params = self._something()
        job = new_id()
        self._asked[job] = (op, params)
        await client.send(
            op,
            params,
            id=job,
            priority=chance.choice(["interactive", "batch"]),
            timeout=chance.choice([0.001, 0.05, 5.0, 30.0]),
            progress=chance.random() < 0.5,
        )
        if chance.random() < 0.2:
            await asyncio.sleep(chance.uniform(0, 0.05))
            await client.send("bus.cancel", {"id": chance.choice(list(self._asked))})
        if chance.random() < 0.1:
            again = chance.choice(list(self._asked))
            async with Dealer(self._bus.router) as other:
                end = await other.ask(*self._asked[again], id=again, timeout_s=60)
                assert end["type"] in ("reply", "error")

    async def talk(self, requests: int) -> None:
        async with Dealer(self._bus.router, options={zmq.RCVHWM: 0}) as client:
            for _ in range(requests):
                await self._ask(client)
                await asyncio.sleep(self._chance.uniform(0, 0.02))
            # All has arrived, no job is left, what was answered is here, and for a while nothing came.
            await client.result("bus.ping")
            await until(lambda: not self._bus.bus.dispatcher.jobs, 600)
            await client.result("bus.ping")
            while messages := await client.rest(2.0):
                self.ended.update(message["id"] for message in messages if message["type"] != "progress")


async def test_whatever_is_asked_at_once_ends_exactly_once(bus: RunningBus) -> None:
    chance = random.Random(SEED)  # noqa: S311 - it is to be drawn again
    asked: dict[str, tuple[str, Any]] = {}
    stop = asyncio.Event()

    async def kill_now_and_then() -> None:
        while not stop.is_set():
            await asyncio.sleep(0.5)
            _kill(chance.choice([*_workers(bus), None]))

    async with Subscriber(bus.publisher, "job/") as watcher:
        killer = asyncio.create_task(kill_now_and_then())
        watching = asyncio.create_task(_states(watcher, stop))
        askers = [_Asker(bus, chance, asked) for _ in range(5)]
        await asyncio.gather(*(asker.talk(100) for asker in askers))
        stop.set()
        await killer
        states = await watching
    ended = sum((asker.ended for asker in askers), Counter())
    assert {job: ended[job] for job in asked if ended[job] != 1} == {}, SEED
    for job, told in states.items():
        assert sum(state in ("done", "failed", "cancelled") for state in told) <= 1, (SEED, job, told)
    # What a worker still reads, though a deadline has ended its job, is given back behind it.
    room = int(bus.bus.settings.limits.spool_mb * 1_000_000)
    await until(lambda: bus.bus.files._spool_bytes_left == room and not bus.spooled)


async def _states(watcher: Subscriber, stop: asyncio.Event) -> dict[str, list[str]]:
    states: dict[str, list[str]] = {}
    while not stop.is_set():
        for topic, event in await watcher.rest(0.2):
            if "state" in event and "replay" not in event:
                states.setdefault(topic.split("/")[2], []).append(event["state"])
    return states


# ------------------------------------------------------------------ garbage

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(16) + b"\x00" + bytes(31)
READY = b"\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER"


def _garbage(chance: random.Random) -> bytes:
    junk = chance.randbytes(chance.choice([0, 1, 9, 64, 700, 4096]))
    frame = bytes([0, len(junk) % 200]) + junk[: len(junk) % 200]
    return chance.choice(
        [
            junk,
            b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n" + junk,
            b"\x16\x03\x01\x02\x00\x01" + junk,
            GREETING[: chance.randrange(64)],
            GREETING + junk,
            GREETING + READY + frame,
            GREETING + READY + b"\x01\x05DAWG1" + frame,
            GREETING + READY + b"\x01\x00\x01\x05DAWG1" + frame,
            b"\x01\x00" + junk,
        ]
    )


def _request_of_sorts(chance: random.Random) -> list[bytes]:
    body = bytearray(
        msgpack.packb({"id": "x", "op": "bus.ping", "params": {"payload": "y" * chance.randrange(50)}})
    )
    for _ in range(chance.randrange(5)):
        body[chance.randrange(len(body))] = chance.randrange(256)
    magic = chance.choice([b"DAWG1", b"DAWG1", b"DAWG2", b"", chance.randbytes(5)])
    return [magic, bytes(body), *([chance.randbytes(5)] * chance.choice([0, 0, 0, 1, 30]))]


async def test_ten_thousand_garbage_connections_and_then_a_good_client(bus: RunningBus) -> None:
    chance = random.Random(SEED)  # noqa: S311 - it is to be drawn again
    process = psutil.Process()
    ports = [int(endpoint.rpartition(":")[2]) for endpoint in (bus.router, bus.publisher)]
    worst_s = 0.0

    async def throw(number: int) -> None:
        data = _garbage(chance)
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", ports[number % 2])
            writer.write(data)
            with contextlib.suppress(OSError):
                await writer.drain()
                await asyncio.sleep(chance.choice([0, 0, 0.01]))
            writer.close()

    async with Dealer(bus.router) as good, Dealer(bus.router, options={zmq.SNDHWM: 0}) as bad:
        await good.result("bus.ping")
        memory, descriptors = process.memory_info().rss, process.num_fds()
        for batch in range(200):
            await asyncio.gather(*(throw(number) for number in range(50)))
            for _ in range(10):
                await bad.frames(*_request_of_sorts(chance))
            if batch % 20 == 0:
                began_s = asyncio.get_running_loop().time()
                assert (await good.ask("bus.ping", timeout_s=10))["type"] == "reply", (SEED, batch)
                worst_s = max(worst_s, asyncio.get_running_loop().time() - began_s)
        await bad.rest(0.5)
        async with Dealer(bus.router) as fresh, Subscriber(bus.publisher, "heartbeat/") as watcher:
            assert (await fresh.ask("dummy.echo", {"value": "well"}))["result"]["value"] == "well"
            assert (await watcher.receive())[0] == "heartbeat/"
        await until(lambda: process.num_fds() < descriptors + 20, 30)
        assert process.memory_info().rss - memory < 50_000_000
    assert worst_s < 5
    assert bus.bus.stats.counters["malformed"] > 100


# ------------------------------------------------------------------ long


async def test_a_hundred_thousand_pings_leave_nothing(bus: RunningBus) -> None:
    process = psutil.Process()

    async def pings(client: Dealer, count: int) -> None:
        for _ in range(count // 100):
            for _ in range(100):
                await client.send("bus.ping")
            for _ in range(100):
                assert (await client.receive())["type"] == "reply"

    async with Dealer(bus.router) as client:
        await pings(client, 20_000)
        memory = process.memory_info().rss
        await pings(client, 100_000)
        assert process.memory_info().rss - memory < 3_000_000, "of bus and client together"


async def test_thousands_of_jobs_leave_nothing(bus: RunningBus) -> None:
    process = psutil.Process()

    async def jobs(client: Dealer, count: int) -> None:
        for number in range(count // 50):
            ids = [await client.send("dummy.size", {"path": b"%d" % (number % 7)}) for _ in range(25)]
            ids += [await client.send("dummy.echo", {"value": "x" * 100}) for _ in range(25)]
            for request_id in ids:
                assert (await client.terminal(request_id, 60))["type"] == "reply"

    async with Dealer(bus.router) as client:
        await jobs(client, 2500)
        memory, descriptors = process.memory_info().rss, process.num_fds()
        await jobs(client, 5000)
        assert process.memory_info().rss - memory < 5_000_000
        assert process.num_fds() <= descriptors + 2
    assert len(asyncio.all_tasks()) < 20
