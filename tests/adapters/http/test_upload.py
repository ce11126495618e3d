"""Files over HTTP: streamed to disk, bounded, taken by content, and gone afterwards."""

import time
from collections.abc import Iterator

import pytest

from adapters.http import body, calls
from adapters.settings import HttpSettings
from bus.settings import Limits
from tests.adapters.http.conftest import FORM, Served, form, read_all, serving

MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """At most 2 MB a body, and 3 MB in the spool."""
    limits = Limits(spool_mb=3.0)
    with serving(tmp_path_factory.mktemp("small"), HttpSettings(port=0, max_upload_mb=2.0), limits) as served:
        yield served


def empty_within(served: Served, seconds: float = 60.0) -> bool:
    """Whether nothing is left in the spool, on disk and in its books, once what was under way is over."""
    due_s = time.monotonic() + seconds
    while time.monotonic() < due_s:
        left = served.inside(lambda: served.bus.files._spool_bytes_left)
        whole = served.bus.settings.limits.spool_mb * MEGABYTE
        if not served.spooled() and left == whole and not served.inside(lambda: served.bus.dispatcher.jobs):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("field", ["file", "path"])
def test_a_file_is_taken_under_phase_1s_name_and_its_own(small: Served, field: str) -> None:
    answer = small.upload("dummy/size", (field, "../../etc/passwd", b"x" * 12_345))
    assert (answer.status, answer.json) == (200, {"size": 12_345})
    assert empty_within(small)


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 1_048_576, 1_900_000])
def test_a_file_arrives_whole(small: Served, size: int) -> None:
    assert small.upload("dummy/size", ("file", "a.wav", bytes(size))).json == {"size": size}
    assert empty_within(small)


def test_content_that_looks_like_a_boundary_stays_content(small: Served) -> None:
    content = b"\r\n--frontie\r\n--frontier-\r\n--\r\n" * 1000
    assert small.upload("dummy/size", ("file", "a", content)).json == {"size": len(content)}


def test_the_same_content_is_answered_from_the_cache(small: Served) -> None:
    for cached in ("false", "true"):
        answer = small.upload("dummy/size", ("file", "a", b"the same content"))
        assert answer.headers["x-cached"] == cached


def test_a_file_may_be_named_by_its_path(small: Served) -> None:
    inside = small.root / "readable" / "a.wav"
    inside.write_bytes(b"12345")
    assert small.post("dummy/size", {"path": str(inside)}).json == {"size": 5}
    assert small.upload("dummy/size", ("file", None, str(inside).encode())).json == {"size": 5}
    for outside in (small.root / "state" / "spool", "/etc/passwd", f"{inside.parent}/../state/x"):
        answer = small.post("dummy/size", {"path": str(outside)})
        assert (answer.status, answer.json["code"]) == (403, "PERMISSION_DENIED")


def test_a_file_of_a_request_that_is_refused_is_removed(small: Served) -> None:
    answer = small.upload("dummy/size?other=1", ("file", "a", b"x" * 1_500_000))
    assert (answer.status, answer.json["details"]["field"]) == (400, "other")
    answer = small.upload("dummy/size", ("file", "a", b"x" * 1_500_000), ("file", "b", b"y"))
    assert (answer.status, "twice" in answer.json["detail"]) == (400, True)
    answer = small.upload("dummy/size", ("path", "a", b"x" * 1000), ("more", None, b"\xff\xfe"))
    assert answer.status == 400
    assert empty_within(small)


def test_a_file_where_none_is_wanted_is_refused(small: Served) -> None:
    answer = small.upload("dummy/echo", ("value", "a.txt", b"x"))
    assert (answer.status, answer.json["code"]) == (400, "INVALID_ARGUMENT")
    assert small.upload("dummy/echo", ("file", "a.txt", b"x")).status == 400


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_refused_however_it_is_sent(small: Served, chunked: bool) -> None:
    content = form(("file", "a", b"x" * 2_100_000))
    sent = iter([content[i : i + 65_536] for i in range(0, len(content), 65_536)]) if chunked else content
    answer = small.ask("POST", "/api/v1/dummy/size", sent, {"Content-Type": FORM})
    assert (answer.status, answer.json["code"], answer.json["retryable"]) == (
        413,
        "RESOURCE_EXHAUSTED",
        False,
    )
    assert empty_within(small)


def test_a_file_sent_as_the_whole_body_is_told_how_files_go(small: Served) -> None:
    answer = small.post("dummy/size", b"x" * 1_000_001, **{"Content-Type": "audio/wav"})
    assert answer.status == 413
    assert answer.json["detail"] == (
        "body: must be at most 1000000 bytes; a file goes as multipart/form-data, or by its path"
    )


def test_a_body_that_says_it_is_too_long_is_refused_before_it_is_sent(small: Served) -> None:
    head = f"POST /api/v1/dummy/size HTTP/1.1\r\nHost: localhost\r\nContent-Type: {FORM}\r\n"
    head += "Content-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n"
    with small.connect() as client:
        client.sendall(head.encode())
        assert client.recv(65536).startswith(b"HTTP/1.1 413")


def test_more_than_the_spool_holds_may_be_tried_again_later(small: Served) -> None:
    small.inside(lambda: small.bus.files.reserve(2_500_000))
    try:
        answer = small.upload("dummy/size", ("file", "a", b"x" * 1_500_000))
        assert (answer.status, answer.json["retryable"], answer.headers["retry-after"]) == (429, True, "1")
    finally:
        small.inside(lambda: small.bus.files.release(2_500_000))
    assert empty_within(small)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"--frontier\r\n",
        b"--frontier\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nabc",
        b"--other\r\n\r\n\r\n--other--\r\n",
        b"no form at all",
        b"--frontier\r\nX: y\r\n\r\nabc\r\n--frontier--\r\n",
        b"--frontier\r\nContent-Disposition: attachment; name=\"file\"\r\n\r\nabc\r\n--frontier--\r\n",
        b"--frontier\r\n" + b"X: y\r\n" * 1000 + b"\r\nabc\r\n--frontier--\r\n",
        b"--frontier\r\nContent-Disposition: form-data; name=\"" + b"x" * 100_000 + b"\"\r\n\r\n--frontier--",
        form(*[(f"field{number}", None, b"") for number in range(101)]),
    ],
)  # fmt: skip
def test_what_is_no_form_is_refused_and_nothing_is_left(small: Served, content: bytes) -> None:
    answer = small.ask("POST", "/api/v1/dummy/size", content, {"Content-Type": FORM})
    assert (answer.status, answer.json["code"]) == (400, "INVALID_ARGUMENT")
    assert empty_within(small)


@pytest.mark.parametrize("boundary", ["", "; boundary=", "; boundary=" + "x" * 71])
def test_a_form_needs_a_boundary(small: Served, boundary: str) -> None:
    assert small.post("dummy/size", b"x", **{"Content-Type": "multipart/form-data" + boundary}).status == 400


def test_text_in_a_form_is_bounded(small: Served) -> None:
    answer = small.upload("dummy/echo", ("value", None, b"x" * 1_000_001))
    assert (answer.status, answer.json["code"]) == (413, "RESOURCE_EXHAUSTED")


def head_of(size: int) -> bytes:
    return (
        f"POST /api/v1/dummy/size HTTP/1.1\r\nHost: localhost\r\nContent-Type: {FORM}\r\n"
        f"Content-Length: {size}\r\n\r\n"
        '--frontier\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    ).encode()


def test_a_client_that_goes_away_in_the_middle_leaves_nothing(small: Served) -> None:
    for _ in range(20):
        with small.connect() as client:
            client.sendall(head_of(1_900_000) + b"x" * 1_100_000)
            while not small.spooled():
                time.sleep(0.01)
        assert empty_within(small)


def test_uploads_at_once_are_bounded(small: Served) -> None:
    clients = [small.connect() for _ in range(calls.MOST_UPLOADS)]
    try:
        for client in clients:
            client.sendall(head_of(1000))
        deadline_s = time.monotonic() + 60
        while (answer := small.upload("dummy/size", ("file", "a", b"x"))).status != 429:
            assert time.monotonic() < deadline_s
        assert (answer.json["code"], answer.headers["retry-after"]) == ("RESOURCE_EXHAUSTED", "1")
        assert small.post("dummy/echo").status == 200
    finally:
        for client in clients:
            client.close()
    deadline_s = time.monotonic() + 60
    while small.upload("dummy/size", ("file", "a", b"x")).status != 200:
        assert time.monotonic() < deadline_s
    assert empty_within(small)


def test_an_upload_that_comes_too_slowly_is_ended(small: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "_UPLOAD_GRACE_S", 0.3)
    monkeypatch.setattr(body, "SLOWEST_BYTES_A_SECOND", 10_000)
    with small.connect() as client:
        client.sendall(head_of(1_000_000))
        received = b""
        client.settimeout(0.05)
        began_s = time.monotonic()
        while not received and time.monotonic() - began_s < 60:
            client.send(b"x")
            try:
                received = client.recv(65536)
            except TimeoutError:
                continue
        client.settimeout(60)
        while not received.endswith(b"}"):  # it comes in two pieces
            received += client.recv(65536)
    assert received.startswith(b"HTTP/1.1 408")
    assert b"DEADLINE_EXCEEDED" in received
    assert empty_within(small)


def test_a_deadline_that_passes_while_a_worker_reads_a_file_removes_it_after(small: Served) -> None:
    answer = small.upload("dummy/size", ("file", "a", b"z" * 1_000_000), **{"X-Timeout-S": "0.001"})
    assert answer.status in (200, 504)
    assert empty_within(small)


@pytest.mark.slow
def test_a_large_upload_is_never_whole_in_memory(tmp_path_factory: pytest.TempPathFactory) -> None:
    import psutil

    with serving(tmp_path_factory.mktemp("large")) as served:
        served.upload("dummy/size", ("file", "a", bytes(1000)))
        before = psutil.Process().memory_info().rss
        most = before
        size, piece = 200_000_000, bytes(1_000_000)
        with served.connect() as client:
            end = b"\r\n--frontier--\r\n"
            head = head_of(0)
            overhead = len(head.partition(b"\r\n\r\n")[2]) + len(end)
            client.sendall(head.replace(b"Content-Length: 0", b"Content-Length: %d" % (size + overhead)))
            for _ in range(size // len(piece)):
                client.sendall(piece)
                most = max(most, psutil.Process().memory_info().rss)
            client.sendall(end + b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert b'{"size":200000000}' in read_all(client)
        assert most - before < 30_000_000
        assert empty_within(served)
