import asyncio
import os
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.service_manager import LONGEST_TEXT, ServiceManager
from tests.bus.running import until

Logged = list[MutableMapping[str, Any]]

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs Unix sockets")


class Manager:
    """The other side: a datagram socket, as systemd listens on."""

    def __init__(self, address: str) -> None:
        self.environ = {"NOTIFY_SOCKET": address, "HOME": "/home/x"}
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.socket.settimeout(2)

    def hear(self) -> str:
        return self.socket.recv(4096).decode()

    def heard(self) -> list[str]:
        """Return all that is there now."""
        self.socket.setblocking(False)
        said = []
        with suppress(BlockingIOError):
            while True:
                said.append(self.hear())
        self.socket.settimeout(2)
        return said


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(str(tmp_path / "notify"))
    yield manager
    manager.socket.close()


@asynccontextmanager
async def fed(daemon: ServiceManager, healthy: list[bool]) -> AsyncIterator[None]:
    task = asyncio.create_task(daemon.feed_watchdog(lambda: healthy[0]))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        daemon.close()


def test_it_says_ready_status_and_stopping(manager: Manager) -> None:
    daemon = ServiceManager.from_environment(manager.environ)
    daemon.ready("listening on tcp://127.0.0.1:9001")
    daemon.status("analyze warms up")
    daemon.stopping("draining 2 requests")
    assert manager.heard() == [
        "READY=1\nSTATUS=listening on tcp://127.0.0.1:9001",
        "STATUS=analyze warms up",
        "STOPPING=1\nSTATUS=draining 2 requests",
    ]
    daemon.close()


@pytest.mark.skipif(not Path("/proc/net/unix").exists(), reason="abstract sockets are Linux's")
def test_an_abstract_socket_is_reached_too() -> None:
    manager = Manager(f"@dawg-ai-test-{os.getpid()}")
    daemon = ServiceManager.from_environment(manager.environ)
    daemon.status("here")
    assert manager.hear() == "STATUS=here"
    daemon.close()
    manager.socket.close()


def test_the_environment_is_cleared_so_that_workers_cannot_speak_for_the_daemon(manager: Manager) -> None:
    manager.environ |= {"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": str(os.getpid())}
    daemon = ServiceManager.from_environment(manager.environ)
    assert manager.environ == {"HOME": "/home/x"}
    assert daemon.watchdog_s == 10.0
    daemon.close()


def test_without_a_manager_nothing_happens() -> None:
    daemon = ServiceManager.from_environment({})
    daemon.ready("x")
    daemon.status("x")
    daemon.stopping("x")
    daemon.close()
    assert daemon.watchdog_s is None


async def test_without_a_manager_the_watchdog_only_waits() -> None:
    daemon = ServiceManager.from_environment({"WATCHDOG_USEC": "1000"})
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await daemon.feed_watchdog(lambda: True)


def test_an_address_of_another_kind_is_logged_and_left_alone(logged: Logged) -> None:
    daemon = ServiceManager.from_environment({"NOTIFY_SOCKET": "vsock:2:1234"})
    daemon.ready("x")
    assert daemon.address is None
    assert [entry["address"] for entry in logged] == ["vsock:2:1234"]


@pytest.mark.parametrize(
    ("interval", "watched", "seconds"),
    [
        ("2000000", "", 2.0),
        pytest.param("2000000", str(os.getpid()), 2.0, id="this process"),
        ("2000000", "1", None),
        ("2000000", "x", None),
        ("0", "", None),
        ("-5", "", None),
        ("soon", "", None),
        ("", "", None),
    ],
)
def test_the_watchdog_is_only_the_one_of_this_process(
    manager: Manager, interval: str, watched: str, seconds: float | None
) -> None:
    manager.environ |= {"WATCHDOG_USEC": interval, "WATCHDOG_PID": watched}
    daemon = ServiceManager.from_environment(manager.environ)
    assert daemon.watchdog_s == seconds
    daemon.close()


async def hearing(manager: Manager, words: str) -> None:
    """Wait until the daemon says exactly `words`, and nothing else before."""
    said: list[str] = []

    def anything() -> bool:
        said.extend(manager.heard())
        return bool(said)

    await until(anything)
    assert set(said) == {words}


async def test_the_watchdog_is_fed_at_half_the_interval(manager: Manager) -> None:
    async with fed(ServiceManager(manager.environ["NOTIFY_SOCKET"], watchdog_s=0.2), [True]):
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        fed_times = 0
        while fed_times < 5:
            fed_times += len(manager.heard())
            await asyncio.sleep(0.01)
        # A busy machine is late, never early.
        assert loop.time() - began_s > 0.35


async def test_an_unhealthy_daemon_does_not_feed_the_watchdog(manager: Manager) -> None:
    healthy = [True]
    async with fed(ServiceManager(manager.environ["NOTIFY_SOCKET"], watchdog_s=0.1), healthy):
        await hearing(manager, "WATCHDOG=1")
        healthy[0] = False
        manager.heard()
        await asyncio.sleep(0.2)
        assert manager.heard() == []
        healthy[0] = True
        await hearing(manager, "WATCHDOG=1")


async def test_a_loop_that_stands_still_feeds_nobody(manager: Manager) -> None:
    async with fed(ServiceManager(manager.environ["NOTIFY_SOCKET"], watchdog_s=0.1), [True]):
        await asyncio.sleep(0.06)
        manager.heard()
        time.sleep(0.3)  # noqa: ASYNC251 - this is the fault
        assert manager.heard() == []


async def test_a_health_check_that_fails_is_not_health(manager: Manager, logged: Logged) -> None:
    daemon = ServiceManager(manager.environ["NOTIFY_SOCKET"], watchdog_s=0.04)

    def broken() -> bool:
        raise KeyError("lag")

    task = asyncio.create_task(daemon.feed_watchdog(broken))
    await until(lambda: logged)
    assert not task.done()
    task.cancel()
    assert manager.heard() == []
    assert logged[0]["event"] == "service_manager.health_check_failed"
    daemon.close()


def fill(daemon: ServiceManager) -> None:
    """Send until the manager's queue is full."""
    for _ in range(5000):
        daemon.status("x" * 400)


def test_a_full_socket_never_blocks_and_never_raises(manager: Manager, logged: Logged) -> None:
    daemon = ServiceManager.from_environment(manager.environ)
    fill(daemon)
    assert len(logged) == 1
    daemon.close()


async def test_what_must_arrive_is_sent_again_when_there_is_room(manager: Manager) -> None:
    daemon = ServiceManager(manager.environ["NOTIFY_SOCKET"], watchdog_s=0.1)
    fill(daemon)
    daemon.ready("up")
    manager.heard()
    async with fed(daemon, [False]):
        await hearing(manager, "READY=1\nSTATUS=up")
    assert manager.heard() == []


def test_a_manager_that_is_gone_is_logged_once(manager: Manager, logged: Logged) -> None:
    daemon = ServiceManager.from_environment(manager.environ)
    manager.socket.close()
    Path(daemon.address or "").unlink()
    for _ in range(3):
        daemon.status("anybody?")
    assert [entry["event"] for entry in logged] == ["service_manager.not_heard"]
    daemon.close()


def test_a_manager_that_was_restarted_hears_again(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    first = Manager(address)
    daemon = ServiceManager.from_environment(first.environ)
    first.socket.close()
    Path(address).unlink()
    daemon.ready("up")
    second = Manager(address)
    daemon.status("again")
    assert second.heard() == ["READY=1\nSTATUS=up", "STATUS=again"]
    daemon.close()
    second.socket.close()


@settings(deadline=None)
@given(st.text(max_size=2000))
def test_any_text_is_one_value_of_the_protocol(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        manager = Manager(f"{folder}/notify")
        daemon = ServiceManager.from_environment(manager.environ)
        daemon.ready(text)
        ready, status = manager.hear().split("\n")
        daemon.close()
        manager.socket.close()
    assert ready == "READY=1"
    assert status.startswith("STATUS=")
    assert len(status.encode()) <= LONGEST_TEXT + len("STATUS=")
