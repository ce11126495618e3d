"""Who is let in: by Host, by Origin, by what a browser says of where a request comes from."""

from collections.abc import Iterator

import pytest

from adapters.settings import HttpSettings
from tests.adapters.http.conftest import Served, serving

HOSTS = {
    "localhost": True,
    "LOCALHOST": True,
    "localhost:9000": True,
    "127.0.0.1": True,
    "127.0.0.1:1": True,
    "[::1]:9000": True,
    "evil.example": False,
    "evil.example:9000": False,
    "localhost.evil.example": False,
    "localhost.": False,
    "127.0.0.1.evil.example": False,
    "user@localhost": False,
    "localhost:evil": False,
    "localhost:9000:9000": False,
    "127.1": False,
    "0.0.0.0": False,  # noqa: S104 - what a page may try, not what is bound
    "": False,
}
ORIGINS = {
    None: True,
    "own": True,
    "http://studio.example:3000": True,
    "http://STUDIO.example:3000": True,
    "http://studio.example": False,
    "https://studio.example:3000": False,
    "http://studio.example:3000.evil.example": False,
    "http://evil.example": False,
    "http://localhost:3000": False,
    "http://localhost": False,
    "https://localhost:9000": False,
    "file://": False,
    "null": False,
    "": False,
}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    settings = HttpSettings(port=0, allowed_origins=["http://studio.example:3000"])
    with serving(tmp_path_factory.mktemp("guarded"), settings) as served:
        yield served


@pytest.mark.parametrize("path", ["GET /", "GET /health", "GET /nowhere", "POST /api/v1/bus/ping"])
@pytest.mark.parametrize("host", HOSTS)
def test_only_our_hosts_and_origins_are_served(guarded: Served, path: str, host: str) -> None:
    method, _, target = path.partition(" ")
    for origin, origin_is_ours in ORIGINS.items():
        if origin == "http://localhost" and host.lower() == "localhost":
            continue  # on port 80 this is our own page
        headers = {"Host": host}
        if origin is not None:
            headers["Origin"] = f"http://{host}" if origin == "own" else origin
        answer = guarded.ask(method, target, headers=headers)
        allowed = HOSTS[host] and origin_is_ours
        assert (answer.status == 403) is not allowed, (host, origin)
        if not allowed:
            assert answer.json["code"] == "PERMISSION_DENIED"
        named = answer.headers.get("access-control-allow-origin")
        foreign = origin is not None and origin.lower() == "http://studio.example:3000"
        assert named == (origin if allowed and foreign else None)
        assert "access-control-allow-credentials" not in answer.headers
        assert "set-cookie" not in answer.headers
        assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize(("origin", "allowed"), ORIGINS.items())
def test_a_preflight_is_answered_for_configured_origins_only(
    guarded: Served, origin: str | None, allowed: bool
) -> None:
    headers = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Private-Network": "true"}
    if origin is not None:
        headers["Origin"] = f"http://127.0.0.1:{guarded.port}" if origin == "own" else origin
    answer = guarded.ask("OPTIONS", "/api/v1/bus/ping", headers=headers)
    if origin is None or origin == "own":
        assert answer.status == 405
        assert "access-control-allow-origin" not in answer.headers
    elif allowed:
        assert answer.status == 204
        assert answer.headers["access-control-allow-origin"] == origin
        assert answer.headers["access-control-allow-methods"] == "GET, POST"
        assert "X-Request-Id" in answer.headers["access-control-allow-headers"]
        assert answer.headers["access-control-allow-private-network"] == "true"
    else:
        assert answer.status == 403


def test_no_origin_is_configured_by_default(served: Served) -> None:
    assert served.ask("GET", "/health", headers={"Origin": "http://localhost:3000"}).status == 403


@pytest.mark.parametrize(
    ("site", "mode", "method", "status"),
    [
        ("none", "navigate", "GET", 200),
        ("same-origin", "cors", "GET", 200),
        ("cross-site", "navigate", "GET", 200),
        ("cross-site", "no-cors", "GET", 403),
        ("same-site", "no-cors", "GET", 403),
        ("cross-site", "navigate", "POST", 403),
    ],
)
def test_what_another_page_embeds_is_refused_and_a_link_followed(
    served: Served, site: str, mode: str, method: str, status: int
) -> None:
    path = "/health" if method == "GET" else "/api/v1/bus/ping"
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}
    assert served.ask(method, path, headers=headers).status == status


def test_a_header_that_decides_may_be_given_once(served: Served) -> None:
    for name in ("Origin", "Host", "Content-Type", "X-Request-Id"):
        value = {"Origin": f"http://localhost:{served.port}", "Host": "localhost"}.get(name, "a/b")
        host = b"" if name == "Host" else b"Host: localhost\r\n"
        twice = f"{name}: {value}\r\n".encode() * 2
        answer = served.raw(b"GET /health HTTP/1.1\r\nConnection: close\r\n" + host + twice + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 400"), name


def test_a_request_without_host_is_refused(served: Served) -> None:
    assert served.raw(b"GET /health HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400")
    assert served.raw(b"GET /health HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 403")


def test_every_answer_tells_browsers_to_keep_their_hands_off(served: Served) -> None:
    for path in ("/", "/health", "/nowhere", "/openapi.json", "/page.js"):
        headers = served.ask("GET", path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["x-request-id"]


def test_a_browser_gets_a_page_that_loads_nothing_from_elsewhere(served: Served) -> None:
    page = served.ask("GET", "/", headers={"Accept": "text/html,*/*"})
    assert page.headers["content-type"].startswith("text/html")
    assert "Accept" in page.headers["vary"]
    assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    text = page.body.decode()
    for file in ("/page.js", "/page.css"):
        assert file in text
        text += served.ask("GET", file).body.decode()
    assert "://" not in text.replace("<!doctype html>", "")
    assert "innerHTML" not in text
