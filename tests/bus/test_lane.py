"""Lanes and their workers under trouble: deaths, stops, memory, engines that cannot live."""

import asyncio
import importlib
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from multiprocessing import resource_tracker
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from bus.errors import DeadlineExceeded
from bus.lane import Serving
from bus.operations import Operation, discover, engine_operations
from bus.pipe import Run
from bus.settings import LaneSettings, PoolSettings
from bus.worker_process import WorkerProcess
from tests.bus.running import FREE_PORTS, Dealer, RunningBus, Subscriber, running_bus, until

FAST = PoolSettings(
    cancel_grace_s=0.3,
    accept_grace_s=60.0,
    warm_up_timeout_s=30.0,
    deaths=3,
    respawn_delay_s=0.01,
    longest_respawn_delay_s=0.1,
    retry_s=0.5,
)
SETTINGS = replace(FREE_PORTS, pool=FAST)

pytestmark = pytest.mark.asyncio(loop_scope="module")


def odd(*names: str) -> list[Operation]:
    """Return the operations of engines that cannot live."""
    return [
        operation
        for name in names
        for operation in engine_operations(importlib.import_module(f"tests.bus.odd_engines.{name}"))
    ]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def bus(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningBus]:
    async with running_bus(tmp_path_factory.mktemp("bus"), SETTINGS) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def client(bus: RunningBus) -> AsyncIterator[Dealer]:
    """Connect to a bus whose worker is ready and of whose earlier deaths nothing is left."""
    async with Dealer(bus.router) as client:
        await client.result("dummy.echo")
        yield client


async def begun(bus: RunningBus, request_id: str) -> None:
    await until(lambda: (job := bus.bus.dispatcher.jobs.get(request_id)) and job.state == "running")


async def test_a_death_costs_one_job_and_the_next_works(bus: RunningBus, client: Dealer) -> None:
    (pid,) = bus.worker_pids()
    deaths = bus.bus.pool["dummy"].deaths
    job = await client.send("dummy.wait", {"seconds": 30})
    waiting = await client.send("dummy.echo", {"value": "next"})
    await begun(bus, job)
    os.kill(pid, signal.SIGKILL)
    error = await client.terminal(job)
    assert (error["code"], error["retryable"]) == ("ABORTED", True)
    assert error["details"] == {"signal": "SIGKILL", "exit_code": -9}
    assert error["message"] == "the worker died under the request (SIGKILL)"
    assert (await client.terminal(waiting))["result"]["value"] == "next"
    assert bus.worker_pids() != [pid]
    assert bus.bus.pool["dummy"].deaths == deaths + 1
    error = await client.ask("dummy.die", {"signal_number": int(signal.SIGSEGV)})
    assert error["details"]["signal"] == "SIGSEGV"
    assert await client.rest() == []


async def test_a_worker_that_dies_idle_costs_nothing(bus: RunningBus, client: Dealer) -> None:
    (pid,) = bus.worker_pids()
    os.kill(pid, signal.SIGKILL)
    # At once, while the daemon may not know of it yet.
    assert (await client.ask("dummy.echo"))["type"] == "reply"
    assert bus.worker_pids() != [pid]


async def test_a_worker_that_dies_while_it_is_handed_a_job_costs_nothing(
    bus: RunningBus, client: Dealer
) -> None:
    (pid,) = bus.worker_pids()
    os.kill(pid, signal.SIGSTOP)
    job = await client.send("dummy.echo", {"value": "kept"})
    await until(lambda: bus.bus.pool["dummy"].status().workers[0].state == "busy")
    os.kill(pid, signal.SIGKILL)
    assert (await client.terminal(job))["result"]["value"] == "kept"
    assert await client.rest() == []


async def test_a_large_job_goes_to_another_worker_when_the_first_dies_reading_it(
    bus: RunningBus, client: Dealer
) -> None:
    (pid,) = bus.worker_pids()
    os.kill(pid, signal.SIGSTOP)
    value = "x" * 900_000
    job = await client.send("dummy.echo", {"value": value})
    await until(lambda: bus.bus.pool["dummy"].status().workers[0].state == "busy")
    await asyncio.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    assert (await client.terminal(job))["result"]["value"] == value


async def test_a_worker_that_is_stopped_before_it_accepts_is_replaced(
    bus: RunningBus, client: Dealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = bus.bus.pool["dummy"]
    monkeypatch.setattr(lane, "_pool", replace(FAST, accept_grace_s=0.3))

    def start_a_patient_one(delay_s: float) -> None:
        # It has all the time a busy machine needs.
        monkeypatch.undo()
        lane._start_in(delay_s)

    monkeypatch.setattr(lane, "_start_in", start_a_patient_one)
    (pid,) = bus.worker_pids()
    os.kill(pid, signal.SIGSTOP)
    reply = await client.ask("dummy.echo", {"value": "elsewhere"})
    assert reply["result"]["value"] == "elsewhere"
    assert reply["result"]["pid"] != pid
    assert not psutil.pid_exists(pid)


async def test_a_cancel_of_a_job_that_no_worker_has_accepted_is_not_forgotten(
    bus: RunningBus, client: Dealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pid,) = bus.worker_pids()
    os.kill(pid, signal.SIGSTOP)
    job = await client.send("dummy.echo")
    lane = bus.bus.pool["dummy"]
    await until(lambda: lane.status().workers[0].state == "busy")
    (worker,) = lane._workers
    gone = worker._gone
    deaths: list[int | None] = []
    monkeypatch.setattr(worker, "_gone", deaths.append)
    # The worker is given up, and before its death is known the cancel comes.
    worker.kill()
    assert await client.result("bus.cancel", {"id": job}) == {"state": "cancelling"}
    await until(lambda: deaths)
    gone(*deaths)
    assert (await client.terminal(job))["code"] == "CANCELLED"
    assert await client.rest() == []


async def test_a_worker_that_is_stopped_while_running_meets_the_deadline(
    bus: RunningBus, client: Dealer
) -> None:
    (pid,) = bus.worker_pids()
    job = await client.send("dummy.wait", {"seconds": 30})
    await begun(bus, job)
    os.kill(pid, signal.SIGSTOP)
    # Not before: how long it takes to begin is the machine's business.
    dispatcher = bus.bus.dispatcher
    dispatcher._stop(dispatcher.jobs[job], DeadlineExceeded("timeout: passed"))
    assert (await client.terminal(job))["code"] == "DEADLINE_EXCEEDED"
    assert (await client.ask("dummy.echo"))["result"]["pid"] != pid


async def test_a_job_whose_workers_die_before_they_accept_is_tried_twice(
    bus: RunningBus, client: Dealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed_out: list[int | None] = []

    def die(worker: WorkerProcess, _: Run) -> None:
        handed_out.append(worker.pid)
        os.kill(worker.pid or 0, signal.SIGKILL)

    monkeypatch.setattr(WorkerProcess, "run", die)
    error = await client.ask("dummy.echo")
    assert error["code"] == "ABORTED"
    assert len(set(handed_out)) == 2


async def test_a_job_over_the_memory_budget_is_stopped(tmp_path: Path) -> None:
    lanes = {"dummy": LaneSettings(memory_mb=250)}
    async with running_bus(tmp_path, SETTINGS, lanes=lanes) as bus, Dealer(bus.router) as client:
        await bus.warm()
        (pid,) = bus.worker_pids()
        error = await client.ask("dummy.grow", {"megabytes": 400})
        assert (error["code"], error["retryable"]) == ("RESOURCE_EXHAUSTED", False)
        assert error["message"] == "memory: the job needs more than the engine's 250 MB"
        reply = await client.ask("dummy.echo")
        assert reply["result"]["pid"] != pid
        assert bus.bus.pool["dummy"].deaths == 0, "the job is to blame, not the engine"


async def test_an_engine_that_is_too_large_for_its_budget_is_not_serving(tmp_path: Path) -> None:
    lanes = {"large": LaneSettings(memory_mb=120)}
    async with running_bus(tmp_path, SETTINGS, odd("large"), lanes) as bus, Dealer(bus.router) as client:
        await until(lambda: bus.bus.pool["large"].serving is Serving.NOT_SERVING, 60)
        assert bus.bus.pool["large"].deaths >= FAST.deaths
        assert (await client.ask("bus.ping"))["type"] == "reply"


async def test_an_engine_that_keeps_dying_stands_aside_while_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch = tmp_path / "warm"
    monkeypatch.setenv("DAWG_TEST_WARM", str(switch))
    switch.touch()
    async with (
        running_bus(tmp_path, SETTINGS, odd("cold", "second")) as bus,
        Dealer(bus.router) as client,
        Subscriber(bus.publisher, "status/") as watcher,
    ):
        await bus.warm()
        switch.unlink()
        assert (await client.ask("cold.die"))["code"] == "ABORTED"
        waiting = await client.send("cold.echo")
        spooled = len(bus.spooled)
        error = await client.terminal(waiting)
        assert (error["code"], error["retryable"]) == ("UNAVAILABLE", True)
        assert error["retry_after"] == FAST.retry_s
        assert error["message"] == "engine cold: NOT_SERVING, its workers keep dying; see the log"
        assert (await client.ask("cold.echo"))["code"] == "UNAVAILABLE"
        assert len(bus.spooled) == spooled
        status = await client.result("bus.status")
        assert status["lanes"]["cold"]["serving"] == "NOT_SERVING"
        assert status["lanes"]["second"]["serving"] == "SERVING"
        assert (await client.ask("second.echo"))["type"] == "reply"
        await watcher.upto(lambda _, event: event["lanes"]["cold"]["serving"] == "NOT_SERVING")
        switch.touch()
        await watcher.upto(lambda _, event: event["lanes"]["cold"]["serving"] == "SERVING")
        assert (await client.ask("cold.echo"))["type"] == "reply"


async def test_files_sent_to_an_engine_that_is_not_serving_do_not_stay(
    bus: RunningBus, client: Dealer
) -> None:
    bus.bus.pool["dummy"].serving = Serving.NOT_SERVING
    for _ in range(3):
        error = await client.ask("dummy.optional", {"path": b"bytes"})
        assert error["code"] == "UNAVAILABLE"
    bus.bus.pool["dummy"].serving = Serving.SERVING
    room = int(bus.bus.settings.limits.spool_mb * 1_000_000)
    await until(lambda: bus.bus.files._spool_bytes_left == room and not bus.spooled)


async def test_an_engine_that_cannot_be_imported_does_not_stop_the_daemon(tmp_path: Path) -> None:
    broken = [
        replace(operation, module="tests.bus.odd_engines.not_there")
        for operation in discover("tests.bus.engines")
    ]
    async with running_bus(tmp_path, SETTINGS, broken) as bus, Dealer(bus.router) as client:
        job = await client.send("dummy.echo")
        assert (await client.ask("bus.ping"))["type"] == "reply"
        assert (await client.terminal(job, 60))["code"] == "UNAVAILABLE"
        assert bus.bus.pool.warm, "given up is no longer waited for"


async def test_an_engine_that_takes_too_long_to_load_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAWG_TEST_SLOW", str(tmp_path / "never"))
    hasty = replace(SETTINGS, pool=replace(FAST, warm_up_timeout_s=0.05, retry_s=60.0))
    async with running_bus(tmp_path, hasty, odd("slow")) as bus, Dealer(bus.router) as client:
        assert (await client.ask("slow.echo", timeout_s=60))["code"] == "UNAVAILABLE"
        assert bus.bus.pool["slow"].deaths == FAST.deaths


async def test_batch_has_its_turn_among_many_interactive(
    bus: RunningBus, client: Dealer, tmp_path: Path
) -> None:
    gate = await client.send("dummy.hold", {"file": str(tmp_path / "gate")})
    await begun(bus, gate)
    async with Subscriber(bus.publisher, "job/dummy.echo/") as watcher:
        await watcher.synchronised(bus)
        batch = await client.send("dummy.echo", priority="batch")
        ids = [await client.send("dummy.echo") for _ in range(20)]
        await until(lambda: bus.bus.pool["dummy"].status().waiting == 21)
        (tmp_path / "gate").touch()
        for request_id in (*ids, batch):
            await client.terminal(request_id)
        events = await watcher.so_far(bus)
    ran = [topic.split("/")[2] for topic, event in events if event.get("state") == "running"]
    assert ran.index(batch) == 8


async def test_two_workers_work_side_by_side(tmp_path: Path) -> None:
    lanes = {"dummy": LaneSettings(workers=2)}
    async with running_bus(tmp_path, SETTINGS, lanes=lanes) as bus, Dealer(bus.router) as client:
        await until(lambda: [w.state for w in bus.bus.pool["dummy"].status().workers] == ["idle", "idle"], 60)
        jobs = [await client.send("dummy.hold", {"file": str(tmp_path / "gate")}) for _ in range(2)]
        for job in jobs:
            await begun(bus, job)
        (tmp_path / "gate").touch()
        pids = {(await client.terminal(job))["result"]["pid"] for job in jobs}
        assert pids == set(bus.worker_pids())


async def test_a_worker_that_has_grown_is_replaced_between_jobs(tmp_path: Path) -> None:
    # What the dummy's result of 100 MB leaves behind is enough.
    lanes = {"dummy": LaneSettings(memory_mb=300)}
    async with running_bus(tmp_path, SETTINGS, lanes=lanes) as bus, Dealer(bus.router) as client:
        await bus.warm()
        (pid,) = bus.worker_pids()
        lane = bus.bus.pool["dummy"]
        next(iter(lane._workers)).resident_bytes = lambda: 250_000_000  # type: ignore[method-assign]
        assert (await client.ask("dummy.echo"))["result"]["pid"] == pid
        assert (await client.ask("dummy.echo"))["result"]["pid"] != pid
        assert lane.deaths == 0


async def test_workers_end_with_the_bus(tmp_path: Path) -> None:
    async with running_bus(tmp_path, SETTINGS) as bus:
        await bus.warm()
        pids = bus.worker_pids()
    assert pids
    assert not any(psutil.pid_exists(pid) for pid in pids)


async def test_a_bus_can_be_closed_while_its_workers_start(tmp_path: Path) -> None:
    # Python's own tracker of resources comes with the first process that is started, and stays.
    resource_tracker.ensure_running()
    before = {child.pid for child in psutil.Process().children()}
    async with running_bus(tmp_path, SETTINGS, lanes={"dummy": LaneSettings(workers=3)}):
        pass
    assert {child.pid for child in psutil.Process().children()} <= before
