"""The models on this machine: where they lie, and what their cards say of them.

A model is a `.mag` bundle and, beside it, a card: a `.toml` of the same name that says what it was made of.
The shipped ones stand in `bundles/`; imported ones in the user's own folder, which may not hide a shipped
name. Light to import, since the daemon's status names the models: nothing is read here but cards.
"""

import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from platformdirs import user_data_path

SHIPPED: Final = Path(__file__).parent / "bundles"


@dataclass(frozen=True)
class Installed:
    """A bundle on disk and its card (empty where there is none)."""

    name: str
    path: Path
    shipped: bool
    card: dict[str, Any]


def user_folder() -> Path:
    """Return where imported models lie: `DAWG_MODELS`, or the platform's data folder."""
    chosen = os.environ.get("DAWG_MODELS")
    return Path(chosen) if chosen else user_data_path("dawg-ai") / "models"


def look_up(name: str) -> Installed | None:
    """Return one bundle by name, without looking at the others; a shipped one comes first."""
    for folder, shipped in ((SHIPPED, True), (user_folder(), False)):
        path = folder / f"{name}.mag"
        if path.is_file():
            return Installed(name, path, shipped, _card(path))
    return None


def installed() -> Iterator[Installed]:
    """Yield every bundle on this machine, the shipped ones first."""
    seen: set[str] = set()
    for folder, shipped in ((SHIPPED, True), (user_folder(), False)):
        for path in sorted(folder.glob("*.mag")) if folder.is_dir() else ():
            if path.stem not in seen and path.is_file():
                seen.add(path.stem)
                yield Installed(path.stem, path, shipped, _card(path))


def _card(path: Path) -> dict[str, Any]:
    card = path.with_suffix(".toml")
    try:
        status = card.stat()
        return _read_card(card, status.st_mtime_ns, status.st_size) if status.st_size < 65536 else {}
    except (OSError, ValueError):
        return {}


@lru_cache(maxsize=256)
def _read_card(card: Path, mtime_ns: int, size: int) -> dict[str, Any]:
    """Read a card; every request looks at one, and it is read again where the file has changed."""
    del mtime_ns, size
    return tomllib.loads(card.read_text("utf-8"))
