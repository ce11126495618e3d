"""Loops are cut where bars begin, and repeat to the frame."""

from dataclasses import replace

import numpy as np
import pytest

from engines._audio import FloatArray
from engines.analyze import bands, pitches
from engines.analyze.bands import N_BANDS
from engines.analyze.pitches import N_BINS, Pitches
from engines.analyze.training.excerpts import (
    LONGEST_S,
    LOOP_BARS,
    SHORTEST_S,
    Excerpt,
    again_and_again,
    some_bars,
    whole,
)
from engines.analyze.training.rendered import RenderedPiece
from tests.engines.analyze.training.conftest import Stored

BAR_S = 2.0


def numbered(seconds: float, rate: float, width: int) -> FloatArray:
    """Make frames that each say which one it is."""
    return np.repeat(np.arange(round(seconds * rate), dtype=np.float32)[:, None], width, axis=1)


@pytest.fixture
def piece(stored: Stored) -> RenderedPiece:
    # Whole numbers up to 2048 are exact in half precision.
    return RenderedPiece.load(
        stored(
            bands=numbered(20, bands.FRAME_RATE, N_BANDS),
            pitches=Pitches(numbered(20, pitches.FRAME_RATE, N_BINS), 0.0, 1.0),
            duration=20.0,
            downbeats=np.arange(0.3, 19, BAR_S),
        )
    )


@pytest.mark.parametrize("seed", range(8))
def test_some_bars_begin_and_end_with_a_bar(piece: RenderedPiece, seed: int) -> None:
    loop = some_bars(piece, np.random.default_rng(seed))
    assert loop is not None
    assert round(loop.duration / BAR_S, 6) in LOOP_BARS
    start = float(loop.bands[0, 0]) / bands.FRAME_RATE
    assert np.abs(piece.downbeats - start).min() < 1 / bands.FRAME_RATE
    assert len(loop.bands) == pytest.approx(loop.duration * bands.FRAME_RATE, abs=1)
    assert len(loop.pitches.strength) == pytest.approx(loop.duration * pitches.FRAME_RATE, abs=1)
    assert float(loop.pitches.strength[0, 0]) / pitches.FRAME_RATE == pytest.approx(start, abs=0.06)


@pytest.mark.parametrize("downbeats", [[], [0.3], [0.3, 2.3], [0.3, 2.3, 4.4, 6.3]])
def test_nothing_is_cut_where_bars_are_few_or_uneven(piece: RenderedPiece, downbeats: list[float]) -> None:
    uneven = replace(piece, downbeats=np.array(downbeats))
    assert some_bars(uneven, np.random.default_rng(0)) is None


@pytest.mark.parametrize("seconds", [1.37, 4.0, 15.0])
def test_a_loop_comes_again_whole(piece: RenderedPiece, seconds: float) -> None:
    n_bands, n_pitches = round(seconds * bands.FRAME_RATE), round(seconds * pitches.FRAME_RATE)
    heard = replace(piece.pitches, strength=piece.pitches.strength[:n_pitches])
    loop = Excerpt(piece.bands[:n_bands], heard, seconds)
    track = again_and_again(loop, np.random.default_rng(0))
    times = track.duration / seconds
    assert times == pytest.approx(round(times))
    assert SHORTEST_S - seconds <= track.duration <= LONGEST_S + seconds
    for rows, rate, n in (
        (track.bands, bands.FRAME_RATE, n_bands),
        (track.pitches.strength, pitches.FRAME_RATE, n_pitches),
    ):
        assert len(rows) == round(track.duration * rate)
        expected = np.mod(np.arange(len(rows)) / rate, seconds) * rate
        off = np.abs(rows[:, 0] - expected)
        assert np.minimum(off, n - off).max() < 1.01


def test_a_whole_piece_is_all_of_it(piece: RenderedPiece) -> None:
    assert np.array_equal(whole(piece).bands, piece.bands)
    assert whole(piece).duration == piece.duration
