"""A MusicVAE checkpoint as Magenta publishes it: a tar of TensorFlow's two files.

A tar is data from outside: it may name files anywhere, be a bomb, or a web page that was saved under the name
of one. So nothing of it decides where anything is written: the two files go, under names of our own, into a
folder of our own, and no more than a bound.
"""

import hashlib
import re
import tarfile
from pathlib import Path
from typing import IO, Final

from engines._errors import TooLongError, UndecodableError

MAX_BYTES: Final = 2 * 1024**3  # the largest official one, hierdec-trio_16bar, is 1.1 GB
_MAX_MEMBERS: Final = 64
_BLOCK: Final = 1024 * 1024
_FILE: Final = re.compile(r"(?:.*/)?([^/]+)\.(index|data-00000-of-00001)")


def unpack(path: Path, folder: Path) -> tuple[Path, str]:
    """Write a tar's checkpoint into a folder.

    Parameters
    ----------
    path
        The tar, plain or compressed.
    folder
        Empty; where the files go.

    Returns
    -------
    tuple
        The checkpoint's prefix, as TensorFlow names one, and the SHA-256 of the tar, in hexadecimal.

    Raises
    ------
    UndecodableError
        If it is no tar, is cut short, or holds not exactly one checkpoint.
    TooLongError
        If what is in it is larger than 2 GiB.
    """
    if path.stat().st_size > MAX_BYTES:
        raise TooLongError(f"checkpoint: {path.stat().st_size} bytes; must be at most {MAX_BYTES}")
    found: dict[str, str] = {}
    left = MAX_BYTES
    try:
        with tarfile.open(path) as tar:
            for number, member in enumerate(tar):
                if number >= _MAX_MEMBERS:
                    raise UndecodableError(
                        f"checkpoint: over {_MAX_MEMBERS} files; no checkpoint of Magenta's"
                    )
                name = _FILE.fullmatch(member.name)
                if name is None or not member.isreg():
                    continue
                stem, kind = name.groups()
                if kind in found:
                    raise UndecodableError("checkpoint: the tar holds several; must be one")
                found[kind] = stem
                content = tar.extractfile(member)
                if content is None:
                    raise UndecodableError(f"checkpoint: {member.name[:80]}: cannot be read")
                left -= _copy(content, folder / f"model.{kind}", left)
    except (tarfile.TarError, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # of this machine, not of the file
            raise
        said = str(error).partition(":")[0]  # then it lists every compression that it is not
        raise UndecodableError(f"checkpoint: no tar, or cut short ({said}); a web page, perhaps") from error
    if set(found) != {"index", "data-00000-of-00001"} or len(set(found.values())) != 1:
        raise UndecodableError(
            "checkpoint: must be a tar with one .index and its .data-00000-of-00001, as Magenta publishes"
        )
    with path.open("rb") as file:
        return folder / "model", hashlib.file_digest(file, "sha256").hexdigest()


def _copy(content: IO[bytes], target: Path, most: int) -> int:
    size = 0
    with target.open("wb") as file:
        while block := content.read(_BLOCK):
            size += len(block)
            if size > most:
                raise TooLongError(f"checkpoint: over {MAX_BYTES} bytes in the tar")
            file.write(block)
    return size
