"""The bus's events as server-sent events."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.http import events
from adapters.http.connection import Connection
from tests.adapters.http.conftest import Served, serving


class Watcher:
    """A client of the stream that reads line by line, as a browser does."""

    def __init__(self, served: Served, query: str = "") -> None:
        self.client = served.connect()
        self.client.sendall(f"GET /api/v1/events{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        self.file = self.client.makefile("rb")
        self.head = b""
        while not self.head.endswith(b"\r\n\r\n"):
            self.head += self.file.read(1)

    def lines(self) -> Iterator[str]:
        """Take the chunked coding off."""
        waiting = b""
        while size := int(self.file.readline() or b"0", 16):
            waiting += self.file.read(size)
            self.file.readline()
            while b"\n" in waiting:
                line, _, waiting = waiting.partition(b"\n")
                yield line.decode()

    def events(self) -> Iterator[dict[str, Any]]:
        event: dict[str, Any] = {}
        for line in self.lines():
            if line:
                name, _, value = line.partition(": ")
                event[name] = json.loads(value) if name == "data" else value
            else:
                if "data" in event:
                    yield event
                event = {}

    def close(self) -> None:
        self.file.close()
        self.client.close()


@contextlib.contextmanager
def watching(served: Served, query: str = "") -> Iterator[Watcher]:
    with contextlib.closing(Watcher(served, query)) as watcher:
        yield watcher


def streams_open(served: Served) -> int:
    return served.inside(lambda: len(served.server._streams._open))


def none_open(served: Served) -> bool:
    due_s = time.monotonic() + 60
    while streams_open(served) and time.monotonic() < due_s:
        time.sleep(0.02)
    return streams_open(served) == 0


def test_a_late_watcher_gets_the_last_values_and_then_what_happens(served: Served) -> None:
    served.post("bus/ping")
    with watching(served) as watcher:
        assert b"200 OK" in watcher.head
        assert b"content-type: text/event-stream" in watcher.head
        got = watcher.events()
        replayed, live = [], next(got)
        while live["data"].get("replay"):
            replayed.append(live["data"]["topic"])
            live = next(got)
        assert {"heartbeat/"} <= set(replayed) <= {"heartbeat/", "status/"}
        assert live["event"] == live["data"]["topic"].partition("/")[0] + "/"
        assert int(live["id"]) == live["data"]["seq"]
        assert live["data"]["v"] == 1
        assert next(got)["data"]["seq"] > live["data"]["seq"]
    assert none_open(served)


def test_a_job_is_watched_from_its_beginning_to_its_end(served: Served) -> None:
    with watching(served, "?topic=job/dummy.wait/watched/") as watcher:
        served.post("dummy/wait?seconds=0.5", **{"X-Request-Id": "watched"})
        got = [event["data"] for event in _until_done(watcher)]
    states = [event["state"] for event in got if "state" in event]
    fractions = [event["fraction"] for event in got if "fraction" in event]
    assert states == ["queued", "running", "done"]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert {event["topic"].partition("/watched/")[0] for event in got} == {"job/dummy.wait"}


def _until_done(watcher: Watcher) -> Iterator[dict[str, Any]]:
    for event in watcher.events():
        yield event
        if event["data"].get("state") == "done":
            return


def test_a_silent_topic_is_kept_alive_with_comments(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served.server._streams, "_keep_alive_s", 0.1)
    with watching(served, "?topic=nothing/") as watcher:
        lines = watcher.lines()
        assert next(line for line in lines if line.startswith(":")) == ": still here"
        assert next(line for line in lines if line.startswith(":")) == ": still here"


def test_streams_are_bounded_in_number(served: Served) -> None:
    assert none_open(served)
    with contextlib.ExitStack() as stack:
        for _ in range(events.MOST_STREAMS):
            stack.enter_context(watching(served, "?topic=nothing/"))
        answer = served.ask("GET", "/api/v1/events")
        assert (answer.status, answer.json["code"], answer.headers["retry-after"]) == (
            429,
            "RESOURCE_EXHAUSTED",
            "5",
        )
    assert none_open(served)
    with watching(served) as watcher:
        next(watcher.events())
    assert none_open(served)


def test_only_one_topic_may_be_asked_for(served: Served) -> None:
    assert served.ask("GET", "/api/v1/events?topic=a/&topic=b/").status == 400
    assert served.ask("GET", "/api/v1/events?topics=a/").status == 400
    assert served.ask("HEAD", "/api/v1/events").status == 200


def flood(served: Served, count: int) -> None:
    body = {"state": "running", "filler": "x" * 1000}

    def publish() -> None:
        for _ in range(100):
            served.bus.publisher.publish("flood/", body)

    for _ in range(count // 100):
        served.inside(publish)


def test_a_watcher_that_does_not_read_loses_events_and_costs_bounded_memory(served: Served) -> None:
    assert none_open(served)
    with watching(served, "?topic=flood/") as watcher:
        flood(served, 20_000)  # 20 MB
        (stream,) = served.inside(lambda: list(served.server._streams._open))
        assert stream._waiting_bytes <= events.WAITING_BYTES
        assert len(stream._waiting) <= events.WAITING_EVENTS
        assert served.post("bus/ping").status == 200
        flood(served, 100)
        last = served.inside(lambda: served.bus.publisher._last["flood/"].topic_seq)
        seqs = []
        for event in watcher.events():
            seqs.append(event["data"]["topic_seq"])
            if seqs[-1] == last:
                break
        assert seqs == sorted(set(seqs))
        assert len(seqs) < 20_100
    assert none_open(served)


def test_a_watcher_that_never_reads_is_cut_off(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Connection, "stalled_s", 0.3)
    with serving(tmp_path_factory.mktemp("stalled")) as served, watching(served, "?topic=flood/"):
        flood(served, 20_000)
        assert none_open(served)


@pytest.mark.slow
def test_streams_end_when_the_daemon_stops(tmp_path_factory: pytest.TempPathFactory) -> None:
    with contextlib.ExitStack() as stack:
        with serving(tmp_path_factory.mktemp("ending")) as served:
            watcher = stack.enter_context(watching(served))
            stalled = stack.enter_context(watching(served, "?topic=flood/"))
            flood(served, 20_000)
            next(watcher.events())
            began_s = time.monotonic()
        assert time.monotonic() - began_s < 25
        for _ in watcher.events():
            pass
        with contextlib.suppress(ConnectionError):
            while stalled.client.recv(1 << 20):
                pass
        with pytest.raises(ConnectionError):
            socket.create_connection(("127.0.0.1", served.port), 1)
