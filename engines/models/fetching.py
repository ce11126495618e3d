"""Magenta's official bundles, over HTTPS, one at a time and only when asked for."""

import json
import tempfile
from pathlib import Path
from typing import Final

import requests

from engines._errors import TooLongError, UnreachableError
from engines._units import Progress
from engines.generate import inventory
from engines.generate.bundle import MAX_BYTES
from engines.generate.theory import nearest
from engines.models import keeping
from engines.models.result import ModelInfo

# The HTTPS form of the addresses in Magenta's own documentation; which files are still there is not promised.
BASE: Final = "https://storage.googleapis.com/download.magenta.tensorflow.org/models"
_TIMEOUT_S: Final = 20.0
_CHUNK: Final = 1 << 16
_REMEDY: Final = "a copy from elsewhere comes in with models.import"
_PINS: Final = "pins.json"


def fetch(name: str, sha256: str | None, progress: Progress) -> ModelInfo:
    """Download, check, pin, take in."""
    if name not in keeping.OFFICIAL:
        raise ValueError(f"name: {name[:40]!r}; {nearest(name, keeping.OFFICIAL)}")
    folder = inventory.user_folder()
    folder.mkdir(parents=True, exist_ok=True)
    pins = _pins(folder)
    expected = sha256 or pins.get(name)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".") as scratch:
        path = Path(scratch) / f"{name}.mag"
        download(f"{BASE}/{name}.mag", path, progress)
        made = keeping.take_in(path, name, expected, origin=f"{BASE}/{name}.mag")
    if made.sha256 and name not in pins:
        keeping.replace(folder / _PINS, json.dumps({**pins, name: made.sha256}, indent=1).encode())
    progress(1.0, "done")
    return made


def download(address: str, path: Path, progress: Progress) -> None:
    """Write what an address holds to a file, within the size a bundle may have.

    Raises
    ------
    FileNotFoundError
        If the server does not have it.
    UnreachableError
        If the server cannot be reached, or breaks off.
    TooLongError
        If it is larger.
    """
    try:
        with requests.get(address, stream=True, timeout=_TIMEOUT_S) as answer, path.open("wb") as file:
            if answer.status_code != requests.codes.ok:
                gone = 400 <= answer.status_code < 500
                raise (FileNotFoundError if gone else UnreachableError)(
                    f"{address}: the server answered {answer.status_code}; {_REMEDY}"
                )
            whole = int(answer.headers.get("Content-Length") or 0)
            taken = 0
            for chunk in answer.iter_content(_CHUNK):
                taken += len(chunk)
                if max(taken, whole) > MAX_BYTES:
                    raise TooLongError(f"bundle: over {MAX_BYTES} bytes; must be at most that")
                file.write(chunk)
                progress(min(0.95, taken / whole) if whole else 0.5, "download")
    except requests.RequestException as error:
        raise UnreachableError(f"{address}: cannot be reached ({type(error).__name__}); {_REMEDY}") from error


def _pins(folder: Path) -> dict[str, str]:
    try:
        return {str(k): str(v) for k, v in json.loads((folder / _PINS).read_text()).items()}
    except (OSError, ValueError, AttributeError):
        return {}
