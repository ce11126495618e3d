"""Who this daemon is: the version of the software, and an instance that changes with each start."""

import secrets
from importlib import metadata


def version() -> str:
    """Return the installed version."""
    return metadata.version("dawg-ai")


def instance() -> str:
    """Return a name for this run of the daemon, 16 hexadecimal digits, that no other run has."""
    return secrets.token_hex(8)
