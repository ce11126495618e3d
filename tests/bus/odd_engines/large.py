"""An engine that is larger than its budget before it has done anything."""

from tests.bus.engines.dummy import echo

_loaded = bytearray()


def warm_up() -> None:
    """Load what is too much, and touch it."""
    _loaded.extend(b"x" * 150_000_000)


OPERATIONS = (echo,)
VERSION = "1"
