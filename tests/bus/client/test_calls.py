import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from bus.client import Client, new_id
from bus.errors import (
    Aborted,
    Cancelled,
    DeadlineExceeded,
    InvalidArgument,
    NotFound,
    TooLarge,
    Unimplemented,
)
from tests.bus_process import BusProcess


async def test_a_call_gives_the_result(bus: BusProcess) -> None:
    async with Client(bus.router) as client:
        assert (await client.call("dummy.echo", value="hello"))["value"] == "hello"


async def test_parameters_may_come_as_a_map_too(bus: BusProcess) -> None:
    async with Client(bus.router) as client:
        assert (await client.call("dummy.echo", {"value": "a"}, number=30.0))["value"] == "a"


async def test_hello_says_who_answers(bus: BusProcess) -> None:
    async with Client(bus.router) as client:
        hello = await client.hello()
        assert hello["versions"] == ["DAWG1"]
        assert client.instance == hello["instance"]


async def test_a_path_is_sent_absolute(
    bus: BusProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bus.folder / "four.bin").write_bytes(b"1234")
    monkeypatch.chdir(bus.folder)
    async with Client(bus.router) as client:
        assert await client.call("dummy.size", path=Path("four.bin")) == {"size": 4}
        assert await client.call("dummy.size", path=b"12345") == {"size": 5}
        with pytest.raises(InvalidArgument, match="must be absolute"):
            await client.call("dummy.size", path="four.bin")


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"path": "/bad\udcff.wav"}, r"path: '/bad\\udcff\.wav'; must be UTF-8"),
        ({"path": Path("/bad\udcff.wav")}, r"path: '/bad\\udcff\.wav'; must be UTF-8"),
        ({"path": "/good.wav", "more": {"names": ["a", "\ud800"]}}, r"more: '\\ud800'; must be UTF-8"),
    ],
)
async def test_text_that_is_not_utf_8_is_named(bus: BusProcess, params: dict[str, Any], said: str) -> None:
    async with Client(bus.router) as client:
        with pytest.raises(InvalidArgument, match=said):
            await client.call("dummy.size", params)


async def test_progress_is_told_and_ends_at_one(bus: BusProcess) -> None:
    told: list[tuple[float, str]] = []
    async with Client(bus.router) as client:
        await client.call("dummy.wait", seconds=0.5, progress=lambda *report: told.append(report))
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert told[0][1].startswith("step")


async def test_what_a_progress_callback_raises_ends_the_call_and_the_job(bus: BusProcess) -> None:
    def enough(fraction: float, stage: str) -> None:
        raise KeyError(stage)

    request_id = new_id()
    async with Client(bus.router) as client:
        with pytest.raises(KeyError):
            await client.call(
                "dummy.wait", seconds=600, steps=6000, timeout=600, progress=enough, request_id=request_id
            )
        while await client.cancel(request_id) == "cancelling":  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        assert (await client.call("dummy.echo", timeout=60))["value"] == ""


@pytest.mark.parametrize(
    ("op", "params", "error"),
    [
        ("dummy.ecko", {}, Unimplemented),
        ("dummy.echo", {"number": 3.0}, InvalidArgument),
        ("dummy.echo", {"number": object()}, InvalidArgument),
        ("dummy.size", {"path": Path("/nowhere/at/all")}, Exception),
        ("dummy.fail", {"kind": "value"}, InvalidArgument),
        ("dummy.die", {}, Aborted),
    ],
)
async def test_an_error_is_the_class_of_its_code(
    bus: BusProcess, op: str, params: dict[str, object], error: type[Exception]
) -> None:
    async with Client(bus.router) as client:
        with pytest.raises(error):
            await client.call(op, params)


async def test_details_come_with_an_error(bus: BusProcess) -> None:
    async with Client(bus.router) as client:
        with pytest.raises(Aborted) as caught:
            await client.call("dummy.die")
    assert caught.value.details is not None
    assert caught.value.details["signal"] == "SIGKILL"


async def test_a_file_that_is_not_there_is_not_found(bus: BusProcess) -> None:
    async with Client(bus.router) as client:
        with pytest.raises(NotFound):
            await client.call("dummy.size", path=bus.folder / "none.wav")


async def test_what_is_too_large_for_the_daemon_does_not_leave(bus: BusProcess) -> None:
    async with Client(bus.router) as client:
        with pytest.raises(TooLarge, match="at most 32000000"):
            await client.call("dummy.size", path=b"x" * 40_000_000)
        assert (await client.call("dummy.echo"))["value"] == ""


@pytest.mark.usefixtures("last_word")
async def test_a_deadline_is_kept_by_the_daemon(bus: BusProcess) -> None:
    async with Client(bus.router) as client:
        began_s = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            await client.call("dummy.wait", seconds=20, steps=400, timeout=0.4)
        assert 0.3 < time.monotonic() - began_s < 15


async def test_cancel_ends_the_call(bus: BusProcess) -> None:
    request_id = new_id()
    async with Client(bus.router) as client:
        call = asyncio.create_task(client.call("dummy.wait", seconds=20, steps=400, request_id=request_id))
        await asyncio.sleep(0.2)
        assert await client.cancel(request_id) in ("cancelled", "cancelling")
        with pytest.raises(Cancelled):
            await call
        assert await client.cancel(new_id()) == "not_found"


async def test_a_cancelled_caller_cancels_its_request(bus: BusProcess) -> None:
    request_id, begun = new_id(), asyncio.Event()
    async with Client(bus.router) as client:
        call = asyncio.create_task(
            client.call(
                "dummy.wait", seconds=20, steps=400, request_id=request_id, progress=lambda *_: begun.set()
            )
        )
        await begun.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    async with Client(bus.router) as other:
        deadline_s = time.monotonic() + 60
        state = "cancelling"
        while state == "cancelling" and time.monotonic() < deadline_s:
            await asyncio.sleep(0.05)
            state = await other.cancel(request_id)
        assert state == "done"


async def test_an_id_in_use_is_refused(bus: BusProcess) -> None:
    async with Client(bus.router) as client:
        first = asyncio.create_task(client.call("dummy.wait", seconds=0.3, request_id="twice"))
        await asyncio.sleep(0)
        with pytest.raises(ValueError, match="still open"):
            await client.call("dummy.echo", request_id="twice")
        await first


async def test_a_hundred_calls_at_once_are_answered_each_with_its_own(bus: BusProcess) -> None:
    async with Client(bus.router) as client:
        answers = await asyncio.gather(*(client.call("bus.ping", payload=str(n)) for n in range(100)))
    assert [answer["payload"] for answer in answers] == [str(n) for n in range(100)]


async def test_closing_ends_what_is_open(bus: BusProcess, tmp_path: Path) -> None:
    async with Client(bus.router) as client:
        call = asyncio.create_task(client.call("dummy.hold", file=str(tmp_path / "gate")))
        await asyncio.sleep(0.1)
    with pytest.raises(Cancelled, match="closed"):
        await call
    (tmp_path / "gate").touch()


async def test_no_thread_and_no_task_is_left_behind(bus: BusProcess) -> None:
    threads = set(threading.enumerate())
    async with Client(bus.router) as client:
        await client.hello()
        async for _ in client.events("heartbeat/"):
            break
    await asyncio.sleep(0)
    assert set(threading.enumerate()) <= threads
    assert len(asyncio.all_tasks()) == 1


async def test_events_come_with_the_last_values_first(bus: BusProcess) -> None:
    async with Client(bus.router, bus.publisher) as client, await client.subscribe("heartbeat/") as events:
        got = [await asyncio.wait_for(events.get(), 60)]
        # Some may come between the subscription and its replay.
        while got[-1].replay or not any(event.replay for event in got):
            got.append(await asyncio.wait_for(events.get(), 60))
    assert {event.topic for event in got} == {"heartbeat/"}
    assert [event.seq for event in got] == sorted(event.seq for event in got)


async def test_the_publisher_is_asked_for_where_it_is_not_named(bus: BusProcess) -> None:
    async with Client(bus.router) as client:
        request_id = new_id()
        async with await client.subscribe() as events:
            await events.get()  # the first says that the daemon knows of the subscription
            await client.call("dummy.wait", seconds=0.3, request_id=request_id)
            states: list[str] = []
            while not states or states[-1] != "done":
                event = await asyncio.wait_for(events.get(), 60)
                # The replay that the subscription asked for may come late enough to tell of the job too.
                if event.topic.endswith(f"{request_id}/state/") and not event.replay:
                    states.append(event.body["state"])
    assert states == ["queued", "running", "done"]
