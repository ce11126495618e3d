"""`Client`: calls to the daemon from a program with an event loop, and its events."""

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Final

import msgpack
import zmq
import zmq.asyncio

from bus.client.failures import NotAnswering, NotRunning, WrongEndpoint
from bus.client.link import Keys, Link
from bus.client.outstanding import Outstanding, Progress, pack_params
from bus.client.subscription import Event, Subscription
from bus.errors import BusError, Cancelled, TooLarge
from bus.messages import MAGIC, Priority
from bus.settings import MEGABYTE, BusSettings

_FRAMES_OF_A_MESSAGE = 2
# The daemon's own word on a deadline is waited for so much longer than the deadline.
_LAST_WORD_S = 0.25
# bus.* are answered at once or not at all.
_BUS_TIMEOUT_S = 10.0
# An answer the daemon could not deliver is remembered there: after so long without a word it is asked again.
_ASK_AGAIN_S = 15.0
# A hello that was not answered for so long is said again: its answer may have been one too many.
_HELLO_AGAIN_S = 5.0
_SHORTEST_HEARTBEAT_S = 0.05
_LAST_CANCELS_S = 1.0
_ANY_HOST = re.compile(r"//(\*|0\.0\.0\.0|\[::\]):")
_HOST = re.compile(r"//(\[[^\]]+\]|[^:/]+):")

Result = dict[str, Any]

DEFAULT_ROUTER: Final = BusSettings.router


def new_id() -> str:
    """Return an id no other request has."""
    return uuid.uuid4().hex


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
        self._outstanding: dict[str, Outstanding] = {}
        self._subscriptions: set[Subscription] = set()
        self._default_timeouts_s: dict[str, float] = {}
        self._learning: set[str] = set()
        self._greeting: str | None = None
        self._greeting_s = 0.0
        # `_greeted`: it has answered hello, ever; `_ready`: on the connection that stands.
        self._greeted = False
        self._ready = False
        self._trouble: BusError | None = None
        self._giving_up: asyncio.TimerHandle | None = None
        self._heartbeat_s = BusSettings.heartbeat_s
        self._message_bytes = BusSettings().limits.message_bytes
        self._heard_s = float("-inf")
        self.instance: str | None = None

    async def __aenter__(self) -> "Client":
        self._loop = asyncio.get_running_loop()
        self._context = zmq.asyncio.Context()
        try:
            self._link = Link(
                self._context.socket(zmq.DEALER),
                self._router,
                self._keys,
                on_frames=self._heard,
                on_up=self._connected,
                on_trouble=self._troubled,
            )
            self._link.open()
        except BaseException:
            self._context.destroy(0)
            raise
        self._beating = asyncio.create_task(self._beat(), name="client heartbeat")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._send_last_cancels()
        for request in list(self._outstanding.values()):
            request.fail(Cancelled("the client was closed"))
        if self._giving_up is not None:
            self._giving_up.cancel()
        self._beating.cancel()
        await asyncio.gather(self._beating, return_exceptions=True)
        for subscription in list(self._subscriptions):
            await subscription.close()
        await self._link.close()
        self._context.destroy(0)

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
            self._outstanding.pop(request.id, None)

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
        if identifier in self._outstanding:
            raise ValueError(f"request_id: {identifier!r} is that of a request that is still open")
        packed = pack_params(params)
        if len(packed) > self._message_bytes:
            raise TooLarge(
                f"params: {len(packed)} bytes; the daemon takes at most {self._message_bytes}, "
                "longer audio goes by path",
                details={"limit": self._message_bytes},
            )
        answer: asyncio.Future[Result] = self._loop.create_future()
        return Outstanding(identifier, op, packed, priority, progress, answer, self._loop.time())

    def _begin(self, request: Outstanding, timeout_s: float | None) -> None:
        self._outstanding[request.id] = request
        timeout_s = timeout_s or self._default_timeouts_s.get(request.op)
        if timeout_s is not None:
            self._arm(request, timeout_s)
        else:
            self._learn_timeout(request.op)
        if not self._greeted:
            request.timers.append(
                self._loop.call_later(self._connect_timeout_s, self._never_reached, request)
            )
        if self._trouble is not None and self._giving_up is None and self._greeted:
            self._give_up_later()
        if self._link.up and not self._ready and self._greeting is None:
            self._greet()
        self._send(request)

    def _arm(self, request: Outstanding, timeout_s: float) -> None:
        request.deadline_s = request.began_s + timeout_s
        request.timers.append(
            self._loop.call_at(request.deadline_s + _LAST_WORD_S, self._late, request, timeout_s)
        )

    def _learn_timeout(self, op: str) -> None:
        """Ask for an operation's own deadline, which binds the client too, for instance over restarts."""
        if op in self._learning:
            return
        self._learning.add(op)
        question = self._internal("bus.describe", {"op": op})
        question.answer.add_done_callback(lambda answer: self._learned(op, answer))
        self._send(question)

    def _learned(self, op: str, answer: "asyncio.Future[Result]") -> None:
        self._learning.discard(op)
        if answer.cancelled() or answer.exception() is not None:
            return  # the request itself will be told
        timeout_s = float(answer.result()["operations"][0]["timeout"])
        self._default_timeouts_s[op] = timeout_s
        for request in self._outstanding.values():
            if request.op == op and request.deadline_s is None:
                self._arm(request, timeout_s)

    def _internal(self, op: str, params: Mapping[str, Any]) -> Outstanding:
        """Ask something for the client itself."""
        question = self._new(op, params, "interactive", None, None)
        self._outstanding[question.id] = question
        question.answer.add_done_callback(lambda answer: self._answered(question, answer))
        return question

    def _answered(self, question: Outstanding, answer: "asyncio.Future[Result]") -> None:
        self._outstanding.pop(question.id, None)
        if not answer.cancelled():
            answer.exception()  # looked at, so that asyncio does not say it never was

    def _abandon(self, request: Outstanding) -> None:
        self._outstanding.pop(request.id, None)
        # Where no connection stands there is nobody to tell; most often the daemon that knew of it is gone.
        if self._ready and not request.op.startswith("bus."):
            self._send(self._internal("bus.cancel", {"id": request.id}))

    async def _send_last_cancels(self) -> None:
        cancels = [request.answer for request in self._outstanding.values() if request.op == "bus.cancel"]
        if cancels and self._ready:
            await asyncio.wait(cancels, timeout=_LAST_CANCELS_S)

    def _send(self, request: Outstanding) -> None:
        """Send if the daemon has said hello on this connection; else `_welcomed` will."""
        if self._ready:
            now_s = self._loop.time()
            request.ask_again_after_s = max(_ASK_AGAIN_S, 2 * request.ask_again_after_s)
            request.ask_again_s = now_s + request.ask_again_after_s
            self._link.send([MAGIC, request.message(now_s)])

    # ------------------------------------------------------------- messages

    def _heard(self, frames: Sequence[bytes]) -> None:
        message = _decode(frames)
        if message is None:
            if not self._greeted:
                self._troubled(WrongEndpoint(f"{self._link.endpoint}: answers, but not in DAWG/1"))
            return
        self._heard_s = self._loop.time()
        if message.get("id") == self._greeting and message.get("type") in ("reply", "error"):
            self._welcomed(message)
            return
        instance = message.get("instance")
        if self._greeting is None and instance is not None and instance != self.instance:
            self._greet()
        request = self._outstanding.get(str(message.get("id")))
        if request is not None and request.heard(message):
            # Here, not when its caller gets its turn: an answer that comes twice is for nobody.
            del self._outstanding[request.id]
        elif request is not None:
            request.ask_again_s = self._heard_s + request.ask_again_after_s

    def _connected(self) -> None:
        """Say hello; until it is answered nothing else is sent on a new connection."""
        self._ready, self._greeting = False, None
        self._greet()

    def _greet(self) -> None:
        self._greeting = self._greeting or new_id()
        self._greeting_s = self._loop.time()
        hello = {"type": "request", "id": self._greeting, "op": "bus.hello"}
        self._link.send([MAGIC, msgpack.packb(hello)])

    def _welcomed(self, message: Mapping[str, Any]) -> None:
        """Take in the answer to hello, and send what was not yet sent to this daemon."""
        self._greeting = None
        try:
            self._learn(message["result"])
        except (KeyError, TypeError, ValueError):
            what = message.get("message", "answers hello with something else")
            self._troubled(WrongEndpoint(f"{self._link.endpoint}: {what}"))
            return
        again = not self._ready or message.get("instance") != self.instance
        self.instance = str(message.get("instance"))
        self._ready = self._greeted = True
        self._trouble = None
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None
        now_s = self._loop.time()
        for request in list(self._outstanding.values()):
            if again or request.ask_again_s <= now_s:
                self._send(request)

    def _learn(self, hello: Mapping[str, Any]) -> None:
        self._heartbeat_s = max(float(hello["heartbeat"]), _SHORTEST_HEARTBEAT_S)
        self._message_bytes = int(float(hello["limits"]["message_mb"]) * MEGABYTE)
        publisher = str(hello["endpoints"]["publisher"])
        if self._publisher is None:
            self._publisher = reachable(publisher, self._link.endpoint)

    async def _beat(self) -> None:
        """While something is outstanding, ask after the daemon each heartbeat it was not heard of."""
        while True:
            await asyncio.sleep(self._heartbeat_s)
            now_s = self._loop.time()
            if not self._outstanding or not self._link.up:
                continue
            if self._greeting is not None and now_s - self._greeting_s < _HELLO_AGAIN_S:
                continue
            asked_long_ago = any(request.ask_again_s <= now_s for request in self._outstanding.values())
            if asked_long_ago or now_s - self._heard_s >= self._heartbeat_s:
                self._greet()

    # -------------------------------------------------------------- failures

    def _troubled(self, trouble: BusError) -> None:
        """No connection stands: a daemon never reached fails at once, one that went away is waited for."""
        self._trouble = trouble
        self._ready, self._greeting = False, None
        if not self._greeted:
            if not isinstance(trouble, NotAnswering):
                self._fail_all(trouble)
        elif self._giving_up is None:
            self._give_up_later()

    def _give_up_later(self) -> None:
        self._giving_up = self._loop.call_later(self._patience_s, self._give_up)

    def _give_up(self) -> None:
        self._giving_up = None
        trouble = self._trouble
        if trouble is None:
            return
        for request in list(self._outstanding.values()):
            # A daemon that listens and is silent may only be stopped: it is waited for up to the deadline.
            if request.deadline_s is None or not isinstance(trouble, NotAnswering):
                request.fail(type(trouble)(trouble.message))

    def _fail_all(self, error: BusError) -> None:
        for request in list(self._outstanding.values()):
            request.fail(type(error)(error.message))

    def _never_reached(self, request: Outstanding) -> None:
        if self._greeted:
            return
        at = self._link.endpoint
        if self._link.up:
            request.fail(WrongEndpoint(f"{at}: a ZeroMQ socket that does not answer bus.hello; not DAWG-AI"))
        else:
            silent = f"{at}: no connection within {self._connect_timeout_s:g} s"
            request.fail(NotAnswering(self._trouble.message if self._trouble is not None else silent))

    def _late(self, request: Outstanding, timeout_s: float) -> None:
        trouble = self._trouble
        if isinstance(trouble, NotRunning):
            request.fail(NotRunning(trouble.message))
        elif trouble is not None:
            request.fail(NotAnswering(f"timeout: no answer in {timeout_s:g} s; {trouble.message}"))
        else:
            silent_s = self._loop.time() - self._heard_s
            silence = (
                f", and no sign of life for {silent_s:.0f} s" if silent_s > 2 * self._heartbeat_s else ""
            )
            request.fail(NotAnswering(f"timeout: no answer in {timeout_s:g} s{silence}"))

    # ---------------------------------------------------------------- events

    async def subscribe(self, prefix: str = "") -> Subscription:
        """Subscribe to the events whose topic begins with `prefix`; to be closed, or used in `async with`.

        Raises
        ------
        BusError
            If the publisher's endpoint has to be asked for, and cannot be.
        """
        if self._publisher is None:
            await self.hello()
        endpoint = self._publisher or ""
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


def _decode(frames: Sequence[bytes]) -> dict[str, Any] | None:
    if len(frames) != _FRAMES_OF_A_MESSAGE or frames[0] != MAGIC:
        return None
    try:
        message = msgpack.unpackb(frames[1], strict_map_key=False)
    except (ValueError, msgpack.UnpackException):
        return None
    return message if isinstance(message, dict) else None


def reachable(endpoint: str, beside: str = "tcp://127.0.0.1:0") -> str:
    """Return where to connect to what is bound to `endpoint`; where that is any host, to that of `beside`."""
    host = _HOST.search(beside)
    return _ANY_HOST.sub(f"//{host.group(1) if host else '127.0.0.1'}:", endpoint)
