"""The bus's own operations, and what it tells of itself."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bus import identity
from bus.control import Core
from tests.bus.running import FREE_PORTS, Dealer, RunningBus, Subscriber, running_bus, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT = Path(__file__).resolve().parents[2]
HEARTBEAT_S = 0.1


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def bus(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningBus]:
    settings = replace(FREE_PORTS, heartbeat_s=HEARTBEAT_S, status_s=0.5)
    async with running_bus(
        tmp_path_factory.mktemp("bus"),
        settings,
        core=lambda: Core(True, "http://127.0.0.1:8080"),
        models=lambda: {"melody": "1.0"},
    ) as running:
        await running.warm()
        yield running


async def test_ping_gives_back_what_it_was_sent(dealer: Callable[[], Dealer]) -> None:
    client = dealer()
    pong = await client.result("bus.ping", {"payload": "é" * 1024})
    assert pong["payload"] == "é" * 1024
    assert abs(pong["time"] - time.time()) < 60
    assert (await client.result("bus.ping"))["payload"] is None
    error = await client.ask("bus.ping", {"payload": "x" * 1025})
    assert error["code"] == "INVALID_ARGUMENT"
    assert error["message"].endswith("must be text of at most 1024 characters")


async def test_hello_says_who_answers(bus: RunningBus, dealer: Callable[[], Dealer]) -> None:
    hello = await dealer().result("bus.hello")
    assert hello["versions"] == ["DAWG1"]
    assert hello["instance"] == bus.bus.instance
    assert hello["version"] == identity.version()
    assert hello["heartbeat"] == HEARTBEAT_S
    assert hello["endpoints"] == {"router": bus.router, "publisher": bus.publisher}
    assert hello["limits"]["message_mb"] == 32.0


async def test_describe_tells_of_every_operation(bus: RunningBus, dealer: Callable[[], Dealer]) -> None:
    client = dealer()
    described = {entry["name"]: entry for entry in (await client.result("bus.describe"))["operations"]}
    assert set(described) == set(bus.bus.operations)
    wait = described["dummy.wait"]
    assert wait["summary"] == "Take a while, reporting how far it is."
    assert wait["params"]["properties"]["seconds"]["unit"] == "s"
    assert "progress" not in wait["params"]["properties"]
    assert (wait["timeout"], wait["lane"], wait["cached"], wait["cancellable"]) == (
        30.0,
        "dummy",
        False,
        True,
    )
    assert described["dummy.size"]["cached"] is True
    assert (described["bus.ping"]["lane"], described["bus.ping"]["cancellable"]) == (None, False)
    one = await client.result("bus.describe", {"op": "dummy.wait"})
    assert one["operations"] == [wait]
    assert (await client.ask("bus.describe", {"op": "dummy.wiat"}))["code"] == "UNIMPLEMENTED"


async def test_status_is_one_snapshot(bus: RunningBus, dealer: Callable[[], Dealer]) -> None:
    client = dealer()
    running = await client.send("dummy.hold", {"file": "/nowhere"})
    waiting = await client.send("dummy.echo")
    await until(
        lambda: [job.state.value for job in bus.bus.dispatcher.jobs.values()] == ["running", "queued"]
    )
    await until(lambda: bus.bus.pool["dummy"].status().waiting == 1)
    status = await client.result("bus.status")
    assert status["seq"] == bus.bus.publisher.seq or status["seq"] > 0
    assert (status["state"], status["queued"], status["running"]) == ("running", 1, 1)
    assert [(job["id"], job["op"], job["state"]) for job in status["jobs"]] == [
        (running, "dummy.hold", "running"),
        (waiting, "dummy.echo", "queued"),
    ]
    assert all(job["elapsed"] >= 0 for job in status["jobs"])
    lane = status["lanes"]["dummy"]
    assert (lane["serving"], lane["waiting"], len(lane["workers"])) == ("SERVING", 1, 1)
    assert lane["workers"][0]["pid"] == bus.worker_pids()[0]
    assert lane["workers"][0]["state"] == "busy"
    assert lane["workers"][0]["resident"] > 1
    assert status["core"] == {"connected": True, "url": "http://127.0.0.1:8080"}
    assert status["models"] == {"melody": "1.0"}
    await client.result("bus.cancel", {"id": running})
    await client.terminal(running)
    await client.terminal(waiting)


async def test_a_job_that_comes_to_wait_in_its_lane_is_a_change(
    bus: RunningBus, dealer: Callable[[], Dealer]
) -> None:
    client = dealer()
    running = await client.send("dummy.hold", {"file": "/nowhere"})
    await until(lambda: [job.state.value for job in bus.bus.dispatcher.jobs.values()] == ["running"])
    seen: list[int] = []
    bus.bus.control.on_change.append(lambda: seen.append(bus.bus.pool["dummy"].status().waiting))
    waiting = await client.send("dummy.echo")
    await until(lambda: 1 in seen)
    bus.bus.control.on_change.pop()
    await client.result("bus.cancel", {"id": running})
    await client.terminal(running)
    await client.terminal(waiting)


async def test_stats_count_what_was_asked(dealer: Callable[[], Dealer]) -> None:
    client = dealer()
    before = (await client.result("bus.stats"))["operations"]
    await client.ask("dummy.echo")
    await client.ask("dummy.fail", {"kind": "value"})
    await client.ask("dummy.nowhere")
    await client.frames(b"junk")
    stats = await client.result("bus.stats")
    after = stats["operations"]
    assert after["dummy.echo"]["count"] == before.get("dummy.echo", {"count": 0})["count"] + 1
    assert after["dummy.fail"]["errors"] == {"INVALID_ARGUMENT": 1}
    assert after["(unknown)"]["errors"] == {
        "UNIMPLEMENTED": 1 + before.get("(unknown)", {"count": 0})["count"]
    }
    assert "dummy.nowhere" not in after
    assert after["dummy.echo"]["run_time"]["p99"] > 0
    assert stats["counters"]["malformed"] >= 1
    assert stats["events"] > 0
    assert stats["worst_loop_lag"] >= stats["loop_lag"] >= 0


async def test_they_are_answered_while_every_worker_is_busy(
    bus: RunningBus, dealer: Callable[[], Dealer]
) -> None:
    client = dealer()
    busy = await client.send("dummy.hold", {"file": "/nowhere"})
    waiting = [await client.send("dummy.echo") for _ in range(50)]
    for op in ("bus.ping", "bus.hello", "bus.describe", "bus.status", "bus.stats"):
        assert (await client.ask(op))["type"] == "reply"
    for request_id in [*waiting, busy]:
        await client.ask("bus.cancel", {"id": request_id})
        assert (await client.terminal(request_id))["code"] == "CANCELLED"


# ------------------------------------------------------------------ heartbeat


async def _beat(watcher: Subscriber) -> dict[str, Any]:
    """Return the next heartbeat; what a subscription is sent again may come between any two."""
    return (await watcher.upto(lambda _, event: "replay" not in event))[-1][1]


async def test_it_beats_in_time(bus: RunningBus) -> None:
    async with Subscriber(bus.publisher, "heartbeat/") as watcher:
        events = [await _beat(watcher) for _ in range(10)]
    for earlier, later in pairwise(events):
        assert later["topic_seq"] == earlier["topic_seq"] + 1
        assert later["uptime"] > earlier["uptime"]
    # When it was due: that one came late makes the next no sooner.
    due_s = [event["uptime"] - event["loop_lag"] for event in events]
    mean_s = (due_s[-1] - due_s[0]) / 9
    assert HEARTBEAT_S * 0.95 < mean_s < HEARTBEAT_S * 50  # a busy machine is late, never early
    assert {"uptime", "loop_lag", "queued", "running", "state", "instance", "seq", "time"} <= set(events[0])
    assert events[0]["state"] == "running"


async def test_it_comes_from_the_loop_and_tells_how_late_it_is(bus: RunningBus) -> None:
    async with Subscriber(bus.publisher, "heartbeat/") as watcher:
        await _beat(watcher)
        time.sleep(0.4)  # noqa: ASYNC251 - the loop is held up on purpose
        # Beats from before may still be on their way.
        while (late := await _beat(watcher))["loop_lag"] <= 0.2:
            pass
        events = [late, await _beat(watcher), await _beat(watcher)]
    assert bus.bus.stats.worst_loop_lag_s > 0.2
    gaps_s = [later["uptime"] - earlier["uptime"] for earlier, later in pairwise(events)]
    assert sum(gaps_s) > 0.5 * HEARTBEAT_S, "what was missed is not made up for in a burst"


# ------------------------------------------------------------------ status events


async def test_the_status_is_told_on_every_change(bus: RunningBus, dealer: Callable[[], Dealer]) -> None:
    client = dealer()
    async with Subscriber(bus.publisher, "status/") as watcher:
        # One that is due anyway may come between the subscription and its replay.
        *_, (_, first) = await watcher.upto(lambda _, event: event.get("replay") is True)
        assert set(first) - {"v", "topic_seq", "time", "replay"} == set(await client.result("bus.status"))
        job = await client.send("dummy.hold", {"file": "/nowhere"})
        events = await watcher.upto(lambda _, event: event["running"] == 1)
        assert events[-1][1]["jobs"][0]["id"] == job
        await client.ask("bus.cancel", {"id": job})
        await watcher.upto(lambda _, event: event["running"] == 0)


async def test_the_status_is_told_now_and_then_without_a_change(bus: RunningBus) -> None:
    async with Subscriber(bus.publisher, "status/") as watcher:
        await watcher.upto(lambda _, event: "replay" not in event)
        _, event = await watcher.receive()
        assert event["running"] == 0


async def test_many_changes_are_told_in_few_events(bus: RunningBus, dealer: Callable[[], Dealer]) -> None:
    client = dealer()
    async with Subscriber(bus.publisher, "status/") as watcher:
        await watcher.synchronised(bus)
        began_s = asyncio.get_running_loop().time()
        for request_id in [await client.send("dummy.echo") for _ in range(100)]:
            await client.terminal(request_id)
        events = [await watcher.receive(), *await watcher.rest(0.3)]
        took_s = asyncio.get_running_loop().time() - began_s
    assert len(events) <= took_s / 0.1 + 2


async def test_the_status_task_ends_when_it_is_cancelled_in_the_moment_of_a_change(bus: RunningBus) -> None:
    control = bus.bus.control
    task = asyncio.create_task(control.tell())
    await asyncio.sleep(0.15)
    control.changed()
    task.cancel()
    await asyncio.wait([task], timeout=30)
    assert task.cancelled()


async def test_a_job_s_states_are_told_in_order(bus: RunningBus, dealer: Callable[[], Dealer]) -> None:
    client = dealer()
    async with Subscriber(bus.publisher, "job/") as watcher:
        await watcher.synchronised(bus)
        done = (await client.ask("dummy.wait", {"seconds": 0.2}))["id"]
        failed = (await client.ask("dummy.fail", {"kind": "undecodable"}))["id"]
        cancelled = await client.send("dummy.hold", {"file": "/nowhere"})
        await until(lambda: cancelled in bus.bus.dispatcher.jobs)
        await client.ask("bus.cancel", {"id": cancelled})
        await client.terminal(cancelled)
        events = await watcher.so_far(bus)

    def states(op: str, request_id: str) -> list[tuple[str, str | None]]:
        topic = f"job/{op}/{request_id}/state/"
        return [(event["state"], event.get("code")) for name, event in events if name == topic]

    assert states("dummy.wait", done) == [("queued", None), ("running", None), ("done", None)]
    assert states("dummy.fail", failed) == [("queued", None), ("running", None), ("failed", "DATA_LOSS")]
    assert states("dummy.hold", cancelled)[0] == ("queued", None)
    assert states("dummy.hold", cancelled)[-1] == ("cancelled", "CANCELLED")
    progress = [event for name, event in events if name == f"job/dummy.wait/{done}/progress/"]
    assert progress[-1]["fraction"] == 1.0
    assert all(event["eta"] >= 0 for event in progress if "eta" in event)
    assert not any(topic.startswith("job/") for topic in bus.bus.publisher._last), "finished jobs leave"


# ------------------------------------------------------------------ clocks


async def test_a_clock_that_jumps_moves_no_deadline_and_no_heartbeat(tmp_path: Path) -> None:
    code = """
import asyncio, itertools, pathlib, sys, time
true, jumps = time.time, itertools.cycle([0, 1e9, -1e9, 3600, -7200])
time.time = lambda: true() + next(jumps)
from tests.bus.running import Dealer, Subscriber, running_bus

async def main():
    async with running_bus(pathlib.Path(sys.argv[1])) as bus:
        await bus.warm()
        async with Dealer(bus.router) as client, Subscriber(bus.publisher, "heartbeat/") as watcher:
            began = time.monotonic()
            late = await client.ask("dummy.stubborn", {"seconds": 30}, timeout=0.5)
            assert late["code"] == "DEADLINE_EXCEEDED", late
            assert 0.4 < time.monotonic() - began < 25
            good = await client.ask("dummy.wait", {"seconds": 0.3}, timeout=20, progress=True)
            assert good["type"] == "reply", good
            assert 0.2 < good["elapsed"] < 20
            assert await client.ask("dummy.wait", {"seconds": 0.3}, id=good["id"]) == good
            events = [(await watcher.receive())[1] for _ in range(3)]
            assert all(0 < b["uptime"] - a["uptime"] < 60 for a, b in itertools.pairwise(events[1:]))
            status = await client.result("bus.status")
            assert 0 < status["uptime"] < 600, status["uptime"]

if __name__ == "__main__":
    asyncio.run(main())
"""
    script = tmp_path / "clock.py"
    script.write_text(code)
    ran = await asyncio.create_subprocess_exec(
        sys.executable,
        str(script),
        str(tmp_path),
        env={"PYTHONPATH": str(ROOT)},
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await asyncio.wait_for(ran.communicate(), 60)
    assert ran.returncode == 0, errors.decode()
