import asyncio
import json
import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from rich.console import Console

from adapters.command_line.live import drawn
from adapters.command_line.picture import Picture
from adapters.command_line.pulse import Pulse
from adapters.command_line.watch import _line, _next
from bus.client import BlockingClient, Event
from bus.client.subscription import Subscription
from tests.adapters.command_line.conftest import PROGRAM, at, begun
from tests.bus_process import BusProcess, free_endpoint

Run = Callable[..., Any]


def event(topic: str, seq: int, instance: str = "a", **body: Any) -> Event:
    return Event(topic, {"instance": instance, "seq": seq, "time": 0.0, **body})


def test_a_state_is_told_once_and_a_failure_with_its_code() -> None:
    cancelled = event("job/a.b/1/state/", 1, state="cancelled", code="CANCELLED")
    assert _line(cancelled).endswith(" job a.b 1 cancelled")
    failed = event("job/a.b/1/state/", 2, state="failed", code="ABORTED")
    assert _line(failed).endswith(" job a.b 1 failed ABORTED")
    assert _line(event("job/a.b/1/state/", 3, state="queued")).endswith(" job a.b 1 queued")


def test_a_restart_is_noticed() -> None:
    pulse = Pulse(1.0, 0.0)
    assert pulse.take(event("heartbeat/", 7), 1.0) == []
    assert pulse.take(event("heartbeat/", 1, "b"), 2.0) == ["the daemon was restarted (a -> b)"]


def test_missed_heartbeats_are_noticed_once_and_their_end_too() -> None:
    pulse = Pulse(1.0, 0.0)
    pulse.take(event("heartbeat/", 1), 1.0)
    assert pulse.listen(3.9) == []
    assert pulse.listen(4.1) == ["no heartbeat for 3.1 s: the daemon is stopped, stuck or gone"]
    assert pulse.listen(9.0) == []
    assert pulse.take(event("heartbeat/", 2), 10.0) == ["the daemon is heard again, after 9.0 s"]


def test_lost_events_are_counted_and_replays_are_none() -> None:
    pulse = Pulse(1.0, 0.0)
    pulse.take(event("heartbeat/", 40, replay=True), 0.0)
    assert pulse.take(event("status/", 3, replay=True), 0.0) == []
    assert pulse.take(event("heartbeat/", 41), 1.0) == []
    assert pulse.take(event("heartbeat/", 45), 2.0) == ["3 events were lost: this reader is too slow"]


def test_a_replay_for_somebody_else_is_not_shown_again() -> None:
    pulse = Pulse(1.0, 0.0)
    first = event("status/", 3, replay=True)
    assert pulse.is_new(first)
    assert not pulse.is_new(first)
    assert pulse.is_new(event("status/", 4))
    for number in range(5, 100):
        topic = f"job/a.b/{number}/state/"
        pulse.is_new(event(topic.replace("state", "progress"), number))
        pulse.is_new(event(topic, number, state="done"))
    assert len(pulse._seen) == 1


def test_the_picture_has_lanes_and_jobs_and_forgets_what_ended() -> None:
    picture = Picture()
    picture.take(event("heartbeat/", 1, uptime=61, loop_lag=0.001, queued=0, running=1, state="running"), 0.0)
    lane = {
        "serving": "SERVING",
        "waiting": 0,
        "deaths": 0,
        "workers": [{"state": "busy", "resident": 100.0}],
    }
    picture.take(event("status/", 2, lanes={"analyze": lane}, jobs=[], core={"connected": False}), 0.0)
    picture.take(event("job/analyze.audio/a%2Fb/state/", 3, state="running"), 1.0)
    picture.take(event("job/analyze.audio/a%2Fb/progress/", 4, fraction=0.5, stage="beats", eta=3.0), 2.0)
    text = draw(picture, 3.0)
    for word in ("running", "up 1:01", "analyze ", "SERVING", "100 MB", "a/b", "beats", "2.0 s", "3.0 s"):
        assert word in text, (word, text)
    picture.take(event("job/analyze.audio/a%2Fb/state/", 5, state="failed", code="ABORTED"), 4.0)
    assert "failed ABORTED" in draw(picture, 5.0)
    picture.take(event("heartbeat/", 6, uptime=70, loop_lag=0.0, queued=0, running=0, state="running"), 60.0)
    assert "no jobs" in draw(picture, 60.0)
    picture.take(event("status/", 1, "b", lanes={}, jobs=[], core=None), 61.0)
    assert "no heartbeat" in draw(picture, 61.0)


def draw(picture: Picture, now_s: float) -> str:
    console = Console(width=120, force_terminal=False)
    with console.capture() as captured:
        console.print(drawn(picture, ["a notice"], now_s, silent=False))
    return captured.get()


@pytest.mark.parametrize("turns", range(6))
async def test_ctrl_c_in_the_moment_of_an_event_is_not_forgotten(turns: int) -> None:
    events: asyncio.Queue[Event] = asyncio.Queue()

    async def watch() -> None:
        while True:
            await _next(cast(Subscription, events))

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.01)
    events.put_nowait(event("heartbeat/", 1))
    for _ in range(turns):
        await asyncio.sleep(0)
    watching.cancel()
    await asyncio.wait([watching], timeout=30)
    assert watching.cancelled()


def test_no_daemon_to_watch_is_exit_code_three(run: Run) -> None:
    words = ["--set", f"bus.router={free_endpoint()}", "--set", f"bus.publisher={free_endpoint()}"]
    assert run("watch", *words).code == 3


@pytest.mark.slow
def test_events_are_lines_and_a_restart_is_survived_and_told(tmp_path: Path) -> None:
    bus = BusProcess(tmp_path)
    with begun("watch", "--json", "--wait", *at(bus)) as process, bus:
        assert process.stdout is not None
        assert process.stderr is not None
        instance = json.loads(process.stdout.readline())["instance"]
        bus.kill()
        # On a busy machine others come too: that it waits for a daemon, that a heartbeat was late.
        assert any("no heartbeat for" in told for told in process.stderr)
        bus.start()
        assert any(re.search(rf"restarted \({instance} -> \w+\)", told) for told in process.stderr)
        with BlockingClient(bus.router) as client:
            client.call("dummy.echo")
        for line in process.stdout:
            body = json.loads(line)
            if body["topic"].startswith("job/dummy.echo/") and body.get("state") == "done":
                break
        assert body["instance"] != instance
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 0


@pytest.mark.slow
def test_a_prefix_chooses_lines_for_people(bus: BusProcess) -> None:
    with begun("watch", "job/dummy.wait/", *at(bus)) as process, BlockingClient(bus.router) as client:
        assert process.stdout is not None
        ready_s = time.monotonic() + 60
        while not select.select([process.stdout], [], [], 0.1)[0]:
            assert time.monotonic() < ready_s, "nothing was shown"
            client.call("dummy.wait", seconds=0.2)
        # What was seen may be only the end of a job: one more is seen whole.
        client.call("dummy.wait", seconds=0.2)
        lines = [process.stdout.readline() for _ in range(3)]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert all(re.match(r"\d\d:\d\d:\d\d job dummy\.wait \w+ (\w+|\d+% .*)$", line) for line in lines), lines


@pytest.mark.slow
def test_a_terminal_gets_a_live_picture(bus: BusProcess) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, "watch", *at(bus)],
        stdout=theirs,
        stderr=subprocess.PIPE,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"},
    )
    os.close(theirs)
    drawn_text = ""
    missing = {"DAWG-AI", "SERVING", "dummy.wait"}
    with BlockingClient(bus.router) as client:
        deadline_s = time.monotonic() + 60
        while missing and time.monotonic() < deadline_s:
            client.call("dummy.wait", seconds=0.2)
            while select.select([ours], [], [], 0)[0]:
                drawn_text += os.read(ours, 65536).decode(errors="replace")
            missing = {word for word in missing if word not in drawn_text}
    assert not missing, drawn_text[-2000:]
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    os.close(ours)
    assert (process.returncode, err) == (0, b"")
