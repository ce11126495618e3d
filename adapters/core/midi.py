"""A Standard MIDI File as DAWG-CORE's import takes it: whole in memory, checked by its header.

Source: "Standard MIDI Files 1.0", MIDI Manufacturers Association, 1996.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

from bus.errors import DataLoss, FailedPrecondition, NotFound, TooLarge

# An hour of dense orchestra is about 1 MiB.
LARGEST_MIDI = 8 * 2**20
FORMATS = 2


@dataclass(frozen=True)
class MidiFile:
    """A MIDI file's bytes and what its header says: SMF format 0 to 2, number of tracks."""

    data: bytes
    format: int
    num_tracks: int


def parse(data: bytes) -> MidiFile:
    """Read the header chunk of a Standard MIDI File.

    Raises
    ------
    DataLoss
        If `data` does not begin with a whole `MThd` chunk of format 0, 1 or 2 with a track and a division.
    """
    if data[:4] != b"MThd":
        raise DataLoss(f"path: begins with {data[:4]!r}; a Standard MIDI File begins with b'MThd'")
    if len(data) < 14:
        raise DataLoss(f"path: cut off after {len(data)} bytes; a Standard MIDI File has a header of 14")
    length, kind, num_tracks, division = struct.unpack(">IHHH", data[4:14])
    if length < 6 or len(data) < 8 + length:
        raise DataLoss(f"path: a MIDI header of {length} bytes; must be at least 6, and whole")
    if kind > FORMATS or num_tracks == 0 or division == 0:
        raise DataLoss(
            f"path: MIDI format {kind} with {num_tracks} tracks and division {division};"
            " must be format 0, 1 or 2 with at least one track and a division"
        )
    return MidiFile(data, kind, num_tracks)


def read(path: Path) -> MidiFile:
    """Read and check a MIDI file of at most `LARGEST_MIDI` bytes.

    Raises
    ------
    NotFound
        If it does not exist (any more).
    FailedPrecondition
        If it cannot be read.
    TooLarge
        If it is larger than `LARGEST_MIDI`.
    DataLoss
        If it is no Standard MIDI File.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_MIDI + 1)
    except FileNotFoundError as error:
        raise NotFound(f"path: {path}; no such file") from error
    except OSError as error:
        raise FailedPrecondition(f"path: {path}; cannot be read ({error.strerror})") from error
    if len(data) > LARGEST_MIDI:
        raise TooLarge(
            f"path: {path}; larger than the {LARGEST_MIDI // 2**20} MiB that are sent to DAWG-CORE"
        )
    return parse(data)
