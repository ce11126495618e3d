"""The conversation with one daemon over one link: hello, what is outstanding, and what when it goes away.

A connection begins with `bus.hello`; what is outstanding is sent when that is answered, and sent again when
the connection or the daemon is another. While something is outstanding the daemon is asked after at each
heartbeat without a word from it.
"""

import asyncio
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import msgpack
import zmq.asyncio

from bus.client.failures import NotAnswering, NotRunning, WrongEndpoint
from bus.client.link import Keys, Link
from bus.client.outstanding import Outstanding
from bus.errors import BusError
from bus.messages import MAGIC
from bus.settings import MEGABYTE, BusSettings

_FRAMES_OF_A_MESSAGE = 2
# An answer the daemon could not deliver is remembered there: after so long without a word it is asked again.
_ASK_AGAIN_S = 15.0
# A hello that was not answered for so long is said again: its answer may have been one too many.
_HELLO_AGAIN_S = 5.0
_SHORTEST_HEARTBEAT_S = 0.05
_ANY_HOST = re.compile(r"//(\*|0\.0\.0\.0|\[::\]):")
_HOST = re.compile(r"//(\[[^\]]+\]|[^:/]+):")


def new_id() -> str:
    """Return an id no other request has."""
    return uuid.uuid4().hex


class Conversation:
    """Sees that every request put in `outstanding` is sent, and answered or failed. Lives in the event loop.

    Attributes
    ----------
    ready
        Whether the daemon has said hello on the connection that stands.
    greeted
        Whether it has ever.
    trouble
        Why no connection stands, or None.
    publisher
        Endpoint of its events; None until it has said it.
    """

    def __init__(
        self,
        socket: zmq.asyncio.Socket,
        endpoint: str,
        keys: Keys,
        *,
        publisher: str | None,
        patience_s: float,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._link = Link(
            socket,
            endpoint,
            keys,
            on_frames=self._heard,
            on_up=self._connected,
            on_trouble=self._troubled,
        )
        self._patience_s = patience_s
        self._greeting: str | None = None
        self._greeting_s = 0.0
        self._giving_up: asyncio.TimerHandle | None = None
        self._heartbeat_s = BusSettings.heartbeat_s
        self._heard_s = float("-inf")
        self.outstanding: dict[str, Outstanding] = {}
        self.ready = False
        self.greeted = False
        self.trouble: BusError | None = None
        self.instance: str | None = None
        self.publisher = publisher
        self.message_bytes = BusSettings().limits.message_bytes

    def open(self) -> None:
        """Begin to connect."""
        self._link.open()
        self._beating = asyncio.create_task(self._beat(), name="client heartbeat")

    async def close(self) -> None:
        """Close the link; what is outstanding stays so."""
        if self._giving_up is not None:
            self._giving_up.cancel()
        self._beating.cancel()
        await asyncio.gather(self._beating, return_exceptions=True)
        await self._link.close()

    def begin(self, request: Outstanding) -> None:
        """Take in a request, and send it now or as soon as the daemon is there."""
        self.outstanding[request.id] = request
        if self.trouble is not None and self._giving_up is None and self.greeted:
            self._give_up_later()
        if self._link.up and not self.ready and self._greeting is None:
            self._greet()
        self._send(request)

    def _send(self, request: Outstanding) -> None:
        """Send if the daemon has said hello on this connection; else `_welcomed` will."""
        if self.ready:
            now_s = self._loop.time()
            request.ask_again_after_s = max(_ASK_AGAIN_S, 2 * request.ask_again_after_s)
            request.ask_again_s = now_s + request.ask_again_after_s
            self._link.send([MAGIC, request.message(now_s)])

    # -------------------------------------------------------------- messages

    def _heard(self, frames: Sequence[bytes]) -> None:
        message = _decode(frames)
        if message is None:
            if not self.greeted:
                self._troubled(WrongEndpoint(f"{self._link.endpoint}: answers, but not in DAWG/1"))
            return
        self._heard_s = self._loop.time()
        if message.get("id") == self._greeting and message.get("type") in ("reply", "error"):
            self._welcomed(message)
            return
        instance = message.get("instance")
        if self._greeting is None and instance is not None and instance != self.instance:
            self._greet()
        request = self.outstanding.get(str(message.get("id")))
        if request is not None and request.heard(message):
            # Here, not when its caller gets its turn: an answer that comes twice is for nobody.
            del self.outstanding[request.id]
        elif request is not None:
            request.ask_again_s = self._heard_s + request.ask_again_after_s

    def _connected(self) -> None:
        """Say hello; until it is answered nothing else is sent on a new connection."""
        self.ready, self._greeting = False, None
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
        again = not self.ready or message.get("instance") != self.instance
        self.instance = str(message.get("instance"))
        self.ready = self.greeted = True
        self.trouble = None
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None
        now_s = self._loop.time()
        for request in list(self.outstanding.values()):
            if again or request.ask_again_s <= now_s:
                self._send(request)

    def _learn(self, hello: Mapping[str, Any]) -> None:
        self._heartbeat_s = max(float(hello["heartbeat"]), _SHORTEST_HEARTBEAT_S)
        self.message_bytes = int(float(hello["limits"]["message_mb"]) * MEGABYTE)
        publisher = str(hello["endpoints"]["publisher"])
        if self.publisher is None:
            self.publisher = reachable(publisher, self._link.endpoint)

    async def _beat(self) -> None:
        """While something is outstanding, ask after the daemon each heartbeat it was not heard of."""
        while True:
            await asyncio.sleep(self._heartbeat_s)
            now_s = self._loop.time()
            if not self.outstanding or not self._link.up:
                continue
            if self._greeting is not None and now_s - self._greeting_s < _HELLO_AGAIN_S:
                continue
            asked_long_ago = any(request.ask_again_s <= now_s for request in self.outstanding.values())
            if asked_long_ago or now_s - self._heard_s >= self._heartbeat_s:
                self._greet()

    # -------------------------------------------------------------- failures

    def _troubled(self, trouble: BusError) -> None:
        """No connection stands: a daemon never reached fails at once, one that went away is waited for."""
        self.trouble = trouble
        self.ready, self._greeting = False, None
        if not self.greeted:
            if not isinstance(trouble, NotAnswering):
                self._fail_all(trouble)
        elif self._giving_up is None:
            self._give_up_later()

    def _give_up_later(self) -> None:
        self._giving_up = self._loop.call_later(self._patience_s, self._give_up)

    def _give_up(self) -> None:
        self._giving_up = None
        trouble = self.trouble
        if trouble is None:
            return
        for request in list(self.outstanding.values()):
            # A daemon that listens and is silent may only be stopped: it is waited for up to the deadline.
            if request.deadline_s is None or not isinstance(trouble, NotAnswering):
                request.fail(type(trouble)(trouble.message))

    def _fail_all(self, error: BusError) -> None:
        for request in list(self.outstanding.values()):
            request.fail(type(error)(error.message))

    def not_reached(self, within_s: float) -> BusError | None:
        """Say why the daemon was never reached; None if it was."""
        if self.greeted:
            return None
        at = self._link.endpoint
        if self._link.up:
            return WrongEndpoint(
                f"{at}: a ZeroMQ socket that does not answer bus.hello; not DAWG-AI, or one that hangs"
            )
        silent = f"{at}: no connection within {within_s:g} s"
        return NotAnswering(self.trouble.message if self.trouble is not None else silent)

    def not_answered(self, timeout_s: float) -> BusError:
        """Say why there is no answer when a deadline has passed."""
        if isinstance(self.trouble, NotRunning):
            return NotRunning(self.trouble.message)
        why = ""
        silent_s = self._loop.time() - self._heard_s
        if self.trouble is not None:
            why = f"; {self.trouble.message}"
        elif silent_s > 2 * self._heartbeat_s:
            why = f", and no sign of life for {silent_s:.0f} s"
        return NotAnswering(f"timeout: no answer in {timeout_s:g} s{why}")


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
