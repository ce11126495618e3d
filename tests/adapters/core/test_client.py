import asyncio
import base64
import dataclasses
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from adapters.core.client import CALLS, FAILURES_TO_OPEN, WAITING, Core
from adapters.core.settings import CoreSettings
from bus.errors import (
    DataLoss,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    Unavailable,
)
from bus.operations import declare
from tests import core_server
from tests.adapters.core.test_midi import smf
from tests.core_server import HEALTH, IMPORT, PLAY, STATUS, STOP, CoreServer

# What comes is waited for as long as a busy machine takes to bring it, what does not for a moment.
PATIENT_S, HASTY_S = 60.0, 1.0
SETTINGS = CoreSettings(
    health_timeout_s=PATIENT_S,
    status_timeout_s=PATIENT_S,
    transport_timeout_s=PATIENT_S,
    import_timeout_s=PATIENT_S,
    check_interval_s=0.3,
)


@pytest.fixture
def server() -> Iterator[CoreServer]:
    with CoreServer() as server:
        yield server


@pytest.fixture
async def core(server: CoreServer) -> AsyncIterator[Core]:
    core = Core(dataclasses.replace(SETTINGS, url=server.url))
    yield core
    core.close()


@pytest.fixture
async def hasty(server: CoreServer) -> AsyncIterator[Core]:
    """Give one that asks for the project's status with little patience."""
    core = Core(dataclasses.replace(SETTINGS, url=server.url, status_timeout_s=HASTY_S))
    yield core
    core.close()


@asynccontextmanager
async def watching(core: Core) -> AsyncIterator[None]:
    watch = asyncio.create_task(core.watch())
    try:
        yield
    finally:
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch


async def until(condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - what it waits for happens in other threads
            await asyncio.sleep(0.01)


async def fails(call: Awaitable[object]) -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        await call
    return caught.value


# --- the operations


async def test_health_says_where_it_answered(core: Core, server: CoreServer) -> None:
    health = await core.health()
    assert health.url == server.url
    assert health.document == {"status": "ok"}
    assert 0 < health.elapsed < PATIENT_S


async def test_health_needs_no_body(core: Core, server: CoreServer) -> None:
    server.behave(HEALTH, core_server.answer(b"OK", content_type="text/plain"))
    assert (await core.health()).document is None


async def test_the_project_status_is_read(core: Core, server: CoreServer) -> None:
    server.num_tracks, server.is_playing = 17, True
    status = await core.project_status()
    assert (status.num_tracks, status.is_playing) == (17, True)
    assert status.project == {"numTracks": 17, "isPlaying": True}


async def test_a_project_status_with_the_wrong_label_is_read_all_the_same(
    core: Core, server: CoreServer
) -> None:
    server.behave(
        STATUS, core_server.answer('{"numTracks": 1, "isPlaying": false}', content_type="text/html")
    )
    assert (await core.project_status()).num_tracks == 1


async def test_play_and_stop_move_the_transport(core: Core, server: CoreServer) -> None:
    assert (await core.play()).is_playing is True
    assert server.is_playing is True
    assert (await core.stop()).is_playing is False
    assert server.paths() == [f"POST {PLAY}", f"POST {STOP}"]


async def test_a_midi_file_is_imported_byte_for_byte(core: Core, server: CoreServer, tmp_path: Path) -> None:
    path = tmp_path / "bass.mid"
    path.write_bytes(smf(num_tracks=1))
    done = await core.import_midi(path)
    assert server.imported == [path.read_bytes()]
    assert (done.num_bytes, done.num_tracks) == (len(path.read_bytes()), 1)
    assert server.requests[0].headers["content-type"] == "application/json"
    assert json.loads(server.requests[0].body) == {"midi_data": base64.b64encode(path.read_bytes()).decode()}


@pytest.mark.parametrize(("data", "kind"), [(b"RIFF....WAVE", DataLoss), (None, NotFound)])
async def test_what_is_no_midi_file_is_never_sent(
    core: Core, server: CoreServer, tmp_path: Path, data: bytes | None, kind: type[Exception]
) -> None:
    if data is not None:
        (tmp_path / "a.mid").write_bytes(data)
    with pytest.raises(kind, match="path: "):
        await core.import_midi(tmp_path / "a.mid")
    assert server.requests == []


async def test_a_file_that_dawg_core_does_not_accept_is_the_callers_to_mend(
    core: Core, server: CoreServer, tmp_path: Path
) -> None:
    server.behave(IMPORT, core_server.answer({"error": "no notes"}, 400))
    (tmp_path / "a.mid").write_bytes(smf())
    with pytest.raises(InvalidArgument, match="400 Bad Request: no notes"):
        await core.import_midi(tmp_path / "a.mid")


async def test_a_refusal_says_what_dawg_core_said(core: Core, server: CoreServer) -> None:
    server.behave(STATUS, core_server.answer({"error": "no project is open"}, 409))
    with pytest.raises(FailedPrecondition, match="409 Conflict: no project is open"):
        await core.project_status()


@pytest.mark.parametrize(
    ("behaviour", "named"),
    [
        (core_server.answer("<html>"), "not JSON"),
        (core_server.answer([1, 2]), "not an object"),
        (core_server.answer({"numTracks": 3}), "no isPlaying"),
        (core_server.answer(b""), "not JSON"),
        (core_server.answer({}, 500), "500 Internal Server Error"),
        (core_server.answer(b"", 302, headers={"Location": "http://elsewhere/"}), "'http://elsewhere/'"),
        (core_server.cut(), "broke"),
        (core_server.raw(b"SSH-2.0-OpenSSH_9.2\r\n"), "not HTTP"),
        (core_server.answer(b" " * 9_000_000), "larger than 8 MiB"),
    ],
)
async def test_rubbish_is_unavailable_and_named(
    core: Core, server: CoreServer, behaviour: core_server.Behaviour, named: str
) -> None:
    server.behave(STATUS, behaviour)
    failure = await fails(core.project_status())
    assert named in failure.message
    assert failure.message.startswith(f"DAWG-CORE at {server.url}: GET {STATUS}")


@pytest.mark.parametrize(
    "behaviour", [core_server.hang(), core_server.drip(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 9000, 0.02)]
)
async def test_what_does_not_come_in_time_is_unavailable(
    hasty: Core, server: CoreServer, behaviour: core_server.Behaviour
) -> None:
    server.behave(STATUS, behaviour)
    began = time.monotonic()
    failure = await fails(hasty.project_status())
    assert "no whole answer within " in failure.message
    assert failure.message.startswith(f"DAWG-CORE at {server.url}: GET {STATUS}")
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("status", [204, 301, 400, 404, 418, 500, 503])
async def test_health_is_only_what_succeeds(core: Core, server: CoreServer, status: int) -> None:
    server.behave(HEALTH, core_server.answer(b"", status))
    if status == 204:
        await core.health()
    else:
        assert str(status) in (await fails(core.health())).message
    assert core.connected is (status == 204)


async def test_a_get_whose_connection_broke_is_asked_once_more(core: Core, server: CoreServer) -> None:
    answers = iter([core_server.cut(), core_server.answer({"numTracks": 5, "isPlaying": False})])
    server.behave(STATUS, lambda request: next(answers)(request))  # noqa: PLW0108 - another each time
    assert (await core.project_status()).num_tracks == 5


async def test_a_command_is_never_sent_twice(core: Core, server: CoreServer) -> None:
    server.behave(PLAY, core_server.raw(b""))
    await fails(core.play())
    assert server.paths() == [f"POST {PLAY}"]


# --- the breaker and the watch


async def test_it_is_not_connected_before_the_first_answer(core: Core) -> None:
    assert core.connected is False
    await core.health()
    assert core.connected is True


async def test_while_it_is_known_to_be_down_every_call_is_refused_at_once(tmp_path: Path) -> None:
    # No time passes: none of them may be the trial that follows a pause.
    core = Core(dataclasses.replace(SETTINGS, url=core_server.unused_url()), clock=lambda: 0.0)
    for _ in range(FAILURES_TO_OPEN):
        assert "connection refused" in (await fails(core.project_status())).message
    for call in (core.health, core.project_status, core.play, core.stop):
        failure = await fails(call())
        assert "known to be down" in failure.message
        assert "connection refused" in failure.message
        assert failure.retry_after is not None
        assert 0 < failure.retry_after < 1
    await fails(core.import_midi(tmp_path / "never read"))
    core.close()


async def test_the_watch_sees_it_come_go_and_come_back(server: CoreServer) -> None:
    seen: list[bool] = []
    core = Core(dataclasses.replace(SETTINGS, url=server.url), seen.append)
    async with watching(core):
        await until(lambda: core.connected)
        server.stop()
        await until(lambda: not core.connected)
        assert core.why is not None
        assert "health" in core.why
        server.start()
        await until(lambda: core.connected)
    assert seen == [True, False, True]
    assert core.why is None
    assert (await core.project_status()).num_tracks == 3
    core.close()


async def test_after_the_breaker_opened_the_watch_closes_it(server: CoreServer) -> None:
    now = [0.0]
    core = Core(dataclasses.replace(SETTINGS, url=server.url), clock=lambda: now[0])
    server.stop()
    for _ in range(FAILURES_TO_OPEN):
        await fails(core.play())
    server.start()
    assert "known to be down" in (await fails(core.play())).message
    now[0] += 60
    async with watching(core):
        await until(lambda: core.connected)
    assert (await core.play()).is_playing
    core.close()


async def test_a_failing_call_makes_the_watch_look_at_once(server: CoreServer) -> None:
    core = Core(dataclasses.replace(SETTINGS, url=server.url, check_interval_s=600))
    async with watching(core):
        await until(lambda: core.connected)
        server.stop()
        await asyncio.sleep(0.3)
        assert core.connected is True
        await fails(core.play())
        await until(lambda: not core.connected)
    core.close()


async def test_a_slow_project_does_not_make_a_healthy_dawg_core_disconnected(
    hasty: Core, server: CoreServer
) -> None:
    server.behave(STATUS, core_server.hang())
    async with watching(hasty):
        await until(lambda: hasty.connected)
        await fails(hasty.project_status())
        looks = server.paths().count(f"GET {HEALTH}")
        await until(lambda: server.paths().count(f"GET {HEALTH}") >= looks + 2)
        assert hasty.connected is True


async def test_something_else_at_its_address_is_not_dawg_core(core: Core, server: CoreServer) -> None:
    server.behave(None, core_server.answer("<html>Not Found</html>", 404))
    async with watching(core):
        await until(lambda: core.why is not None)
        assert core.connected is False
        with pytest.raises(Unavailable, match=r"known to be down .*404 Not Found"):
            async with asyncio.timeout(60):
                while True:
                    with suppress(FailedPrecondition):
                        await core.play()
                    await asyncio.sleep(0.05)


async def test_while_it_is_down_it_is_asked_more_and_more_seldom(server: CoreServer) -> None:
    core = Core(dataclasses.replace(SETTINGS, url=server.url, check_interval_s=0.1))
    server.behave(HEALTH, core_server.answer(b"", 503))
    async with watching(core):
        await asyncio.sleep(3.0)
        # 0.25 s apart until it opens, then about 0.1, 0.2, 0.4, 0.8, 1.6 s
        await until(lambda: len(server.requests) >= 4)
    assert len(server.requests) <= 12
    core.close()


async def test_the_watch_is_not_held_up_by_stuck_calls(server: CoreServer) -> None:
    core = Core(dataclasses.replace(SETTINGS, url=server.url, status_timeout_s=600))
    server.behave(STATUS, core_server.hang())
    stuck = [asyncio.create_task(fails(core.project_status())) for _ in range(CALLS)]
    await until(lambda: len(server.requests) == CALLS)
    async with watching(core):
        await until(lambda: core.connected)
    assert not any(call.done() for call in stuck)
    core.close()
    await asyncio.gather(*stuck)


async def test_a_listener_that_fails_is_reported_and_not_fatal(core: Core) -> None:
    def fail(connected: bool) -> None:
        raise RuntimeError("listener")

    core.on_change = fail
    await core.health()
    assert core.connected is True


# --- bounds


async def test_calls_at_one_time_are_bounded_and_all_end(server: CoreServer) -> None:
    # Who waits for a turn gives up after half of it: long enough for the first to be asked.
    core = Core(dataclasses.replace(SETTINGS, url=server.url, status_timeout_s=4.0))
    server.behave(STATUS, core_server.hang())
    at_once = CALLS + WAITING + 10
    before = set(threading.enumerate())
    began = time.monotonic()
    outcomes = await asyncio.gather(*(core.project_status() for _ in range(at_once)), return_exceptions=True)
    assert time.monotonic() - began < 40
    refused = [outcome for outcome in outcomes if isinstance(outcome, ResourceExhausted)]
    assert all(isinstance(outcome, ResourceExhausted | Unavailable) for outcome in outcomes)
    assert len(refused) >= 10
    assert len(server.requests) == CALLS
    own = set(threading.enumerate()) - before
    assert sum(thread.name.startswith("dawg-core") for thread in own) <= CALLS + 1
    core.close()


async def test_many_calls_take_turns_on_few_connections(server: CoreServer) -> None:
    core = Core(dataclasses.replace(SETTINGS, url=server.url))
    statuses = await asyncio.gather(*(core.project_status() for _ in range(CALLS + WAITING)))
    assert {status.num_tracks for status in statuses} == {3}
    assert server.connections <= CALLS + 1
    core.close()


async def test_the_loop_goes_on_while_a_call_waits(server: CoreServer) -> None:
    core = Core(dataclasses.replace(SETTINGS, url=server.url, status_timeout_s=600))
    server.behave(STATUS, core_server.hang())
    call = asyncio.create_task(fails(core.project_status()))
    await until(lambda: bool(server.requests))
    for _ in range(100):
        await asyncio.sleep(0.001)
    assert not call.done(), "the loop had a hundred turns meanwhile"
    core.close()
    await call


async def test_a_cancelled_call_leaves_its_turn_to_the_next(hasty: Core, server: CoreServer) -> None:
    server.behave(STATUS, core_server.hang())
    calls = [asyncio.create_task(hasty.project_status()) for _ in range(CALLS)]
    await asyncio.sleep(0.05)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    other = Core(dataclasses.replace(SETTINGS, url=server.url))
    assert (await other.play()).is_playing
    assert (await hasty.play()).is_playing
    other.close()


async def test_a_cancelled_trial_does_not_keep_the_breaker_open(server: CoreServer) -> None:
    now = [0.0]
    core = Core(dataclasses.replace(SETTINGS, url=server.url), clock=lambda: now[0])
    server.stop()
    for _ in range(FAILURES_TO_OPEN):
        await fails(core.play())
    server.start()
    server.behave(PLAY, core_server.hang())
    now[0] += 60
    trial = asyncio.create_task(core.play())
    await asyncio.sleep(0.05)
    trial.cancel()
    with suppress(asyncio.CancelledError):
        await trial
    assert (await core.stop()).is_playing is False
    core.close()


async def test_closing_ends_calls_under_way_and_refuses_new_ones(server: CoreServer) -> None:
    core = Core(dataclasses.replace(SETTINGS, url=server.url, status_timeout_s=60))
    server.behave(STATUS, core_server.hang())
    call = asyncio.create_task(fails(core.project_status()))
    await until(lambda: bool(server.requests))
    core.close()
    async with asyncio.timeout(30):
        await call
    assert "stopping" in (await fails(core.play())).message


# --- the table


def test_every_operation_can_be_declared_with_a_schema() -> None:
    core = Core()
    declared = {f.__name__: declare(f"core.{f.__name__}", f) for f in core.operations()}
    assert list(declared) == ["health", "project_status", "play", "stop", "import_midi"]
    assert declared["import_midi"].files == {"path"}
    for operation in declared.values():
        assert operation.summary.endswith(".")
        TypeAdapter(dict).validate_python(operation.result_schema)
    core.close()
