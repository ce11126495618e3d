"""How POP909's songs are read, and that what they become is inside its bars and its key."""

from pathlib import Path

import numpy as np
import pretty_midi
import pytest

from engines.analyze.training.pop909 import folders, parse_chord, pop_pieces, read


@pytest.mark.parametrize(
    ("label", "chord"),
    [
        ("C:maj", (0, "maj")),
        ("Bb:min7", (10, "min7")),
        ("F#:7/3", (6, "7")),
        ("Eb:maj(9)", (3, "maj")),
        ("G", (7, "maj")),
        ("A:min6", (9, "min")),
        ("D:9", (2, "maj")),
        ("B:hdim7", (11, "min")),
        ("E:maj7/5", (4, "maj7")),
        ("C:sus4", None),
        ("N", None),
    ],
)
def test_a_chord_is_read_by_its_third_and_seventh(label: str, chord: tuple[int, str] | None) -> None:
    assert parse_chord(label) == chord


def written(folder: Path, *, meter: int = 4, keys: tuple[str, ...] = ("Ab:maj",), late: float = 0.0) -> Path:
    """Write a song of 64 beats of half a second, whose chords last a bar; some beats may come late."""
    folder.mkdir()
    beats = np.arange(64) / 2 + late * (np.arange(64) % 4 == 1)
    rows = [f"{t} 0.0 {float(k % meter == 0)}" for k, t in enumerate(beats)]
    (folder / "beat_midi.txt").write_text("\n".join(rows))
    bars = np.arange(0, 32, meter / 2)
    chords = [f"{a}\t{a + meter / 2}\t{'Ab:maj' if k % 2 else 'N'}" for k, a in enumerate(bars)]
    (folder / "chord_midi.txt").write_text("\n".join(chords) + "\n")
    (folder / "key_audio.txt").write_text("".join(f"{k}\t{k + 1}\t{key}\n" for k, key in enumerate(keys)))
    score = pretty_midi.PrettyMIDI()
    for name in ("MELODY", "BRIDGE", "PIANO"):
        score.instruments.append(pretty_midi.Instrument(0, name=name))
        score.instruments[-1].notes = [pretty_midi.Note(80, 68, t, t + 0.4) for t in beats]
    score.write(str(folder / f"{folder.name}.mid"))
    return folder


def test_a_song_has_its_bars_chords_and_key(tmp_path: Path) -> None:
    song = read(written(tmp_path / "001"))
    assert song is not None
    assert (song.name, song.meter, song.key) == ("001", 4, (8, "major"))
    assert song.beats[song.downbeats] == pytest.approx(np.arange(0, 32, 2))
    assert song.chords == [(a, a + 2.0, 8, "maj") for a in np.arange(2.0, 32, 4).tolist()]
    assert len(song.score.instruments) == 3


def test_a_song_that_changes_key_has_none(tmp_path: Path) -> None:
    song = read(written(tmp_path / "001", keys=("C:maj", "A:min")))
    assert song is not None
    assert song.key is None


def test_other_bars_and_unsteady_beats_are_passed_over(tmp_path: Path) -> None:
    assert read(written(tmp_path / "001", meter=2)) is None
    assert read(written(tmp_path / "002", late=0.1)) is None


def test_what_is_arranged_is_moved_with_its_chords_and_key(tmp_path: Path) -> None:
    written(tmp_path / "001", meter=3)
    assert [folder.name for folder in folders(tmp_path)] == ["001"]
    for seed in range(8):
        (piece,) = pop_pieces(tmp_path, 1, np.random.default_rng(seed))
        assert (piece.group, piece.meter) == ("pop909", 3)
        assert set(piece.downbeats) == set(piece.beats[piece.beats >= piece.downbeats[0]][::3])
        tonic = pretty_midi.note_name_to_number(piece.key.split()[0] + "4") % 12
        assert {root for *_, root, _ in piece.chords} == {tonic}
        tune = piece.midi.instruments[0]
        assert not tune.is_drum
        assert {note.pitch % 12 for note in tune.notes} == {tonic}
