"""What a job does on disk, in threads: its files opened and hashed, its result looked up and kept.

A thread cannot be stopped: what it opens for a job is known, and given back, also when the job has ended
before it. Nothing here decides what may be read (`bus.files`) or what is kept (`bus.cache`).
"""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bus.cache import ResultCache
from bus.errors import NotFound
from bus.files import Files, Fingerprint, Spooled, digest
from bus.job import Job

# Reading and hashing files: few threads, since the disk is one.
_THREADS = 4

FilePrint = tuple[Fingerprint, bytes]
"""What a file was when it was hashed, and its hash."""


class Disk:
    """The files and results of jobs. All methods are called in the event loop, and none of them blocks it."""

    def __init__(self, files: Files, cache: ResultCache) -> None:
        self._files = files
        self._cache = cache
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="disk")

    def reserve(self, params: dict[str, Any], names: Iterable[str]) -> tuple[int, list[Spooled]]:
        """Take room for the files that came as bytes.

        Returns
        -------
        tuple
            The bytes of the spool that are the job's now, and the files that lie there already.

        Raises
        ------
        ResourceExhausted
            If the spool is full.
        """
        values = [params[name] for name in names]
        size = sum(len(value) for value in values if isinstance(value, bytes))
        self._files.reserve(size)
        spooled = [value for value in values if isinstance(value, Spooled)]
        return size + sum(file.size for file in spooled), spooled

    async def open_files(self, job: Job) -> list[FilePrint]:
        """Put the real path in place of every file and folder; hash the files if the result may be cached.

        Raises
        ------
        InvalidArgument, NotFound, PermissionDenied, ResourceExhausted
            As `Files.resolve` and `Files.write` do.
        """
        # Most requests name no file, and a thread costs more than it says.
        if all(job.params[name] is None for name in job.operation.files | job.operation.folders):
            return []
        prints: list[FilePrint] = await self._in_thread(job, self._open_files, job)
        return prints

    async def recall(self, job: Job, key: bytes) -> bytes | None:
        """Return the result that is kept under a key, or None."""
        found: bytes | None = await self._in_thread(job, self._cache.get, key)
        return found

    async def keep(self, job: Job, key: bytes, encoded: bytes, prints: list[FilePrint]) -> None:
        """Keep a result, unless a file has changed since it was hashed."""
        await self._in_thread(job, self._keep, job, key, encoded, prints)

    async def _in_thread(self, job: Job, function: Callable[..., Any], *arguments: Any) -> Any:
        # Shielded: a thread cannot be stopped, and what it opens must be known when it is done.
        job.disk = asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)
        job.disk.add_done_callback(heard)
        return await asyncio.shield(job.disk)

    def _open_files(self, job: Job) -> list[FilePrint]:
        prints = []
        for name in sorted(job.operation.files | job.operation.folders):
            value = job.params[name]
            if value is None:
                continue
            if isinstance(value, bytes):
                path = self._files.write(value)
                job.spooled.append(path)
            elif isinstance(value, Spooled):
                path = str(value)
            else:
                path = self._files.resolve(name, value, folder=name in job.operation.folders)
            job.params[name] = path
            if job.operation.version is not None and name in job.operation.files:
                try:
                    prints.append((Fingerprint.of(path), digest(path, job.check_wanted)))
                except OSError as error:
                    raise NotFound(f"{name}: {path[:200]!r}; {error.strerror}") from None
        return prints

    def _keep(self, job: Job, key: bytes, encoded: bytes, prints: list[FilePrint]) -> None:
        paths = [job.params[name] for name in sorted(job.operation.files) if job.params[name] is not None]
        try:
            unchanged = [Fingerprint.of(path) for path in paths] == [print_ for print_, _ in prints]
        except OSError:
            return
        if unchanged:
            self._cache.put(key, encoded)

    def release(self, job: Job) -> None:
        """Give the spool back, once no thread and no worker uses what lies there."""
        users = [job.disk, job.work.ended if job.work is not None else None]
        busy = next((user for user in users if user is not None and not user.done()), None)
        if busy is not None:
            busy.add_done_callback(lambda _: self.release(job))
            return
        self._files.release(job.spool_bytes)
        for path in job.spooled:
            self._remove(path)

    def discard(self, values: Iterable[Any]) -> None:
        """Give back the files in the spool among the params of a request that has become no job."""
        for file in values:
            if isinstance(file, Spooled):
                self._files.release(file.size)
                self._remove(str(file))

    def _remove(self, path: str) -> None:
        try:
            self._threads.submit(self._files.remove, path)
        except RuntimeError:  # closed, while a thread still opened the file of a job that was ended
            self._files.remove(path)

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=False)


def heard(future: "asyncio.Future[Any]") -> None:
    """Look at how a future ended that may outlive the job it was for: past a deadline nobody else does."""
    if not future.cancelled():
        future.exception()
