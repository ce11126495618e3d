"""What every command is given: the configuration, and the daemon's `serve`."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adapters.settings import Config


@dataclass(frozen=True)
class House:
    """Where the program stands and what its command line says of its configuration."""

    beside: Path
    serve: Callable[["Config"], int]
    config_file: Path | None = None
    overrides: tuple[str, ...] = ()

    def found_config(self) -> Path | None:
        """Return the configuration file that holds, or None where the defaults do.

        Raises
        ------
        ConfigError
            If one was named that is not there.
        """
        from adapters import config_file  # noqa: PLC0415 - half a second, which --help need not wait for

        return config_file.find(self.config_file, os.environ, self.beside)

    def config(self) -> "Config":
        """Read the configuration.

        Raises
        ------
        ConfigError
            If it is not one.
        """
        from adapters import config_file  # noqa: PLC0415 - half a second, which --help need not wait for

        return config_file.load(self.found_config(), self.overrides)
