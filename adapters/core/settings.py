"""Where DAWG-CORE is, and how long each kind of call may take: the section `[core]` of config.toml."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from bus.schema import documented


def http_url(url: str) -> str:
    """Return `url` without a closing slash.

    Raises
    ------
    ValueError
        If it is not `http://host[:port][/path]` (or https). A user name, a query and a fragment are refused:
        the address stands in messages and logs, and paths are appended to it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{url!r}; must be http://HOST:PORT ({error})") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ValueError(f"{url!r}; must be http://HOST:PORT, for example http://localhost:8080")
    if parts.query or parts.fragment or "@" in parts.netloc or any(c.isspace() for c in url):
        raise ValueError(f"{url!r}; must have no user name, query, fragment or white space")
    return url.rstrip("/")


Url = Annotated[str, AfterValidator(http_url)]
Timeout = Annotated[float, Field(gt=0, le=600, allow_inf_nan=False, json_schema_extra={"unit": "s"})]


@documented
@dataclass(frozen=True)
class CoreSettings:
    """DAWG-CORE's address and the time each call to it may take, connection and answer together.

    The annotations are what pydantic checks where config.toml is read; made directly, nothing is checked.
    """

    url: Url = "http://localhost:8080"
    """Address of DAWG-CORE's REST API, without `/api/v1`."""

    health_timeout_s: Timeout = 2.0
    """Seconds for `GET /api/v1/health`."""

    status_timeout_s: Timeout = 5.0
    """Seconds for `GET /api/v1/project/status`."""

    transport_timeout_s: Timeout = 5.0
    """Seconds for `POST /api/v1/transport/play` and `stop`."""

    import_timeout_s: Timeout = 10.0
    """Seconds for `POST /api/v1/midi/import`."""

    check_interval_s: Timeout = 5.0
    """Seconds between two looks at its health while it answers; longer and longer while it does not."""
