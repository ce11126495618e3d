"""An engine that cannot be warmed up until a file says so."""

import os
from pathlib import Path

from tests.bus.engines.dummy import die, echo

WARM = "DAWG_TEST_WARM"


def warm_up() -> None:
    """Fail, except where the file named in the environment is there."""
    if not Path(os.environ[WARM]).exists():
        raise OSError("model: cut off")


OPERATIONS = (echo, die)
VERSION = "1"
