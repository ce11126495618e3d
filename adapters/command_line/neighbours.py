"""What `doctor` finds of programs that should answer: the daemon, its events, its HTTP, DAWG-CORE."""

import http.client
import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from adapters.command_line import exit_codes
from adapters.command_line.checks import Check
from adapters.command_line.connection import blocking_client, endpoints
from adapters.config_file import ConfigError
from adapters.settings import Config
from bus.client import BlockingClient, NotRunning, WrongEndpoint, WrongKey
from bus.endpoints import port_holder
from bus.errors import BusError

_ANSWER_S = 5.0
_HTTP_S = 2.0
_READ_BYTES = 65_536
_SERVICE = "DAWG AI Engine"  # contract.md


def daemon(config: Config) -> Iterator[Check]:
    """Ask the daemon how it is; where it is not, say who is in its place."""
    try:
        router, _ = endpoints(config)
        client = blocking_client(config)
    except ConfigError as error:
        yield Check("daemon", "fault", str(error))
        return
    with client:
        try:
            hello = client.call("bus.hello", timeout=_ANSWER_S)
            status = client.call("bus.status", timeout=_ANSWER_S)
        except BusError as error:
            yield _not_there(error, router)
            running = False
        else:
            running = True
            said = f"version {hello['version']}, {status['state']}, up {status['uptime']:.0f} s"
            yield Check("daemon", "fine", f"{router}: {said}")
            yield from _lanes(status["lanes"])
            yield _models(status["models"])
        yield _events(client, config, running=running)
    yield _http(config, running=running)
    yield _core(config, status["core"] if running else None)


def _not_there(error: BusError, router: str) -> Check:
    if isinstance(error, NotRunning):
        return Check("daemon", "fault", str(error), "start it: dawg-ai serve")
    if isinstance(error, WrongEndpoint):
        holder = _holder(router)
        return Check(
            "daemon",
            "fault",
            f"{router}: is taken by {holder}",
            f"stop it, or set bus.router: {error.message}",
        )
    hint = exit_codes.sentence(error)
    if isinstance(error, WrongKey):
        return Check("daemon", "fault", str(error), "set bus.curve as the daemon has it")
    holder = _holder(router)
    return Check("daemon", "fault", f"{hint}; {holder} holds the port", "restart it")


def _holder(endpoint: str) -> str:
    port = endpoint.rpartition(":")[2]
    return port_holder(int(port)) if endpoint.startswith("tcp://") and port.isdigit() else "another program"


def _lanes(lanes: Mapping[str, Any]) -> Iterator[Check]:
    for name, lane in lanes.items():
        states = ", ".join(worker["state"] for worker in lane["workers"]) or "no workers"
        if lane["serving"] == "SERVING":
            yield Check(f"engine {name}", "fine", f"serving ({states}), {lane['waiting']} waiting")
        else:
            said = f"NOT_SERVING: its workers died {lane['deaths']} times"
            yield Check(
                f"engine {name}", "fault", said, "the daemon's log says of what; it is tried again by itself"
            )


def _models(models: Mapping[str, str]) -> Check:
    if models:
        return Check("models", "fine", ", ".join(sorted(models)))
    return Check(
        "models", "note", "none is installed", "operations that need one say which, and how to get it"
    )


def _events(client: BlockingClient, config: Config, *, running: bool) -> Check:
    """Wait for a heartbeat, as a subscriber would."""
    _, publisher = endpoints(config)
    try:
        if running:
            event = next(client.events("heartbeat/"))
            return Check("events", "fine", f"{publisher}: heartbeat {event.seq}")
        next(client.events("nothing/"))
    except NotRunning as error:
        state: Any = "fault" if running else "fine"
        return Check("events", state, str(error) if running else f"{publisher}: free")
    except WrongKey as error:
        return Check("events", "fault", str(error), "set bus.curve as the daemon has it")
    except BusError as error:
        said = f"{publisher}: is taken by {_holder(publisher)}"
        return Check("events", "fault", said, f"stop it, or set bus.publisher: {error.message}")
    return Check("events", "fault", f"{publisher}: closed")


def _http(config: Config, *, running: bool) -> Check:
    settings = config.http
    if not settings.enabled:
        return Check("http", "fine", "switched off (http.enabled)")
    if settings.port == 0:
        return Check("http", "note", "http.port is 0: only the daemon's log says which it took")
    at = f"http://{settings.host}:{settings.port}"
    _, body = _get(settings.host, settings.port, "/")
    if isinstance(body, dict) and body.get("service") == _SERVICE:
        return Check("http", "fine", f"{at}: version {body.get('version')}, {body.get('status')}")
    if isinstance(body, ConnectionRefusedError):
        if not running:
            return Check("http", "fine", f"{at}: free")
        return Check("http", "fault", f"{at}: nothing listens there", "the daemon's log says why")
    said = f"{at}: is taken by {port_holder(settings.port)}"
    return Check("http", "fault", said, "stop it, or set http.port")


def _core(config: Config, told: Mapping[str, Any] | None) -> Check:
    """Say what the daemon knows of DAWG-CORE; without a daemon, ask from here."""
    at = config.core.url
    remedy = "open the workstation, or set core.url"
    if told is not None:
        if told["connected"]:
            return Check("DAWG-CORE", "fine", f"{told['url']}: connected")
        return Check("DAWG-CORE", "note", f"{told['url']}: not connected", remedy)
    parts = urlsplit(at)
    if parts.scheme != "http" or not parts.hostname:
        return Check("DAWG-CORE", "note", f"{at}: not asked, the daemon is not running")
    status, why = _get(parts.hostname, parts.port or 80, f"{parts.path}/api/v1/health")
    if status == HTTPStatus.OK:
        return Check("DAWG-CORE", "fine", f"{at}: answers")
    return Check("DAWG-CORE", "note", f"{at}: {why if status is None else f'answers {status}'}", remedy)


def _get(host: str, port: int, path: str) -> tuple[int | None, Any]:
    """Ask for a page; returns its status and JSON, or None and the error."""
    connection = http.client.HTTPConnection(host, port, timeout=_HTTP_S)
    try:
        connection.request("GET", path, headers={"Accept": "application/json"})
        response = connection.getresponse()
        text = response.read(_READ_BYTES)
    except (OSError, http.client.HTTPException) as error:
        return None, error
    finally:
        connection.close()
    try:
        return response.status, json.loads(text)
    except ValueError:
        return response.status, None
