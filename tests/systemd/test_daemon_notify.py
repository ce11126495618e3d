"""The real daemon under a service manager of the tests' own: what it says, when, and who says it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.core_server import CoreServer, wait_until

ROOT = Path(__file__).resolve().parents[2]
WATCHDOG_S = 4.0  # fed every 2 s

pytestmark = [
    pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs Unix sockets"),
    pytest.mark.timeout(300),
]


class Manager:
    """A datagram socket, as systemd listens on, and what came."""

    def __init__(self, path: Path) -> None:
        self.address = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.address)

    def hear(self, key: str, timeout_s: float) -> dict[str, str]:
        """Return the next message that has `key`."""
        end = time.monotonic() + timeout_s
        heard = []
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            with suppress(TimeoutError):
                lines = self.socket.recv(4096).decode().splitlines()
                heard.append(dict(line.split("=", 1) for line in lines))
                if key in heard[-1]:
                    return heard[-1]
        raise AssertionError(f"no {key} within {timeout_s} s; heard {heard}")

    def forget(self) -> None:
        """Throw away what is there."""
        self.socket.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                self.socket.recv(4096)


class Daemon:
    """The daemon as the unit starts it, on ports of its own."""

    def __init__(self, folder: Path, core_url: str) -> None:
        self.status_file = folder / "status" / "DAWG-AI_status.json"
        config = folder / "config.toml"
        config.write_text(
            f"""
            [bus]
            router = "tcp://127.0.0.1:*"
            publisher = "tcp://127.0.0.1:*"
            [http]
            port = 0
            [core]
            url = "{core_url}"
            check_interval_s = 0.5
            [paths]
            audio_roots = ["{folder}"]
            status_file = "{self.status_file}"
            state = "{folder / "state"}"
            cache = "{folder / "cache"}"
            """
        )
        self.manager = Manager(folder / "notify")
        self.log = folder / "log"
        environment = os.environ | {
            "NOTIFY_SOCKET": self.manager.address,
            "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6)),
        }
        environment.pop("WATCHDOG_PID", None)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, ROOT / "daemon.py", "--config", config],
                env=environment, cwd=folder, stdout=log, stderr=log,
            )  # fmt: skip

    def status(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.status_file.read_bytes())
        return value


@pytest.fixture(scope="module")
def core() -> Iterator[CoreServer]:
    with CoreServer() as core:
        yield core


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory, core: CoreServer) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path_factory.mktemp("daemon"), core.url)
    yield daemon
    with suppress(ProcessLookupError):
        daemon.process.kill()
    daemon.process.wait()
    daemon.manager.socket.close()


@pytest.fixture
def daemon(started: Daemon) -> Daemon:
    """Fail with the log's end, rather than with what a dead daemon does not do."""
    assert started.process.poll() is None, started.log.read_text()[-4000:]
    return started


def test_it_says_ready_with_where_it_listens(daemon: Daemon) -> None:
    said = daemon.manager.hear("READY", 60)
    assert said["READY"] == "1"
    assert re.search(r"tcp://127\.0\.0\.1:\d+", said["STATUS"])


def test_the_status_file_is_there_and_sees_dawg_core(daemon: Daemon) -> None:
    wait_until(daemon.status_file.exists, 60)
    wait_until(lambda: daemon.status()["dawg_core_connected"] is True, 60)
    status = daemon.status()
    assert status["instance"] == "DAWG-AI"
    assert "POST /api/v1/analyze/audio" in status["api_endpoints_ready"]
    assert not any("DAWG-CORE" in step for step in status["next_steps"])


def test_the_status_file_sees_dawg_core_go(daemon: Daemon, core: CoreServer) -> None:
    core.stop()
    wait_until(lambda: daemon.status()["dawg_core_connected"] is False, 60)
    wait_until(lambda: any(core.url in step for step in daemon.status()["next_steps"]), 60)
    core.start()
    wait_until(lambda: daemon.status()["dawg_core_connected"] is True, 60)


def test_the_watchdog_is_fed_in_time(daemon: Daemon) -> None:
    daemon.manager.forget()
    times: list[float] = []
    # Engines are still loading: a machine that is kept from the loop by them starves the dog, as it should.
    while len(times) < 3 or times[-1] - times[-3] >= 1.5 * WATCHDOG_S:
        assert len(times) < 12, times
        daemon.manager.hear("WATCHDOG", 60)
        times.append(time.monotonic())


def test_its_workers_cannot_speak_to_the_manager(daemon: Daemon) -> None:
    wait_until(lambda: bool(psutil.Process(daemon.process.pid).children(recursive=True)), 60)
    for worker in psutil.Process(daemon.process.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            assert not {"NOTIFY_SOCKET", "WATCHDOG_USEC"} & worker.environ().keys()


def test_a_daemon_that_stands_still_does_not_feed_the_watchdog(daemon: Daemon) -> None:
    daemon.process.send_signal(signal.SIGSTOP)
    try:
        wait_until(lambda: psutil.Process(daemon.process.pid).status() == psutil.STATUS_STOPPED, 60)
        daemon.manager.forget()
        with pytest.raises(AssertionError, match="no WATCHDOG"):
            daemon.manager.hear("WATCHDOG", 1.5 * WATCHDOG_S)
    finally:
        daemon.process.send_signal(signal.SIGCONT)
    daemon.manager.hear("WATCHDOG", 60)


def test_on_sigterm_it_says_stopping_and_exits_with_0(daemon: Daemon) -> None:
    workers = psutil.Process(daemon.process.pid).children(recursive=True)
    daemon.process.terminate()
    assert daemon.manager.hear("STOPPING", 60)["STOPPING"] == "1"
    assert daemon.process.wait(60) == 0, daemon.log.read_text()[-4000:]
    assert daemon.status()["phase"] == "stopped"
    assert daemon.status()["api_endpoints_ready"] == []
    gone, alive = psutil.wait_procs(workers, 60)
    assert not alive
    assert len(gone) == len(workers)
