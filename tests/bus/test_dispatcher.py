"""A request to its end: exactly one terminal message, whatever happens on the way."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import pytest
import pytest_asyncio
from pydantic import Field

from bus.errors import Unavailable
from bus.job import JobState
from bus.operations import declare
from bus.settings import LaneSettings, Limits
from tests.bus.running import FREE_PORTS, Dealer, RunningBus, Subscriber, new_id, running_bus, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

SMALL = Limits(queue=4, spool_mb=1.0, result_mb=2.0, remembered=50)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def bus(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningBus]:
    settings = replace(FREE_PORTS, limits=SMALL)
    async with running_bus(tmp_path_factory.mktemp("bus"), settings) as running:
        await running.warm()
        yield running


class Gate:
    """A file that a job waits for: it keeps the one worker busy as long as wanted."""

    def __init__(self, client: Dealer, path: Path) -> None:
        self._client = client
        self._path = path
        self.id = ""
        self.answer: dict[str, Any] = {}

    async def close(self) -> None:
        self.id = await self._client.send("dummy.hold", {"file": str(self._path)}, progress=True)
        await self._client.match(lambda message: message["id"] == self.id and message["type"] == "progress")

    async def open(self) -> None:
        if not self._path.exists():
            self._path.touch()
            self.answer = await self._client.terminal(self.id)


@pytest.fixture
def patient(bus: RunningBus, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a job that is cancelled all the time a busy machine needs to notice."""
    lane = bus.bus.pool["dummy"]
    monkeypatch.setattr(lane, "_pool", replace(lane._pool, cancel_grace_s=60.0))


@pytest_asyncio.fixture(loop_scope="module")
async def gate(bus: RunningBus, tmp_path: Path) -> AsyncIterator[Gate]:
    async with Dealer(bus.router) as client:
        gate = Gate(client, tmp_path / "gate")
        await gate.close()
        yield gate
        await gate.open()


def _runs(bus: RunningBus, request_id: str) -> bool:
    job = bus.bus.dispatcher.jobs.get(request_id)
    return job is not None and job.state is JobState.RUNNING


# ------------------------------------------------------------------ one end


async def test_a_result_comes_once(dealer: Callable[[], Dealer]) -> None:
    client = dealer()
    reply = await client.ask("dummy.echo", {"value": "hello"})
    assert reply["type"] == "reply"
    assert reply["result"]["value"] == "hello"
    assert reply["cached"] is False
    assert 0 < reply["elapsed"] < 10
    assert await client.rest() == []


@pytest.mark.parametrize(
    ("kind", "code", "message"),
    [
        ("value", "INVALID_ARGUMENT", "tempo: 0; must be between 20 and 400 BPM"),
        ("undecodable", "DATA_LOSS", "file: not audio"),
        ("not installed", "FAILED_PRECONDITION", "model: not there"),
        ("missing", "NOT_FOUND", "gone"),
        ("forbidden", "PERMISSION_DENIED", "not yours"),
        ("os", "DATA_LOSS", "cut off"),
        ("pipe", "DATA_LOSS", "the engine's own"),
        ("reset", "DATA_LOSS", "the engine's own"),
        ("memory", "RESOURCE_EXHAUSTED", "MemoryError"),
        ("no unicode", "INVALID_ARGUMENT", "a\\udcffb"),
        ("bug", "INTERNAL", "internal error; look for "),
        ("recursion", "INTERNAL", "internal error; look for "),
    ],
)
async def test_what_an_engine_raises_has_its_code(
    dealer: Callable[[], Dealer], kind: str, code: str, message: str
) -> None:
    error = await dealer().ask("dummy.fail", {"kind": kind})
    assert error["type"] == "error"
    assert error["code"] == code
    assert error["message"].startswith(message)
    assert error["retryable"] is False


async def test_a_bug_is_told_by_a_reference_and_nothing_else(dealer: Callable[[], Dealer]) -> None:
    error = await dealer().ask("dummy.fail", {"kind": "bug"})
    assert "secret" not in str(error)
    assert error["details"]["ref"] in error["message"]


@pytest.mark.parametrize("kind", ["exit", "interrupt"])
async def test_an_engine_that_ends_its_process_costs_its_job_alone(
    dealer: Callable[[], Dealer], kind: str
) -> None:
    client = dealer()
    error = await client.ask("dummy.fail", {"kind": kind})
    assert error["code"] == "ABORTED"
    assert error["retryable"] is True
    assert (await client.ask("dummy.echo"))["type"] == "reply"


async def test_a_result_over_its_bound_is_refused(dealer: Callable[[], Dealer]) -> None:
    client = dealer()
    error = await client.ask("dummy.big", {"megabytes": 3})
    assert error["code"] == "RESOURCE_EXHAUSTED"
    assert error["retryable"] is False
    assert "must be at most 2000000" in error["message"]
    assert len((await client.result("dummy.big", {"megabytes": 1}))["data"]) == 1_000_000


async def test_an_unknown_operation_names_the_nearest(dealer: Callable[[], Dealer]) -> None:
    error = await dealer().ask("dummy.ehco")
    assert error["code"] == "UNIMPLEMENTED"
    assert error["message"].startswith(
        "op: 'dummy.ehco' is not an operation of this daemon; did you mean dummy.echo"
    )
    assert error["details"]["nearest"][0] == "dummy.echo"


async def test_wrong_params_are_refused_at_once_while_every_worker_is_busy(
    gate: Gate, dealer: Callable[[], Dealer]
) -> None:
    client = dealer()
    error = await client.ask("dummy.echo", {"number": 0})
    assert error["code"] == "INVALID_ARGUMENT"
    assert error["message"] == "number: 0; must be between 20 and 400 BPM"
    assert error["details"]["field"] == "number"
    error = await client.ask("dummy.echo", {"nubmer": 0})
    assert error["message"] == "nubmer: unknown (did you mean number?); allowed: value, number"


async def test_params_with_keys_of_two_kinds_end_with_an_answer(dealer: Callable[[], Dealer]) -> None:
    error = await dealer().ask("dummy.nested", {"values": {"a": 1, b"b": 2}})
    assert error["code"] == "INVALID_ARGUMENT"


async def test_a_bug_of_the_daemon_ends_with_an_answer(
    bus: RunningBus, dealer: Callable[[], Dealer], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> bytes:
        raise RuntimeError("a bug")

    client = dealer()
    with monkeypatch.context() as patch:
        patch.setattr("bus.dispatcher.canonical", broken)
        assert (await client.ask("dummy.echo"))["code"] == "INTERNAL"
    assert (await client.ask("dummy.echo"))["type"] == "reply"


async def test_large_params_reach_the_worker(dealer: Callable[[], Dealer]) -> None:
    client = dealer()
    value = "x" * 900_000
    assert (await client.result("dummy.echo", {"value": value}))["value"] == value
    assert (await client.result("dummy.nested", {"numbers": list(range(15_000))}))["size"] == 15_000


# ------------------------------------------------------------------ cancel


async def test_a_waiting_job_is_cancelled_at_once(gate: Gate, dealer: Callable[[], Dealer]) -> None:
    client = dealer()
    waiting = await client.send("dummy.echo")
    assert await client.result("bus.cancel", {"id": waiting}) == {"state": "cancelled"}
    error = await client.terminal(waiting)
    assert error["code"] == "CANCELLED"
    assert error["retryable"] is False
    assert await client.result("bus.cancel", {"id": waiting}) == {"state": "done"}
    assert await client.rest() == []


async def test_a_running_job_that_reports_is_cancelled_softly(
    bus: RunningBus, patient: None, dealer: Callable[[], Dealer]
) -> None:
    client = dealer()
    pids = bus.worker_pids()
    running = await client.send("dummy.hold", {"file": "/nowhere"})
    await until(lambda: _runs(bus, running))
    assert await client.result("bus.cancel", {"id": running}) == {"state": "cancelling"}
    assert await client.result("bus.cancel", {"id": running}) in ({"state": "cancelling"}, {"state": "done"})
    assert (await client.terminal(running))["code"] == "CANCELLED"
    assert bus.worker_pids() == pids
    assert (await client.result("dummy.echo"))["pid"] == pids[0]
    assert await client.rest() == []


async def test_a_running_job_that_does_not_look_loses_its_worker(
    bus: RunningBus, dealer: Callable[[], Dealer]
) -> None:
    client = dealer()
    pids = bus.worker_pids()
    deaths = bus.bus.pool["dummy"].deaths
    running = await client.send("dummy.stubborn", {"seconds": 60})
    await until(lambda: _runs(bus, running))
    assert await client.result("bus.cancel", {"id": running}) == {"state": "cancelling"}
    assert (await client.terminal(running))["code"] == "CANCELLED"
    assert (await client.result("dummy.echo"))["pid"] not in pids
    assert bus.bus.pool["dummy"].deaths == deaths, "a cancel speaks against no engine"


async def test_a_cancel_comes_too_late_for_what_has_ended(dealer: Callable[[], Dealer]) -> None:
    client = dealer()
    ended = await client.ask("dummy.echo")
    assert await client.result("bus.cancel", {"id": ended["id"]}) == {"state": "done"}
    assert await client.result("bus.cancel", {"id": "never heard of"}) == {"state": "not_found"}


async def test_a_result_that_comes_while_cancelling_is_not_told(
    bus: RunningBus, patient: None, dealer: Callable[[], Dealer], tmp_path: Path
) -> None:
    client = dealer()
    pids = bus.worker_pids()
    running = await client.send("dummy.quiet", {"file": str(tmp_path / "gate"), "fractions": []})
    await until(lambda: _runs(bus, running))
    assert await client.result("bus.cancel", {"id": running}) == {"state": "cancelling"}
    (tmp_path / "gate").touch()
    assert (await client.terminal(running))["code"] == "CANCELLED"
    assert bus.worker_pids() == pids


async def test_cancelling_at_any_moment_ends_a_request_once(dealer: Callable[[], Dealer]) -> None:
    client = dealer()
    for moment in range(25):
        job = await client.send("dummy.wait", {"seconds": 0.02, "steps": 2})
        await asyncio.sleep(moment * 0.002)
        state = (await client.result("bus.cancel", {"id": job}))["state"]
        end = await client.terminal(job)
        assert (end["type"] == "reply") == (state == "done"), (moment, state, end)
    assert await client.rest() == []


# ------------------------------------------------------------------ deadlines


async def test_a_deadline_passes_in_the_queue(gate: Gate, dealer: Callable[[], Dealer]) -> None:
    client = dealer()
    error = await client.ask("dummy.echo", timeout=0.0999912)
    assert error["code"] == "DEADLINE_EXCEEDED"
    assert error["message"] == "timeout: 0.1 s have passed"
    assert error["details"] == {"timeout": 0.0999912}
    assert (await client.ask("dummy.echo", timeout=1e-6))["message"] == "timeout: 1e-06 s have passed"
    assert error["retryable"] is True


async def test_a_deadline_passes_while_running(bus: RunningBus, dealer: Callable[[], Dealer]) -> None:
    client = dealer()
    error = await client.ask("dummy.stubborn", {"seconds": 60}, timeout=0.2, timeout_s=30)
    assert error["code"] == "DEADLINE_EXCEEDED"
    assert (await client.ask("dummy.echo"))["type"] == "reply", "the worker is replaced behind the answer"
    assert await client.rest() == []


async def test_a_deadline_that_passes_with_the_result_ends_a_request_once(
    dealer: Callable[[], Dealer],
) -> None:
    client = dealer()
    for moment in range(20):
        end = await client.ask("dummy.wait", {"seconds": 0.02, "steps": 1}, timeout=0.015 + moment * 0.001)
        assert end["type"] == "reply" or end["code"] == "DEADLINE_EXCEEDED", end
    assert await client.rest() == []


# ------------------------------------------------------------------ the queue


async def test_a_full_queue_says_when_to_come_again(gate: Gate, dealer: Callable[[], Dealer]) -> None:
    client = dealer()
    waiting = [await client.send("dummy.echo") for _ in range(SMALL.queue - 1)]
    error = await client.ask("dummy.echo")
    assert error["code"] == "RESOURCE_EXHAUSTED"
    assert error["retryable"] is True
    assert 0.1 <= error["retry_after"] <= 60
    assert error["message"] == "queue: full, 4 requests are before this one; try again later"
    again = error["id"]
    await gate.open()
    for request_id in waiting:
        assert (await client.terminal(request_id))["type"] == "reply"
    assert (await client.ask("dummy.echo", id=again))["type"] == "reply", "it was never begun"


async def _order_of(
    bus: RunningBus, gate: Gate, client: Dealer, priorities: list[str]
) -> list[tuple[int, str]]:
    """Queue jobs behind the gate; return them in the order in which they ran."""
    async with Subscriber(bus.publisher, "job/dummy.echo/") as watcher:
        await watcher.synchronised(bus)
        ids = [await client.send("dummy.echo", priority=priority) for priority in priorities]
        await until(lambda: bus.bus.pool["dummy"].status().waiting == len(ids))
        await gate.open()
        for identifier in ids:
            await client.terminal(identifier)
        events = await watcher.so_far(bus)
    ran = [topic.split("/")[2] for topic, event in events if event.get("state") == "running"]
    assert sorted(ran) == sorted(ids)
    return [(ids.index(identifier), priorities[ids.index(identifier)]) for identifier in ran]


async def test_interactive_goes_before_batch(
    bus: RunningBus, gate: Gate, dealer: Callable[[], Dealer]
) -> None:
    ran = await _order_of(bus, gate, dealer(), ["batch", "interactive", "interactive"])
    assert [number for number, _ in ran] == [1, 2, 0]


# ------------------------------------------------------------------ ids sent again


async def test_a_client_that_comes_back_is_given_its_running_job(
    bus: RunningBus, gate: Gate, dealer: Callable[[], Dealer]
) -> None:
    first, second, again = dealer(), dealer(), new_id()
    await first.send("dummy.echo", {"value": "v"}, id=again)
    await until(lambda: again in bus.bus.dispatcher.jobs)
    first.close()
    await second.send("dummy.echo", {"value": "v"}, id=again)
    await second.send("dummy.echo", {"value": "v"}, id=again)
    await second.result("bus.ping")
    await gate.open()
    assert (await second.terminal(again))["result"]["value"] == "v"
    assert await second.rest() == [], "who asks twice is answered once"


async def test_an_answer_that_was_lost_is_given_again(bus: RunningBus, dealer: Callable[[], Dealer]) -> None:
    first, second = dealer(), dealer()
    reply = await first.ask("dummy.echo", {"value": "v"})
    assert await second.ask("dummy.echo", {"value": "v"}, id=reply["id"]) == reply
    assert await first.ask("dummy.echo", {"number": 120.0, "value": "v"}, id=reply["id"]) != reply
    error = await first.ask("dummy.fail", {"kind": "bug"})
    assert await second.ask("dummy.fail", {"kind": "bug"}, id=error["id"]) == error


@pytest.mark.parametrize("other", [("dummy.echo", {"value": "w"}), ("dummy.big", {"megabytes": 1})])
async def test_an_id_belongs_to_one_request(
    bus: RunningBus, dealer: Callable[[], Dealer], gate: Gate, other: tuple[str, dict[str, Any]]
) -> None:
    client, again = dealer(), new_id()
    await client.send("dummy.echo", {"value": "v"}, id=again)
    await until(lambda: again in bus.bus.dispatcher.jobs)  # two sockets have no order
    for _ in range(2):
        error = await dealer().ask(other[0], other[1], id=again)
        assert error["code"] == "INVALID_ARGUMENT"
        assert error["message"].startswith(f"id: '{again}' was used for another request")
        await gate.open()
        assert (await client.ask("dummy.echo", {"value": "v"}, id=again))["type"] == "reply"


async def test_the_bus_s_own_operations_may_share_an_id(dealer: Callable[[], Dealer]) -> None:
    client, again = dealer(), new_id()
    assert (await client.ask("bus.ping", {"payload": "1"}, id=again))["result"]["payload"] == "1"
    assert (await client.ask("bus.ping", {"payload": "2"}, id=again))["result"]["payload"] == "2"


# ------------------------------------------------------------------ progress


def _progress(messages: list[dict[str, Any]], request_id: str) -> list[dict[str, Any]]:
    return [message for message in messages if message["type"] == "progress" and message["id"] == request_id]


async def test_progress_is_sent_where_it_was_asked_for(dealer: Callable[[], Dealer]) -> None:
    client = dealer()
    asked = await client.ask("dummy.wait", {"seconds": 0.3}, progress=True)
    messages = _progress(client.kept, asked["id"])
    assert [message["seq"] for message in messages] == list(range(1, len(messages) + 1))
    fractions = [message["fraction"] for message in messages]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    client.kept.clear()
    await client.ask("dummy.wait", {"seconds": 0.1})
    assert client.kept == []


async def test_fractions_never_fall_and_stay_within_bounds(
    dealer: Callable[[], Dealer], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each of them is told, however soon the next comes.
    monkeypatch.setattr("bus.dispatcher._PROGRESS_INTERVAL_S", 0.0)
    client = dealer()
    fractions = [0.5, 0.2, float("nan"), -1.0, 7.0, 0.9]
    end = await client.ask("dummy.report", {"fractions": fractions}, progress=True)
    assert end["type"] == "error", "not a number is no fraction to ask for"
    fractions = [0.5, 0.2, -1.0, 7.0, 0.9]
    end = await client.ask("dummy.report", {"fractions": fractions}, progress=True)
    assert [message["fraction"] for message in _progress(client.kept, end["id"])] == [
        0.5,
        0.5,
        0.5,
        1.0,
        1.0,
        1.0,
    ]


async def test_progress_comes_at_most_ten_times_a_second(
    bus: RunningBus, dealer: Callable[[], Dealer]
) -> None:
    client = dealer()
    times_s: list[float] = []

    def note(topic: str, _: object) -> None:
        # The end, of a job that is none any more, is told at once.
        if topic.endswith("/progress/") and (job := bus.bus.dispatcher.jobs.get(topic.split("/")[2])):
            times_s.append(job.published_s)

    stop = bus.bus.publisher.listen("job/dummy.report/", note)
    began_s = asyncio.get_running_loop().time()
    reporting = await client.send(
        "dummy.report", {"fractions": [i / 9999 for i in range(9999)], "every": 0.005}
    )
    await until(lambda: len(times_s) >= 8)
    await client.result("bus.cancel", {"id": reporting})
    await client.terminal(reporting)
    took_s = asyncio.get_running_loop().time() - began_s
    stop()
    assert len(times_s) <= 10 * took_s + 1
    assert all(later - earlier > 0.099 for earlier, later in pairwise(times_s))


async def test_the_end_of_a_job_is_always_told(bus: RunningBus, dealer: Callable[[], Dealer]) -> None:
    async with Subscriber(bus.publisher, "job/dummy.report/") as watcher:
        await watcher.synchronised(bus)
        end = await dealer().ask("dummy.report", {"fractions": [0.1, 0.2, 0.3]})
        events = [event for topic, event in await watcher.so_far(bus) if topic.endswith("progress/")]
    assert end["type"] == "reply"
    assert events[-1]["fraction"] == 1.0


async def test_the_latest_stage_is_told_though_the_engine_then_is_silent(
    dealer: Callable[[], Dealer], tmp_path: Path
) -> None:
    client = dealer()
    params = {"file": str(tmp_path / "gate"), "fractions": [0.1, 0.2, 0.3]}
    job = await client.send("dummy.quiet", params, progress=True)
    latest = await client.match(lambda message: message["id"] == job and message.get("stage") == "stage 2")
    assert latest["fraction"] == 0.3
    (tmp_path / "gate").touch()
    await client.terminal(job)


# ------------------------------------------------------------------ files


async def test_a_file_comes_as_a_path_or_as_bytes(bus: RunningBus, dealer: Callable[[], Dealer]) -> None:
    client = dealer()
    file = bus.folder / "root" / "a file"
    file.write_bytes(b"12345")
    assert await client.result("dummy.optional", {"path": str(file)}) == {"size": 5}
    assert await client.result("dummy.optional", {"path": b"123"}) == {"size": 3}
    assert await client.result("dummy.optional", {"path": b""}) == {"size": 0}
    assert await client.result("dummy.optional", {"path": None}) == {"size": 0}
    assert await client.result("dummy.optional") == {"size": 0}
    await until(lambda: not bus.spooled)


async def test_a_file_outside_is_refused(bus: RunningBus, dealer: Callable[[], Dealer]) -> None:
    error = await dealer().ask("dummy.optional", {"path": "/etc/passwd"})
    assert error["code"] == "PERMISSION_DENIED"
    assert (
        error["message"]
        == f"path: '/etc/passwd'; must be inside {bus.folder}/root, outside their hidden folders"
    )


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
async def test_a_file_whose_name_is_no_unicode_can_be_reached_by_a_link(
    bus: RunningBus, dealer: Callable[[], Dealer]
) -> None:
    file = bus.folder / "root" / os.fsdecode(b"caf\xe9")
    file.write_bytes(b"1234")
    (bus.folder / "root" / "link").symlink_to(file)
    client = dealer()
    assert await client.result("dummy.optional", {"path": str(bus.folder / "root" / "link")}) == {"size": 4}
    assert (await client.ask("dummy.echo"))["type"] == "reply"


async def test_a_result_is_kept_by_what_is_in_the_file(bus: RunningBus, dealer: Callable[[], Dealer]) -> None:
    client = dealer()
    file = bus.folder / "root" / "measured"
    file.write_bytes(b"content")
    first = await client.ask("dummy.size", {"path": str(file)})
    assert (first["cached"], first["result"]) == (False, {"size": 7})
    assert (await client.ask("dummy.size", {"path": str(file)}))["cached"] is True
    assert (await client.ask("dummy.size", {"path": b"content"}))["cached"] is True
    file.write_bytes(b"other content")
    changed = await client.ask("dummy.size", {"path": str(file)})
    assert (changed["cached"], changed["result"]) == (False, {"size": 13})


@pytest.mark.parametrize("end", ["result", "cancel", "deadline", "death", "refusal"])
async def test_spooled_files_are_gone_when_the_request_has_ended(
    bus: RunningBus, gate: Gate, dealer: Callable[[], Dealer], end: str
) -> None:
    client = dealer()
    data = bytes(600_000)
    if end == "deadline":
        first = await client.send("dummy.optional", {"path": data}, timeout=0.1)
    else:
        first = await client.send("dummy.optional", {"path": data})
    await until(lambda: bus.spooled or end == "deadline")
    if end == "refusal":
        error = await client.ask("dummy.optional", {"path": data})
        assert error["code"] == "RESOURCE_EXHAUSTED", "both do not fit"
        assert error["retryable"] is True
    if end == "cancel":
        await client.result("bus.cancel", {"id": first})
    if end == "death":
        os.kill(bus.worker_pids()[0], signal.SIGKILL)
    if end != "deadline":
        await gate.open()
    await client.terminal(first)
    # A deadline may pass while the file is being written; the room comes back behind it.
    await until(lambda: bus.bus.files._spool_bytes_left == 1_000_000 and not bus.spooled)
    # All of the room is there again.
    await gate.open()
    assert await client.result("dummy.optional", {"path": bytes(1_000_000)}) == {"size": 1_000_000}


async def test_no_request_keeps_the_bytes_that_were_spooled(
    bus: RunningBus, gate: Gate, dealer: Callable[[], Dealer]
) -> None:
    client = dealer()
    job_id = await client.send("dummy.optional", {"path": bytes(500_000)})
    await until(lambda: bus.spooled)
    job = bus.bus.dispatcher.jobs[job_id]
    assert job.request.params == {}
    await until(lambda: isinstance(job.params["path"], str))
    await gate.open()
    assert (await client.terminal(job_id))["result"] == {"size": 500_000}


# ------------------------------------------------------------------ in the loop


async def _sleep(seconds: Annotated[float, Field(ge=0, json_schema_extra={"unit": "s"})] = 0) -> str:
    """Wait in the loop, as an adapter waits for its neighbour."""
    await asyncio.sleep(seconds)
    return "slept"


async def _refuse() -> str:
    """Fail as an adapter does."""
    raise Unavailable("DAWG-CORE: not reachable", retry_after=2.0)


async def _break() -> str:
    """Fail as nothing should."""
    raise KeyError("secret")


async def test_an_operation_in_the_loop_ends_as_one_in_a_worker(tmp_path: Path) -> None:
    operations = [
        declare("loop.sleep", _sleep),
        declare("loop.refuse", _refuse),
        declare("loop.break", _break),
    ]
    settings = replace(FREE_PORTS, limits=SMALL)
    async with running_bus(tmp_path, settings, operations) as bus, Dealer(bus.router) as client:
        assert (await client.ask("loop.sleep"))["result"] == "slept"
        error = await client.ask("loop.refuse")
        assert (error["code"], error["retryable"], error["retry_after"]) == ("UNAVAILABLE", True, 2.0)
        error = await client.ask("loop.break")
        assert error["code"] == "INTERNAL"
        assert "secret" not in str(error)
        late = await client.ask("loop.sleep", {"seconds": 60}, timeout=0.1)
        assert late["code"] == "DEADLINE_EXCEEDED"
        waiting = [await client.send("loop.sleep", {"seconds": 60}) for _ in range(SMALL.queue)]
        assert (await client.ask("loop.sleep"))["code"] == "RESOURCE_EXHAUSTED"
        for request_id in waiting[1:]:
            assert (await client.result("bus.cancel", {"id": request_id})) == {"state": "cancelled"}
            assert (await client.terminal(request_id))["code"] == "CANCELLED"
        await bus.bus.drain()
        assert (await client.terminal(waiting[0]))["code"] == "CANCELLED"
        assert await client.rest() == []


# ------------------------------------------------------------------ the end


async def test_a_draining_daemon_ends_every_request_once(tmp_path: Path) -> None:
    async with (
        running_bus(
            tmp_path, replace(FREE_PORTS, drain_s=5.0), lanes={"dummy": LaneSettings(workers=2)}
        ) as bus,
        Dealer(bus.router) as client,
    ):
        await bus.warm()
        soft = await client.send("dummy.hold", {"file": "/nowhere"})
        quick = await client.send("dummy.hold", {"file": str(tmp_path / "gate")})
        await until(lambda: _runs(bus, soft) and _runs(bus, quick))
        waiting = [await client.send("dummy.echo") for _ in range(5)]
        await client.result("bus.ping")
        draining = asyncio.create_task(bus.bus.drain())
        await until(lambda: bus.bus.dispatcher.draining)
        (tmp_path / "gate").touch()
        late = await client.ask("dummy.echo")
        assert (late["code"], late["retryable"]) == ("UNAVAILABLE", True)
        assert (await client.result("bus.status"))["state"] == "draining"
        for request_id in waiting:
            assert (await client.terminal(request_id))["code"] == "UNAVAILABLE"
        assert (await client.terminal(quick))["type"] == "reply"
        assert (await client.terminal(soft))["code"] == "CANCELLED"
        await draining
        assert await client.rest() == []
