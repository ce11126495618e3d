"""From what an operation raised to the error its client is told."""

import secrets

import structlog

from bus.errors import (
    BusError,
    DataLoss,
    Internal,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    TooLarge,
    by_code,
)

log = structlog.get_logger()


def translate(error: Exception) -> BusError:
    """Turn what an operation raised into the error its client is told.

    `code` on the exception wins; then what the caller can mend (`ValueError`, files); anything else is a bug,
    logged with its traceback under the reference that the client is given.
    """
    if isinstance(error, BusError):
        return error
    known = by_code(str(getattr(error, "code", "")), retryable=False)
    if known is not None:
        return known(_sentence(error))
    for kind, failure in _MENDABLE:
        if isinstance(error, kind):
            return failure(_sentence(error))
    reference = secrets.token_hex(4)
    log.error("operation.bug", ref=reference, exc_info=error)
    return Internal(f"internal error; look for {reference} in the log", details={"ref": reference})


_MENDABLE: tuple[tuple[type[Exception], type[BusError]], ...] = (
    (FileNotFoundError, NotFound),
    (PermissionError, PermissionDenied),
    (ValueError, InvalidArgument),
    (MemoryError, TooLarge),
    (OSError, DataLoss),
)


def _sentence(error: Exception) -> str:
    return str(error) or type(error).__name__
