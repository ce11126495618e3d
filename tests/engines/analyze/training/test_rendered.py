"""Files of rendered music: what is read is what was written, and a song has its place among the folds."""

from dataclasses import fields
from pathlib import Path

import numpy as np

from engines.analyze.bands import N_BANDS
from engines.analyze.pitches import N_BINS, Pitches
from engines.analyze.training.rendered import FOLDS, Rendered, RenderedPiece, RenderedSong, fold, for_rankers

RNG = np.random.default_rng(0)
BANDS = RNG.random((30, N_BANDS)).astype(np.float16).astype(np.float32)
PITCHES = Pitches(RNG.random((9, N_BINS)).astype(np.float16).astype(np.float32), 0.1, 1.0)
BEATS, DOWNBEATS = np.array([0.1, 0.6, 1.1]), np.array([0.6])
PIECE = RenderedPiece(
    "dance_012_6-8@4",
    BANDS,
    PITCHES,
    1.5,
    BEATS,
    DOWNBEATS,
    meter=2,
    tempo=120.0,
    key="C# minor",
    chords=[(0.1, 0.6, "C#:min"), (0.6, 1.1, "F#:min7")],
    onsets=np.array([0.1, 0.35]),
    drums_alone=False,
    loop=True,
)
SONG = RenderedSong(
    "pop_001",
    BANDS,
    PITCHES,
    1.5,
    BEATS,
    DOWNBEATS,
    sections=[(0.1, 0.6, "A"), (0.6, 1.1, "B")],
    keys=[(0.1, 1.1, "D major")],
)


def check_same(read: Rendered, written: Rendered) -> None:
    assert type(read) is type(written)
    for name in (field.name for field in fields(written) if field.name != "pitches"):
        found, given = getattr(read, name), getattr(written, name)
        assert type(found) is type(given), name
        assert np.array_equal(found, given), name
    assert np.array_equal(read.pitches.strength, written.pitches.strength)
    assert (read.pitches.tuning, read.pitches.clarity) == (written.pitches.tuning, 1.0)


def test_a_piece_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = PIECE.save(tmp_path)
    assert path == tmp_path / "dance_012_6-8@4.npz"
    check_same(RenderedPiece.load(path), PIECE)
    assert (PIECE.group, PIECE.song) == ("dance", "012_6-8")


def test_a_song_is_read_as_it_was_written(tmp_path: Path) -> None:
    check_same(RenderedSong.load(SONG.save(tmp_path)), SONG)


def test_a_piece_may_have_no_beats_and_no_chords(tmp_path: Path) -> None:
    none: np.ndarray = np.zeros(0)
    empty = RenderedPiece(
        "beatless_1@0",
        BANDS,
        PITCHES,
        1.5,
        none,
        none,
        meter=0,
        tempo=0.0,
        key="",
        chords=[],
        onsets=none,
        drums_alone=True,
        loop=False,
    )
    check_same(RenderedPiece.load(empty.save(tmp_path)), empty)


def test_a_song_is_in_one_fold_whatever_the_kind_and_the_seed() -> None:
    songs = [f"{number:03}" for number in range(400)]
    kept = [song for song in songs if for_rankers(f"sheet_{song}@1")]
    assert kept == [song for song in songs if for_rankers(f"duple_{song}@0@2")]
    assert kept == [song for song in songs if fold(song) == 0]
    assert all(60 < sum(fold(song) == k for song in songs) < 140 for k in range(FOLDS))
