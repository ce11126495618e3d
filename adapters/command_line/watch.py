"""Follow what the daemon does: jobs, workers, heartbeats. Ctrl-C ends it.

On a terminal the picture is drawn live; elsewhere each event is a line, with --json a line of JSON. Restarts
of the daemon, missed heartbeats and lost events are told on stderr. PREFIX chooses events by topic:
heartbeat/, status/, job/ (all jobs), job/analyze.audio/ (those of one operation).

Examples:
  dawg-ai watch
  dawg-ai watch job/ | grep failed
  dawg-ai watch job/analyze.audio/ --json | jq -c '{id: .topic, fraction}'
  dawg-ai watch --wait                        begin before the daemon does
"""

import argparse
import asyncio
import json
import sys
import time
from collections import deque
from collections.abc import Callable

from adapters.command_line import terminal
from adapters.command_line.connection import client
from adapters.command_line.house import House
from adapters.command_line.picture import Picture, job_of
from adapters.command_line.pulse import Pulse
from adapters.settings import Config
from bus.client import Event, NotAnswering, NotRunning, Subscription

_LOOK_S = 0.25
_WAIT_S = 1.0
_NOTICES_SHOWN = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take what to watch, and how to print it."""
    parser.add_argument("prefix", metavar="PREFIX", nargs="?", default="", help="only topics that begin so")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each event")
    parser.add_argument("--wait", action="store_true", help="wait for a daemon that is not running yet")


def run(arguments: argparse.Namespace, house: House) -> int:
    """Watch until interrupted."""
    config = house.config()
    try:
        if sys.platform == "win32":
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(_watch(arguments, config))
        else:
            asyncio.run(_watch(arguments, config))
    except KeyboardInterrupt:
        return 0  # the only way to end it
    return 0


async def _watch(arguments: argparse.Namespace, config: Config) -> None:
    waiting = False
    while True:
        try:
            # Everything, whatever is shown: heartbeats tell of life, and only a gap in all numbers of loss.
            async with client(config) as connected, await connected.subscribe("") as events:
                await _follow(events, arguments, config)
        except (NotRunning, NotAnswering):
            if not arguments.wait:
                raise
            if not waiting:
                terminal.say(f"waiting for a daemon at {config.bus.publisher}")
            waiting = True
            await asyncio.sleep(_WAIT_S)


async def _follow(events: Subscription, arguments: argparse.Namespace, config: Config) -> None:
    first = await events.get()
    pulse = Pulse(config.bus.heartbeat_s, time.monotonic())
    if not arguments.json and sys.stdout.isatty():
        await _draw(events, first, pulse, arguments.prefix)
        return
    show = _json_line if arguments.json else _line
    event: Event | None = first
    while True:
        now_s = time.monotonic()
        for notice in pulse.listen(now_s) if event is None else pulse.take(event, now_s):
            terminal.say(f"dawg-ai: {notice}")
        if event is not None and event.topic.startswith(arguments.prefix) and pulse.is_new(event):
            terminal.answer(show(event))
            sys.stdout.flush()
        event = await _next(events)


async def _next(events: Subscription) -> Event | None:
    """Wait a little for an event; None where there is none, so that silence is noticed."""
    try:
        # Not wait_for, which before Python 3.12 forgets a Ctrl-C that comes together with an event.
        async with asyncio.timeout(_LOOK_S):
            return await events.get()
    except TimeoutError:
        return None


async def _draw(events: Subscription, first: Event, pulse: Pulse, prefix: str) -> None:
    from rich.live import Live  # noqa: PLC0415 - not for output that nobody watches

    from adapters.command_line.live import drawn  # noqa: PLC0415

    picture = Picture()
    notices: deque[str] = deque(maxlen=_NOTICES_SHOWN)
    event: Event | None = first
    with Live(auto_refresh=False) as live:
        drawn_s = 0.0
        while True:
            now_s = time.monotonic()
            told = pulse.listen(now_s) if event is None else pulse.take(event, now_s)
            notices.extend(f"{time.strftime('%H:%M:%S')} {notice}" for notice in told)
            if event is not None and (not event.topic.startswith("job/") or event.topic.startswith(prefix)):
                picture.take(event, now_s)
            if event is None or now_s - drawn_s >= _LOOK_S:
                live.update(drawn(picture, notices, now_s, silent=pulse.silent), refresh=True)
                drawn_s = now_s
            event = await _next(events)


def _json_line(event: Event) -> str:
    return json.dumps({"topic": event.topic, **event.body}, ensure_ascii=False, separators=(",", ":"))


def _line(event: Event) -> str:
    body = event.body
    clock = time.strftime("%H:%M:%S", time.localtime(body.get("time", 0)))
    job = job_of(event.topic)
    if job is not None:
        op, job_id, kind = job
        said = (
            _progress(event) if kind == "progress" else _state(str(body["state"]), str(body.get("code", "")))
        )
        return f"{clock} job {op} {job_id} {said}".rstrip()
    words: Callable[[Event], str] = {"heartbeat/": _heartbeat, "status/": _status}.get(event.topic, _topic)
    return f"{clock} {words(event)}"


def _state(state: str, code: str) -> str:
    return state if code.lower() == state else f"{state} {code}".rstrip()


def _progress(event: Event) -> str:
    return f"{100 * float(event.body.get('fraction', 0)):.0f}% {event.body.get('stage', '')}"


def _heartbeat(event: Event) -> str:
    body = event.body
    return f"heartbeat {body.get('state')} queued {body.get('queued')} running {body.get('running')}"


def _status(event: Event) -> str:
    body = event.body
    lanes = ", ".join(f"{name} {lane['serving']}" for name, lane in body.get("lanes", {}).items())
    return f"status {body.get('state')} queued {body.get('queued')} running {body.get('running')} ({lanes})"


def _topic(event: Event) -> str:
    return event.topic
