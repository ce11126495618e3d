"""A request a client waits for: what was asked, until when, and the messages that ask it."""

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import msgpack

from bus.errors import BusError, Internal, InvalidArgument, by_code
from bus.messages import Priority

Progress: TypeAlias = Callable[[float, str], None]

_PARAMS_KEY: bytes = msgpack.packb("params")


def pack_params(params: Mapping[str, Any]) -> bytes:
    """Encode parameters; paths become absolute text, since the daemon's working folder is another.

    Raises
    ------
    InvalidArgument
        If something in them has no place in a message, such as the name of a file that is not UTF-8.
    """
    try:
        return bytes(msgpack.packb(dict(params), default=_plain))
    except UnicodeEncodeError as error:
        field = next(name for name, value in params.items() if not _is_utf8([name, value]))
        raise InvalidArgument(
            f"{field}: {error.object[:200]!r}; must be UTF-8", details={"field": field}
        ) from None
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidArgument(f"params: {error}") from None


def _is_utf8(value: Any) -> bool:
    try:
        msgpack.packb(value, default=_plain)
    except UnicodeEncodeError:
        return False
    return True


def _plain(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return str(Path(value).absolute())
    raise TypeError(f"{type(value).__name__} cannot be sent; text, numbers, lists, maps, bytes and paths can")


@dataclass(eq=False)
class Outstanding:
    """One request. Times are the event loop's, in seconds."""

    id: str
    op: str
    params: bytes
    priority: Priority
    progress: Progress | None
    answer: "asyncio.Future[dict[str, Any]]"
    began_s: float
    deadline_s: float | None = None
    # When it is asked (again) though the connection stands, and how long after that the next time.
    ask_again_s: float = float("-inf")
    ask_again_after_s: float = 0.0
    timers: list[asyncio.TimerHandle] = field(default_factory=list)

    def message(self, now_s: float) -> bytes:
        """Write the request with the time it has left."""
        head: dict[str, Any] = {
            "type": "request",
            "id": self.id,
            "op": self.op,
            "priority": self.priority,
            "progress": self.progress is not None,
        }
        if self.deadline_s is not None:
            head["timeout"] = max(self.deadline_s - now_s, 0.001)
        # A map is its header and its pairs one after the other: count one more pair and append it.
        body: bytes = msgpack.packb(head)
        return bytes([body[0] + 1]) + body[1:] + _PARAMS_KEY + self.params

    def heard(self, message: Mapping[str, Any]) -> bool:
        """Take in a message under this id; returns whether it was the last."""
        if self.answer.done():
            return True
        if message.get("type") == "progress":
            return self._report(message)
        if message.get("type") == "reply" and isinstance(message.get("result"), dict):
            self.answer.set_result(message["result"])
        elif message.get("type") == "error":
            self.answer.set_exception(error_of(message))
        return self.answer.done()

    def _report(self, message: Mapping[str, Any]) -> bool:
        if self.progress is not None:
            try:
                self.progress(float(message.get("fraction", 0.0)), str(message.get("stage", "")))
            except Exception as error:  # whatever the callback raises is its caller's
                self.answer.set_exception(error)
        return False

    def fail(self, error: BusError) -> None:
        """End without an answer."""
        if not self.answer.done():
            self.answer.set_exception(error)

    def stop_timers(self) -> None:
        """Forget every deadline."""
        for timer in self.timers:
            timer.cancel()


def error_of(message: Mapping[str, Any]) -> BusError:
    """Make the exception an error message stands for; a code that is not known here is an `Internal`."""
    code, text = str(message.get("code")), str(message.get("message", ""))
    kind = by_code(code, retryable=bool(message.get("retryable")))
    if kind is None:
        return Internal(f"{code}: {text}")
    retry_after = message.get("retry_after")
    details = message.get("details")
    return kind(
        text,
        retry_after=float(retry_after) if isinstance(retry_after, int | float) else None,
        details=details if isinstance(details, dict) else None,
    )
