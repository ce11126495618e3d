"""What an enemy on this machine may try at the level of bytes; afterwards a good client gets its answer."""

import contextlib
import random
import socket
import time
from collections.abc import Iterator

import pytest

from adapters.http import connection
from adapters.http.connection import Connection
from tests.adapters.http.conftest import Served, read_all, serving


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve with little patience."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "head_s", 1.0)
        patch.setattr(Connection, "stalled_s", 1.0)
        patch.setattr(connection, "MOST_CONNECTIONS", 50)
        with serving(tmp_path_factory.mktemp("hasty")) as served:
            yield served


@pytest.fixture(autouse=True)
def _a_good_client_is_answered_afterwards(hasty: Served) -> Iterator[None]:
    yield
    deadline_s = time.monotonic() + 60
    while hasty.inside(lambda: len(hasty.server._server.server_state.connections)) > 0:
        assert time.monotonic() < deadline_s
        time.sleep(0.02)
    assert hasty.post("bus/ping?payload=still-here").json["payload"] == "still-here"


PATIENCE_S = 30.0  # long past every bound above, on the busiest machine
CLOSE = b"Connection: close\r\n\r\n"
GARBAGE = {
    "no HTTP": b"DAWG1\x81\xa2id\x01" + bytes(100),
    "TLS": bytes.fromhex("16030100c8010000c40303"),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a long target": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n" + CLOSE,
    "a long header": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 100_000 + b"\r\n" + CLOSE,
    "many headers": b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 20_000 + CLOSE,
    "a space in a name": b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
    "a folded header": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n\x00b\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a negative length": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    "an unknown coding": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_what_is_no_http_is_answered_once_and_hung_up_on(hasty: Served, name: str) -> None:
    answer = hasty.raw(GARBAGE[name])
    if answer:  # a client that still sends may lose what it was told
        assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 403", b"HTTP/1.1 408", b"HTTP/1.1 431"))
        assert answer.count(b"HTTP/1.1 ") == (2 if name == "HTTP/2" else 1)  # its preface is two requests
        assert b'"code":"' in answer


def test_a_length_beside_chunks_smuggles_nothing(hasty: Served) -> None:
    inner = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
    head = b"POST /api/v1/bus/ping HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n"
    answer = hasty.raw(head + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n" + inner)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"smuggled" not in answer


@pytest.mark.parametrize(
    "chunks",
    [
        b"zz\r\nabc\r\n0\r\n\r\n",
        b"-1\r\n\r\n",
        b"ffffffffffffffffffffff\r\n",
        b"5\r\nabc\r\n0\r\n\r\nx",
        b"3;" + b"x" * 100_000,
    ],
)
def test_chunks_that_lie_end_the_request(hasty: Served, chunks: bytes) -> None:
    head = b"POST /api/v1/dummy/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    answer = hasty.raw(head + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunks)
    assert answer.count(b"HTTP/1.1 ") <= 1
    if answer:
        assert answer.startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "begin", [b"", b"GET", b"GET / HTTP/1.1\r\nHost: local", b"GET / HTTP/1.1\r\nHost: localhost\r\n"]
)
def test_a_head_that_does_not_come_is_not_waited_for(hasty: Served, begin: bytes) -> None:
    began_s = time.monotonic()
    answer = hasty.raw(begin)
    assert time.monotonic() - began_s < PATIENCE_S
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"DEADLINE_EXCEEDED" in answer


def test_a_head_that_comes_a_byte_at_a_time_is_not_waited_for(hasty: Served) -> None:
    began_s = time.monotonic()
    with hasty.connect() as client, contextlib.suppress(ConnectionError):
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        while time.monotonic() - began_s < PATIENCE_S:
            client.sendall(b"X: y\r\n")
            time.sleep(0.05)
    assert time.monotonic() - began_s < PATIENCE_S


def test_the_second_head_on_a_connection_is_not_waited_for_either(hasty: Served) -> None:
    with hasty.connect() as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = b""
        while not answer.endswith(b'{"status":"healthy"}'):  # it comes in two pieces
            answer += client.recv(65536)
        began_s = time.monotonic()
        client.sendall(b"GET /health HT")
        assert read_all(client).startswith(b"HTTP/1.1 408")
        assert time.monotonic() - began_s < PATIENCE_S


def test_connections_are_bounded_in_number(hasty: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "head_s", 60.0)  # none of them may end before the last has come
    with contextlib.ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(hasty.connect())
        answer = hasty.raw(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert not answer or (answer.startswith(b"HTTP/1.1 429") and b"RESOURCE_EXHAUSTED" in answer)


def test_a_client_that_does_not_read_its_answer_is_cut_off(hasty: Served) -> None:
    with hasty.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(b"POST /api/v1/dummy/big?megabytes=20 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        deadline_s = time.monotonic() + 60
        while hasty.inside(lambda: len(hasty.server._server.server_state.connections)) > 0:
            assert time.monotonic() < deadline_s
            time.sleep(0.05)


def test_a_client_that_goes_on_sending_what_was_refused_is_cut_off(hasty: Served) -> None:
    head = b"POST /api/v1/dummy/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999\r\n\r\n"
    began_s = time.monotonic()
    with hasty.connect() as client, contextlib.suppress(ConnectionError):
        client.sendall(head)
        while time.monotonic() - began_s < PATIENCE_S:
            client.sendall(bytes(1000))
            time.sleep(0.01)
    assert time.monotonic() - began_s < PATIENCE_S


def test_pipelined_requests_are_answered_in_order(hasty: Served) -> None:
    requests = [
        f"POST /api/v1/bus/ping?payload={number} HTTP/1.1\r\nHost: localhost\r\n\r\n" for number in range(50)
    ]
    requests.append("GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    answer = hasty.raw("".join(requests).encode())
    payloads = [part.partition(b'"')[0] for part in answer.split(b'"payload":"')[1:]]
    assert payloads == [str(number).encode() for number in range(50)]


def test_random_bytes_from_many_connections_disturb_nobody(hasty: Served) -> None:
    chance = random.Random(20_261_122)  # noqa: S311 - to be the same each time
    pieces = [
        b"GET ",
        b"POST ",
        b" HTTP/1.1\r\n",
        b"Host: localhost\r\n",
        b"\r\n",
        b"Content-Length: 5\r\n",
        b"\x00",
    ]
    for _ in range(500):
        data = b"".join(chance.choice([*pieces, chance.randbytes(20)]) for _ in range(chance.randrange(12)))
        with hasty.connect() as client, contextlib.suppress(ConnectionError):
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            read_all(client)


def test_an_upgrade_is_not_followed(hasty: Served) -> None:
    head = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    with hasty.connect() as client:
        client.sendall(head)
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
