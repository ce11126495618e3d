"""Notes and the Standard MIDI File, shared by whoever reads or writes notes.

Conventions: time is in quarter notes from the start of the piece, so that it does not change with the tempo;
`Score.seconds` says when a quarter is heard. Drums are the parts on MIDI channel 10 (9 counted from zero).
`read` and `write` are inverse for what `write` can say: one tempo, one time signature, whole bars.

A MIDI file is data from outside: `read` is bounded in bytes, notes and length before it allocates anything of
the file's choosing, and whatever is wrong with a file ends in `UndecodableError` or `TooLongError`.

References
----------
MIDI Manufacturers Association, "Standard MIDI Files 1.0", RP-001; "General MIDI System Level 1", RP-003.
"""

import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from engines._errors import TooLongError, UndecodableError
from engines._units import Bpm, Pitch, Velocity

Quarters = Annotated[float, Field(ge=0, allow_inf_nan=False, json_schema_extra={"unit": "quarter note"})]

TICKS_PER_QUARTER: Final = 480  # divisible by 16ths, triplets and a 1/120 for micro-timing
DRUM_CHANNEL: Final = 9  # General MIDI's channel 10
MAX_FILE_BYTES: Final = 8 * 1024 * 1024
MAX_NOTES: Final = 200_000
MAX_TRACKS: Final = 1024
MAX_QUARTERS: Final = 100_000.0  # 14 hours at 120 BPM
BEND_RANGE: Final = 12.0  # semitones to either side that a part with bends asks of its instrument
DEFAULT_TEMPO: Final = 120.0  # what a file without a tempo means (RP-001)


@dataclass(frozen=True, order=True)
class Note:
    """One note."""

    start: Annotated[Quarters, Field(description="When it starts, from the first bar line.")]
    pitch: Annotated[Pitch, Field(description="60 is middle C; on drums, the General MIDI percussion key.")]
    duration: Annotated[Quarters, Field(description="How long it sounds.")]
    velocity: Annotated[Velocity, Field(description="How hard it is played.")] = 90

    @property
    def end(self) -> float:
        """When it stops, in quarter notes."""
        return self.start + self.duration


@dataclass(frozen=True)
class Part:
    """The notes of one instrument.

    Attributes
    ----------
    name
        As the track is called.
    notes
        In order of start.
    program
        General MIDI program, 0 to 127; of no meaning for drums.
    drums
        Whether it plays on the percussion channel.
    bends
        (quarter note, semitones) from which the pitch of all its notes is bent, in order; at most
        `BEND_RANGE` to either side. `read` does not say them.
    """

    name: str
    notes: tuple[Note, ...]
    program: int = 0
    drums: bool = False
    bends: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Score:
    """A piece: parts over one time line.

    Attributes
    ----------
    parts
        One for each instrument; may be empty.
    tempi
        (quarter note, BPM) from which each tempo holds, increasing; the first at 0.
    signatures
        (quarter note, numerator, denominator) from which each time signature holds; the first at 0.
    quarters
        Length, at least the end of the last note.
    """

    parts: tuple[Part, ...]
    tempi: tuple[tuple[float, float], ...] = ((0.0, DEFAULT_TEMPO),)
    signatures: tuple[tuple[float, int, int], ...] = ((0.0, 4, 4),)
    quarters: float = 0.0

    @property
    def tempo(self) -> Bpm:
        """BPM at the start."""
        return self.tempi[0][1]

    @property
    def quarters_per_bar(self) -> float:
        """Length of a bar of the first time signature."""
        _, numerator, denominator = self.signatures[0]
        return numerator * 4 / denominator

    def in_whole_bars(self) -> "Score":
        """Lengthen a pick-up, a first bar that is shorter than the next one, to a whole bar.

        Bars can then be counted from 0. What is new is silent, before the first note, at the tempo that holds
        where the pick-up ends.
        """
        if len(self.signatures) < 2:
            return self
        end, numerator, denominator = self.signatures[1]
        added = numerator * 4 / denominator - end
        if added <= 0 or abs(end - self.quarters_per_bar) * TICKS_PER_QUARTER > 1:
            return self
        held = [bpm for start, bpm in self.tempi if start <= end][-1]
        return Score(
            tuple(_later(part, added) for part in self.parts),
            ((0.0, held), *((start + added, bpm) for start, bpm in self.tempi if start > end)),
            (
                (0.0, numerator, denominator),
                *((start + added, over, under) for start, over, under in self.signatures[2:]),
            ),
            self.quarters + added,
        )

    def seconds(self, quarter: float) -> float:
        """Return when a quarter note is heard."""
        passed = 0.0
        for i, (start, bpm) in enumerate(self.tempi):
            end = self.tempi[i + 1][0] if i + 1 < len(self.tempi) else math.inf
            passed += max(0.0, min(quarter, end) - start) * 60 / bpm
        return passed


def _later(part: Part, quarters: float) -> Part:
    notes = tuple(replace(note, start=note.start + quarters) for note in part.notes)
    return replace(part, notes=notes, bends=tuple((start + quarters, bend) for start, bend in part.bends))


def write(score: Score) -> bytes:
    """Write a Standard MIDI File of format 1 that lasts exactly `score.quarters`.

    The first track holds tempo and time signature; each part has a track and a channel of its own (drums
    share the percussion channel). A note that would end after the piece is cut there, one that starts there
    or later is refused.

    Raises
    ------
    ValueError
        If a note starts before 0 or at the end or later, a tempo cannot be written, or there are over 15
        pitched parts.
    """
    end = _ticks(score.quarters)
    tracks = [_track(_conductor(score), end)]
    channels = iter([channel for channel in range(16) if channel != DRUM_CHANNEL])
    for part in score.parts:
        channel = DRUM_CHANNEL if part.drums else next(channels, None)
        if channel is None:
            raise ValueError(f"parts: {len(score.parts)}; MIDI has 15 channels for pitched parts")
        tracks.append(_track(_part_events(part, channel, end), end))
    header = struct.pack(">4sIHHH", b"MThd", 6, 1, len(tracks), TICKS_PER_QUARTER)
    return header + b"".join(tracks)


def read(source: Path | bytes) -> Score:
    """Read a Standard MIDI File of any format.

    Parameters
    ----------
    source
        A file, or its bytes.

    Returns
    -------
    Score
        A part for each pair of track and channel that holds notes; its length is the last event's. A file
        without notes has no parts.

    Raises
    ------
    UndecodableError
        If it is no MIDI file, or is cut short or damaged.
    TooLongError
        If it is larger than 8 MiB, holds over 200,000 notes or 1,024 tracks, or lasts over 100,000 quarter
        notes.
    """
    if isinstance(source, Path):
        size = source.stat().st_size
        if size > MAX_FILE_BYTES:
            raise TooLongError(f"file: {size} bytes; must be at most {MAX_FILE_BYTES}")
        source = source.read_bytes()
    if len(source) > MAX_FILE_BYTES:
        raise TooLongError(f"file: {len(source)} bytes; must be at most {MAX_FILE_BYTES}")
    try:
        return _Reader(source).score()
    except (IndexError, struct.error) as error:
        raise UndecodableError("file: a MIDI file that is cut short") from error


# --- writing
# --------------------------------------------------------------------------------------------------


def _ticks(quarters: float) -> int:
    if not 0 <= quarters <= MAX_QUARTERS:  # also refuses NaN
        raise ValueError(f"quarter note: {quarters}; must be between 0 and {MAX_QUARTERS:.0f}")
    return round(quarters * TICKS_PER_QUARTER)


def _conductor(score: Score) -> Iterable[tuple[int, bytes]]:
    for start, bpm in score.tempi:
        per_quarter = round(60e6 / bpm) if bpm > 0 else 0
        if not 1 <= per_quarter < 1 << 24:
            raise ValueError(f"tempo: {bpm}; a MIDI file holds from 3.6 to 60,000,000 BPM")
        yield _ticks(start), b"\xff\x51\x03" + per_quarter.to_bytes(3, "big")
    for start, numerator, denominator in score.signatures:
        power = denominator.bit_length() - 1
        # 24 MIDI clocks a quarter; a metronome click each beat; 8 32nds a quarter.
        clocks = min(255, max(1, 96 // denominator))
        yield _ticks(start), bytes((0xFF, 0x58, 4, numerator, power, clocks, 8))


def _part_events(part: Part, channel: int, end: int) -> Iterable[tuple[int, bytes]]:
    name = part.name.encode("utf-8")[:127]
    yield 0, b"\xff\x03" + bytes((len(name),)) + name
    if not part.drums:
        yield 0, bytes((0xC0 | channel, part.program))
    if part.bends:
        # Registered parameter 0, the bend's range in semitones and cents (MIDI 1.0), then none (127, 127).
        for control, value in ((101, 0), (100, 0), (6, int(BEND_RANGE)), (38, 0), (101, 127), (100, 127)):
            yield 0, bytes((0xB0 | channel, control, value))
    for quarter, semitones in part.bends:
        wheel = round(0x2000 + 0x2000 * semitones / BEND_RANGE)
        wheel = min(0x3FFF, max(0, wheel))
        yield min(_ticks(quarter), end), bytes((0xE0 | channel, wheel & 0x7F, wheel >> 7))
    for note in part.notes:
        start = _ticks(note.start)
        if start >= end:
            raise ValueError(
                f"note: starts at quarter {note.start}; the piece ends at {end / TICKS_PER_QUARTER}"
            )
        stop = min(max(_ticks(note.end), start + 1), end)
        yield start, bytes((0x90 | channel, note.pitch, max(1, note.velocity)))
        yield stop, bytes((0x80 | channel, note.pitch, 64))


def _track(events: Iterable[tuple[int, bytes]], end: int) -> bytes:
    """Lay events out by time; at one tick what ends comes before what starts.

    Or a repeated note would be cut. A bend comes between the two: it is for what starts.
    """
    body = bytearray()
    now = 0
    for tick, data in sorted(events, key=lambda event: (event[0], _rank(event[1]))):
        body += _varint(tick - now) + data
        now = tick
    body += _varint(max(end, now) - now) + b"\xff\x2f\x00"
    return struct.pack(">4sI", b"MTrk", len(body)) + bytes(body)


def _rank(data: bytes) -> tuple[int, int]:
    kinds = {0xFF: 0, 0xC0: 1, 0xB0: 1, 0x80: 2, 0xE0: 3, 0x90: 4}
    kind = kinds[data[0] if data[0] == 0xFF else data[0] & 0xF0]
    return kind, data[1] if kind in (2, 4) else 0


def _varint(value: int) -> bytes:
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(value & 0x7F | 0x80)
    return bytes(reversed(digits))


# --- reading
# --------------------------------------------------------------------------------------------------


@dataclass
class _Track:
    """What one track has said so far."""

    name: str = ""
    program: dict[int, int] = field(default_factory=dict)
    sounding: dict[tuple[int, int], list[tuple[int, int]]] = field(default_factory=dict)
    notes: dict[int, list[tuple[int, int, int, int]]] = field(default_factory=dict)


class _Reader:
    """One pass over the bytes; an index beyond the end is an IndexError, which `read` names."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.n_notes = 0
        self.last_tick = 0
        self.tempi: dict[int, float] = {}
        self.signatures: dict[int, tuple[int, int]] = {}

    def score(self) -> Score:
        # Some files are wrapped in a RIFF container; the header then starts a few bytes in.
        self.at = 20 if self.data[:4] == b"RIFF" and self.data[8:12] == b"RMID" else 0
        if self.data[self.at : self.at + 4] != b"MThd":
            raise UndecodableError("file: not a Standard MIDI File (it does not begin with MThd)")
        length, _, n_tracks, division = struct.unpack_from(">IHHH", self.data, self.at + 4)
        if length < 6 or n_tracks > MAX_TRACKS:
            raise UndecodableError(f"file: a MIDI header of {length} bytes and {n_tracks} tracks")
        self.at += 8 + length
        self.per_quarter = self._per_quarter(division)
        tracks = []
        for _ in range(n_tracks):
            kind, size = struct.unpack_from(">4sI", self.data, self.at)
            self.at += 8
            if self.at + size > len(self.data):
                raise UndecodableError("file: a MIDI file that is cut short")
            if kind == b"MTrk":  # other chunks are to be skipped (RP-001)
                tracks.append(self._track(self.at + size))
            self.at += size
        return self._assembled(tracks)

    @staticmethod
    def _per_quarter(division: int) -> float:
        if division & 0x8000:
            # SMPTE time has no beats: a quarter is taken as half a second, which is what 120 BPM means.
            return (256 - (division >> 8)) * (division & 0xFF) / 2 or 1.0
        if division == 0:
            raise UndecodableError("file: a MIDI header with 0 ticks a quarter")
        return float(division)

    def _track(self, end: int) -> _Track:
        track, begin, tick, status = _Track(), self.at, 0, 0
        position = begin
        while position < end:
            delta, position = self._varint(position)
            tick += delta
            if tick > MAX_QUARTERS * self.per_quarter:
                raise TooLongError(f"file: longer than {MAX_QUARTERS:.0f} quarter notes")
            byte = self.data[position]
            if byte in (0xFF, 0xF0, 0xF7):
                position, done = self._meta(track, byte, position + 1, tick, end)
                if done:
                    break
                continue
            if byte & 0x80:
                status, position = byte, position + 1
            if not 0x80 <= status < 0xF0:
                raise UndecodableError(f"file: a MIDI track with a byte {byte:#x} where an event should be")
            size = 1 if status & 0xF0 in (0xC0, 0xD0) else 2
            if position + size > end:
                raise UndecodableError("file: a MIDI track that ends inside an event")
            self._channel_event(track, status, self.data[position : position + size], tick)
            position += size
        for (channel, pitch), starts in track.sounding.items():
            for start, velocity in starts:
                self._finish(track, channel, (start, tick, pitch, velocity))
        self.last_tick = max(self.last_tick, tick)
        return track

    def _meta(self, track: _Track, byte: int, position: int, tick: int, end: int) -> tuple[int, bool]:
        kind = -1
        if byte == 0xFF:
            kind, position = self.data[position], position + 1
        size, position = self._varint(position)
        if position + size > end:
            raise UndecodableError("file: a MIDI track that ends inside an event")
        body = self.data[position : position + size]
        if kind == 0x03 and not track.name:
            track.name = body[:127].decode("utf-8", "replace")
        elif kind == 0x51 and size == 3 and any(body):
            self.tempi[tick] = 60e6 / int.from_bytes(body, "big")
        elif kind == 0x58 and size >= 2 and body[0] and body[1] <= 6:
            self.signatures[tick] = (body[0], 1 << body[1])
        return position + size, kind == 0x2F

    def _channel_event(self, track: _Track, status: int, body: bytes, tick: int) -> None:
        kind, channel = status & 0xF0, status & 0x0F
        if body[0] > 127 or body[-1] > 127:
            raise UndecodableError("file: a MIDI event with a data byte over 127")
        if kind == 0xC0:
            track.program[channel] = body[0]
        elif kind == 0x90 and body[1]:
            self.n_notes += 1
            if self.n_notes > MAX_NOTES:
                raise TooLongError(f"file: over {MAX_NOTES} notes")
            track.sounding.setdefault((channel, body[0]), []).append((tick, body[1]))
        elif kind in (0x80, 0x90):
            starts = track.sounding.get((channel, body[0]))
            if starts:
                start, velocity = starts.pop(0)
                self._finish(track, channel, (start, tick, body[0], velocity))

    @staticmethod
    def _finish(track: _Track, channel: int, note: tuple[int, int, int, int]) -> None:
        track.notes.setdefault(channel, []).append(note)

    def _varint(self, position: int) -> tuple[int, int]:
        value = 0
        for _ in range(4):
            byte = self.data[position]
            position += 1
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value, position
        raise UndecodableError("file: a MIDI number of more than four bytes")

    def _assembled(self, tracks: list[_Track]) -> Score:
        per_quarter = self.per_quarter
        parts = []
        for track in tracks:
            for channel, found in sorted(track.notes.items()):
                notes = sorted(
                    Note(start / per_quarter, pitch, (end - start) / per_quarter, velocity)
                    for start, end, pitch, velocity in found
                )
                program = track.program.get(channel, 0)
                parts.append(Part(track.name, tuple(notes), program, channel == DRUM_CHANNEL))
        tempi = {0: DEFAULT_TEMPO, **self.tempi}
        signatures = {0: (4, 4), **self.signatures}
        return Score(
            tuple(parts),
            tuple((tick / per_quarter, bpm) for tick, bpm in sorted(tempi.items())),
            tuple((tick / per_quarter, *signature) for tick, signature in sorted(signatures.items())),
            self.last_tick / per_quarter,
        )
