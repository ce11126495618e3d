"""The XPUB socket: events under topics, and the last value of each for whoever subscribes late.

Topics end in a slash, so that a prefix names exactly one thing. Every event carries the instance, a `seq`
that counts all events and a `topic_seq` that counts those of its topic: a gap in the one tells a subscriber
to everything what it lost, a gap in the other a subscriber to one topic. A subscriber that does not read
loses events at its high-water mark and costs the daemon nothing else.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias
from urllib.parse import quote

import structlog
import zmq.asyncio

from bus.messages import pack
from bus.sockets import send_now

VERSION: Final = 1
HEARTBEAT: Final = "heartbeat/"
STATUS: Final = "status/"

_SUBSCRIBE = 1
# The longest there is: an id of 64 characters of four bytes each, percent-encoded, and an operation's name.
_TOPIC_BYTES = 1000
# Subscriptions that arrive within this time are served one replay: a flood of them costs what one costs.
_REPLAY_DELAY_S = 0.05
_PENDING_PREFIXES = 256
_LAST_VALUES = 2048

# Called with a topic and the event under it, which it must not change.
Listener: TypeAlias = Callable[[str, dict[str, Any]], None]

log = structlog.get_logger()


def job_topic(op: str, job_id: str, kind: str) -> str:
    """Name a job's topic; an id is free text, so what could be mistaken for a level is percent-encoded."""
    return f"job/{op}/{quote(job_id, safe='')}/{kind}/"


@dataclass
class _LastValue:
    body: dict[str, Any]
    topic_seq: int


class Publisher:
    """Publishes events; `run` listens for subscriptions and replays to them."""

    def __init__(self, socket: zmq.asyncio.Socket, instance: str) -> None:
        self._socket = socket
        self._instance = instance
        self._last: OrderedDict[str, _LastValue] = OrderedDict()
        self._listeners: dict[object, tuple[str, Listener]] = {}
        self._pending: set[str] = set()
        self._replay_timer: asyncio.TimerHandle | None = None
        self.seq = 0

    def publish(self, topic: str, body: dict[str, Any]) -> None:
        """Send an event now and keep it as the last value of its topic."""
        self.seq += 1
        previous = self._last.pop(topic, None)
        topic_seq = previous.topic_seq + 1 if previous else 1
        event = {
            "v": VERSION,
            "instance": self._instance,
            "seq": self.seq,
            "topic_seq": topic_seq,
            "time": time.time(),
            **body,
        }
        self._last[topic] = _LastValue(event, topic_seq)
        while len(self._last) > _LAST_VALUES:
            self._last.popitem(last=False)
        self._send(topic, event)
        for prefix, listener in list(self._listeners.values()):
            if topic.startswith(prefix):
                listener(topic, event)

    def listen(self, prefix: str, listener: Listener) -> Callable[[], object]:
        """Hand `listener` the last values of what `prefix` matches, then every event; returns how to stop.

        For transports of this process. A listener returns at once and never raises.
        """
        key = object()
        for topic, value in list(self._last.items()):
            if topic.startswith(prefix):
                listener(topic, {**value.body, "replay": True})
        self._listeners[key] = (prefix, listener)
        return partial(self._listeners.pop, key, None)

    def forget(self, topic: str) -> None:
        """Drop the last value of a topic that will have no other."""
        self._last.pop(topic, None)

    def _send(self, topic: str, event: dict[str, Any]) -> None:
        # XPUB never blocks: at a subscriber's high-water mark it drops for that subscriber alone.
        send_now(self._socket, [topic.encode(), pack(event)])

    async def run(self) -> None:
        """Answer subscriptions with the last values they match, until cancelled."""
        while True:
            frames = await self._socket.recv_multipart()
            await asyncio.sleep(0)  # a message that is there already gives no turn to anybody else
            message = frames[0]
            if len(frames) != 1 or not message or message[0] != _SUBSCRIBE or len(message) > _TOPIC_BYTES:
                continue
            try:
                prefix = message[1:].decode()
            except UnicodeDecodeError:
                continue  # matches no topic of ours
            self._plan_replay(prefix)

    def _plan_replay(self, prefix: str) -> None:
        # Past the bound everything is replayed once, which covers every prefix.
        self._pending.add(prefix if len(self._pending) < _PENDING_PREFIXES else "")
        if self._replay_timer is None:
            loop = asyncio.get_running_loop()
            self._replay_timer = loop.call_later(_REPLAY_DELAY_S, self._replay)

    def _replay(self) -> None:
        prefixes = tuple(self._pending)
        self._pending.clear()
        self._replay_timer = None
        for topic, value in list(self._last.items()):
            if topic.startswith(prefixes):
                self._send(topic, {**value.body, "replay": True})
