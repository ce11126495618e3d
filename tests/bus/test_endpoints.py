import asyncio
import contextlib
import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zmq

from bus.endpoints import EndpointError, check_endpoint, check_key, endpoint_lock, is_loopback
from bus.settings import BusSettings, Curve
from tests.bus.running import FREE_PORTS, Dealer, RunningBus, Subscriber, running_bus

ROOT = Path(__file__).resolve().parents[2]
NO_KEYS = Curve()
NONSENSE = "nonsense"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - it is refused without keys


def keys() -> tuple[str, str]:
    public, secret = zmq.curve_keypair()
    return public.decode(), secret.decode()


# ------------------------------------------------------------------ what may be bound


@pytest.mark.parametrize(
    "endpoint",
    [
        "tcp://127.0.0.1:9001",
        "tcp://127.0.0.1:*",
        "tcp://127.8.9.10:9001",
        "tcp://localhost:9001",
        "tcp://[::1]:9001",
        "ipc:///run/dawg.sock",
        "ipc:///" + "x" * 102,
    ],
)
def test_what_only_this_machine_reaches_needs_no_keys(endpoint: str) -> None:
    check_endpoint("bus.router", endpoint, NO_KEYS)


@pytest.mark.parametrize(
    "endpoint",
    [
        "tcp://*:9001",
        "tcp://0.0.0.0:9001",
        "tcp://192.168.1.2:9001",
        "tcp://[::]:9001",
        "tcp://[::ffff:0.0.0.0]:9001",
        "tcp://[fe80::1]:9001",
        "tcp://eth0:9001",
        "tcp://lo:9001",
        "tcp://localhost.example:9001",
        "tcp://2130706433:9001",
        "tcp://127.1:9001",
    ],
)
@pytest.mark.parametrize("name", ["bus.router", "bus.publisher"])
def test_what_others_may_reach_needs_keys(name: str, endpoint: str) -> None:
    with pytest.raises(EndpointError, match="can be reached from other machines") as refused:
        check_endpoint(name, endpoint, NO_KEYS)
    assert str(refused.value).startswith(f"{name}: {endpoint}; ")
    check_endpoint(name, endpoint, Curve(secret_key=keys()[1]))


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "127.0.0.1:9001",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:",
        "tcp://127.0.0.1:port",
        "tcp://:9001",
        "tcp://127.0.0.1:9001/",
        "tcp://127.0.0.1:9001;0.0.0.0:9001",
        "udp://127.0.0.1:9001",
        "inproc://bus",
        "pgm://eth0;239.192.1.1:5555",
        "http://127.0.0.1:9001",
        "ipc://relative.sock",
        "ipc://",
        "ipc://@abstract",
        "ipc:///" + "x" * 103,
        "tcp://127.0.0.1:9001\n",
        "tcp://127.0.0.1:65536",
        "tcp://127.0.0.1:99999",
    ],
)
def test_what_is_no_endpoint_is_refused_by_name(endpoint: str) -> None:
    with pytest.raises(EndpointError, match=r"\Abus\.router: "):
        check_endpoint("bus.router", endpoint, Curve(secret_key=keys()[1]))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.255.255.254", "[::1]", "localhost"])
def test_loopback_is_known(host: str) -> None:
    assert is_loopback(host)


def test_a_key_is_checked_and_never_shown() -> None:
    check_key("bus.curve.secret_key", keys()[1])
    for wrong in ("", "short", "x" * 39, "~" * 40, "\n" * 40, "é" * 40):
        with pytest.raises(EndpointError, match=r"\Abus\.curve\.secret_key: must be a CURVE key") as refused:
            check_key("bus.curve.secret_key", wrong)
        assert not wrong or wrong not in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"router": "tcp://0.0.0.0:*"}, r"bus\.router: .*other machines"),
        ({"publisher": "tcp://0.0.0.0:*"}, r"bus\.publisher: .*other machines"),
        ({"curve": Curve(NONSENSE)}, r"bus\.curve\.secret_key: must be"),
        ({"curve": Curve(secret_key=keys()[1], client_keys=["x"])}, r"bus\.curve\.client_keys\[0\]: must be"),
        ({"curve": Curve(client_keys=[keys()[0]])}, r"bus\.curve\.client_keys: set, but"),
        ({"router": "ipc:///proc/nowhere/bus.sock"}, r"ipc:///proc/nowhere/bus\.sock; /proc/nowhere"),
    ],
)
async def test_a_bus_does_not_start_on_what_is_not_allowed(
    tmp_path: Path, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(EndpointError, match=words):
        async with running_bus(tmp_path, replace(FREE_PORTS, **settings), operations=[]):
            pass


# ------------------------------------------------------------------ what is taken


async def test_a_port_that_is_taken_names_its_holder(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = rf"bus\.publisher: tcp://127\.0\.0\.1:{port}; is taken by process {os.getpid()} "
        with pytest.raises(EndpointError, match=words):
            async with running_bus(
                tmp_path, replace(FREE_PORTS, publisher=f"tcp://127.0.0.1:{port}"), operations=[]
            ):
                pass


@pytest.fixture
def short() -> Iterator[Path]:
    """Make a folder whose name leaves room for a socket's."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


def ipc_settings(folder: Path) -> BusSettings:
    return replace(FREE_PORTS, router=f"ipc://{folder}/run/bus", publisher=f"ipc://{folder}/run/events")


async def test_ipc_works_and_only_its_owner_may_connect(tmp_path: Path, short: Path) -> None:
    async with running_bus(tmp_path, ipc_settings(short), operations=[]) as bus:
        for name in ("bus", "events", "bus.lock", "events.lock"):
            assert stat.S_IMODE((short / "run" / name).stat().st_mode) == 0o600
        async with Dealer(bus.router) as client, Subscriber(bus.publisher, "heartbeat/") as watcher:
            assert (await client.ask("bus.ping"))["type"] == "reply"
            assert (await watcher.receive())[0] == "heartbeat/"
    assert sorted(path.name for path in (short / "run").iterdir()) == ["bus.lock", "events.lock"]


async def test_a_live_ipc_endpoint_is_not_stolen(tmp_path: Path, short: Path) -> None:
    async with running_bus(tmp_path, ipc_settings(short), operations=[]) as bus:
        with pytest.raises(EndpointError, match=rf"is taken by process {os.getpid()}, another DAWG-AI"):
            async with running_bus(tmp_path, ipc_settings(short), operations=[]):
                pass
        async with Dealer(bus.router) as client:
            assert (await client.ask("bus.ping"))["type"] == "reply", "the first goes on"


def test_another_process_that_holds_an_ipc_endpoint_is_named(short: Path) -> None:
    endpoint = f"ipc://{short}/bus"
    code = (
        "import sys; from bus.endpoints import endpoint_lock\n"
        f"with endpoint_lock('{endpoint}'): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with (
            pytest.raises(EndpointError, match=f"is taken by process {holder.pid}, another DAWG-AI"),
            endpoint_lock(endpoint),
        ):
            pass
        holder.kill()
    with endpoint_lock(endpoint):
        pass


async def test_what_a_killed_daemon_left_is_taken_over(tmp_path: Path, short: Path) -> None:
    (short / "run").mkdir()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(short / "run" / "bus"))
    (short / "run" / "bus.lock").write_text("not json")
    async with running_bus(tmp_path, ipc_settings(short), operations=[]) as bus, Dealer(bus.router) as client:
        assert (await client.ask("bus.ping"))["type"] == "reply"


@pytest.mark.parametrize("name", ["song.wav", "folder", "link"])
def test_what_is_no_socket_is_left_where_it_is(short: Path, name: str) -> None:
    (short / "song.wav").write_text("music")
    (short / "folder").mkdir()
    (short / "link").symlink_to("song.wav")
    with (
        pytest.raises(EndpointError, match=f"ipc://{short}/{name}; is there and no socket"),
        endpoint_lock(f"ipc://{short}/{name}"),
    ):
        pass
    assert (short / "song.wav").read_text() == "music"
    assert sorted(path.name for path in short.iterdir()) == ["folder", "link", "song.wav"]


def test_a_lock_file_that_is_a_link_is_not_followed(short: Path) -> None:
    (short / "song.wav").write_text("music")
    (short / "bus.lock").symlink_to("song.wav")
    with pytest.raises(EndpointError, match=r"bus\.lock"), endpoint_lock(f"ipc://{short}/bus"):
        pass
    assert (short / "song.wav").read_text() == "music"


async def test_one_endpoint_cannot_be_both_sockets(tmp_path: Path, short: Path) -> None:
    both = f"ipc://{short}/bus"
    with pytest.raises(EndpointError, match="is taken by"):
        async with running_bus(tmp_path, replace(FREE_PORTS, router=both, publisher=both), operations=[]):
            pass


def _has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


@pytest.mark.skipif(not _has_ipv6(), reason="no IPv6 on this machine")
async def test_ipv6_works(tmp_path: Path) -> None:
    settings = replace(FREE_PORTS, router="tcp://[::1]:*", publisher="tcp://[::1]:*")
    async with (
        running_bus(tmp_path, settings, operations=[]) as bus,
        Dealer(bus.router, options={zmq.IPV6: 1}) as client,
    ):
        assert (await client.ask("bus.ping"))["type"] == "reply"


# ------------------------------------------------------------------ CURVE


class Encrypted:
    """A bus with keys, and what a client sets to speak to it."""

    def __init__(self, bus: RunningBus, server_key: str, client: tuple[str, str]) -> None:
        self.bus = bus
        self.server_key = server_key
        self.client = client

    def options(
        self, client: tuple[str, str] | None = None, server_key: str | None = None
    ) -> dict[int, bytes]:
        public, secret = client or self.client
        return {
            zmq.CURVE_SERVERKEY: (server_key or self.server_key).encode(),
            zmq.CURVE_PUBLICKEY: public.encode(),
            zmq.CURVE_SECRETKEY: secret.encode(),
        }


@pytest.fixture(params=["any client", "listed clients"])
async def encrypted(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Encrypted]:
    server, client = keys(), keys()
    listed = [client[0]] if request.param == "listed clients" else []
    settings = replace(
        FREE_PORTS,
        router="tcp://0.0.0.0:*",
        publisher="tcp://0.0.0.0:*",
        heartbeat_s=0.05,
        curve=Curve(secret_key=server[1], client_keys=listed),
    )
    async with running_bus(tmp_path, settings, operations=[]) as bus:
        yield Encrypted(bus, server[0], client)


# What is not to come is waited for so long, what is to come as long as a busy machine takes.
SILENCE_MS, PATIENCE_MS = 400, 60_000


async def _answered(bus: RunningBus, options: dict[int, bytes], wait_ms: int = SILENCE_MS) -> bool:
    async with Dealer(bus.router.replace(EVERYWHERE, "127.0.0.1"), options=options) as client:
        await client.send("bus.ping")
        return bool(await client.socket.poll(wait_ms)) and (await client.receive())["type"] == "reply"


async def _told(bus: RunningBus, options: dict[int, bytes], wait_ms: int = SILENCE_MS) -> bool:
    async with Subscriber(bus.publisher.replace(EVERYWHERE, "127.0.0.1"), "", options=options) as watcher:
        return bool(await watcher.socket.poll(wait_ms))


async def test_with_keys_both_sockets_are_encrypted(encrypted: Encrypted) -> None:
    good = encrypted.options()
    assert await _answered(encrypted.bus, good, PATIENCE_MS)
    assert await _told(encrypted.bus, good, PATIENCE_MS)


async def test_without_keys_neither_socket_says_anything(encrypted: Encrypted) -> None:
    assert not any(await asyncio.gather(_answered(encrypted.bus, {}), _told(encrypted.bus, {})))


async def test_with_another_server_s_key_neither_socket_says_anything(encrypted: Encrypted) -> None:
    wrong = encrypted.options(server_key=keys()[0])
    assert not any(await asyncio.gather(_answered(encrypted.bus, wrong), _told(encrypted.bus, wrong)))


async def test_a_client_that_is_not_listed_is_told_nothing(encrypted: Encrypted) -> None:
    stranger = encrypted.options(client=keys())
    listed = bool(encrypted.bus.bus.settings.curve.client_keys)
    wait_ms = SILENCE_MS if listed else PATIENCE_MS
    answered, told = await asyncio.gather(
        _answered(encrypted.bus, stranger, wait_ms), _told(encrypted.bus, stranger, wait_ms)
    )
    assert {answered, told} == {not listed}
    assert await _answered(encrypted.bus, encrypted.options(), PATIENCE_MS), "and a good client goes on"
