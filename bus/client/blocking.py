"""`BlockingClient`: the same client for scripts, without an event loop in the caller."""

import asyncio
import queue
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import CancelledError
from types import TracebackType
from typing import Any, TypeVar

from bus.client.client import DEFAULT_ROUTER, Client
from bus.client.outstanding import Progress
from bus.client.subscription import Event
from bus.errors import Cancelled
from bus.messages import Priority

T = TypeVar("T")

# A wait without end cannot be interrupted everywhere (Windows): it is made of waits of this length.
_WAIT_S = 0.5


class BlockingClient:
    """A `Client` in a thread of its own; its methods may be called from several threads at once.

    Takes the same parameters. Progress callbacks run in the thread that calls.
    """

    def __init__(
        self,
        router: str = DEFAULT_ROUTER,
        publisher: str | None = None,
        *,
        server_key: str | None = None,
        client_key: str | None = None,
        connect_timeout: float = 5.0,
        patience: float = 30.0,
    ) -> None:
        self._client = Client(
            router,
            publisher,
            server_key=server_key,
            client_key=client_key,
            connect_timeout=connect_timeout,
            patience=patience,
        )

    def __enter__(self) -> "BlockingClient":
        # zmq.asyncio needs a loop that can watch sockets, which the default one of Windows cannot.
        self._loop = asyncio.SelectorEventLoop() if sys.platform == "win32" else asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="bus client", daemon=True)
        self._thread.start()
        try:
            self._do(self._client.__aenter__())
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._do(self._client.__aexit__(kind, error, trace))
        finally:
            self._stop()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def instance(self) -> str | None:
        """Which run of the daemon answered last; None before the first answer."""
        return self._client.instance

    def call(
        self,
        op: str,
        params: Mapping[str, Any] | None = None,
        /,
        *,
        timeout: float | None = None,
        priority: Priority = "interactive",
        progress: Progress | None = None,
        request_id: str | None = None,
        **named: Any,
    ) -> dict[str, Any]:
        """Call an operation and wait for its result, as `Client.call` does; Ctrl-C cancels the request."""
        reports: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()

        def report(fraction: float, stage: str) -> None:
            if progress is not None:
                reports.put(lambda: progress(fraction, stage))

        work = self._client.call(
            op,
            {**(params or {}), **named},
            timeout=timeout,
            priority=priority,
            progress=report if progress is not None else None,
            request_id=request_id,
        )
        return self._do(work, reports)

    def hello(self) -> dict[str, Any]:
        """Ask who answers: versions, instance, limits, endpoints."""
        return self._do(self._client.hello())

    def cancel(self, request_id: str) -> str:
        """Cancel a request; returns `cancelled`, `cancelling`, `done` or `not_found`."""
        return self._do(self._client.cancel(request_id))

    def events(self, prefix: str = "") -> Iterator[Event]:
        """Iterate over the events whose topic begins with `prefix`, across restarts, without end."""
        subscription = self._do(self._client.subscribe(prefix))
        try:
            while True:
                try:
                    yield self._do(subscription.get())
                except StopAsyncIteration:
                    return
        finally:
            self._do(subscription.close())

    def _do(
        self,
        work: Coroutine[Any, Any, T],
        reports: "queue.SimpleQueue[Callable[[], None] | None] | None" = None,
    ) -> T:
        """Run in the client's thread, and meanwhile do here what is reported from there."""
        inbox = reports if reports is not None else queue.SimpleQueue()
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        future.add_done_callback(lambda _: inbox.put(None))
        try:
            while (report := self._next(inbox)) is not None:
                report()
            return future.result()
        except CancelledError:
            raise Cancelled("the client was closed") from None
        except BaseException:
            future.cancel()
            raise

    @staticmethod
    def _next(inbox: "queue.SimpleQueue[Callable[[], None] | None]") -> Callable[[], None] | None:
        while True:
            try:
                return inbox.get(timeout=_WAIT_S)
            except queue.Empty:
                continue
