import asyncio
import errno
import itertools
import json
import os
import stat
import threading
import time
from collections.abc import AsyncIterator, Callable, MutableMapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters import status_file
from adapters.status_file import StatusDocument, StatusFile, encode, replace, status_document

Logged = list[MutableMapping[str, Any]]

FIELDS = {
    "instance", "last_update", "phase", "current_task", "completed_tasks", "api_endpoints_ready", "ai_models",
    "dawg_core_connected", "next_steps",
}  # fmt: skip


def document(**facts: Any) -> StatusDocument:
    return status_document(
        **{
            "phase": "running",
            "running": [],
            "completed": {},
            "endpoints": [],
            "models": {},
            "connected": True,
            "core_url": "http://localhost:8080",
            "lanes_down": {},
            "models_missing": {},
            **facts,
        }
    )


class Source:
    """Gives the document of the present facts, and counts how often it was asked."""

    def __init__(self, **facts: Any) -> None:
        self.facts = facts
        self.asked = 0

    def __call__(self) -> StatusDocument:
        self.asked += 1
        return document(**self.facts)


def read(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_bytes())
    return value


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_file, "DEBOUNCE_S", 0.02)
    monkeypatch.setattr(status_file, "RETRY_S", 0.05)


@asynccontextmanager
async def kept(file: StatusFile) -> AsyncIterator[None]:
    task = asyncio.create_task(file.run())
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        file.close()


async def until(condition: Callable[[], object], timeout_s: float = 60.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - what it waits for happens on disk
            await asyncio.sleep(0.005)


# --- the document


def test_it_has_the_fields_of_the_contract() -> None:
    assert set(json.loads(encode(document()))) == FIELDS


def test_an_idle_daemon_with_everything_there_has_nothing_left_to_do() -> None:
    idle = document()
    assert idle.current_task == "idle"
    assert idle.next_steps == []


def test_running_jobs_are_the_current_task() -> None:
    running = ["analyze.audio", "generate.midi", "analyze.audio"]
    assert document(running=running).current_task == "analyze.audio (2), generate.midi"


def test_completed_operations_are_counted() -> None:
    done = document(completed={"generate.midi": 1, "analyze.audio": 12, "analyze.key": 0})
    assert done.completed_tasks == ["analyze.audio: 12", "generate.midi: 1"]


def test_what_is_missing_becomes_a_next_step() -> None:
    steps = document(
        connected=False,
        core_url="http://localhost:1234",
        lanes_down={"generate": "its worker died 5 times"},
        models_missing={"drum_kit_rnn": "dawg-ai models install drum_kit_rnn"},
    ).next_steps
    assert steps == [
        "engine generate is not serving: its worker died 5 times",
        "install model drum_kit_rnn: dawg-ai models install drum_kit_rnn",
        "start DAWG-CORE: not reachable at http://localhost:1234",
    ]


def test_a_stopped_daemon_only_asks_to_be_started() -> None:
    assert document(phase="stopped", connected=False).next_steps == ["start DAWG-AI: it was stopped"]


def test_a_daemon_that_has_not_asked_yet_does_not_say_that_dawg_core_is_missing() -> None:
    assert document(phase="starting", connected=False, core_asked=False).next_steps == []


def test_the_time_is_iso_8601_in_utc() -> None:
    now = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=timezone(timedelta(hours=2)))
    assert document(now=now).last_update == "2026-01-02T01:04:05+00:00"
    written = datetime.fromisoformat(document().last_update)
    assert abs((datetime.now(UTC) - written).total_seconds()) < 5


@settings(deadline=None)
@given(
    st.lists(st.text(), max_size=5),
    st.dictionaries(st.text(), st.integers(0, 9), max_size=3),
    st.dictionaries(st.text(), st.text(), max_size=3),
)
def test_any_facts_make_readable_json(
    running: list[str], completed: dict[str, int], models: dict[str, str]
) -> None:
    data = encode(document(running=running, completed=completed, models=models, lanes_down=models))
    assert set(json.loads(data)) == FIELDS


# --- one write


def test_a_file_is_replaced_as_a_whole_and_readable_by_others(tmp_path: Path) -> None:
    path = tmp_path / "made" / "here" / "status.json"
    before = os.umask(0o077)
    try:
        replace(path, b"one")
        replace(path, b"two")
    finally:
        os.umask(before)
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(path.parent.iterdir()) == [path]


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    texts = [json.dumps({"n": n, "fill": "x" * (n % 7) * 3000}).encode() for n in range(60)]
    replace(path, texts[0])
    enough = threading.Event()

    def write() -> None:
        for text in itertools.cycle(texts):
            if enough.is_set():
                return
            replace(path, text)

    writer = threading.Thread(target=write)
    writer.start()
    seen: set[int] = set()
    try:
        # Who of the two is the faster differs: read until it has changed often under the reader.
        while len(seen) < 20:
            seen.add(read(path)["n"])
    finally:
        enough.set()
        writer.join()


def test_the_bytes_are_on_disk_before_the_name_points_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, there = tmp_path / "status.json", []
    fsync = os.fsync

    def note_and_sync(descriptor: int) -> None:
        there.append(path.exists())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note_and_sync)
    replace(path, b"x")
    assert there == [False]


def test_a_full_disk_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "status.json"
    replace(path, b"old")

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        replace(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_in_its_place_is_replaced_and_not_followed(tmp_path: Path) -> None:
    path, victim = tmp_path / "status.json", tmp_path / "victim"
    victim.write_bytes(b"precious")
    path.symlink_to(victim)
    (tmp_path / f".status.json.{os.getpid()}.tmp").symlink_to(victim)
    replace(path, b"x")
    assert victim.read_bytes() == b"precious"
    assert not path.is_symlink()


def test_what_a_killed_daemon_left_is_removed_once_it_is_old(tmp_path: Path) -> None:
    old, fresh = tmp_path / ".status.json.1.tmp", tmp_path / ".status.json.2.tmp"
    for left in (old, fresh):
        left.write_bytes(b"half")
    os.utime(old, (time.time() - 3600,) * 2)
    replace(tmp_path / "status.json", b"x")
    assert not old.exists()
    assert fresh.exists()


# --- keeping it true


async def test_it_is_written_at_the_start_and_after_a_change(tmp_path: Path, quick: None) -> None:
    path, source = tmp_path / "status.json", Source()
    file = StatusFile(path, source)
    async with kept(file):
        await until(path.exists)
        source.facts["running"] = ["analyze.audio"]
        file.changed()
        await until(lambda: read(path)["current_task"] == "analyze.audio")


async def test_many_changes_are_few_writes_and_the_last_one_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_file, "DEBOUNCE_S", 0.1)
    path, source = tmp_path / "status.json", Source()
    file = StatusFile(path, source)
    began_s = time.monotonic()
    async with kept(file):
        for n in range(100):
            source.facts["completed"] = {"analyze.audio": n + 1}
            file.changed()
            await asyncio.sleep(0.002)
        await until(lambda: read(path)["completed_tasks"] == ["analyze.audio: 100"])
    # One at the start, then one after each pause, however long the machine took over them all.
    assert source.asked <= 2 + (time.monotonic() - began_s) / 0.1


async def test_without_any_change_it_is_written_again_in_time(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_file, "LONGEST_PAUSE_S", 0.05)
    source = Source()
    async with kept(StatusFile(tmp_path / "status.json", source)):
        await until(lambda: source.asked > 3)


def test_the_longest_pause_keeps_the_promise_of_five_minutes() -> None:
    assert status_file.LONGEST_PAUSE_S + status_file.DEBOUNCE_S + status_file.RETRY_S < 300


def blocked_by_a_folder(path: Path) -> None:
    (path / "inside").mkdir(parents=True)


def blocked_by_a_file_as_parent(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_text("not a folder")


@pytest.mark.parametrize("block", [blocked_by_a_folder, blocked_by_a_file_as_parent])
async def test_what_is_in_the_way_is_logged_once_and_the_file_written_when_it_is_gone(
    tmp_path: Path, quick: None, logged: Logged, block: Callable[[Path], None]
) -> None:
    path = tmp_path / "status" / "status.json"
    path.parent.mkdir()
    block(path)
    source = Source()
    async with kept(StatusFile(path, source)):
        await until(lambda: source.asked > 4)
        if path.parent.is_dir():
            (path / "inside").rmdir()
            path.rmdir()
        else:
            path.parent.unlink()
        await until(path.is_file)
        await until(lambda: len(logged) == 2)
    assert [entry["event"] for entry in logged] == ["status_file.not_written", "status_file.written_again"]
    assert logged[0]["path"] == str(path)


async def test_a_read_only_disk_is_not_fatal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    file = StatusFile(tmp_path / "status.json", document)
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        assert await file.write_now() is False
    assert await file.write_now() is True
    file.close()


async def test_a_disk_that_hangs_does_not_hold_up_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (release.wait(60), fsync(fd)))
    file = StatusFile(tmp_path / "status.json", document)
    write = asyncio.create_task(file.write_now())
    began = time.monotonic()
    for _ in range(10):
        file.changed()
        await asyncio.sleep(0.001)
    assert time.monotonic() - began < 30
    assert not write.done()
    release.set()
    assert await write is True
    file.close()


async def test_after_closing_nothing_is_written_and_nothing_raised(tmp_path: Path) -> None:
    file = StatusFile(tmp_path / "status.json", document)
    file.close()
    assert await file.write_now() is False
