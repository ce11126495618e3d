"""One class for each failure a client can act on, with its stable code.

The codes are gRPC's status names; `http_status` is what the same failure is called on :9000. A message names
the field, what came and what is allowed. `retryable` says whether the same request may succeed later.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class BusError(Exception):
    """A request that ended without a result; its subclasses are the failures a client can tell apart.

    Attributes
    ----------
    message
        A sentence for a person.
    retry_after
        Seconds after which trying again is worthwhile, or None.
    details
        Facts a program can use (`signal`, `ref`, `allowed`), or None.
    """

    code: ClassVar[str] = "INTERNAL"
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after
        self.details = dict(details) if details else None


class InvalidArgument(BusError):
    """A parameter or envelope that no state of the daemon would accept."""

    code, http_status = "INVALID_ARGUMENT", 400


class NotFound(BusError):
    """A file or request that does not exist."""

    code, http_status = "NOT_FOUND", 404


class PermissionDenied(BusError):
    """A path outside the configured roots."""

    code, http_status = "PERMISSION_DENIED", 403


class Unimplemented(BusError):
    """An operation this daemon does not have."""

    code, http_status = "UNIMPLEMENTED", 501


class ResourceExhausted(BusError):
    """A full queue: the same request fits later."""

    code, http_status, retryable = "RESOURCE_EXHAUSTED", 429, True


class TooLarge(BusError):
    """A message, file or result over a bound, or a job over its memory budget: it never fits."""

    code, http_status = "RESOURCE_EXHAUSTED", 413


class DeadlineExceeded(BusError):
    """The time the request was given has passed, in the queue or in the worker."""

    code, http_status, retryable = "DEADLINE_EXCEEDED", 504, True


class Cancelled(BusError):
    """Somebody asked for `bus.cancel`, or the daemon drained."""

    code, http_status = "CANCELLED", 499


class FailedPrecondition(BusError):
    """Something must be mended first: a model that is not installed, another protocol version."""

    code, http_status = "FAILED_PRECONDITION", 412


class Unavailable(BusError):
    """The daemon drains, an engine keeps dying, or DAWG-CORE cannot be reached."""

    code, http_status, retryable = "UNAVAILABLE", 503, True


class Aborted(BusError):
    """The worker died under the request; `details.signal` names how."""

    code, http_status, retryable = "ABORTED", 409, True


class DataLoss(BusError):
    """Audio, MIDI or a project that cannot be decoded."""

    code, http_status = "DATA_LOSS", 422


class Internal(BusError):
    """A bug; `details.ref` finds it in the log."""

    code, http_status = "INTERNAL", 500


def by_code(code: str, *, retryable: bool = True) -> type[BusError] | None:
    """Return the class a code stands for, or None for a code that is not one.

    `RESOURCE_EXHAUSTED` is two failures, which `retryable` tells apart: a full queue, or something too large.
    """
    if code == TooLarge.code and not retryable:
        return TooLarge
    return next((error for error in BusError.__subclasses__() if error.code == code), None)
