"""What only a client can see of a daemon: that it is not there, is not it, refuses the key, or is silent.

Each is also the error of the daemon that a caller would treat the same, so that `except Unavailable` covers a
daemon that drains and one that is not there.
"""

from typing import ClassVar

from bus.errors import DeadlineExceeded, FailedPrecondition, PermissionDenied, Unavailable


class NotRunning(Unavailable):
    """Nothing listens at the endpoint, or nothing has again for longer than the client's patience."""


class WrongEndpoint(FailedPrecondition):
    """Something listens there that does not speak DAWG/1: another program, or the publisher's port."""


class WrongKey(PermissionDenied):
    """The CURVE handshake failed: a key is missing, wrong, or not admitted."""


class NotAnswering(DeadlineExceeded):
    """The daemon, or what may be it, listens and says nothing; nothing is known of the request."""

    retryable: ClassVar[bool] = True
