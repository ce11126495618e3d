"""What an engine raises for what its caller can mend, beside plain `ValueError` and `OSError`.

`code` is the name under which the failure leaves the daemon; the worker reads it off the exception, so that
engines need to know nothing of the bus.
"""

from typing import ClassVar


class UndecodableError(ValueError):
    """A file that is not what its role needs: no audio, a cut-off header, a text file named `.wav`."""

    code: ClassVar[str] = "DATA_LOSS"


class TooLongError(ValueError):
    """Input beyond what the engine can handle in bounded time and memory."""

    code: ClassVar[str] = "RESOURCE_EXHAUSTED"


class NotInstalledError(OSError):
    """A model or library that must be installed first; the message says how."""

    code: ClassVar[str] = "FAILED_PRECONDITION"


class UnreachableError(OSError):
    """A server on the network that cannot be reached or cannot answer now; later it may."""

    code: ClassVar[str] = "UNAVAILABLE"
