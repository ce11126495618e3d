"""Operations over HTTP: phase 1's requests and replies, and what is said of those that cannot be served."""

import contextlib
import http.client
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.adapters.http.conftest import Served, serving


def test_the_root_and_health_answer_as_in_phase_1(served: Served) -> None:
    root = served.ask("GET", "/").json
    assert (root["service"], root["status"]) == ("DAWG AI Engine", "running")
    assert root["version"]
    assert served.ask("GET", "/health").json == {"status": "healthy"}


def test_parameters_in_the_query_are_read_as_their_types(served: Served) -> None:
    answer = served.post("dummy/echo?value=hi&number=120")
    assert answer.status == 200
    assert answer.json["value"] == "hi"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-cached"] == "false"
    assert answer.headers["x-request-id"].startswith("http-")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"value": "hi", "number": 120}', "application/json"),
        (b"value=hi&number=120", "application/x-www-form-urlencoded"),
    ],
)
def test_parameters_come_as_json_or_as_a_form_too(served: Served, body: bytes, content_type: str) -> None:
    assert served.post("dummy/echo", body, **{"Content-Type": content_type}).json["value"] == "hi"


def test_parameters_come_as_fields_of_a_multipart_form_too(served: Served) -> None:
    answer = served.upload("dummy/echo", ("value", None, "schön".encode()), ("number", None, b"30"))
    assert answer.json["value"] == "schön"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("dummy/echo?value=a&value=b", None),
        ("dummy/echo?value=a", {"value": "b"}),
        ("dummy/echo", b'{"value": "a", "value": "b"}'),
        ("dummy/size?path=/a", {"file": "/a"}),
    ],
)
def test_a_parameter_given_twice_is_refused(served: Served, path: str, body: object) -> None:
    answer = served.post(path, body, **{"Content-Type": "application/json"})
    assert (answer.status, answer.json["code"]) == (400, "INVALID_ARGUMENT")
    assert "twice" in answer.json["detail"]


@pytest.mark.parametrize(
    "text", ["0", "401", "abc", "nan", "inf", "1e999", "", "9" * 5000, "١٢٠", "0x78", "1_0"]
)
def test_a_number_that_is_none_or_out_of_range_is_named(served: Served, text: str) -> None:
    answer = served.post("dummy/echo?number=" + quote(text))
    assert answer.status == 400
    assert answer.json["detail"].startswith("number: ")
    assert "must be between 20 and 400 BPM" in answer.json["detail"]
    assert answer.json["retryable"] is False


@pytest.mark.parametrize(
    "body",
    [
        b"[1]",
        b"3",
        b"{",
        b"\xff",
        b'{"number": NaN}',
        b'{"value": "\\ud800"}',
        b'{"number": 1' + b"0" * 400 + b"}",
        b"[" * 100_000,
        b'{"number": "120"}',
        b'{"number": true}',
        b'{"other": 1}',
        b'{"value": null}',
    ],
)
def test_json_that_is_not_the_parameters_is_refused(served: Served, body: bytes) -> None:
    answer = served.post("dummy/echo", body, **{"Content-Type": "application/json"})
    assert (answer.status, answer.json["code"]) == (400, "INVALID_ARGUMENT")


def test_a_body_that_is_neither_json_nor_a_form_is_refused(served: Served) -> None:
    answer = served.post("dummy/echo", b"<a/>", **{"Content-Type": "application/xml"})
    assert (answer.status, answer.json["code"]) == (415, "INVALID_ARGUMENT")


def test_a_body_of_parameters_is_bounded(served: Served) -> None:
    answer = served.post("dummy/echo", {"value": "x" * 1_000_001})
    assert (answer.status, answer.json["code"], answer.json["retryable"]) == (
        413,
        "RESOURCE_EXHAUSTED",
        False,
    )


def test_an_unknown_operation_is_unimplemented_and_near_ones_are_named(served: Served) -> None:
    answer = served.post("dummy/ecko")
    assert (answer.status, answer.json["code"]) == (501, "UNIMPLEMENTED")
    assert "dummy.echo" in answer.json["detail"]


def test_paths_and_methods_that_are_not_there_have_errors_of_the_same_shape(served: Served) -> None:
    nowhere = served.ask("GET", "/nowhere")
    assert (nowhere.status, nowhere.json["code"]) == (404, "NOT_FOUND")
    wrong = served.ask("GET", "/api/v1/dummy/echo")
    assert (wrong.status, wrong.json["code"], wrong.headers["allow"]) == (405, "UNIMPLEMENTED", "POST")
    for path in (
        "/api/v1/../../etc/passwd",
        "/page/../../app.py",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/page.js/..%2fapp.py",
    ):
        assert served.ask("GET", path).status == 404


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [("value", 400, "INVALID_ARGUMENT"), ("os", 422, "DATA_LOSS"), ("bug", 500, "INTERNAL")],
)
def test_what_an_engine_raises_has_its_status(served: Served, kind: str, status: int, code: str) -> None:
    answer = served.post(f"dummy/fail?kind={kind}")
    assert (answer.status, answer.json["code"]) == (status, code)
    assert "secret" not in answer.json["detail"]


def test_bytes_in_a_result_are_standard_base64(served: Served) -> None:
    result = served.post("dummy/big?megabytes=1").json
    assert result["data"] == "eHh4" * 333_333 + "eA=="


def test_the_operations_of_the_bus_are_served_too(served: Served) -> None:
    assert served.post("bus/ping?payload=hi").json["payload"] == "hi"
    assert "dummy" in served.post("bus/status").json["lanes"]
    assert served.post("bus/hello").json["endpoints"] == {**served.bus.endpoints, "http": served.server.url}
    assert served.post("bus/describe", {"op": "dummy.echo"}).json["operations"][0]["name"] == "dummy.echo"


def test_the_paths_of_operations_are_told(served: Served) -> None:
    assert "POST /api/v1/dummy/size" in served.server.endpoints


def test_a_deadline_is_asked_for_in_a_header(served: Served) -> None:
    answer = served.post("dummy/wait?seconds=20", **{"X-Timeout-S": "0.2"})
    assert (answer.status, answer.json["code"], answer.json["retryable"]) == (504, "DEADLINE_EXCEEDED", True)
    for wrong in ("0", "-1", "nan", "soon", "1e9"):
        assert served.post("dummy/echo", **{"X-Timeout-S": wrong}).status == 400
    assert served.post("dummy/echo", **{"X-Priority": "urgent"}).status == 400
    assert served.post("dummy/echo", **{"X-Priority": "batch"}).status == 200


def test_a_request_is_cancelled_under_the_id_it_gave(served: Served) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(served.post, "dummy/wait?seconds=20", **{"X-Request-Id": "cancel-me"})
        while served.post("bus/cancel?id=cancel-me").json["state"] == "not_found":
            time.sleep(0.02)
        answer = waiting.result(60)
    assert (answer.status, answer.json["code"]) == (499, "CANCELLED")
    assert answer.headers["x-request-id"] == "cancel-me"


def test_an_id_that_cannot_be_one_is_refused(served: Served) -> None:
    for wrong in ("x" * 65, "a b", "ä"):
        assert served.ask("GET", "/health", headers={"X-Request-Id": wrong}).status == 400


def test_a_client_that_goes_away_cancels_its_request(served: Served) -> None:
    with served.connect() as client:
        client.sendall(
            b"POST /api/v1/dummy/wait?seconds=30 HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: leaving\r\n\r\n"
        )
        while not served.inside(lambda: "leaving" in served.bus.dispatcher.jobs):
            time.sleep(0.02)
    began_s = time.monotonic()
    while served.inside(lambda: "leaving" in served.bus.dispatcher.jobs):
        assert time.monotonic() - began_s < 25
        time.sleep(0.02)


def test_a_request_joined_by_another_outlives_the_first(served: Served, tmp_path: Path) -> None:
    path = f"dummy/hold?file={tmp_path}/gate"

    def ask() -> int:
        return served.post(path, **{"X-Request-Id": "joined"}).status

    def waiting() -> int:
        return served.inside(lambda: len(served.bus.dispatcher.jobs["joined"].clients))

    with ThreadPoolExecutor(1) as pool:
        with served.connect() as client:
            head = f"POST /api/v1/{path} HTTP/1.1\r\nHost: localhost\r\n"
            client.sendall(f"{head}X-Request-Id: joined\r\n\r\n".encode())
            while not served.inside(lambda: "joined" in served.bus.dispatcher.jobs):
                time.sleep(0.02)
            second = pool.submit(ask)
            while waiting() < 2:
                time.sleep(0.02)
        while waiting() > 1:
            time.sleep(0.02)
        (tmp_path / "gate").touch()
        assert second.result(60) == 200


def test_an_answer_does_not_wait_for_the_clients_acknowledgement(served: Served) -> None:
    def undelayed() -> list[bool]:
        sockets = [
            c.transport.get_extra_info("socket") for c in served.server._server.server_state.connections
        ]
        return [bool(each.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)) for each in sockets]

    connection = http.client.HTTPConnection("127.0.0.1", served.port)
    with contextlib.closing(connection):
        connection.request("POST", "/api/v1/bus/ping")
        connection.getresponse().read()
        # With Nagle's algorithm nearly all answers take 40 ms, which a busy machine may need without it.
        assert set(served.inside(undelayed)) == {True}


def test_200_clients_at_once_are_all_answered(served: Served) -> None:
    start = threading.Barrier(200)

    def ask(number: int) -> tuple[int, str]:
        start.wait(60)
        answer = served.post(f"bus/ping?payload={number}")
        return answer.status, answer.json["payload"]

    with ThreadPoolExecutor(200) as pool:
        assert list(pool.map(ask, range(200))) == [(200, str(number)) for number in range(200)]


def test_a_draining_daemon_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    with serving(tmp_path_factory.mktemp("draining")) as served:
        served.inside(lambda: setattr(served.bus.dispatcher, "draining", True))
        answer = served.post("dummy/echo")
        assert (answer.status, answer.json["code"], answer.headers["retry-after"]) == (
            503,
            "UNAVAILABLE",
            "1",
        )
        assert served.ask("GET", "/health").status == 503


def test_requests_under_way_are_answered_when_the_daemon_stops(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with ThreadPoolExecutor(8) as pool, serving(tmp_path_factory.mktemp("stopping")) as served:
        open_requests = [pool.submit(served.post, "dummy/wait?seconds=30") for _ in range(8)]
        while served.inside(lambda: len(served.bus.dispatcher.jobs)) < 8:
            time.sleep(0.02)
    answers = [request.result(60) for request in open_requests]
    assert {answer.json["code"] for answer in answers} <= {"CANCELLED", "UNAVAILABLE"}
