import os
import resource
import signal
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.cache import ResultCache, content_key
from tests.bus.child import holds_in_child

MB = 1_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "results.sqlite"


@pytest.fixture
def cache(path: Path) -> Iterator[ResultCache]:
    cache = ResultCache(path, 1 * MB)
    cache.open()
    yield cache
    cache.close()


def reopened(path: Path, most_bytes: int = 1 * MB) -> ResultCache:
    cache = ResultCache(path, most_bytes)
    cache.open()
    return cache


def key(number: int) -> bytes:
    return content_key("op", "1", b"", [number.to_bytes(4, "big")])


def on_disk(path: Path) -> int:
    return sum(file.stat().st_size for file in path.parent.iterdir())


def test_what_is_put_is_got(cache: ResultCache) -> None:
    assert cache.get(key(1)) is None
    cache.put(key(1), b"result")
    assert cache.get(key(1)) == b"result"
    cache.put(key(1), b"other")
    assert cache.get(key(1)) == b"other"
    cache.put(key(2), b"")
    assert cache.get(key(2)) == b""


def test_it_survives_a_restart(cache: ResultCache, path: Path) -> None:
    cache.put(key(1), b"result")
    cache.close()
    assert cache.get(key(1)) is None, "closed is a miss"
    cache.put(key(2), b"too late")
    again = reopened(path)
    assert again.get(key(1)) == b"result"
    assert again.get(key(2)) is None
    again.close()


def test_it_survives_a_kill(path: Path) -> None:
    def check() -> bool:
        killed = reopened(path)
        for number in range(20):
            killed.put(key(number), b"x" * 1000)
        os.kill(os.getpid(), signal.SIGKILL)
        return True

    assert not holds_in_child(check)
    cache = reopened(path)
    assert all(cache.get(key(number)) for number in range(20))
    cache.close()


def test_only_its_owner_may_look(cache: ResultCache, path: Path) -> None:
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_it_never_holds_more_than_its_bound_and_drops_what_was_used_longest_ago(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(10_000))
    monkeypatch.setattr("bus.cache.time.time", lambda: float(next(clock)))
    cache = reopened(path, 100_000)
    for number in range(10):
        cache.put(key(number), b"x" * 10_000)
    assert cache.get(key(0)) is not None
    cache.put(key(10), b"x" * 10_000)
    assert cache.get(key(0)) is not None, "it was used since"
    assert cache.get(key(10)) is not None
    assert cache.get(key(1)) is None
    assert cache.get(key(2)) is None
    cache.close()
    smaller = reopened(path, 50_000)
    smaller.put(key(11), b"x" * 10_000)
    assert sum(smaller.get(key(number)) is not None for number in range(12)) <= 5
    assert smaller.get(key(11)) is not None
    smaller.close()


def test_the_file_does_not_grow_without_end(path: Path) -> None:
    cache = reopened(path, 200_000)
    for number in range(500):
        cache.put(key(number), os.urandom(10_000))
    # The journal, which is written over, is up to 4 MB beside the rows.
    assert on_disk(path) < 200_000 * 1.5 + 4.5 * MB
    cache.close()
    assert on_disk(path) < 500_000


def test_what_is_larger_than_the_whole_is_not_kept(cache: ResultCache) -> None:
    cache.put(key(1), b"small")
    cache.put(key(2), b"x" * (MB + 1))
    assert cache.get(key(2)) is None
    assert cache.get(key(1)) == b"small"


@pytest.mark.parametrize("damage", ["text", "cut", "middle", "zeros", "empty"])
def test_a_damaged_store_is_made_anew(path: Path, damage: str) -> None:
    cache = reopened(path)
    for number in range(50):
        cache.put(key(number), os.urandom(5000))
    cache.close()
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(
        {
            "text": b"not a database at all" * 500,
            "cut": content[: middle + 100],
            "middle": content[:4096] + b"\x55" * (len(content) - 4096),
            "zeros": bytes(len(content)),
            "empty": b"",
        }[damage]
    )
    cache = reopened(path)
    for number in range(50):
        cache.get(key(number))
    for number in range(100, 150):
        cache.put(key(number), b"anew")
    assert cache.get(key(149)) == b"anew"
    cache.close()
    again = reopened(path)
    assert again.get(key(149)) == b"anew"
    again.close()


def test_a_folder_in_its_place_costs_the_cache_alone(path: Path) -> None:
    path.mkdir(parents=True)
    cache = reopened(path)
    cache.put(key(1), b"result")
    assert cache.get(key(1)) is None
    cache.close()


def test_a_file_in_place_of_its_folder_costs_the_cache_alone(path: Path) -> None:
    path.parent.write_text("in the way")
    cache = reopened(path)
    cache.put(key(1), b"result")
    assert cache.get(key(1)) is None
    cache.close()


def test_a_folder_that_cannot_be_written_costs_the_cache_alone(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o555)

    def check() -> bool:
        cache = reopened(closed / "results.sqlite")
        cache.put(key(1), b"result")
        missed = cache.get(key(1)) is None
        cache.close()
        return missed

    tmp_path.parent.chmod(0o755)
    tmp_path.chmod(0o755)
    assert holds_in_child(check, nobody=True)


def test_a_store_that_can_only_be_read_still_answers(tmp_path: Path, path: Path) -> None:
    cache = reopened(path)
    cache.put(key(1), b"result")
    store = cache._store
    assert store is not None
    store.execute("PRAGMA query_only = ON")
    cache.put(key(2), b"not kept")
    assert cache.get(key(1)) == b"result", "found, though it cannot be marked as used"
    assert cache.get(key(2)) is None
    cache.close()


def test_a_full_disk_costs_the_cache_alone(path: Path) -> None:
    def check() -> bool:
        cache = reopened(path, 100 * MB)
        cache.put(key(1), b"x" * 1000)
        # A file may grow no further: the same to SQLite as a disk that is full.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
        for number in range(2, 100):
            cache.put(key(number), os.urandom(20_000))
        found = cache.get(key(1)) == b"x" * 1000
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        cache.put(key(1000), b"room again")
        again = cache.get(key(1000)) == b"room again"
        cache.close()
        return found and again

    assert holds_in_child(check)


def test_a_store_that_could_not_be_opened_is_tried_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.parent.write_text("no folder")
    now_s = [1000.0]
    monkeypatch.setattr("bus.cache.time.monotonic", lambda: now_s[0])
    cache = reopened(path)
    path.parent.unlink()
    cache.put(key(1), b"too soon")
    assert cache.get(key(1)) is None
    assert not path.exists()
    now_s[0] += 3600
    assert cache.get(key(1)) is None
    cache.put(key(1), b"result")
    assert cache.get(key(1)) == b"result"
    cache.close()
    now_s[0] += 3600
    assert cache.get(key(1)) is None, "closed is closed"


def _patiently(connect: Callable[..., sqlite3.Connection], *words: Any, **named: Any) -> sqlite3.Connection:
    return connect(*words, **{**named, "timeout": 60.0})


def test_many_threads_and_two_daemons_may_use_it_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Who waits longer than two seconds for the others goes without, which a slow disk is no reason for here.
    monkeypatch.setattr("bus.cache.sqlite3.connect", partial(_patiently, sqlite3.connect))
    caches = [reopened(path), reopened(path)]
    wrong: list[bytes] = []

    def use(cache: ResultCache, seed: int) -> None:
        for number in range(60):
            cache.put(key(seed * 100 + number), b"%d" % number)
            found = cache.get(key(seed * 100 + number))
            if found != b"%d" % number:
                wrong.append(found or b"nothing")

    threads = [threading.Thread(target=use, args=(caches[seed % 2], seed)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for cache in caches:
        cache.close()
    assert wrong == []


def test_a_store_of_another_shape_costs_the_cache_alone(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as store:
        store.execute("CREATE TABLE result (something TEXT)")
    store.close()
    cache = reopened(path)
    cache.put(key(1), b"result")
    assert cache.get(key(1)) is None
    cache.close()


parts = st.tuples(
    st.text(max_size=3),
    st.text(max_size=3),
    st.binary(max_size=3),
    st.lists(st.binary(max_size=3), max_size=3),
)


@given(parts, parts)
def test_a_key_stands_for_everything_the_result_depends_on(
    one: tuple[str, str, bytes, list[bytes]], other: tuple[str, str, bytes, list[bytes]]
) -> None:
    assert (content_key(*one) == content_key(*other)) == (one == other)
