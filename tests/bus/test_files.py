import hashlib
import os
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.errors import BusError, InvalidArgument, NotFound, PermissionDenied, ResourceExhausted
from bus.files import Files, Fingerprint, digest
from tests.bus.child import holds_in_child


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "inside").mkdir(parents=True)
    (root / "inside" / "song.wav").write_bytes(b"song")
    (root / ".hidden").mkdir()
    (root / ".hidden" / "key").write_bytes(b"secret")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "diary").write_bytes(b"secret")
    return root


@pytest.fixture
def files(root: Path, tmp_path: Path) -> Files:
    files = Files([root], tmp_path / "spool", 100)
    files.prepare()
    return files


def refused(files: Files, path: str, kind: type[BusError], *, folder: bool = False) -> str:
    with pytest.raises(kind) as caught:
        files.resolve("file", path, folder=folder)
    assert type(caught.value) is kind
    assert caught.value.details is not None
    assert caught.value.details["field"] == "file"
    assert caught.value.message.startswith("file: ")
    assert len(caught.value.message) < 600
    return caught.value.message


def test_a_file_inside_a_root_is_read(files: Files, root: Path) -> None:
    song = str(root / "inside" / "song.wav")
    assert files.resolve("file", song) == song
    assert files.resolve("file", f"{root}/./inside/../inside//song.wav") == song
    assert files.resolve("file", str(root / "inside"), folder=True) == str(root / "inside")
    assert files.resolve("file", str(root), folder=True) == str(root)


def test_dots_do_not_lead_out(files: Files, root: Path) -> None:
    refused(files, f"{root}/../outside/diary", PermissionDenied)
    refused(files, f"{root}/inside/../../outside/diary", PermissionDenied)
    refused(files, f"{root}/nowhere/../../outside/diary", PermissionDenied)
    refused(files, f"{root}-twin/file", PermissionDenied)


def test_links_do_not_lead_out(files: Files, root: Path, tmp_path: Path) -> None:
    (root / "file").symlink_to(tmp_path / "outside" / "diary")
    (root / "folder").symlink_to(tmp_path / "outside")
    (root / "twice").symlink_to(root / "folder")
    (root / "key").symlink_to(root / ".hidden" / "key")
    (root / "good").symlink_to("inside/song.wav")
    for name in ("file", "folder/diary", "twice/diary", "key", "folder/nothing there"):
        refused(files, str(root / name), PermissionDenied)
    refused(files, str(root / "folder"), PermissionDenied, folder=True)
    assert files.resolve("file", str(root / "good")) == str(root / "inside" / "song.wav")


def test_a_link_to_itself_leads_nowhere(files: Files, root: Path) -> None:
    (root / "loop").symlink_to(root / "loop")
    refused(files, str(root / "loop"), InvalidArgument)
    (root / "dangling").symlink_to(root / "gone")
    refused(files, str(root / "dangling"), NotFound)


def test_what_is_outside_is_not_even_said_to_exist(files: Files, tmp_path: Path) -> None:
    there = refused(files, str(tmp_path / "outside" / "diary"), PermissionDenied)
    gone = refused(files, str(tmp_path / "outside" / "diarx"), PermissionDenied)
    assert there.replace("diary", "diarx") == gone


def test_hidden_folders_are_not_part_of_a_root(files: Files, root: Path) -> None:
    message = refused(files, str(root / ".hidden" / "key"), PermissionDenied)
    assert message.endswith(f"must be inside {root}, outside their hidden folders")
    refused(files, str(root / ".hidden"), PermissionDenied, folder=True)
    (root / ".file").write_bytes(b"x")
    refused(files, str(root / ".file"), PermissionDenied)


def test_a_root_may_be_hidden_itself_and_be_a_link(tmp_path: Path, root: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    hidden = tmp_path / ".config"
    hidden.mkdir()
    (hidden / "song.wav").write_bytes(b"x")
    files = Files([tmp_path / "link", hidden], tmp_path / "spool", 1)
    assert files.resolve("file", str(tmp_path / "link" / "inside" / "song.wav")).endswith(
        "root/inside/song.wav"
    )
    assert files.resolve("file", str(root / "inside" / "song.wav"))
    assert files.resolve("file", str(hidden / "song.wav")) == str(hidden / "song.wav")


def test_a_home_is_spelled_with_a_tilde(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(root))
    files = Files([Path("~/inside")], tmp_path / "spool", 1)
    assert files.resolve("file", "~/inside/song.wav") == str(root / "inside" / "song.wav")
    refused(files, "~/.hidden/key", PermissionDenied)
    refused(files, "~nobody-of-this-name/x", InvalidArgument)


@pytest.fixture
def fifo(root: Path) -> str:
    path = root / "fifo"
    os.mkfifo(path)
    return str(path)


@pytest.fixture
def unix_socket(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.chdir(root)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        yield str(root / "socket")


def test_a_fifo_is_no_file_and_is_not_waited_for(files: Files, fifo: str) -> None:
    assert refused(files, fifo, InvalidArgument).endswith("must be a regular file")


def test_a_socket_is_no_file(files: Files, unix_socket: str) -> None:
    refused(files, unix_socket, InvalidArgument)


def test_a_device_is_no_file(tmp_path: Path) -> None:
    files = Files([Path("/")], tmp_path / "spool", 1)
    for device in ("/dev/null", "/dev/zero", "/dev/stdin"):
        with pytest.raises((InvalidArgument, NotFound, PermissionDenied)):
            files.resolve("file", device)


def test_a_folder_is_no_file_and_a_file_no_folder(files: Files, root: Path) -> None:
    assert refused(files, str(root / "inside"), InvalidArgument).endswith("must be a regular file")
    song = str(root / "inside" / "song.wav")
    assert refused(files, song, InvalidArgument, folder=True).endswith("must be a folder")
    refused(files, song + "/further", NotFound)


@pytest.mark.parametrize("path", ["", "\0", "/a\0b", "\0" * 5000])
def test_what_cannot_be_a_path_is_no_path(files: Files, path: str) -> None:
    assert refused(files, path, InvalidArgument).endswith("must be a path")


@pytest.mark.parametrize("path", ["song.wav", "inside/song.wav", "./x", "../x", "C:\\song.wav", "file:///x"])
def test_a_path_must_be_absolute(files: Files, path: str) -> None:
    assert "must be absolute" in refused(files, path, InvalidArgument)


def test_a_path_that_is_too_long_is_refused_in_few_words(files: Files, root: Path) -> None:
    refused(files, str(root / ("x" * 300)), InvalidArgument)
    refused(files, str(root) + "/x" * 5000, InvalidArgument)
    refused(files, "/" + "x" * 900_000, PermissionDenied)


def test_a_file_that_cannot_be_read_says_so(files: Files, root: Path) -> None:
    closed = root / "closed"
    closed.write_bytes(b"x")
    closed.chmod(0)
    (root / "locked").mkdir(mode=0)
    for folder in (root, *list(root.parents)[:3]):
        folder.chmod(0o755)

    def check() -> bool:
        refused(files, str(root / "locked" / "x"), PermissionDenied)
        return refused(files, str(closed), PermissionDenied).endswith("not readable")

    assert holds_in_child(check, nobody=True)


@given(st.text(max_size=40), st.booleans())
def test_no_text_leads_out_or_breaks_anything(text: str, folder: bool) -> None:
    files = Files([Path("/nowhere at all")], Path("/nowhere/spool"), 0)
    for path in (text, "/" + text, "~" + text, "/nowhere at all/" + text):
        with pytest.raises((InvalidArgument, NotFound, PermissionDenied)):
            files.resolve("file", path, folder=folder)


# ------------------------------------------------------------------ bytes


def test_bytes_become_a_private_file_and_go(files: Files) -> None:
    path = files.write(b"bytes")
    assert Path(path).read_bytes() == b"bytes"
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(path).parent.stat().st_mode) == 0o700
    files.remove(path)
    assert not Path(path).exists()
    files.remove(path)


def test_there_is_only_so_much_room(files: Files) -> None:
    files.reserve(60)
    with pytest.raises(ResourceExhausted) as caught:
        files.reserve(41)
    assert caught.value.retryable
    assert caught.value.retry_after
    files.reserve(40)
    files.release(60)
    files.reserve(60)


def test_a_full_disk_is_told_as_such_and_leaves_nothing(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> tuple[int, str]:
        path = tmp_path / "spool" / "partly"
        path.touch()
        return os.open("/dev/full", os.O_WRONLY), str(path)

    monkeypatch.setattr("bus.files.tempfile.mkstemp", full)
    with pytest.raises(ResourceExhausted, match="spool: No space left on device"):
        files.write(b"x" * 100)
    assert list((tmp_path / "spool").iterdir()) == []


def test_what_killed_daemons_left_is_removed_and_what_living_ones_hold_is_not(
    files: Files, tmp_path: Path
) -> None:
    spool = tmp_path / "spool"
    with subprocess.Popen(["sleep", "60"]) as living:
        dead = next(pid for pid in range(2**22, 2, -1) if not psutil.pid_exists(pid))
        held = spool / f"{living.pid}-abc"
        for name in (held.name, f"{dead}-abc", "something", f"{os.getpid()}-abc"):
            (spool / name).touch()
        files.prepare()
        assert list(spool.iterdir()) == [held]
        living.kill()


# ------------------------------------------------------------------ content


def test_a_digest_is_of_the_bytes_and_may_be_given_up(root: Path) -> None:
    large = root / "large"
    large.write_bytes(os.urandom(2_500_000))
    pieces: list[None] = []
    assert (
        digest(str(large), lambda: pieces.append(None))
        == hashlib.blake2b(large.read_bytes(), digest_size=32).digest()
    )
    assert len(pieces) == 3

    def unwanted() -> None:
        raise ResourceExhausted("nobody waits")

    with pytest.raises(ResourceExhausted):
        digest(str(large), unwanted)


def test_a_fingerprint_changes_with_the_file(root: Path) -> None:
    path = root / "file"
    path.write_bytes(b"1234")
    before = Fingerprint.of(str(path))
    assert Fingerprint.of(str(path)) == before
    os.utime(path, ns=(1, 1))
    touched = Fingerprint.of(str(path))
    assert touched != before
    path.unlink()
    path.write_bytes(b"1234")
    os.utime(path, ns=(1, 1))
    (root / "other").write_bytes(b"1234")
    os.utime(root / "other", ns=(1, 1))
    assert Fingerprint.of(str(root / "other")) != Fingerprint.of(str(path))
