"""The bus as a whole: both sockets bound, and everything between them put together.

Built in order, closed in reverse. The daemon adds its adapters to it; the tests run it as it is.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import zmq
import zmq.asyncio
from zmq.auth.asyncio import AsyncioAuthenticator

from bus import identity
from bus.cache import ResultCache
from bus.control import Control, Core, Facts
from bus.dispatcher import Dispatcher
from bus.endpoints import EndpointNotAllowed, bound_socket, check_endpoint, check_key, endpoint_lock
from bus.files import Files
from bus.operations import Operation, Operations
from bus.pool import Pool
from bus.publisher import Publisher
from bus.router import Router
from bus.settings import MEGABYTE, BusSettings, LaneSettings
from bus.sockets import LINGER_MS
from bus.stats import Stats

# Messages that wait in ZMQ for the reader, or for a subscriber: past it, back-pressure, or loss for that one.
_ROUTER_WAITING = 1000
_PUBLISHER_WAITING = 1000
_SUBSCRIPTION_BYTES = 1024


@dataclass(frozen=True)
class Surroundings:
    """What the bus is told of the world around it."""

    roots: Iterable[Path]
    """Folders whose files may be read by path."""
    state: Path
    """Folder for what is only needed while it runs."""
    cache: Path
    """Folder for results that are kept."""
    cache_mb: float = 256.0
    lanes: Mapping[str, LaneSettings] = field(default_factory=dict)
    core: Callable[[], Core | None] = lambda: None
    models: Callable[[], dict[str, str]] = lambda: {}
    log_level: str = "info"
    log_json: bool = True


class Bus:
    """Sockets bound and parts joined when it is made; `coroutines` are what must run for it to live.

    Raises
    ------
    EndpointError
        If an endpoint is not allowed (`EndpointNotAllowed`), or is taken.
    """

    def __init__(self, settings: BusSettings, operations: Iterable[Operation], around: Surroundings) -> None:
        self.settings = settings
        self.instance = identity.instance()
        self.operations = Operations(_timed(operation, around.lanes) for operation in operations)
        self._closing = contextlib.ExitStack()
        try:
            self._bind()
            self._join(around)
        except BaseException:
            self._closing.close()
            raise

    def _bind(self) -> None:
        settings, curve, stack = self.settings, self.settings.curve, self._closing
        named = {"bus.router": settings.router, "bus.publisher": settings.publisher}
        for key in filter(None, [curve.secret_key]):
            check_key("bus.curve.secret_key", key)
        for number, key in enumerate(curve.client_keys):
            check_key(f"bus.curve.client_keys[{number}]", key)
        if curve.client_keys and not curve.secret_key:
            raise EndpointNotAllowed(
                "bus.curve.client_keys: set, but bus.curve.secret_key is empty: everybody would be admitted"
            )
        for name, endpoint in named.items():
            check_endpoint(name, endpoint, curve)
            stack.enter_context(endpoint_lock(endpoint))
        context = zmq.asyncio.Context()
        stack.callback(context.destroy, LINGER_MS)
        if curve.client_keys:
            self._admit(context)
        # A frame somewhat over the bound is read, so that its sender can be told; ZMQ cuts off longer ones.
        self._router_socket = bound_socket(
            context,
            zmq.ROUTER,
            "bus.router",
            settings.router,
            curve,
            largest_frame=2 * settings.limits.message_bytes,
            options={zmq.ROUTER_MANDATORY: 1, zmq.RCVHWM: _ROUTER_WAITING, zmq.SNDHWM: _ROUTER_WAITING},
        )
        self._publisher_socket = bound_socket(
            context,
            zmq.XPUB,
            "bus.publisher",
            settings.publisher,
            curve,
            largest_frame=_SUBSCRIPTION_BYTES,
            options={zmq.XPUB_VERBOSE: 1, zmq.SNDHWM: _PUBLISHER_WAITING},
        )
        self.endpoints = {
            "router": self._router_socket.getsockopt_string(zmq.LAST_ENDPOINT),
            "publisher": self._publisher_socket.getsockopt_string(zmq.LAST_ENDPOINT),
        }

    def _admit(self, context: zmq.asyncio.Context) -> None:
        """Let in only the clients whose keys are configured (ZAP, RFC 27)."""
        authenticator = AsyncioAuthenticator(context)
        authenticator.start()
        self._closing.callback(authenticator.stop)
        # pyzmq gives the callback a key as Z85 text.
        allowed = {key.encode() for key in self.settings.curve.client_keys}
        authenticator.configure_curve_callback(credentials_provider=_Allowed(allowed))

    def _join(self, around: Surroundings) -> None:
        limits = self.settings.limits
        self.stats = Stats()
        self.publisher = Publisher(self._publisher_socket, self.instance)
        self.files = Files(around.roots, around.state / "spool", int(limits.spool_mb * MEGABYTE))
        self.files.prepare()
        store, cache_bytes = around.cache / "results.sqlite", int(around.cache_mb * MEGABYTE)
        cache = ResultCache(store, cache_bytes)
        cache.open()
        self._closing.callback(cache.close)
        self.pool = Pool(
            self.operations.values(),
            around.lanes,
            self.settings.pool,
            limits,
            self._changed,
            cache=store,
            cache_bytes=cache_bytes,
            log_level=around.log_level,
            log_json=around.log_json,
        )
        facts = Facts(
            settings=self.settings,
            instance=self.instance,
            version=identity.version(),
            endpoints=self.endpoints,
            core=around.core,
            models=around.models,
        )
        self.control = Control(facts, self.operations, self.pool, self.publisher, self.stats)
        self.operations.add(self.control.operations())
        self.dispatcher = Dispatcher(
            operations=self.operations,
            pool=self.pool,
            publisher=self.publisher,
            files=self.files,
            cache=cache,
            stats=self.stats,
            limits=limits,
            on_change=self._changed,
        )
        self._closing.callback(self.dispatcher.close)
        self.control.attach(self.dispatcher)
        self._router = Router(self._router_socket, self.dispatcher, self.stats, limits, self.instance)

    def _changed(self) -> None:
        self.control.changed()

    def coroutines(self) -> dict[str, Coroutine[Any, Any, None]]:
        """Return what must run while the bus lives, by name: none of them ends by itself."""
        return {
            "router": self._router.run(),
            "publisher": self.publisher.run(),
            "heartbeat": self.control.beat(),
            "status": self.control.tell(),
            "memory": self.pool.watch_memory(),
        }

    def start_light(self) -> None:
        """Start the workers that are loaded in a moment, while the rest of the daemon is being built."""
        self.pool.start_light()

    def start(self, then: Callable[[], None] = lambda: None) -> None:
        """Start all workers; `then` is called when the light engines serve, or are no longer waited for."""
        self.pool.start(then)

    async def drain(self) -> None:
        """Refuse new requests, see every open one to its end, and stop the workers."""
        await self.dispatcher.drain(self.settings.drain_s)
        await self.pool.close()
        # What ended with the workers is answered in callbacks that are due now.
        await asyncio.sleep(0)
        await self._router.flush()

    def close(self) -> None:
        """Close the sockets, giving what was sent a second to leave."""
        self._closing.close()


def _timed(operation: Operation, lanes: Mapping[str, LaneSettings]) -> Operation:
    """Give an operation the deadline its engine's section sets, if it sets one."""
    section = lanes.get(operation.lane or "")
    timeout_s = None if section is None else section.timeout_s
    return operation if timeout_s is None else replace(operation, timeout_s=timeout_s)


@dataclass(frozen=True)
class _Allowed:
    """The callback interface of pyzmq's authenticator."""

    keys: set[bytes]

    def callback(self, domain: str, key: bytes) -> bool:
        del domain
        return key in self.keys
