"""Where the server is bound, and what it leaves alone."""

import signal
import socket
from types import SimpleNamespace
from typing import Any, cast

import pytest

from adapters.http.server import HttpServer, _bound
from adapters.settings import HttpSettings
from bus.endpoints import EndpointError
from bus.service import Bus
from tests.adapters.http.conftest import Served


def bind(**settings: Any) -> socket.socket:
    return _bound(HttpSettings(**{"port": 0, **settings}))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "dawg.example", ""])  # noqa: S104
def test_what_other_machines_can_reach_is_not_bound(host: str) -> None:
    with pytest.raises(EndpointError, match="other machines"):
        bind(host=host)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_the_loopback_interface_is(host: str) -> None:
    with bind(host=host) as bound:
        assert bound.getsockname()[0].startswith("127.0.0.")


def test_a_taken_port_ends_the_start_with_who_holds_it() -> None:
    with bind() as held, pytest.raises(EndpointError, match=r"port \d+; is taken by process \d+"):
        HttpServer(HttpSettings(port=held.getsockname()[1]), cast(Bus, SimpleNamespace()))


SIGNALS = (signal.SIGTERM, signal.SIGINT)
HANDLERS = [signal.getsignal(number) for number in SIGNALS]  # as they are before any server runs


def test_signals_are_left_to_the_daemon(served: Served) -> None:
    assert served.ask("GET", "/health").status == 200
    assert [signal.getsignal(number) for number in SIGNALS] == HANDLERS
