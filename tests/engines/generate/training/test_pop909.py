"""A song as POP909 lays one out, made here: beats, chords, and a piano whose lowest notes are the bass."""

from pathlib import Path

import pretty_midi
import pytest

from engines.generate.training import pop909

BEAT_S = 0.5
BARS = 8
PITCHES = (36, 43, 41, 38)


def song(root: Path, *, late: int = 0, melody: int = 72) -> None:
    """Write song 003: a bass note every four beats, from beat `late` on, over a chord of its own."""
    folder = root / "003"
    folder.mkdir()
    beats = range(BARS * 4 + late)
    (folder / "beat_midi.txt").write_text(
        "".join(f"{beat * BEAT_S} 1.0 {float(beat % 4 == 0)}\n" for beat in [*beats, len(beats)])
    )
    (folder / "chord_midi.txt").write_text(
        "".join(
            f"{(bar * 4 + late) * BEAT_S} {(bar * 4 + 4 + late) * BEAT_S} {'CGFD'[bar % 4]}:maj\n"
            for bar in range(BARS)
        )
    )
    midi = pretty_midi.PrettyMIDI()
    for name, pitches in (("MELODY", (melody,)), ("PIANO", PITCHES)):
        track = pretty_midi.Instrument(0, name=name)
        for bar in range(BARS):
            start = (bar * 4 + late) * BEAT_S
            pitch = pitches[bar % len(pitches)] + bar % 4 * (name == "MELODY")
            track.notes.append(pretty_midi.Note(90, pitch, start, start + 3.2 * BEAT_S))
        midi.instruments.append(track)
    midi.write(str(folder / "003.mid"))


def test_the_lowest_line_is_below_everything_that_sounds() -> None:
    notes = [(0, 4, 36), (0, 4, 60), (2, 3, 43), (4, 8, 50), (4, 8, 38)]
    assert pop909.lowest_line(notes) == [(0, 4, 36), (4, 8, 38)]


def test_the_bar_line_moves_to_where_bass_and_chords_begin_their_bars() -> None:
    assert pop909.bar_line([4, 20, 36, 52], 0, 16, 4) == 1
    assert pop909.bar_line([0, 16, 32, 48], 0, 16, 4) == 0


def test_the_bar_line_stays_where_two_beats_are_nearly_as_full() -> None:
    on_one, on_three = [0, 16, 32], [8, 24, 40, 56]
    assert pop909.bar_line(on_one + on_three, 0, 16, 4) == 0


def test_a_stretch_without_notes_or_chords_keeps_its_bar_lines() -> None:
    assert pop909.bar_line([], 0, 16, 4) == 0


@pytest.mark.parametrize("late", [0, 1, 3])
def test_a_bass_begins_its_bars_on_the_one_however_the_beats_were_counted(late: int, tmp_path: Path) -> None:
    song(tmp_path, late=late)
    (bass,) = pop909.read(tmp_path, "bass")
    assert [int(e) for e in bass.events[:17]] == [36, *[-2] * 14, -1, 43]
    assert bass.steps_per_bar == 16


def test_a_melody_keeps_the_bar_lines_and_ends_that_were_written_down(tmp_path: Path) -> None:
    song(tmp_path, late=1)
    (melody,) = pop909.read(tmp_path, "melody")
    assert [int(e) for e in melody.events[:19]] == [*[-2] * 4, 72, *[-2] * 12, -1, -2]
