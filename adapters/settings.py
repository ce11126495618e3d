"""Every section of config.toml as a type: what can be set, in which unit and range, and its default."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from platformdirs import user_cache_path, user_state_path
from pydantic import Field

from adapters.core.settings import CoreSettings
from bus.schema import documented
from bus.settings import BusSettings, LaneSettings, Megabytes

PROGRAM = "dawg-ai"

Port = Annotated[int, Field(ge=0, le=65535, json_schema_extra={"unit": "1"})]


@documented
@dataclass(frozen=True)
class HttpSettings:
    """The compatibility endpoint."""

    enabled: bool = True
    host: str = "127.0.0.1"
    """Address to bind; only loopback addresses are taken, there is no authentication."""
    port: Port = 9000
    """0 takes any that is free."""
    allowed_hosts: list[str] = field(default_factory=lambda: ["localhost", "127.0.0.1", "[::1]"])
    """`Host` headers that are answered: a page that rebinds its name to this machine sends its own."""
    allowed_origins: list[str] = field(default_factory=list)
    """Web pages that may call from a browser, such as `http://localhost:3000`; none by default."""
    max_upload_mb: Megabytes = 512.0
    """Largest request body."""


@documented
@dataclass(frozen=True)
class Paths:
    """Folders and files, `~` for the home folder."""

    audio_roots: list[Path] = field(default_factory=lambda: [Path("~")])
    """Folders whose files may be read by path; their hidden folders may not."""
    projects: Path = Path("~/Music/DAWG/Projects")
    """Where the workstation keeps its projects."""
    status_file: Path = Path("~/Development/status/DAWG-AI_status.json")
    state: Path = field(default_factory=lambda: user_state_path(PROGRAM))
    """Locks, and files that came as bytes while they are worked on."""
    cache: Path = field(default_factory=lambda: user_cache_path(PROGRAM))
    """Results by content; may be deleted at any time while the daemon is down."""


@documented
@dataclass(frozen=True)
class CacheSettings:
    """Results that are kept by content."""

    max_mb: Megabytes = 256.0
    """Most megabytes of results; the least recently used go first."""


@documented
@dataclass(frozen=True)
class LogSettings:
    """What is written to stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "text"] = "auto"
    """`auto` is text on a terminal and JSON lines elsewhere."""


@documented
@dataclass(frozen=True)
class Config:
    """config.toml as a whole."""

    bus: BusSettings = field(default_factory=BusSettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    core: CoreSettings = field(default_factory=CoreSettings)
    paths: Paths = field(default_factory=Paths)
    cache: CacheSettings = field(default_factory=CacheSettings)
    log: LogSettings = field(default_factory=LogSettings)
    engines: Mapping[str, LaneSettings] = field(default_factory=dict)
    """By engine name; an engine without a section has the defaults."""
