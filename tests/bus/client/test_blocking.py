import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import bus.client
from bus.client import BlockingClient, NotRunning
from bus.errors import Unimplemented
from tests.bus_process import BusProcess, free_endpoint


def test_a_script_calls_without_an_event_loop(bus: BusProcess) -> None:
    with BlockingClient(bus.router) as client:
        assert client.hello()["versions"] == ["DAWG1"]
        assert client.call("dummy.echo", value="x")["value"] == "x"
        with pytest.raises(Unimplemented):
            client.call("dummy.none")
        assert client.cancel("unknown") == "not_found"
        assert client.instance


def test_progress_runs_in_the_callers_thread(bus: BusProcess) -> None:
    threads: set[int] = set()
    with BlockingClient(bus.router) as client:
        client.call("dummy.wait", seconds=0.3, progress=lambda *_: threads.add(threading.get_ident()))
    assert threads == {threading.get_ident()}


def test_what_progress_raises_reaches_the_caller_and_cancels(bus: BusProcess) -> None:
    def enough(fraction: float, stage: str) -> None:
        raise KeyboardInterrupt

    with BlockingClient(bus.router) as client:
        with pytest.raises(KeyboardInterrupt):
            client.call("dummy.wait", seconds=600, steps=12_000, timeout=600, progress=enough)
        assert client.call("dummy.echo", value="free again", timeout=60)["value"] == "free again"


def test_many_threads_share_a_client(bus: BusProcess) -> None:
    with BlockingClient(bus.router) as client, ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda n: client.call("bus.ping", payload=str(n))["payload"], range(200)))
    assert answers == [str(n) for n in range(200)]


def test_events_are_a_plain_iterator(bus: BusProcess) -> None:
    with BlockingClient(bus.router, bus.publisher) as client:
        events = client.events("heartbeat/")
        assert [next(events).topic for _ in range(2)] == ["heartbeat/"] * 2
        del events


def test_no_daemon_is_an_error_and_leaves_no_thread() -> None:
    threads = set(threading.enumerate())
    with BlockingClient(free_endpoint()) as client, pytest.raises(NotRunning):
        client.hello()
    assert set(threading.enumerate()) <= threads


def test_the_example_in_the_manual_runs(
    bus: BusProcess, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The example as it stands, with the dummy engine in the place of the analysis."""
    found = re.search(r"```python\n(.*?)```", bus_client_manual(), re.DOTALL)
    assert found is not None
    example = found.group(1)
    recording = bus.folder / "recording.wav"
    recording.write_bytes(b"12345")
    monkeypatch.setattr(BlockingClient.__init__, "__defaults__", (bus.router, None))
    example = example.replace("analyze.beats", "dummy.size").replace('found["beats"][0]', '"-"')
    example = example.replace('len(found["beats"])', 'found["size"]')
    exec(compile(example, "example", "exec"), {"RECORDING": Path(recording)})  # noqa: S102 - our own
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("version ")
    assert said[-1] == "5 beats, the first at - s"


def bus_client_manual() -> str:
    assert bus.client.__doc__ is not None
    return bus.client.__doc__
