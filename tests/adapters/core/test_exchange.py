import http.client
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.core.exchange import LARGEST_ANSWER, Answer, BadAnswer, Exchanger, NoAnswer
from tests import core_server
from tests.core_server import HEALTH, STATUS, CoreServer


@pytest.fixture
def server() -> Iterator[CoreServer]:
    with CoreServer() as server:
        yield server


@pytest.fixture
def exchanger(server: CoreServer) -> Iterator[Exchanger]:
    exchanger = Exchanger(server.url, connections=2)
    yield exchanger
    exchanger.close()


def ask(exchanger: Exchanger, path: str = HEALTH, timeout_s: float = 60.0) -> Answer:
    return exchanger.exchange("GET", path, time.monotonic() + timeout_s)


def took(began: float) -> float:
    return time.monotonic() - began


def test_an_answer_is_whole(server: CoreServer, exchanger: Exchanger) -> None:
    server.behave(HEALTH, core_server.answer(b"12345", 207, "text/plain", {"Retry-After": "3"}))
    answer = ask(exchanger)
    assert answer.line == "207 Multi-Status"
    assert (answer.body, answer.content_type, answer.retry_after) == (b"12345", "text/plain", "3")


def test_connections_are_kept_and_used_again(server: CoreServer, exchanger: Exchanger) -> None:
    for _ in range(5):
        ask(exchanger)
    assert server.connections == 1


def test_a_connection_that_was_closed_meanwhile_is_opened_anew(
    server: CoreServer, exchanger: Exchanger
) -> None:
    ask(exchanger)
    server.stop()
    server.start()
    time.sleep(0.05)
    assert ask(exchanger).status == 200


def test_a_refused_connection_says_so() -> None:
    exchanger = Exchanger(core_server.unused_url(), connections=1)
    with pytest.raises(NoAnswer, match=r"^connection refused$") as caught:
        ask(exchanger)
    assert not caught.value.broken


def test_a_server_that_does_not_answer_is_given_up_at_the_deadline(
    server: CoreServer, exchanger: Exchanger
) -> None:
    server.behave(HEALTH, core_server.hang())
    began = time.monotonic()
    with pytest.raises(NoAnswer, match=r"^no whole answer within (1|0\.\d+) s$"):
        ask(exchanger, timeout_s=1.0)
    assert 0.9 < took(began) < 15


@pytest.mark.parametrize(
    "dripped",
    [
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 90,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 90,
        b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
    ids=["headers", "continue", "body", "unsized body", "chunks"],
)
def test_a_server_that_drips_is_given_up_at_the_deadline(
    server: CoreServer, exchanger: Exchanger, dripped: bytes
) -> None:
    head, _, _ = dripped.partition(b"\r\n\r\n")
    begin = b"" if b"X: y" in head or b"100" in head else dripped
    slow = core_server.drip(dripped if not begin else b"1\r\na\r\n" * 400, every_s=0.02)

    def behave(request: core_server.Request) -> None:
        request.send(begin)
        slow(request)

    server.behave(HEALTH, behave)
    began = time.monotonic()
    with pytest.raises(NoAnswer, match="no whole answer"):
        ask(exchanger, timeout_s=0.4)
    assert 0.35 < took(began) < 15


def test_a_server_that_does_not_read_a_large_request_is_given_up_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        exchanger = Exchanger(f"http://127.0.0.1:{deaf.getsockname()[1]}", connections=1)
        body = b"x" * 50_000_000
        began = time.monotonic()
        with pytest.raises(NoAnswer, match="no whole answer"):
            exchanger.exchange("POST", "/x", began + 2.0, body)
        assert 1.9 < took(began) < 15


def test_a_deadline_that_has_passed_sends_nothing(server: CoreServer, exchanger: Exchanger) -> None:
    with pytest.raises(NoAnswer, match="before it could be asked"):
        ask(exchanger, timeout_s=-0.1)
    assert server.connections == 0


@pytest.mark.parametrize(
    "behaviour",
    [
        core_server.cut(),
        core_server.raw(b""),
        core_server.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n{"),
    ],
    ids=["mid-body", "before the head", "mid-chunk"],
)
def test_a_connection_cut_off_is_no_answer(
    server: CoreServer, exchanger: Exchanger, behaviour: core_server.Behaviour
) -> None:
    server.behave(STATUS, behaviour)
    with pytest.raises(NoAnswer, match="broke") as caught:
        ask(exchanger, STATUS)
    assert caught.value.broken
    assert ask(exchanger).status == 200


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n"])
def test_an_endless_body_is_refused_at_the_bound(
    server: CoreServer, exchanger: Exchanger, head: bytes
) -> None:
    server.behave(HEALTH, core_server.endless(head=head))
    with pytest.raises(BadAnswer, match="larger than 8 MiB"):
        ask(exchanger)


def test_a_body_that_announces_its_size_is_refused_before_it_is_read(
    server: CoreServer, exchanger: Exchanger
) -> None:
    server.behave(HEALTH, core_server.cut(b"", promised=LARGEST_ANSWER + 1))
    with pytest.raises(BadAnswer, match="larger than 8 MiB"):
        ask(exchanger)


def test_a_packed_body_is_not_unpacked(server: CoreServer, exchanger: Exchanger) -> None:
    server.behave(HEALTH, core_server.answer(b"\x1f\x8b", headers={"Content-Encoding": "gzip"}))
    with pytest.raises(BadAnswer, match="packed \\(gzip\\)"):
        ask(exchanger)
    assert server.requests[0].headers["accept-encoding"] == "identity"


def test_a_redirect_is_an_answer_and_not_followed(server: CoreServer, exchanger: Exchanger) -> None:
    with CoreServer() as elsewhere:
        server.behave(HEALTH, core_server.answer(b"", 307, headers={"Location": elsewhere.url + HEALTH}))
        answer = ask(exchanger)
        assert (answer.status, answer.location) == (307, elsewhere.url + HEALTH)
        assert elsewhere.requests == []


def test_proxies_of_the_environment_are_ignored(
    server: CoreServer, exchanger: Exchanger, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, core_server.unused_url())
    assert ask(exchanger).status == 200


def test_cookies_are_not_kept(server: CoreServer, exchanger: Exchanger) -> None:
    server.behave(HEALTH, core_server.answer(b"", headers={"Set-Cookie": "a=b"}))
    ask(exchanger)
    ask(exchanger)
    assert "cookie" not in server.requests[1].headers


def test_closing_wakes_a_thread_that_waits(server: CoreServer, exchanger: Exchanger) -> None:
    server.behave(HEALTH, core_server.hang())
    failures: list[Exception] = []

    def wait() -> None:
        try:
            ask(exchanger, timeout_s=30)
        except NoAnswer as error:
            failures.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    core_server.wait_until(lambda: bool(server.requests))
    exchanger.close()
    thread.join(20)
    assert not thread.is_alive()
    assert len(failures) == 1


garbage = st.binary(max_size=200) | st.builds(
    lambda status, headers, body: status + b"\r\n" + b"\r\n".join(headers) + b"\r\n\r\n" + body,
    st.sampled_from([b"HTTP/1.1 200 OK", b"HTTP/9.9 200", b"HTTP/1.1 abc", b"HTTP/1.1 -1 x", b"ICY 200 OK"]),
    st.lists(
        st.sampled_from(
            [
                b"Content-Length: 5", b"Content-Length: -5", b"Content-Length: 5, 6", b"Content-Length: x",
                b"Content-Length: " + b"9" * 30, b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip",
                b"Content-Encoding: br", b"Location: http://[", b"Location: \xff", b"no colon", b": x",
                b"Set-Cookie: \x00", b"Retry-After: \xb2",
            ]
        )
        | st.binary(max_size=30),
        max_size=5,
    ),
    st.binary(max_size=30),
)  # fmt: skip


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(garbage)
@pytest.mark.filterwarnings("ignore::urllib3.exceptions.HTTPWarning")
def test_whatever_comes_is_an_answer_or_one_of_two_failures(
    server: CoreServer, exchanger: Exchanger, data: bytes
) -> None:
    server.behave(HEALTH, core_server.raw(data))
    try:
        answer = ask(exchanger, timeout_s=2)
    except (NoAnswer, BadAnswer) as failure:
        assert str(failure).isprintable()
        assert len(str(failure)) < 300
    else:
        assert isinstance(answer.status, int)
        assert answer.line.isprintable()


def test_the_longest_header_is_bounded(server: CoreServer, exchanger: Exchanger) -> None:
    server.behave(
        HEALTH,
        core_server.raw(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * (http.client._MAXLINE + 1)),  # type: ignore[attr-defined]
    )
    with pytest.raises(BadAnswer, match="not HTTP"):
        ask(exchanger)
