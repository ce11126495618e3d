"""An engine beside another, which goes on whatever happens there."""

from tests.bus.engines.dummy import echo, wait

OPERATIONS = (echo, wait)
VERSION = "1"
