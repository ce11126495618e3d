"""A tar from outside decides nothing about where it is written, and how much."""

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from engines._errors import TooLongError, UndecodableError
from engines.magenta import checkpoint_tar
from engines.magenta.checkpoint_tar import unpack

INDEX, DATA = "model.ckpt-1.index", "model.ckpt-1.data-00000-of-00001"


def tar(path: Path, *members: tuple[str, bytes], link: str = "") -> Path:
    with tarfile.open(path, "w") as file:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
        if link:
            info = tarfile.TarInfo(link)
            info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            file.addfile(info)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "a" / "b"
    made.mkdir(parents=True)
    return made


@pytest.mark.parametrize("where", ["", "cat-mel_2bar_big/", "/etc/", "../../"])
def test_the_two_files_are_written_where_we_say_whatever_they_are_called(
    tmp_path: Path, folder: Path, where: str
) -> None:
    path = tar(
        tmp_path / "x.tar", (where + INDEX, b"index"), (where + DATA, b"numbers"), ("../evil.sh", b"rm")
    )
    prefix, sha256 = unpack(path, folder)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == {
        "model.index": b"index",
        "model.data-00000-of-00001": b"numbers",
    }
    assert prefix == folder / "model"
    assert sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert {p.name for p in tmp_path.iterdir()} == {"a", "x.tar"}


def test_a_link_is_no_file(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(UndecodableError, match=r"must be a tar with one .index"):
        unpack(tar(tmp_path / "x.tar", (DATA, b"numbers"), link=INDEX), folder)
    assert [p.name for p in folder.iterdir()] == ["model.data-00000-of-00001"]


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ((), "must be a tar with one"),
        (((INDEX, b""),), "must be a tar with one"),
        (((INDEX, b""), ("other.data-00000-of-00001", b"")), "must be a tar with one"),
        (((INDEX, b""), ("model.ckpt-2.index", b""), (DATA, b"")), "holds several"),
        (tuple((f"{n}.txt", b"") for n in range(65)), "over 64 files"),
    ],
)
def test_a_tar_without_exactly_one_checkpoint_is_refused(
    tmp_path: Path, folder: Path, members: tuple[tuple[str, bytes], ...], said: str
) -> None:
    with pytest.raises(UndecodableError, match=said):
        unpack(tar(tmp_path / "x.tar", *members), folder)


def test_more_than_the_bound_is_not_written(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bomb.tar.gz"
    with tarfile.open(path, "w:gz") as file:
        info = tarfile.TarInfo(DATA)
        info.size = 3_000_000
        file.addfile(info, io.BytesIO(bytes(info.size)))
    monkeypatch.setattr(checkpoint_tar, "MAX_BYTES", 2_000_000)
    with pytest.raises(TooLongError, match="over 2000000 bytes"):
        unpack(path, folder)
    assert sum(p.stat().st_size for p in folder.iterdir()) <= 2_000_000


def test_a_file_that_is_cut_short_or_a_web_page_is_named_so(tmp_path: Path, folder: Path) -> None:
    whole = tar(tmp_path / "x.tar", (INDEX, b"index"), (DATA, bytes(4000))).read_bytes()
    for data in (b"", b"<!DOCTYPE html><title>NoSuchKey", whole[:100], whole[:1500], whole[:3000]):
        (tmp_path / "cut.tar").write_bytes(data)
        with pytest.raises(UndecodableError) as caught:
            unpack(tmp_path / "cut.tar", folder)
        assert len(str(caught.value).splitlines()) == 1
