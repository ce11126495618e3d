"""Results kept by content, in an embedded store that survives restarts and is bounded in size.

SQLite (in the standard library) in WAL mode, one row a result, the least recently used rows dropped when the
bound is passed. A store that cannot be opened, is damaged or whose disk is full costs speed and nothing else:
it is logged once, every look-up is a miss, and now and then it is tried again.
"""

import contextlib
import hashlib
import sqlite3
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import structlog

log = structlog.get_logger()

_SCHEMA = """
CREATE TABLE IF NOT EXISTS result (
    key  BLOB PRIMARY KEY,
    body BLOB NOT NULL,
    used REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS result_used ON result (used);
"""
# Dropping rows down to this share of the bound makes it a rare job.
_KEEP = 0.9
# Workers write too (`bus.memory`). What they wrote is counted again no more often than this.
_RECOUNT_S = 10.0
# A store that could not be opened, of a full disk for instance, is tried again no more often than this.
_REOPEN_S = 60.0


def content_key(op: str, version: str, params: bytes, digests: Iterable[bytes]) -> bytes:
    """Name a result by all it depends on: operation, engine version, parameters, and the files' bytes."""
    state = hashlib.blake2b(digest_size=32)
    for part in (op.encode(), version.encode(), params, *digests):
        # The length in front keeps neighbouring parts apart.
        state.update(len(part).to_bytes(8, "big") + part)
    return state.digest()


class ResultCache:
    """Results by key; every method may touch the disk, so none belongs in the event loop."""

    def __init__(self, path: Path, most_bytes: int) -> None:
        self._path = path
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._store: sqlite3.Connection | None = None
        self._bytes = 0
        self._version = 0
        self._counted_s = 0.0
        self._warned = False
        # When a store that could not be opened is tried again; None while it is open, or closed for good.
        self._again_s: float | None = None

    def open(self) -> None:
        """Open the store, making it anew if what is there is no database."""
        with self._lock:
            self._try_to_open()

    def _try_to_open(self) -> None:
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            if _damaged(error):
                self._rebuild(error)
            else:
                self._give_up(error)
        except OSError as error:
            self._give_up(error)

    def _opened(self) -> sqlite3.Connection | None:
        """Return the store, trying again now and then to open one that could not be; None without one."""
        if self._again_s is not None and time.monotonic() >= self._again_s:
            self._try_to_open()
        return self._store

    def _rebuild(self, reason: Exception) -> None:
        # A damaged cache holds nothing that cannot be computed again.
        log.warning("cache.rebuilt", path=str(self._path), reason=str(reason))
        try:
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self._path}{suffix}").unlink(missing_ok=True)
            self._open()
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        store = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None, timeout=2.0)
        try:
            store.execute("PRAGMA journal_mode = WAL")
            store.execute("PRAGMA synchronous = NORMAL")  # a result lost with the power is computed again
            store.executescript(_SCHEMA)
            self._count(store)
        except BaseException:
            store.close()
            raise
        if self._again_s is not None:
            log.info("cache.on_again", path=str(self._path))
        self._store, self._again_s = store, None

    def get(self, key: bytes) -> bytes | None:
        """Return a result, or None; marks it as used."""
        with self._lock:
            store = self._opened()
            if store is None:
                return None
            row = None
            try:
                row = store.execute("SELECT body FROM result WHERE key = ?", (key,)).fetchone()
                if row is not None:
                    store.execute("UPDATE result SET used = ? WHERE key = ?", (time.time(), key))
            except sqlite3.Error as error:
                self._failed(error)
            # Found is found, also where it could not be marked.
            return None if row is None else bytes(row[0])

    def put(self, key: bytes, body: bytes) -> None:
        """Keep a result, dropping the least recently used where the bound is passed."""
        with self._lock:
            store = self._opened()
            if store is None or len(body) > self._most_bytes:
                return
            try:
                store.execute("INSERT OR REPLACE INTO result VALUES (?, ?, ?)", (key, body, time.time()))
                self._bytes += len(body)
                if time.monotonic() - self._counted_s >= _RECOUNT_S and self._others_wrote(store):
                    self._count(store)
                if self._bytes > self._most_bytes:
                    self._shrink(store)
            except sqlite3.Error as error:
                self._failed(error)

    def _count(self, store: sqlite3.Connection) -> None:
        (self._bytes,) = store.execute("SELECT coalesce(sum(length(body)), 0) FROM result").fetchone()
        (self._version,) = store.execute("PRAGMA data_version").fetchone()
        self._counted_s = time.monotonic()

    def _others_wrote(self, store: sqlite3.Connection) -> bool:
        # It changes with what other connections commit, and not with what this one does.
        (version,) = store.execute("PRAGMA data_version").fetchone()
        return bool(version != self._version)

    def _shrink(self, store: sqlite3.Connection) -> None:
        # Recounted, since a replaced row was counted twice.
        rows = store.execute("SELECT key, length(body) FROM result ORDER BY used DESC").fetchall()
        kept, old = 0, []
        for key, size in rows:
            kept += size
            if kept > _KEEP * self._most_bytes:
                kept -= size
                old.append((key,))
        store.executemany("DELETE FROM result WHERE key = ?", old)
        self._bytes = kept

    def close(self) -> None:
        """Close the store; look-ups after it are misses."""
        with self._lock:
            self._again_s = None
            if self._store is not None:
                with contextlib.suppress(sqlite3.Error):
                    self._store.close()
                self._store = None

    def _failed(self, error: sqlite3.Error) -> None:
        """Make a store anew that turns out to be damaged; else go on without what was asked for."""
        if _damaged(error) and self._store is not None:
            with contextlib.suppress(sqlite3.Error):
                self._store.close()
            self._store = None
            self._rebuild(error)
        elif not self._warned:
            log.warning("cache.failing", path=str(self._path), reason=str(error))
            self._warned = True

    def _give_up(self, error: Exception) -> None:
        if self._again_s is None:
            log.warning("cache.off", path=str(self._path), reason=str(error))
        self._store, self._again_s = None, time.monotonic() + _REOPEN_S


def _damaged(error: sqlite3.Error) -> bool:
    # The low byte is the kind, what is above it the case. An error of the module's own has no code.
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
