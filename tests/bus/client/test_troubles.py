"""What a client says of a daemon that is not there, is not it, is silent, or is busy: each another error."""

import asyncio
import http.server
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import zmq
import zmq.asyncio

from bus.client import Client, NotAnswering, NotRunning, WrongEndpoint, WrongKey
from bus.errors import BusError, InvalidArgument, ResourceExhausted
from tests.bus_process import BusProcess, free_endpoint

CONNECT_TIMEOUT_S = 20.0  # what is known at once is said long before it


async def failure(
    endpoint: str,
    *,
    connect_timeout: float = CONNECT_TIMEOUT_S,
    server_key: str | None = None,
    client_key: str | None = None,
) -> tuple[BusError, float]:
    began_s = time.monotonic()
    async with Client(
        endpoint, connect_timeout=connect_timeout, server_key=server_key, client_key=client_key
    ) as client:
        with pytest.raises(BusError) as caught:
            await client.call("bus.ping")
    return caught.value, time.monotonic() - began_s


def saying(words: bytes) -> Callable[[socket.socket], None]:
    def speak(connection: socket.socket) -> None:
        connection.sendall(words)
        time.sleep(3)

    return speak


@contextmanager
def server(speak: Callable[[socket.socket], None]) -> Iterator[str]:
    """Run a TCP server that does `speak` with everyone who comes."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=talk, args=(connection,), daemon=True).start()

        def talk(connection: socket.socket) -> None:
            with connection:
                connection.settimeout(10)
                try:
                    speak(connection)
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield f"tcp://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


async def test_nothing_listening_is_not_running_at_once(tmp_path: Path) -> None:
    for endpoint in (free_endpoint(), f"ipc://{tmp_path}/none.sock"):
        error, took_s = await failure(endpoint)
        assert isinstance(error, NotRunning)
        assert endpoint in error.message
        assert took_s < CONNECT_TIMEOUT_S


async def test_a_word_that_is_no_endpoint_is_an_invalid_argument() -> None:
    for word in ("localhost", "http://127.0.0.1:9000", "tcp://127.0.0.1:*"):
        with pytest.raises(InvalidArgument, match="must be like"):
            async with Client(word):
                pass


async def test_an_http_server_is_the_wrong_endpoint() -> None:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        error, _ = await failure(f"tcp://127.0.0.1:{web.server_address[1]}")
        web.shutdown()
    assert isinstance(error, WrongEndpoint)
    assert "another program" in error.message


@pytest.mark.slow
async def test_programs_of_every_kind_are_the_wrong_endpoint() -> None:
    manners: list[Callable[[socket.socket], None]] = [
        lambda connection: connection.close(),
        saying(b"SSH-2.0-OpenSSH_9.2\r\n"),
        saying(os.urandom(4096)),
        saying(b"\x00" * 100),
    ]
    for manner in manners:
        with server(manner) as endpoint:
            error, _ = await failure(endpoint)
            assert isinstance(error, WrongEndpoint), error


async def test_a_server_that_says_nothing_does_not_answer() -> None:
    with server(lambda connection: time.sleep(30)) as endpoint:
        error, took_s = await failure(endpoint, connect_timeout=1.5)
    assert isinstance(error, NotAnswering)
    assert took_s < CONNECT_TIMEOUT_S


async def test_the_publishers_port_is_the_wrong_endpoint(bus: BusProcess) -> None:
    error, took_s = await failure(bus.publisher)
    assert isinstance(error, WrongEndpoint)
    assert "publisher" in error.message
    assert took_s < CONNECT_TIMEOUT_S


async def test_the_routers_port_is_the_wrong_endpoint_for_events(bus: BusProcess) -> None:
    async with Client(bus.router, bus.router) as client:
        with pytest.raises(WrongEndpoint):
            async for _ in client.events():
                pass


async def test_events_of_no_daemon_say_that_it_is_not_running() -> None:
    async with Client(free_endpoint(), free_endpoint()) as client:
        with pytest.raises(NotRunning):
            async for _ in client.events():
                pass


async def test_another_zeromq_server_is_the_wrong_endpoint() -> None:
    context = zmq.asyncio.Context()
    with context.socket(zmq.ROUTER) as router:
        port = router.bind_to_random_port("tcp://127.0.0.1")

        async def echo() -> None:
            while True:
                frames = await router.recv_multipart()
                await router.send_multipart([frames[0], b"what?"])

        echoing = asyncio.create_task(echo())
        error, took_s = await failure(f"tcp://127.0.0.1:{port}")
        assert isinstance(error, WrongEndpoint)
        assert took_s < CONNECT_TIMEOUT_S
        echoing.cancel()
        await asyncio.gather(echoing, return_exceptions=True)
        error, _ = await failure(f"tcp://127.0.0.1:{port}", connect_timeout=3)
        assert isinstance(error, WrongEndpoint)
        assert "does not answer bus.hello" in error.message
    context.destroy(0)


@pytest.fixture(scope="module")
def curve() -> tuple[str, str, str, str]:
    public, secret = zmq.curve_keypair()
    client_public, client_secret = zmq.curve_keypair()
    return public.decode(), secret.decode(), client_public.decode(), client_secret.decode()


@pytest.fixture(scope="module")
def curve_bus(
    tmp_path_factory: pytest.TempPathFactory, curve: tuple[str, str, str, str]
) -> Iterator[BusProcess]:
    _, secret, client_public, _ = curve
    folder = tmp_path_factory.mktemp("curve")
    with BusProcess(folder, curve={"secret_key": secret, "client_keys": [client_public]}) as process:
        yield process


async def test_the_right_keys_are_admitted_to_both_sockets(
    curve_bus: BusProcess, curve: tuple[str, str, str, str]
) -> None:
    public, _, _, client_secret = curve
    async with Client(curve_bus.router, server_key=public, client_key=client_secret) as client:
        assert (await client.call("dummy.echo", value="secret"))["value"] == "secret"
        async for event in client.events("heartbeat/"):
            assert event.instance == client.instance
            break


@pytest.mark.slow
async def test_a_daemon_without_a_list_of_clients_admits_who_knows_its_key(
    tmp_path: Path, curve: tuple[str, str, str, str]
) -> None:
    public, secret, _, _ = curve
    with BusProcess(tmp_path, curve={"secret_key": secret}) as process:
        async with Client(process.router, server_key=public) as client:
            assert (await client.call("dummy.echo", value="secret"))["value"] == "secret"


async def test_every_wrong_key_is_told_as_one(
    curve_bus: BusProcess, bus: BusProcess, curve: tuple[str, str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The mechanism that the other side names is heard, however busy the machine is.
    monkeypatch.setattr("bus.client.diagnosis._LISTEN_S", 10.0)
    public, _, _, client_secret = curve
    other = zmq.curve_keypair()[0].decode()
    for endpoint, server_key, client_key in (
        (curve_bus.router, None, None),  # none
        (curve_bus.router, public, None),  # not admitted
        (curve_bus.router, other, client_secret),  # another daemon's
        (bus.router, public, None),  # the daemon has none
    ):
        error, took_s = await failure(endpoint, server_key=server_key, client_key=client_key)
        assert isinstance(error, WrongKey), error
        assert took_s < CONNECT_TIMEOUT_S


async def test_what_is_no_key_is_refused_without_showing_it() -> None:
    with pytest.raises(InvalidArgument, match="server_key") as caught:
        async with Client(server_key="hunter2"):
            pass
    assert "hunter2" not in str(caught.value)


@pytest.mark.slow
async def test_a_full_queue_is_busy_and_says_when_to_come_again(tmp_path: Path) -> None:
    with BusProcess(tmp_path, limits={"queue": 2}) as bus:
        async with Client(bus.router) as client:
            hold = {"file": str(tmp_path / "gate")}
            calls = [asyncio.create_task(client.call("dummy.hold", hold)) for _ in range(4)]
            while sum(call.done() for call in calls) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            (tmp_path / "gate").touch()
            ends = await asyncio.gather(*calls, return_exceptions=True)
    busy = [end for end in ends if isinstance(end, ResourceExhausted)]
    assert len(busy) == 2
    assert all(error.retryable and error.retry_after for error in busy)
    assert sum(isinstance(end, dict) for end in ends) == 2


@pytest.mark.slow
async def test_a_stopped_daemon_does_not_answer_and_is_heard_when_it_goes_on(own_bus: BusProcess) -> None:
    async with Client(own_bus.router) as client:
        await client.hello()
        own_bus.signal(signal.SIGSTOP)
        try:
            began_s = time.monotonic()
            with pytest.raises(NotAnswering, match=r"no answer in 0\.5 s"):
                await client.call("dummy.echo", timeout=0.5)
            assert time.monotonic() - began_s < 15
            waiting = asyncio.create_task(client.call("dummy.echo", value="late", timeout=20))
            error, _ = await failure(own_bus.router, connect_timeout=1.5)
            assert isinstance(error, NotAnswering)
        finally:
            own_bus.signal(signal.SIGCONT)
        assert (await waiting)["value"] == "late"
