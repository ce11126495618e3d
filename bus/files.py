"""Files a request names: paths held inside the readable roots, and bytes spooled to disk.

A path must resolve, links followed, inside one of the roots, be a regular file (no device, FIFO or socket)
and be readable; hidden folders of a root are not part of it. Bytes are written to a private folder and
removed when the request ends, within a budget for all of them together.
"""

import contextlib
import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from bus.errors import InvalidArgument, NotFound, PermissionDenied, ResourceExhausted

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Fingerprint:
    """What a file was on disk when it was read; it changes when the file is written or replaced."""

    device: int
    inode: int
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: str) -> "Fingerprint":
        """Look at a file now."""
        status = Path(path).stat()
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


class Spooled(str):
    """A file that a transport of this process has put into the spool, where a client may name a path.

    No message can hold one, since what is decoded is plain text: that is why its path is not checked again.
    Whoever submits it gives the file away, and the `size` bytes of room that were reserved for it; the
    dispatcher takes both back, however the request ends.
    """

    size: int = 0

    @classmethod
    def of(cls, path: str, size: int) -> "Spooled":
        """Name a file of `size` bytes."""
        spooled = cls(path)
        spooled.size = size
        return spooled


class Files:
    """Decides which paths may be read, and keeps files that came as bytes while they are needed."""

    def __init__(self, roots: Iterable[Path], spool: Path, spool_bytes: int) -> None:
        self._roots = tuple(Path(os.path.realpath(root.expanduser())) for root in roots)
        self._spool = spool
        self._spool_bytes_left = spool_bytes

    def prepare(self) -> None:
        """Make the spool folder, private, and empty it of what killed daemons left."""
        import psutil  # noqa: PLC0415 - every worker loads this module, and none of them comes here

        self._spool.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in self._spool.iterdir():
            # Another daemon may use the folder too: each puts its process id into its files' names.
            owner = left.name.partition("-")[0]
            # A killed daemon had this one's id where ids are few, in a container.
            if not owner.isdecimal() or int(owner) == os.getpid() or not psutil.pid_exists(int(owner)):
                with contextlib.suppress(OSError):
                    left.unlink()

    def resolve(self, field: str, path: str, *, folder: bool = False) -> str:
        """Return the real path of a file (or folder) a client may have read. Touches the disk.

        Raises
        ------
        InvalidArgument
            If it cannot be a path, or is not a regular file (or a folder).
        NotFound
            If nothing is there.
        PermissionDenied
            If it is outside the roots, in a hidden folder of one, or not readable.
        """
        if not path or "\0" in path:
            raise InvalidArgument(f"{field}: {path[:80]!r}; must be a path", details={"field": field})
        try:
            wanted = Path(path).expanduser()
        except RuntimeError:  # ~somebody this machine does not know
            wanted = Path(path)
        if not wanted.is_absolute():
            raise InvalidArgument(
                f"{field}: {path[:200]!r}; must be absolute: your working folder is not the daemon's",
                details={"field": field},
            )
        try:
            real = Path(os.path.realpath(wanted, strict=False))
            # The roots come first: what is outside them is not even said to exist.
            self._check_root(field, path, real)
            status = real.stat()
        except (FileNotFoundError, NotADirectoryError):
            raise NotFound(f"{field}: {path[:200]!r}; no such file", details={"field": field}) from None
        except PermissionError:
            raise PermissionDenied(
                f"{field}: {path[:200]!r}; not readable", details={"field": field}
            ) from None
        except (OSError, ValueError) as error:
            reason = (isinstance(error, OSError) and error.strerror) or "must be a path"
            raise InvalidArgument(f"{field}: {path[:200]!r}; {reason}", details={"field": field}) from None
        right_kind = stat.S_ISDIR(status.st_mode) if folder else stat.S_ISREG(status.st_mode)
        if not right_kind:
            kind = "a folder" if folder else "a regular file"
            raise InvalidArgument(f"{field}: {path[:200]!r}; must be {kind}", details={"field": field})
        if not os.access(real, os.R_OK):
            raise PermissionDenied(f"{field}: {path[:200]!r}; not readable", details={"field": field})
        return str(real)

    def _check_root(self, field: str, path: str, real: Path) -> None:
        for root in self._roots:
            if real.is_relative_to(root) and not any(
                part.startswith(".") for part in real.relative_to(root).parts
            ):
                return
        roots = ", ".join(str(root) for root in self._roots)
        raise PermissionDenied(
            f"{field}: {path[:200]!r}; must be inside {roots}, outside their hidden folders",
            details={"field": field, "roots": [str(root) for root in self._roots]},
        )

    def reserve(self, size: int) -> None:
        """Take room in the spool before bytes are written to it; `release` gives it back.

        Raises
        ------
        ResourceExhausted
            If the files of requests under way take all there is.
        """
        if size > self._spool_bytes_left:
            raise ResourceExhausted(
                "spool: full of files sent as bytes; send a path, or later", retry_after=1.0
            )
        self._spool_bytes_left -= size

    def new_file(self) -> tuple[int, str]:
        """Make an empty private file; returns its descriptor, open for writing, and its path."""
        return tempfile.mkstemp(dir=self._spool, prefix=f"{os.getpid()}-")

    def write(self, data: bytes) -> str:
        """Write bytes, whose room is reserved, to a private file. Touches the disk."""
        handle, path = self.new_file()
        try:
            with open(handle, "wb") as file:  # noqa: PTH123 - a descriptor has no path to open
                file.write(data)
        except BaseException as error:
            Path(path).unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise ResourceExhausted(f"spool: {error.strerror}; send a path, or later") from error
            raise
        return path

    def release(self, size: int) -> None:
        """Give room in the spool back."""
        self._spool_bytes_left += size

    @staticmethod
    def remove(path: str) -> None:
        """Remove a file that came as bytes. Touches the disk."""
        with contextlib.suppress(OSError):
            Path(path).unlink(missing_ok=True)


def digest(path: str, check: Callable[[], None]) -> bytes:
    """Return the BLAKE2b digest of a file's bytes, read in pieces, without holding the GIL.

    `check` is called for each piece and may raise, when nobody waits for the digest any more.
    """
    state = hashlib.blake2b(digest_size=32)
    with Path(path).open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            check()
            state.update(chunk)
    return state.digest()
