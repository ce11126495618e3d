"""What an engine remembers from one job to the next, kept in the store of the results.

A job over many files is resumed where it was killed because each file's part was remembered on the way. The
store is the daemon's own (`bus.cache`), opened by a worker too when a job first asks: one place, one bound,
one file to delete. As with results, a store that fails costs speed and nothing else.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgpack

from bus.cache import ResultCache, content_key
from bus.messages import pack

# No operation is called so: what engines remember cannot be taken for a result.
_NAMESPACE = " remembered"


class Memory:
    """Plain values by key, for one engine; the `memory` that its operations are handed.

    Parameters
    ----------
    path
        The store's file; None remembers nothing.
    most_bytes
        Bound of the store, results included.
    engine
        Whose keys these are.
    """

    def __init__(self, path: Path | None, most_bytes: int, engine: str) -> None:
        self._store = None if path is None else ResultCache(path, most_bytes)
        self._engine = engine
        self._open = False

    def recall(self, key: Sequence[str | int]) -> Any:
        """Return what was remembered under a key, or None."""
        store = self._opened()
        body = None if store is None else store.get(self._name(key))
        if body is None:
            return None
        try:
            return msgpack.unpackb(body, strict_map_key=False)
        except (ValueError, msgpack.UnpackException):  # damaged on the disk
            return None

    def remember(self, key: Sequence[str | int], value: Any) -> None:
        """Keep a value of plain numbers, texts, lists and maps; what was not used for longest goes first."""
        store = self._opened()
        if store is not None:
            store.put(self._name(key), pack(value))

    def _opened(self) -> ResultCache | None:
        if self._store is not None and not self._open:
            self._store.open()
            self._open = True
        return self._store

    def _name(self, key: Sequence[str | int]) -> bytes:
        return content_key(_NAMESPACE, self._engine, pack(list(key)), ())
