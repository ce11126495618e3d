"""An engine that is not warm until a file says so."""

import os
import time
from pathlib import Path

from tests.bus.engines.dummy import echo

WARM = "DAWG_TEST_SLOW"


def warm_up() -> None:
    """Wait for the file named in the environment."""
    while not Path(os.environ[WARM]).exists():
        time.sleep(0.01)


OPERATIONS = (echo,)
VERSION = "1"
