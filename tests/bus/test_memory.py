"""What engines remember between jobs, beside the results."""

import os
import signal
from pathlib import Path

import pytest

from bus.cache import ResultCache
from bus.memory import Memory
from tests.bus.child import holds_in_child
from tests.bus.running import Dealer, running_bus

MB = 1_000_000


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "results.sqlite"


def test_what_is_remembered_is_recalled_by_another_worker_of_the_engine(store: Path) -> None:
    values = {"tempo": 120.00000000000001, "key": None, "texture": [0.1, -2.5], "name": "ü", "n": 3}
    Memory(store, MB, "engines.analyze").remember(("portrait", "6", 1 << 62), values)
    assert Memory(store, MB, "engines.analyze").recall(("portrait", "6", 1 << 62)) == values


def test_engines_and_keys_do_not_get_in_each_others_way(store: Path) -> None:
    Memory(store, MB, "engines.analyze").remember(("a", "bc"), 1)
    assert Memory(store, MB, "engines.generate").recall(("a", "bc")) is None
    assert Memory(store, MB, "engines.analyze").recall(("ab", "c")) is None
    assert Memory(store, MB, "engines.analyze").recall(("a", "bc", 0)) is None


def test_without_a_store_nothing_is_remembered() -> None:
    memory = Memory(None, MB, "engines.analyze")
    memory.remember(("a",), 1)
    assert memory.recall(("a",)) is None


def test_no_file_is_made_until_something_is_asked_of_it(store: Path) -> None:
    memory = Memory(store, MB, "engines.analyze")
    assert not store.parent.exists()
    memory.recall(("a",))
    assert store.exists()


def test_a_path_that_is_no_unicode_is_a_key_like_any_other(store: Path) -> None:
    memory = Memory(store, MB, "engines.analyze")
    memory.remember(("portrait", os.fsdecode(b"/music/caf\xe9.wav")), 7)
    assert memory.recall(("portrait", os.fsdecode(b"/music/caf\xe9.wav"))) == 7


def test_what_was_remembered_survives_a_kill(store: Path) -> None:
    def check() -> bool:
        memory = Memory(store, MB, "engines.analyze")
        for number in range(20):
            memory.remember((number,), number)
        os.kill(os.getpid(), signal.SIGKILL)
        return True

    assert not holds_in_child(check)
    memory = Memory(store, MB, "engines.analyze")
    assert [memory.recall((number,)) for number in range(20)] == list(range(20))


def test_what_is_damaged_on_the_disk_was_not_remembered(store: Path) -> None:
    memory = Memory(store, MB, "engines.analyze")
    memory.remember(("a",), [1, 2])
    cache = ResultCache(store, MB)
    cache.open()
    cache.put(memory._name(("a",)), b"\xc1")
    assert memory.recall(("a",)) is None
    cache.close()


def test_results_and_what_is_remembered_share_one_bound(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bus.cache._RECOUNT_S", 0.0)
    results = ResultCache(store, 100_000)
    results.open()
    memory = Memory(store, 100_000, "engines.analyze")
    for number in range(12):
        memory.remember((number,), b"x" * 7_000)
        results.put(number.to_bytes(32, "big"), b"x" * 7_000)
    rows = sum(memory.recall((number,)) is not None for number in range(12))
    rows += sum(results.get(number.to_bytes(32, "big")) is not None for number in range(12))
    assert rows * 7_000 <= 100_000
    assert memory.recall((11,)) is not None
    results.close()


async def test_an_operation_remembers_over_the_end_of_its_worker_and_of_the_daemon(tmp_path: Path) -> None:
    for before in (0, 3):
        async with running_bus(tmp_path) as bus, Dealer(bus.router) as client:
            for number in range(2):
                reply = await client.ask("dummy.again", {"key": "a"})
                assert reply["result"]["size"] == before + number
            await client.ask("dummy.die")
            reply = await client.ask("dummy.again", {"key": "a"})
            assert reply["result"]["size"] == before + 2
