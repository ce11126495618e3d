"""MIDI files: what is written is read again, and no bytes whatever do harm."""

import contextlib
import io
import struct

import pretty_midi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines._errors import TooLongError, UndecodableError
from engines._notes import DRUM_CHANNEL, MAX_NOTES, Note, Part, Score, read, write


def score(*parts: Part, quarters: float = 16.0, tempo: float = 120.0) -> Score:
    return Score(parts, ((0.0, tempo),), ((0.0, 4, 4),), quarters)


MELODY = Part("melody", (Note(0.0, 60, 1.0, 90), Note(1.0, 62, 0.5, 80), Note(2.25, 64, 4.0, 70)), program=11)
DRUMS = Part(
    "drums", (Note(0.0, 36, 0.25, 100), Note(0.0, 42, 0.25, 60), Note(1.0, 38, 0.25, 90)), drums=True
)


def test_what_is_written_is_read_again() -> None:
    written = score(MELODY, DRUMS, tempo=93.0)
    heard = read(write(written))
    assert [part.notes for part in heard.parts] == [MELODY.notes, DRUMS.notes]
    assert [(part.name, part.program, part.drums) for part in heard.parts] == [
        ("melody", 11, False),
        ("drums", 0, True),
    ]
    assert heard.tempo == pytest.approx(93.0, abs=1e-3)
    assert heard.quarters == 16.0


def test_another_reader_hears_the_same() -> None:
    heard = pretty_midi.PrettyMIDI(io.BytesIO(write(score(MELODY, DRUMS, tempo=150.0))))
    melody, drums = heard.instruments
    assert [(n.pitch, n.velocity) for n in melody.notes] == [(60, 90), (62, 80), (64, 70)]
    assert melody.notes[1].start == pytest.approx(0.4)
    assert drums.is_drum
    assert heard.get_tempo_changes()[1][0] == pytest.approx(150.0, rel=1e-4)
    assert heard.time_signature_changes[0].numerator == 4


def test_a_file_ends_exactly_where_its_bars_do() -> None:
    assert read(write(score(MELODY, quarters=12.0))).quarters == 12.0
    assert read(write(score(quarters=64.0))).quarters == 64.0


def test_a_repeated_note_is_not_cut_by_the_end_of_the_one_before() -> None:
    part = Part("bass", (Note(0.0, 40, 1.0), Note(1.0, 40, 1.0), Note(2.0, 40, 1.0)))
    assert read(write(score(part))).parts[0].notes == part.notes


def test_a_note_past_the_end_is_refused_and_one_across_it_cut() -> None:
    assert (
        read(write(score(Part("a", (Note(3.0, 60, 9.0),)), quarters=4.0))).parts[0].notes[0].duration == 1.0
    )
    with pytest.raises(ValueError, match="the piece ends at"):
        write(score(Part("a", (Note(4.0, 60, 1.0),)), quarters=4.0))


def test_sixteen_pitched_parts_do_not_fit_fifteen_channels() -> None:
    write(score(*(Part(str(i), ()) for i in range(15)), DRUMS))
    with pytest.raises(ValueError, match="15 channels"):
        write(score(*(Part(str(i), ()) for i in range(16))))


@pytest.mark.parametrize("tempo", [0.0, -1.0, float("nan"), 1e9])
def test_a_tempo_no_file_can_hold_is_refused(tempo: float) -> None:
    with pytest.raises(ValueError, match="tempo"):
        write(score(MELODY, tempo=tempo))


def test_seconds_follow_the_tempi() -> None:
    piece = Score((), ((0.0, 60.0), (4.0, 120.0)), quarters=8.0)
    assert piece.seconds(4.0) == 4.0
    assert piece.seconds(8.0) == 6.0


def test_a_pick_up_becomes_a_whole_bar() -> None:
    part = Part("a", (Note(0.0, 60, 1.0), Note(1.0, 62, 3.0)), bends=((1.5, 0.5),))
    begun = Score(
        (part,), ((0.0, 200.0), (0.5, 90.0), (4.0, 100.0)), ((0.0, 1, 4), (1.0, 3, 4), (7.0, 4, 4)), 11.0
    )
    whole = begun.in_whole_bars()
    assert [note.start for note in whole.parts[0].notes] == [2.0, 3.0]
    assert whole.parts[0].bends == ((3.5, 0.5),)
    assert whole.tempi == ((0.0, 90.0), (6.0, 100.0))
    assert whole.signatures == ((0.0, 3, 4), (9.0, 4, 4))
    assert whole.quarters == 13.0


@pytest.mark.parametrize(
    "signatures", [((0.0, 4, 4),), ((0.0, 3, 4), (6.0, 4, 4)), ((0.0, 4, 4), (4.0, 3, 4))]
)
def test_a_first_bar_that_is_whole_stays(signatures: tuple[tuple[float, int, int], ...]) -> None:
    begun = Score((MELODY,), signatures=signatures, quarters=16.0)
    assert begun.in_whole_bars() is begun


def test_running_status_and_notes_without_an_end_are_read() -> None:
    body = bytes([0, 0x90, 60, 100, 48, 62, 100, 48, 60, 0, 0, 0xFF, 0x2F, 0])
    file = b"MThd" + struct.pack(">IHHH", 6, 0, 1, 48) + b"MTrk" + struct.pack(">I", len(body)) + body
    notes = read(file).parts[0].notes
    assert [(n.pitch, n.start, n.duration) for n in notes] == [(60, 0.0, 2.0), (62, 1.0, 1.0)]


def test_the_drum_channel_is_drums() -> None:
    body = bytes([0, 0x90 | DRUM_CHANNEL, 36, 100, 24, 0x80 | DRUM_CHANNEL, 36, 0, 0, 0xFF, 0x2F, 0])
    file = b"MThd" + struct.pack(">IHHH", 6, 0, 1, 96) + b"MTrk" + struct.pack(">I", len(body)) + body
    assert read(file).parts[0].drums


@pytest.mark.parametrize(
    "junk", [b"", b"M", b"MThd", b"<html><body>Not found</body></html>", b"RIFF" + bytes(40)]
)
def test_what_is_no_midi_file_is_undecodable(junk: bytes) -> None:
    with pytest.raises(UndecodableError):
        read(junk)


def test_a_file_cut_anywhere_is_undecodable_never_worse() -> None:
    whole = write(score(MELODY, DRUMS))
    for end in range(len(whole)):
        with pytest.raises(UndecodableError):
            read(whole[:end])


def test_too_many_notes_are_too_long() -> None:
    one = bytes([0, 0x90, 60, 1, 0, 0x80, 60, 0])
    body = one * (MAX_NOTES + 1) + bytes([0, 0xFF, 0x2F, 0])
    file = b"MThd" + struct.pack(">IHHH", 6, 0, 1, 96) + b"MTrk" + struct.pack(">I", len(body)) + body
    with pytest.raises(TooLongError, match="notes"):
        read(file)


def test_a_file_that_lasts_for_days_is_too_long() -> None:
    body = bytes([0xFF, 0xFF, 0xFF, 0x7F, 0x90, 60, 1, 0, 0xFF, 0x2F, 0])
    file = b"MThd" + struct.pack(">IHHH", 6, 0, 1, 1) + b"MTrk" + struct.pack(">I", len(body)) + body
    with pytest.raises(TooLongError, match="quarter notes"):
        read(file)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_bytes_changed_at_random_are_read_or_refused(data: st.DataObject) -> None:
    whole = bytearray(write(score(MELODY, DRUMS)))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(UndecodableError, TooLongError):
        read(bytes(whole))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_tracks_are_read_or_refused(body: bytes) -> None:
    file = b"MThd" + struct.pack(">IHHH", 6, 1, 1, 96) + b"MTrk" + struct.pack(">I", len(body)) + body
    with contextlib.suppress(UndecodableError, TooLongError):
        read(file)


notes = st.builds(
    Note,
    st.integers(0, 60).map(lambda step: step / 4),
    st.integers(0, 127),
    st.integers(1, 16).map(lambda steps: steps / 4),
    st.integers(1, 127),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(notes, max_size=40, unique_by=lambda note: (note.start, note.pitch)))
def test_starts_and_pitches_survive_any_part(made: list[Note]) -> None:
    heard = read(write(score(Part("any", tuple(sorted(made))))))
    found = [(note.start, note.pitch) for part in heard.parts for note in part.notes]
    assert found == sorted((note.start, note.pitch) for note in made)
