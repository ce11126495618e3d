"""One file on its way into the spool: what has come is written by a thread, a piece at a time.

A file is never whole in memory, its room in the spool is reserved as it grows, and what is not handed over
with `finish` is removed with `discard`, however the request ends.
"""

import asyncio
import os
from typing import Any, Final

from bus.errors import ResourceExhausted
from bus.files import Files, Spooled

_PIECE_BYTES: Final = 1 << 20


class Upload:
    """A file that grows."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._handle = -1
        self._path = ""
        self._waiting = bytearray()
        self._on_disk: asyncio.Future[Any] | None = None
        self.size = 0

    def feed(self, data: bytes) -> None:
        """Take in what has come."""
        self._waiting += data

    async def flush(self, *, everything: bool = False) -> None:
        """Write what was fed, once it is worth a trip to the disk.

        Raises
        ------
        ResourceExhausted
            If the spool or the disk is full.
        """
        if not everything and len(self._waiting) < _PIECE_BYTES:
            return
        data, self._waiting = bytes(self._waiting), bytearray()
        self._files.reserve(len(data))
        self.size += len(data)
        # Shielded: a thread cannot be stopped, and the file must not be closed under it.
        self._on_disk = asyncio.get_running_loop().run_in_executor(None, self._write, data)
        try:
            await asyncio.shield(self._on_disk)
        except OSError as error:
            raise ResourceExhausted(f"spool: {error.strerror}; try again later", retry_after=30.0) from error

    def _write(self, data: bytes) -> None:
        if self._handle < 0:
            self._handle, self._path = self._files.new_file()
        left = memoryview(data)
        while left:
            left = left[os.write(self._handle, left) :]

    async def finish(self) -> Spooled:
        """Write the rest and give the file away."""
        await self.flush(everything=True)
        os.close(self._handle)
        self._handle = -1
        return Spooled.of(self._path, self.size)

    def discard(self) -> None:
        """Remove the file and give its room back, as soon as no thread writes to it."""
        if self._on_disk is not None and not self._on_disk.done():
            self._on_disk.add_done_callback(lambda _: self.discard())
            return
        if self._on_disk is not None and not self._on_disk.cancelled():
            self._on_disk.exception()  # has been told, or nobody is there to be told
        self._files.release(self.size)
        self.size = 0
        asyncio.get_running_loop().run_in_executor(None, self._remove)

    def _remove(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
        if self._path:
            self._files.remove(self._path)
