"""One exit code for each way to fail that a script can tell apart."""

from typing import Final

USAGE: Final = 2
BROKEN_PIPE: Final = 141  # 128 + SIGPIPE, as for a program that is stopped by it
INTERRUPTED: Final = 130  # 128 + SIGINT

# By class name, the nearest class of the error first: the classes themselves take half a second to import,
# and where none was imported none was raised.
_CODES: Final = {
    "UsageError": 2,
    "ConfigError": 2,
    "InvalidArgument": 2,
    "NotRunning": 3,
    "WrongEndpoint": 4,
    "WrongKey": 5,
    "NotAnswering": 6,
    "DeadlineExceeded": 7,
    "ResourceExhausted": 8,
    "TooLarge": 9,
    "NotFound": 10,
    "PermissionDenied": 11,
    "Unimplemented": 12,
    "FailedPrecondition": 13,
    "Unavailable": 14,
    "Aborted": 15,
    "DataLoss": 16,
    "Cancelled": 17,
    "Internal": 1,
    "BusError": 1,
    "OutputError": 18,
}

TABLE: Final = """\
Exit codes:
  0 done                              9 too large (RESOURCE_EXHAUSTED)
  1 a bug (INTERNAL); doctor: faults  10 no such file (NOT_FOUND)
  2 wrong usage, configuration or     11 path not allowed (PERMISSION_DENIED)
    parameter (INVALID_ARGUMENT)      12 no such operation (UNIMPLEMENTED)
  3 the daemon is not running         13 something must be installed first (FAILED_PRECONDITION)
  4 the endpoint is not the daemon's  14 stopping, engine or DAWG-CORE down (UNAVAILABLE)
  5 CURVE key missing or wrong        15 the worker died (ABORTED)
  6 the daemon does not answer        16 cannot be decoded (DATA_LOSS)
  7 timed out (DEADLINE_EXCEEDED)     17 cancelled by somebody (CANCELLED)
  8 busy (RESOURCE_EXHAUSTED)         18 the result could not be written
  130 Ctrl-C, 143 SIGTERM, 129 SIGHUP: the request is cancelled
"""

_HINTS: Final = {
    "NotRunning": "`dawg-ai serve` starts it, `dawg-ai doctor` looks further",
    "WrongEndpoint": "`dawg-ai doctor` says who holds the port; bus.router in config.toml names another",
    "WrongKey": "the keys are bus.curve in config.toml, or $DAWG_SERVER_KEY and $DAWG_CLIENT_KEY",
    "NotAnswering": "`dawg-ai doctor` looks further",
}


def of(error: BaseException) -> int | None:
    """Return the exit code an error stands for; None for what is a bug here."""
    return next((_CODES[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in _CODES), None)


def sentence(error: BaseException) -> str:
    """Say what went wrong, and what may be done."""
    hint = _HINTS.get(type(error).__name__)
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        hint = f"try again in {retry_after:g} s"
    reference = (getattr(error, "details", None) or {}).get("ref")
    if reference is not None:
        hint = f"the daemon's log has it under {reference}"
    return f"{error}{'' if hint is None else f' ({hint})'}"
