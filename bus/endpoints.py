"""Where the sockets are bound: what is allowed, who holds what is taken, and CURVE.

A TCP endpoint is on the loopback interface, or its socket has CURVE keys: anything else is refused before it
is bound. An `ipc` endpoint is a socket file of mode 0600, with a lock file beside it, since a second bind on
a live path silently takes it over.
"""

import contextlib
import ipaddress
import json
import os
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import psutil
import zmq
import zmq.asyncio
import zmq.utils.z85

from bus.settings import Curve
from bus.sockets import LINGER_MS, common_options

_TCP = re.compile(r"tcp://(?P<host>\[[^\]]+\]|[^:/]+|\*):(?P<port>\d{1,5}|\*)\Z")
_LAST_PORT = 65_535
# A Unix socket's path with its closing zero: 108 on Linux, 104 on macOS.
_IPC_PATH_BYTES = 103


class EndpointError(Exception):
    """An endpoint that cannot be served; the message says why and what to do."""


class EndpointNotAllowed(EndpointError):
    """An endpoint or a key that no start will take: the configuration is wrong."""


def check_endpoint(name: str, endpoint: str, curve: Curve) -> None:
    """Refuse what must not be bound; `name` is its configuration key, for the message.

    Raises
    ------
    EndpointNotAllowed
        If it is neither `tcp` nor `ipc`, is malformed, or is reachable from other machines without CURVE.
    """
    if endpoint.startswith("ipc://"):
        path = endpoint.removeprefix("ipc://")
        if not Path(path).is_absolute() or len(os.fsencode(path)) > _IPC_PATH_BYTES:
            raise EndpointNotAllowed(
                f"{name}: {endpoint}; must be ipc:// and an absolute path of at most {_IPC_PATH_BYTES} bytes"
            )
        return
    parts = _TCP.match(endpoint)
    # ZMQ takes a port's lowest 16 bits, whatever was meant.
    if parts is None or (parts["port"] != "*" and int(parts["port"]) > _LAST_PORT):
        raise EndpointNotAllowed(
            f"{name}: {endpoint}; must be like tcp://127.0.0.1:9001 or ipc:///run/dawg.sock"
        )
    if not is_loopback(parts["host"]) and not curve.secret_key:
        raise EndpointNotAllowed(
            f"{name}: {endpoint}; can be reached from other machines, and bus.curve.secret_key is empty. "
            "Bind 127.0.0.1, or set CURVE keys (README, Security)"
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address; a name counts only if it is `localhost`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_key(name: str, key: str) -> None:
    """Refuse a CURVE key that is not 40 characters of Z85.

    Raises
    ------
    EndpointNotAllowed
        Naming the key's place in the configuration, never the key.
    """
    try:
        right = len(zmq.utils.z85.decode(key)) == 32
    except (ValueError, KeyError):
        right = False
    if len(key) != 40 or not right:
        raise EndpointNotAllowed(
            f"{name}: must be a CURVE key, 40 characters of Z85 (zmq.curve_keypair() makes them)"
        )


def bound_socket(
    context: zmq.asyncio.Context,
    kind: int,
    name: str,
    endpoint: str,
    curve: Curve,
    *,
    largest_frame: int,
    options: dict[int, int],
) -> zmq.asyncio.Socket:
    """Make a socket and bind it.

    Raises
    ------
    EndpointError
        If the endpoint is not allowed, or is taken: the message says by whom.
    """
    check_endpoint(name, endpoint, curve)
    socket = context.socket(kind)
    common_options(socket, largest_frame)
    socket.setsockopt(zmq.IPV6, endpoint.startswith("tcp://["))
    for option, value in options.items():
        socket.setsockopt(option, value)
    if curve.secret_key:
        socket.curve_server = True
        socket.curve_secretkey = curve.secret_key.encode()
    try:
        with _private_socket_file(endpoint):
            socket.bind(endpoint.replace("//localhost:", "//127.0.0.1:"))
    except zmq.ZMQError as error:
        socket.close(LINGER_MS)
        raise EndpointError(f"{name}: {endpoint}; {_why(endpoint, error)}") from error
    return socket


@contextlib.contextmanager
def _private_socket_file(endpoint: str) -> Iterator[None]:
    if not endpoint.startswith("ipc://") or sys.platform == "win32":
        yield
        return
    before = os.umask(0o177)
    try:
        yield
    finally:
        os.umask(before)


def _why(endpoint: str, error: zmq.ZMQError) -> str:
    if error.errno != zmq.EADDRINUSE:
        return str(error)
    parts = _TCP.match(endpoint)
    return f"is taken by {port_holder(int(parts['port']))}" if parts else "is taken"


def _port(address: Any) -> int | None:
    # psutil gives an empty tuple for a socket without an address.
    return getattr(address, "port", None)


def port_holder(port: int) -> str:
    """Say which process listens on a TCP port of this machine, as far as this user may know."""
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and _port(connection.laddr) == port and connection.pid:
                process = psutil.Process(connection.pid)
                return f"process {process.pid} ({' '.join(process.cmdline())[:120] or process.name()})"
    return "another process"


@contextlib.contextmanager
def endpoint_lock(endpoint: str) -> Iterator[None]:
    """Hold the lock file of an `ipc` endpoint while it is served; others need none, their port is one.

    Raises
    ------
    EndpointError
        If another daemon holds it: the message names its process. Also if what is there is no socket.
    """
    if not endpoint.startswith("ipc://") or sys.platform == "win32":
        yield
        return
    socket_path = Path(endpoint.removeprefix("ipc://"))
    _check_replaceable(socket_path, endpoint)
    path = socket_path.with_name(socket_path.name + ".lock")
    with _open_lock(path, endpoint) as file:
        _lock(file, endpoint)
        try:
            yield
        finally:
            # The socket file goes with its lock held, the lock file stays: removing it would let two hold it.
            with contextlib.suppress(OSError):
                socket_path.unlink(missing_ok=True)


def _check_replaceable(path: Path, endpoint: str) -> None:
    # ZMQ removes whatever is under the name before it binds, somebody's song as well.
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise EndpointNotAllowed(f"{endpoint}; is there and no socket: remove it, or choose another name")


def _open_lock(path: Path, endpoint: str) -> IO[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return open(path, "a+", opener=_open_private)
    except OSError as error:
        raise EndpointError(f"{endpoint}; {path}: {error.strerror}") from error


def _open_private(path: str, flags: int) -> int:
    # In a folder that others may write to, a link could lead to any file of ours.
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def _lock(file: IO[str], endpoint: str) -> None:
    import fcntl  # noqa: PLC0415 - not on Windows

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        raise EndpointError(f"{endpoint}; is taken by {_holder(file.read(200))}") from error
    file.seek(0)
    file.truncate()
    json.dump({"pid": os.getpid()}, file)
    file.flush()


def _holder(text: str) -> str:
    try:
        return f"process {int(json.loads(text)['pid'])}, another DAWG-AI"
    except (ValueError, KeyError, TypeError):
        return "another DAWG-AI"
