"""Seconds of a recording against quarter notes of a MIDI file.

A steady tempo is one tempo from the first sample. Where beats drift, each becomes a quarter note with a
tempo of its own. Either way a note of the file sounds when it was heard.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engines import analyze
from engines._audio import FloatArray
from engines._notes import DEFAULT_TEMPO
from engines._units import Progress

STEADY_S = 0.004  # intervals that differ by less are one tempo: analyze lays beats played to a click evenly
STEPS: dict[str, float] = {  # in quarter notes; T: three in the time of two
    "1/4": 1.0,
    "1/8": 1 / 2,
    "1/16": 1 / 4,
    "1/32": 1 / 8,
    "1/4T": 2 / 3,
    "1/8T": 1 / 3,
    "1/16T": 1 / 6,
}


@dataclass(frozen=True)
class Timeline:
    """A piecewise straight line between seconds and quarter notes.

    Attributes
    ----------
    seconds, quarters
        Its corners, increasing, at least two; beyond the last it goes on as it was.
    tempo
        In BPM; where it drifts, the median.
    tempi
        (quarter note, BPM) from which each holds, as `engines._notes.Score` wants them.
    beats
        Beats in quarter notes; empty where none were tracked.
    """

    seconds: FloatArray
    quarters: FloatArray
    tempo: float
    tempi: tuple[tuple[float, float], ...]
    beats: FloatArray

    def to_quarters(self, t: FloatArray | float) -> FloatArray:
        """Turn seconds into quarter notes."""
        return _along(np.asarray(t, np.float64), self.seconds, self.quarters)

    def to_seconds(self, q: FloatArray | float) -> FloatArray:
        """Turn quarter notes into seconds."""
        return _along(np.asarray(q, np.float64), self.quarters, self.seconds)

    def grid_offset(self, starts: Sequence[float], step: float) -> float:
        """Return where the grid of a step lies, in quarter notes from -step / 2 to step / 2.

        Where the beats are, or else where most of the notes start (the circular mean).
        """
        at = self.beats if len(self.beats) else self.to_quarters(np.array(starts))
        if len(at) == 0:
            return 0.0
        return float(np.angle(np.exp(2j * np.pi * at / step).sum()) / (2 * np.pi) * step)


def _along(x: FloatArray, xs: FloatArray, ys: FloatArray) -> FloatArray:
    slope = (ys[-1] - ys[-2]) / (xs[-1] - xs[-2])
    return np.where(x > xs[-1], ys[-1] + (x - xs[-1]) * slope, np.interp(x, xs, ys))


def steady(tempo: float, beats: FloatArray | None = None) -> Timeline:
    """Make a timeline of one tempo; `beats` in seconds."""
    corners = np.array([0.0, 1.0])
    at = np.zeros(0) if beats is None else beats * tempo / 60
    return Timeline(corners, corners * tempo / 60, tempo, ((0.0, tempo),), at)


def following(beats: FloatArray, tempo: float) -> Timeline:
    """Make a timeline of beats in seconds: one tempo if they are even, otherwise a quarter note each.

    Before the first beat come as many quarters as fit best, at the tempo that then makes them fit.
    """
    gaps = np.diff(beats)
    if len(beats) < 3 or np.abs(gaps[1:] - np.median(gaps)).max() < STEADY_S:
        return steady(tempo, beats)
    first = max(1, round(float(beats[0]) * tempo / 60)) if beats[0] > 0 else 0
    quarters = first + np.arange(len(beats), dtype=np.float64)
    if first:
        beats, quarters = np.concatenate([[0.0], beats]), np.concatenate([[0.0], quarters])
    slopes = 60 * np.diff(quarters) / np.diff(beats)
    tempi = tuple(zip(quarters[:-1].tolist(), slopes.tolist(), strict=True))
    return Timeline(beats, quarters, tempo, tempi, quarters)


def find(path: Path, progress: Progress, share: float) -> Timeline | None:
    """Find tempo and beats of a recording, as `analyze.beats` does; None if it has none."""

    def told(fraction: float, stage: str) -> None:
        progress(share * fraction, "tempo" if stage == "done" else stage)

    found = analyze.beats(path, progress=told)
    if found.tempo <= 0:
        return None
    return following(np.unique(found.beat_times), found.tempo)


def unknown() -> Timeline:
    """Make the timeline of a recording without a tempo: 120 BPM."""
    return steady(DEFAULT_TEMPO)
