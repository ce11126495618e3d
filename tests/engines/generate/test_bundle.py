"""Bundles: what is in them is read without TensorFlow, and no bytes whatever do harm."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines._errors import TooLongError, UndecodableError
from engines.generate import bundle as reading
from engines.generate.bundle import read_bundle
from engines.generate.checkpoint import read_checkpoint
from engines.generate.inventory import SHIPPED
from tests import bundles

ARRAYS = bundles.lstm_stack(24, (8, 8), 6)
WHOLE = bundles.bundle("drum_kit", ARRAYS)


def test_a_bundle_tells_what_it_is() -> None:
    found = read_bundle(WHOLE)
    assert (found.generator, found.text, found.size) == ("drum_kit", "made for a test", len(WHOLE))
    assert found.sha256 == hashlib.sha256(WHOLE).hexdigest()
    assert found.operations == {"Placeholder", "MatMul"}
    assert {name: array.tolist() for name, array in found.variables.items()} == {
        name: array.tolist() for name, array in ARRAYS.items()
    }


def test_operations_inside_functions_are_seen() -> None:
    assert "PyFunc" in read_bundle(bundles.bundle("x", ARRAYS, inside_functions=("PyFunc",))).operations


@pytest.mark.parametrize(
    "page",
    [
        b"<?xml version='1.0' encoding='UTF-8'?><Error><Code>NoSuchKey</Code></Error>",
        b"<!DOCTYPE html><html>Not Found</html>",
        b"\n  <html><head></head></html>",
    ],
)
def test_a_web_page_named_mag_is_called_that(page: bytes) -> None:
    with pytest.raises(UndecodableError, match="web page"):
        read_bundle(page)


@pytest.mark.parametrize("junk", [b"", b"\0", b"PK\x03\x04" + bytes(100), bytes(1000), b"\xff" * 1000])
def test_what_is_no_bundle_is_undecodable(junk: bytes) -> None:
    with pytest.raises(UndecodableError):
        read_bundle(junk)


def test_a_bundle_over_the_limit_is_too_long(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(reading, "MAX_BYTES", 1000)
    (tmp_path / "big.mag").write_bytes(WHOLE)
    for source in (WHOLE, tmp_path / "big.mag"):
        with pytest.raises(TooLongError):
            read_bundle(source)


def test_a_bundle_cut_anywhere_is_undecodable_never_worse() -> None:
    for end in range(0, len(WHOLE), 37):
        with pytest.raises(UndecodableError):
            read_bundle(WHOLE[:end]).variables  # noqa: B018  read lazily


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.mag")), ids=lambda path: path.stem)
def test_a_shipped_bundle_cut_at_every_kilobyte_is_undecodable(path: Path) -> None:
    whole = path.read_bytes()
    for end in range(0, len(whole), 1024):
        with pytest.raises(UndecodableError):
            read_bundle(whole[:end]).variables  # noqa: B018  read lazily


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_bytes_changed_at_random_are_read_or_refused(data: st.DataObject) -> None:
    damaged = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = read_bundle(bytes(damaged))
        assert isinstance(found.operations, frozenset)
        for array in found.variables.values():
            assert np.isfinite(array).all()
    except (UndecodableError, TooLongError):
        pass


def test_an_index_that_names_one_block_again_and_again_is_refused() -> None:
    whole = bundles.checkpoint(ARRAYS)
    data_size = whole.index(b"\xff") - 100  # any large block near the start
    index = bundles._block([(bytes([i]), bundles.varint(0) + bundles.varint(data_size)) for i in range(100)])
    footer = (
        bundles.varint(0) + bundles.varint(0) + bundles.varint(len(whole)) + bundles.varint(len(index) - 5)
    )
    with pytest.raises(UndecodableError):
        read_checkpoint(whole + index + footer.ljust(40, b"\0") + whole[-8:])


def test_numbers_that_are_not_finite_are_refused() -> None:
    arrays = {"fully_connected/biases": np.array([1.0, np.nan], np.float32)}
    with pytest.raises(UndecodableError, match="finite"):
        read_checkpoint(bundles.checkpoint(arrays))
