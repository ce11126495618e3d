"""One HTTP request to DAWG-CORE and its answer, in the calling thread, bounded in time and size.

`requests` bounds each wait for more bytes but not their sum, follows redirects, unpacks compressed bodies of
any size and takes proxies from the environment. None of that is wanted of a neighbour on the same machine:
here the whole exchange has one deadline and an answer one largest size; a redirect is an answer like others.
"""

import contextlib
import functools
import http.client
import io
import socket
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3
import urllib3.connection
from requests.adapters import HTTPAdapter

# A project document of 8 MiB would hold tens of thousands of clips; more is a fault or an attack.
LARGEST_ANSWER = 8 * 2**20
CHUNK = 64 * 2**10


class NoAnswer(Exception):
    """DAWG-CORE could not be reached, or its answer never became whole: a connection failure.

    Attributes
    ----------
    broken
        The connection broke (rather than being refused, or too slow): asking again may well succeed.
    """

    def __init__(self, message: str, *, broken: bool = False) -> None:
        super().__init__(message)
        self.broken = broken


class BadAnswer(Exception):
    """An answer came that cannot be one of DAWG-CORE's."""


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer, whatever its status."""

    status: int
    reason: str
    content_type: str
    location: str
    retry_after: str
    body: bytes

    @property
    def line(self) -> str:
        """Status and reason, such as `404 Not Found`."""
        return "".join(c for c in f"{self.status} {self.reason}" if c.isprintable()).strip()[:80]


class _TimedReader(io.RawIOBase):
    """A socket's bytes, each wait for more cut down to what is left until `deadline`."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        # Through makefile, so that the socket stays open until this is closed, as http.client expects.
        self._raw = sock.makefile("rb", buffering=0)
        self._sock = sock
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedSocket:
    """All that http.client's response asks of a socket: a file to read from."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._deadline = deadline

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._sock, self._deadline))


def _timed_response(sock: Any, *, deadline: float, **options: Any) -> http.client.HTTPResponse:
    return http.client.HTTPResponse(_TimedSocket(sock, deadline), **options)  # type: ignore[arg-type]


class _Timed(urllib3.connection.HTTPConnection):
    """A connection whose `timeout` bounds connecting as a whole, and reading an answer as a whole.

    urllib3 sets `timeout` to what is left of the total before each of the two (`urllib3.Timeout`).
    """

    def __init__(self, *args: Any, remember: Callable[[Any], None], **options: Any) -> None:
        super().__init__(*args, **options)
        remember(self)

    def connect(self) -> None:
        began = time.monotonic()
        super().connect()
        # Looking a name up has no time-out, and each of its addresses gets the full one.
        if self.timeout is not None and time.monotonic() - began > self.timeout:
            self.close()
            raise urllib3.exceptions.ConnectTimeoutError(self, "connecting took too long")

    def getresponse(self) -> urllib3.response.HTTPResponse:  # type: ignore[override]
        deadline = time.monotonic() + (self.timeout or 0.0)
        self.response_class = functools.partial(_timed_response, deadline=deadline)  # type: ignore[assignment]
        return super().getresponse()


class _TimedTls(_Timed, urllib3.connection.HTTPSConnection):
    pass


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Timed


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TimedTls


class _Adapter(HTTPAdapter):
    """requests' way to the connection pool, which remembers the connections so that it can break them."""

    def __init__(self, connections: int) -> None:
        self.open: weakref.WeakSet[_Timed] = weakref.WeakSet()
        super().__init__(pool_connections=1, pool_maxsize=connections)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **options)
        pool.conn_kw["remember"] = self.open.add
        return pool

    def close(self) -> None:
        for connection in list(self.open):
            # A thread may wait in recv: shutting the socket down wakes it, closing would not.
            with contextlib.suppress(OSError, AttributeError):
                connection.sock.shutdown(socket.SHUT_RDWR)
        super().close()


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Know of no redirects: requests would read a redirect's body, of any size, even to not follow it."""


class Exchanger:
    """One pool of connections to DAWG-CORE; `exchange` may be called from several threads at once."""

    def __init__(self, url: str, connections: int) -> None:
        self._url = url
        self._session = _Session()
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.update(
            {"User-Agent": "DAWG-AI", "Accept": "application/json", "Accept-Encoding": "identity"}
        )
        adapter = _Adapter(connections)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def exchange(self, method: str, path: str, deadline: float, body: bytes | None = None) -> Answer:
        """Send one request and read its whole answer before `deadline`.

        Parameters
        ----------
        method
            `GET` or `POST`.
        path
            Begins with a slash.
        deadline
            By `time.monotonic()`, in seconds.
        body
            JSON, or None for none.

        Raises
        ------
        NoAnswer
            If DAWG-CORE refuses the connection, breaks it, or is too slow.
        BadAnswer
            If what came is no HTTP, is larger than `LARGEST_ANSWER`, or is compressed without being asked.
        """
        timeout_s = deadline - time.monotonic()
        if timeout_s <= 0:
            raise NoAnswer("its time was over before it could be asked")
        headers = {"Content-Type": "application/json"} if body is not None else None
        # requests declares tuples only, and hands urllib3's own class through.
        timeout: Any = urllib3.Timeout(total=timeout_s)
        try:
            with self._session.request(
                method, self._url + path, data=body, headers=headers, timeout=timeout,
                stream=True, allow_redirects=False,
            ) as answer:  # fmt: skip
                return Answer(
                    status=answer.status_code,
                    reason=answer.reason or "",
                    content_type=answer.headers.get("Content-Type", ""),
                    location=answer.headers.get("Location", ""),
                    retry_after=answer.headers.get("Retry-After", ""),
                    body=_read(answer),
                )
        except (
            requests.RequestException,
            urllib3.exceptions.HTTPError,
            http.client.HTTPException,
            OSError,
        ) as e:
            raise _as_failure(e, timeout_s) from e

    def close(self) -> None:
        """Close the idle connections and break the others: a thread in `exchange` gets `NoAnswer` now."""
        self._session.close()


def _read(answer: requests.Response) -> bytes:
    coding = answer.headers.get("Content-Encoding", "identity")
    if coding.lower() != "identity":
        raise BadAnswer(f"its answer is packed ({coding[:40]}), which was not asked for")
    size = answer.headers.get("Content-Length", "0")
    too_large = size.isdecimal() and int(size[:20]) > LARGEST_ANSWER
    body = bytearray()
    # To the empty read: only there does urllib3 see that fewer bytes came than were announced.
    while not too_large and (piece := answer.raw.read(CHUNK, decode_content=False)):
        body += piece
        too_large = len(body) > LARGEST_ANSWER
    if too_large:
        raise BadAnswer(f"its answer is larger than {LARGEST_ANSWER // 2**20} MiB")
    return bytes(body)


def _as_failure(error: BaseException, timeout_s: float) -> NoAnswer | BadAnswer:
    """Say in words what lies under the three layers in which requests wraps an error."""
    causes = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) and cause not in causes:
        causes.append(cause)

    def among(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    failure: NoAnswer | BadAnswer
    if among(TimeoutError, requests.Timeout, urllib3.exceptions.ReadTimeoutError):
        failure = NoAnswer(f"no whole answer within {timeout_s:.3g} s")
    elif among(ConnectionRefusedError):
        failure = NoAnswer("connection refused")
    elif among(socket.gaierror):
        failure = NoAnswer("its host name is not known")
    elif among(http.client.RemoteDisconnected, http.client.IncompleteRead, ConnectionError):
        failure = NoAnswer("the connection broke before the answer was whole", broken=True)
    elif among(http.client.HTTPException, urllib3.exceptions.InvalidHeader):
        failure = BadAnswer("what it answered is not HTTP")
    else:
        said = getattr(causes[-1], "strerror", None) or str(causes[-1])
        failure = NoAnswer("".join(c if c.isprintable() else "?" for c in f"{said:.200}"))
    return failure
