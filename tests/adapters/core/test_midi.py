import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.core import midi
from bus.errors import DataLoss, FailedPrecondition, NotFound, TooLarge

EMPTY_TRACK = b"MTrk" + struct.pack(">I", 4) + b"\x00\xff\x2f\x00"


def smf(kind: int = 0, num_tracks: int = 1, division: int = 480, tail: bytes = EMPTY_TRACK) -> bytes:
    return b"MThd" + struct.pack(">IHHH", 6, kind, num_tracks, division) + tail


def test_the_header_says_format_and_tracks() -> None:
    file = midi.parse(smf(1, 5))
    assert (file.format, file.num_tracks) == (1, 5)


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"", "b''"),
        (b"RIFF\x00\x00\x00\x00RMID" + smf(), "b'RIFF'"),
        (smf()[:13], "13 bytes"),
        (b"MThd" + struct.pack(">IHHH", 5, 0, 1, 480), "header of 5"),
        (b"MThd" + struct.pack(">IHHH", 2**32 - 1, 0, 1, 480), "header of 4294967295"),
        (smf(kind=3), "format 3"),
        (smf(num_tracks=0), "0 tracks"),
        (smf(division=0), "division 0"),
    ],
)
def test_what_is_no_midi_file_is_named(data: bytes, named: str) -> None:
    with pytest.raises(DataLoss, match=named):
        midi.parse(data)


@settings(deadline=None)
@given(st.binary(max_size=40).map(lambda tail: b"MThd" + tail) | st.binary(max_size=40))
def test_any_bytes_are_a_midi_file_or_refused(data: bytes) -> None:
    try:
        file = midi.parse(data)
    except DataLoss:
        return
    assert file.data == data
    assert file.format in (0, 1, 2)
    assert file.num_tracks >= 1


def test_a_file_over_the_bound_is_refused_without_reading_it_all(tmp_path: Path) -> None:
    path = tmp_path / "large.mid"
    with path.open("wb") as file:
        file.write(smf())
        file.truncate(midi.LARGEST_MIDI + 1)
    with pytest.raises(TooLarge, match="8 MiB"):
        midi.read(path)


def test_a_file_that_went_away_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="gone"):
        midi.read(tmp_path / "gone.mid")


def test_a_folder_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FailedPrecondition, match="cannot be read"):
        midi.read(tmp_path)
