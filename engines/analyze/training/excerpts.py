"""Loops of rendered music: bars cut out exactly, alone, or again and again as in a workstation's tracks."""

from dataclasses import dataclass, replace

import numpy as np

from engines._audio import FloatArray
from engines.analyze import bands, pitches
from engines.analyze.pitches import Pitches
from engines.analyze.training.performing import Rng
from engines.analyze.training.rendered import RenderedPiece

STEADY = 0.002  # a share of a bar
LOOP_BARS = (1, 1, 2, 2, 4, 8)
FEWEST_BARS = 2  # of a piece that loops are cut from
FEWEST_TIMES = 2
SHORTEST_S, LONGEST_S = 20.0, 40.0  # of what is repeated


@dataclass(frozen=True)
class Excerpt:
    """What is heard of a part of a piece, as `listening.Heard` has it, and how long it is in seconds."""

    bands: FloatArray
    pitches: Pitches
    duration: float


def whole(piece: RenderedPiece) -> Excerpt:
    """Take all of a piece."""
    return Excerpt(piece.bands, piece.pitches, piece.duration)


def some_bars(piece: RenderedPiece, rng: Rng) -> Excerpt | None:
    """Cut one to eight bars out of a piece; nothing where it is not steady, or has too few."""
    downbeats = piece.downbeats
    lengths = np.diff(downbeats)
    if len(lengths) < FEWEST_BARS or np.ptp(lengths) >= STEADY * lengths.mean():
        return None
    n_bars = int(rng.choice([n for n in LOOP_BARS if n <= len(lengths)]))
    first = int(rng.integers(len(downbeats) - n_bars))
    start, stop = float(downbeats[first]), float(downbeats[first + n_bars])

    def cut(rows: FloatArray, rate: float) -> FloatArray:
        return rows[round(start * rate) : round(stop * rate)]

    heard = replace(piece.pitches, strength=cut(piece.pitches.strength, pitches.FRAME_RATE))
    return Excerpt(cut(piece.bands, bands.FRAME_RATE), heard, stop - start)


def again_and_again(loop: Excerpt, rng: Rng) -> Excerpt:
    """Repeat a loop some whole number of times, half a minute or so."""
    times = max(FEWEST_TIMES, round(rng.uniform(SHORTEST_S, LONGEST_S) / loop.duration))
    duration = times * loop.duration

    def repeated(rows: FloatArray, rate: float) -> FloatArray:
        within = np.mod(np.arange(round(duration * rate)) / rate, loop.duration)
        again: FloatArray = rows[np.minimum(np.round(within * rate).astype(int), len(rows) - 1)]
        return again

    heard = replace(loop.pitches, strength=repeated(loop.pitches.strength, pitches.FRAME_RATE))
    return Excerpt(repeated(loop.bands, bands.FRAME_RATE), heard, duration)
