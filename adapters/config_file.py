"""config.toml read, with what the command line and the environment change in it.

The file is the first of `--config FILE`, `$DAWG_CONFIG`, `config.toml` in the user's configuration folder
(`~/.config/dawg-ai` on Linux), and the one beside `daemon.py`. `--set section.key=value` changes one key;
the value is read as TOML, and as a plain string where it is not.
"""

import tomllib
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from platformdirs import user_config_path
from pydantic import TypeAdapter, ValidationError

from adapters.settings import PROGRAM, Config
from bus.explain import explain

_config = TypeAdapter(Config)


class ConfigError(Exception):
    """A configuration the daemon cannot start with; the message names the key, what came, what is allowed."""


def find(named: Path | None, environ: Mapping[str, str], beside: Path) -> Path | None:
    """Return the file to read, or None where there is none and the defaults stand.

    Raises
    ------
    ConfigError
        If a file that was named is not there.
    """
    asked_for = named or (Path(environ["DAWG_CONFIG"]) if environ.get("DAWG_CONFIG") else None)
    if asked_for is not None:
        if not asked_for.expanduser().is_file():
            raise ConfigError(f"{asked_for}: no such configuration file")
        return asked_for.expanduser()
    candidates = (user_config_path(PROGRAM) / "config.toml", beside / "config.toml")
    return next((path for path in candidates if path.is_file()), None)


def load(path: Path | None, overrides: Iterable[str] = ()) -> Config:
    """Read and check a configuration.

    Parameters
    ----------
    path
        The file; None for the defaults.
    overrides
        Each `section.key=value`.

    Raises
    ------
    ConfigError
        If the file is not TOML, or a key is unknown or has a wrong value.
    """
    document: dict[str, Any] = {}
    if path is not None:
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"{path}: {error}") from error
    set_keys = [_set(document, override) for override in overrides]
    try:
        config = _config.validate_python(document)
    except ValidationError as error:
        message, facts = explain(error, _config.json_schema())
        if any(f"{facts['field']}.".startswith(f"{key}.") for key in set_keys):
            raise ConfigError(f"--set {message}") from None
        raise ConfigError(f"{path or 'configuration'}: {message}") from None
    return config


def check_engines(config: Config, engines: Collection[str]) -> None:
    """Refuse a section of an engine that is not there; apart, since finding the engines takes a moment.

    Raises
    ------
    ConfigError
        Naming the first.
    """
    for name in config.engines:
        if name not in engines:
            near = get_close_matches(name, engines, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise ConfigError(f"engines.{name}: unknown{hint}; allowed: {', '.join(sorted(engines))}")


def _set(document: dict[str, Any], override: str) -> str:
    """Put one `section.key=value` into the document; returns the key."""
    key, equals, text = override.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise ConfigError(f"--set {override}: must be section.key=value")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    table = document
    for part in parts[:-1]:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise ConfigError(f"--set {override}: {part} is not a section")
    table[parts[-1]] = value
    return ".".join(parts)
