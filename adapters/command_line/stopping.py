"""SIGTERM and SIGHUP taken as Ctrl-C is, while there is something to cancel before the command ends.

`timeout`, a service manager and a terminal that is closed send them. One that is ignored, as under `nohup`,
stays ignored.
"""

import os
import signal
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

# Windows knows no SIGHUP.
_NUMBERS: Final = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class Stopped(KeyboardInterrupt):
    """A signal that ends the command, raised wherever it is.

    Attributes
    ----------
    exit_code
        128 and the signal's number, as for a program that is ended by it.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.exit_code = 128 + number


@contextmanager
def as_ctrl_c() -> Iterator[None]:
    """Raise `Stopped` when a signal comes, where it would have ended the process at once."""
    numbers = [number for number in _NUMBERS if signal.getsignal(number) is signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, _stop)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


def _stop(number: int, frame: FrameType | None) -> None:
    del frame
    _leave_closed_terminal()
    raise Stopped(number)


def _leave_closed_terminal() -> None:
    """Write to nowhere in place of a terminal that has been closed, where every write is an error."""
    for stream in (sys.stdout, sys.stderr):
        handle = stream.fileno()
        if stat.S_ISCHR(os.fstat(handle).st_mode) and not os.isatty(handle):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, handle)
            os.close(nowhere)
