"""A check in a child process, which may give up its rights, have no disk left, and be killed."""

import os
import warnings
from collections.abc import Callable

_NOBODY = 65534


def holds_in_child(check: Callable[[], bool], *, nobody: bool = False) -> bool:
    """Whether a check holds in a child; as `nobody` also root cannot read and write everything."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of 3.12: threads are not there in the child
        child = os.fork()
    if child == 0:
        try:
            if nobody and os.getuid() == 0:
                os.setgid(_NOBODY)
                os.setuid(_NOBODY)
            os._exit(0 if check() else 1)
        finally:
            os._exit(2)
    return os.waitpid(child, 0)[1] == 0
