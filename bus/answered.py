"""Ended requests whose answer is kept, for a client that lost it and asks again under the same id."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from bus.errors import BusError
from bus.job import Outcome, Result
from bus.settings import MEGABYTE, Limits


def fingerprint(op: str, params: bytes) -> bytes:
    """Tell whether two requests under one id are the same request."""
    return hashlib.blake2b(
        params, digest_size=16, person=hashlib.blake2b(op.encode(), digest_size=16).digest()
    ).digest()


@dataclass(frozen=True, slots=True)
class Answer:
    """How a request ended, and which request it was."""

    fingerprint: bytes
    outcome: Outcome
    size: int
    at_s: float


class Answered:
    """Outcomes by request id, bounded by count, bytes and age (monotonic, so a clock may jump)."""

    def __init__(self, limits: Limits, now: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._now = now
        self._by_id: OrderedDict[str, Answer] = OrderedDict()
        self._bytes = 0

    def remember(self, request_id: str, fingerprint: bytes, outcome: Outcome) -> None:
        """Keep what a request ended with."""
        self._drop(request_id)
        if isinstance(outcome, BusError):
            # The frames it was raised through hold what the request held: its bytes.
            outcome.__traceback__ = outcome.__cause__ = outcome.__context__ = None
        size = len(outcome.encoded) if isinstance(outcome, Result) else len(outcome.message)
        self._by_id[request_id] = Answer(fingerprint, outcome, size, self._now())
        self._bytes += size
        self._expire()

    def get(self, request_id: str) -> Answer | None:
        """Return what a request ended with, while it is remembered."""
        self._expire()
        return self._by_id.get(request_id)

    def _expire(self) -> None:
        limits = self._limits
        oldest_allowed_s = self._now() - limits.remembered_s
        while self._by_id:
            request_id, oldest = next(iter(self._by_id.items()))
            if (
                len(self._by_id) <= limits.remembered
                and self._bytes <= limits.remembered_mb * MEGABYTE
                and oldest.at_s >= oldest_allowed_s
            ):
                return
            self._drop(request_id)

    def _drop(self, request_id: str) -> None:
        answer = self._by_id.pop(request_id, None)
        if answer is not None:
            self._bytes -= answer.size
