"""`Client`: calls to the daemon from a program with an event loop, and its events."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Final

import zmq
import zmq.asyncio

from bus.client.conversation import Conversation, new_id
from bus.client.link import Keys
from bus.client.outstanding import Outstanding, Progress, pack_params
from bus.client.subscription import Event, Subscription
from bus.errors import BusError, Cancelled, TooLarge
from bus.messages import Priority
from bus.settings import BusSettings

# The daemon's own word on a deadline is waited for so much longer than the deadline.
_LAST_WORD_S = 0.25
# bus.* are answered at once or not at all.
_BUS_TIMEOUT_S = 10.0
_LAST_CANCELS_S = 1.0

Result = dict[str, Any]

DEFAULT_ROUTER: Final = BusSettings.router


class Client:
    """A connection to the daemon; `async with Client() as client`. Nothing is sent before the first call.

    Parameters
    ----------
    router
        Endpoint of the daemon's ROUTER socket (`bus.router` in config.toml).
    publisher
        Endpoint of its XPUB socket, for `events`; None asks the daemon.
    server_key
        The daemon's public CURVE key, Z85; None does not encrypt.
    client_key
        The client's own secret CURVE key, Z85, where the daemon admits only keys it knows; None makes one.
    connect_timeout
        Seconds a daemon that was never reached may take to answer the first time.
    patience
        Seconds requests wait for a daemon that was reached and went away (a restart takes about three).
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
        self._router = router
        self._publisher = publisher
        self._keys = Keys(server_key, client_key)
        self._connect_timeout_s = connect_timeout
        self._patience_s = patience
        self._subscriptions: set[Subscription] = set()
        self._default_timeouts_s: dict[str, float] = {}
        self._learning: set[str] = set()

    async def __aenter__(self) -> "Client":
        self._loop = asyncio.get_running_loop()
        self._context = zmq.asyncio.Context()
        try:
            self._daemon = Conversation(
                self._context.socket(zmq.DEALER),
                self._router,
                self._keys,
                publisher=self._publisher,
                patience_s=self._patience_s,
            )
            self._daemon.open()
        except BaseException:
            self._context.destroy(0)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._send_last_cancels()
        for request in list(self._daemon.outstanding.values()):
            request.fail(Cancelled("the client was closed"))
        for subscription in list(self._subscriptions):
            await subscription.close()
        await self._daemon.close()
        self._context.destroy(0)

    @property
    def instance(self) -> str | None:
        """Which run of the daemon answered last; None before the first answer."""
        return self._daemon.instance

    # ----------------------------------------------------------------- calls

    async def call(
        self,
        op: str,
        params: Mapping[str, Any] | None = None,
        /,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - the daemon keeps it too
        priority: Priority = "interactive",
        progress: Progress | None = None,
        request_id: str | None = None,
        **named: Any,
    ) -> Result:
        """Call an operation and wait for its result.

        Parameters
        ----------
        op
            Wire name, such as `analyze.audio`.
        params, named
            The operation's parameters; a `Path` is sent as an absolute path. Those with a name that is taken
            here (`timeout`) go into the map.
        timeout
            Deadline in seconds from now; None takes the operation's own.
        priority
            `interactive`, or `batch` for what nobody waits for.
        progress
            Called with the fraction done, 0 to 1, and the stage. What it raises ends the call.
        request_id
            Its id, for `cancel`; None makes one.

        Returns
        -------
        dict
            The result as `describe` describes it.

        Raises
        ------
        BusError
            What the daemon answered, by the classes of `bus.errors`: `ResourceExhausted` is busy, and says
            in `retry_after` when to come again.
        NotRunning, WrongEndpoint, WrongKey, NotAnswering
            If the daemon could not be asked, or said nothing by the deadline.
        ValueError
            If a request with this id is still open.
        """
        request = self._new(op, {**(params or {}), **named}, priority, progress, request_id)
        if op.startswith("bus."):
            timeout = timeout or _BUS_TIMEOUT_S
        try:
            self._begin(request, timeout)
            return await request.answer
        except BaseException as error:
            if not isinstance(error, BusError):
                self._abandon(request)  # the caller no longer waits, or its progress callback has raised
            raise
        finally:
            request.stop_timers()
            self._daemon.outstanding.pop(request.id, None)

    async def hello(self) -> Result:
        """Ask who answers: versions, instance, limits, endpoints."""
        return await self.call("bus.hello")

    async def cancel(self, request_id: str) -> str:
        """Cancel a request; returns `cancelled`, `cancelling`, `done` or `not_found`."""
        return str((await self.call("bus.cancel", {"id": request_id}))["state"])

    def _new(
        self,
        op: str,
        params: Mapping[str, Any],
        priority: Priority,
        progress: Progress | None,
        request_id: str | None,
    ) -> Outstanding:
        identifier = request_id or new_id()
        if identifier in self._daemon.outstanding:
            raise ValueError(f"request_id: {identifier!r} is that of a request that is still open")
        packed = pack_params(params)
        if len(packed) > self._daemon.message_bytes:
            raise TooLarge(
                f"params: {len(packed)} bytes; the daemon takes at most {self._daemon.message_bytes}, "
                "longer audio goes by path",
                details={"limit": self._daemon.message_bytes},
            )
        answer: asyncio.Future[Result] = self._loop.create_future()
        return Outstanding(identifier, op, packed, priority, progress, answer, self._loop.time())

    def _begin(self, request: Outstanding, timeout_s: float | None) -> None:
        timeout_s = timeout_s or self._default_timeouts_s.get(request.op)
        if timeout_s is not None:
            self._arm(request, timeout_s)
        else:
            self._learn_timeout(request.op)
        if not self._daemon.greeted:
            request.timers.append(
                self._loop.call_later(self._connect_timeout_s, self._never_reached, request)
            )
        self._daemon.begin(request)

    def _arm(self, request: Outstanding, timeout_s: float) -> None:
        request.deadline_s = request.began_s + timeout_s
        request.timers.append(
            self._loop.call_at(request.deadline_s + _LAST_WORD_S, self._late, request, timeout_s)
        )

    def _late(self, request: Outstanding, timeout_s: float) -> None:
        request.fail(self._daemon.not_answered(timeout_s))

    def _never_reached(self, request: Outstanding) -> None:
        error = self._daemon.not_reached(self._connect_timeout_s)
        if error is not None:
            request.fail(error)

    def _learn_timeout(self, op: str) -> None:
        """Ask for an operation's own deadline, which binds the client too, for instance over restarts."""
        if op in self._learning:
            return
        self._learning.add(op)
        question = self._internal("bus.describe", {"op": op})
        question.answer.add_done_callback(lambda answer: self._learned(op, answer))

    def _learned(self, op: str, answer: "asyncio.Future[Result]") -> None:
        self._learning.discard(op)
        if answer.cancelled() or answer.exception() is not None:
            return  # the request itself will be told
        timeout_s = float(answer.result()["operations"][0]["timeout"])
        self._default_timeouts_s[op] = timeout_s
        for request in self._daemon.outstanding.values():
            if request.op == op and request.deadline_s is None:
                self._arm(request, timeout_s)

    def _internal(self, op: str, params: Mapping[str, Any]) -> Outstanding:
        """Ask something for the client itself."""
        question = self._new(op, params, "interactive", None, None)
        self._daemon.begin(question)
        question.answer.add_done_callback(lambda answer: self._answered(question, answer))
        return question

    def _answered(self, question: Outstanding, answer: "asyncio.Future[Result]") -> None:
        self._daemon.outstanding.pop(question.id, None)
        if not answer.cancelled():
            answer.exception()  # looked at, so that asyncio does not say it never was

    def _abandon(self, request: Outstanding) -> None:
        self._daemon.outstanding.pop(request.id, None)
        # Where no connection stands there is nobody to tell; most often the daemon that knew of it is gone.
        if self._daemon.ready and not request.op.startswith("bus."):
            self._internal("bus.cancel", {"id": request.id})

    async def _send_last_cancels(self) -> None:
        cancels = [
            request.answer for request in self._daemon.outstanding.values() if request.op == "bus.cancel"
        ]
        if cancels and self._daemon.ready:
            await asyncio.wait(cancels, timeout=_LAST_CANCELS_S)

    # ---------------------------------------------------------------- events

    async def subscribe(self, prefix: str = "") -> Subscription:
        """Subscribe to the events whose topic begins with `prefix`; to be closed, or used in `async with`.

        Raises
        ------
        BusError
            If the publisher's endpoint has to be asked for, and cannot be.
        """
        if self._daemon.publisher is None:
            await self.hello()
        endpoint = self._daemon.publisher or ""
        subscription = Subscription(
            self._context.socket(zmq.SUB),
            endpoint,
            prefix,
            self._keys,
            connect_timeout_s=self._connect_timeout_s,
            on_closed=self._subscriptions.discard,
        )
        self._subscriptions.add(subscription)
        subscription.open()
        return subscription

    async def events(self, prefix: str = "") -> AsyncIterator[Event]:
        """Iterate over the events whose topic begins with `prefix`, across restarts, without end."""
        async with await self.subscribe(prefix) as subscription:
            async for event in subscription:
                yield event
