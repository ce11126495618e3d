"""Seconds of a recording against quarter notes and bars of a MIDI file.

A note of the file sounds when it was heard, and the file's bars are the music's: a pick-up bar comes first
where the recording begins within one. A steady tempo is one tempo from the first sample; where beats drift,
each has a tempo of its own.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.signal

from engines import analyze
from engines._audio import FloatArray
from engines._notes import DEFAULT_TEMPO
from engines._units import Progress
from engines.analyze.results import GUESS, Beats

STEADY_S = 0.004  # intervals that differ by less are one tempo: analyze lays beats played to a click evenly
PLAYERS_S = 0.03  # that most notes may all be early or late in time
FINEST = 16  # parts of a quarter: the lengths that a pick-up bar may have, which is 64ths in its signature
SMOOTHED = 9  # beats: those that drift are told to 12 ms, which would be 2 % of a tempo
COUNTED = {"2/4": 1.0, "3/4": 1.0, "4/4": 1.0, "6/8": 1.5}  # quarters in a beat
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
        In quarter notes a minute; where it drifts, the median.
    meter
        Time signature of all bars but a pick-up.
    tempi
        (quarter note, BPM) from which each holds, as `engines._notes.Score` wants them.
    first_bar
        The quarter note at which the first whole bar begins; None where bars are not known.
    """

    seconds: FloatArray
    quarters: FloatArray
    tempo: float
    meter: str
    tempi: tuple[tuple[float, float], ...]
    first_bar: float | None

    @property
    def signatures(self) -> tuple[tuple[float, int, int], ...]:
        """(quarter note, numerator, denominator) from which each holds, as `_notes.Score` wants them."""
        numerator, denominator = (int(part) for part in self.meter.split("/"))
        pickup = round((self.first_bar or 0.0) % (4 * numerator / denominator) * FINEST)
        if not pickup:
            return ((0.0, numerator, denominator),)
        shared = math.gcd(pickup, FINEST)
        return (0.0, pickup // shared, 4 * FINEST // shared), (pickup / FINEST, numerator, denominator)

    def to_quarters(self, t: FloatArray | float) -> FloatArray:
        """Turn seconds into quarter notes."""
        return _along(np.asarray(t, np.float64), self.seconds, self.quarters)

    def to_seconds(self, q: FloatArray | float) -> FloatArray:
        """Turn quarter notes into seconds."""
        return _along(np.asarray(q, np.float64), self.quarters, self.seconds)

    def grid_offset(self, starts: Sequence[float], step: float) -> float:
        """Return where the grid of a step lies, in quarter notes from -step / 2 to step / 2.

        Where bars begin, or else where most of the notes start (the circular mean), unless that is as near to
        the file's own lines as players are.
        """
        if self.first_bar is not None:
            return _nearest_line(np.array([self.first_bar]), step)
        offset = _nearest_line(self.to_quarters(np.array(starts)), step)
        return 0.0 if abs(offset) * 60 / self.tempo < PLAYERS_S else offset


def _nearest_line(at: FloatArray, step: float) -> float:
    return float(np.angle(np.exp(2j * np.pi * at / step).sum()) / (2 * np.pi) * step) if len(at) else 0.0


def _along(x: FloatArray, xs: FloatArray, ys: FloatArray) -> FloatArray:
    slope = (ys[-1] - ys[-2]) / (xs[-1] - xs[-2])
    return np.where(x > xs[-1], ys[-1] + (x - xs[-1]) * slope, np.interp(x, xs, ys))


def steady(tempo: float, meter: str = "4/4", first_bar: float | None = None) -> Timeline:
    """Make a timeline of one tempo, in quarter notes a minute."""
    corners = np.array([0.0, 1.0])
    return Timeline(corners, corners * tempo / 60, tempo, meter, ((0.0, tempo),), first_bar)


def following(beats: FloatArray, tempo: float, meter: str = "4/4", upbeats: int = 0) -> Timeline:
    """Make a timeline of beats in seconds: one tempo if they are even, otherwise each has its own.

    `tempo` is in beats a minute, of which a quarter note has two thirds in 6/8. `upbeats` come before the
    first bar. What comes before them is written at a steady tempo as it is, to a 64th; otherwise as the
    sixteenths that fit best, at the tempo that then makes them fit.
    """
    beat = COUNTED[meter]
    gaps = np.diff(beats)
    if len(beats) < 3 or np.abs(gaps[1:] - np.median(gaps)).max() < STEADY_S:
        first = float(beats[min(upbeats, len(beats) - 1)]) * beat * tempo / 60 if len(beats) else 0.0
        return steady(beat * tempo, meter, round(first * FINEST) / FINEST)
    if len(beats) >= SMOOTHED:
        smooth = scipy.signal.savgol_filter(beats, SMOOTHED, 2)
        beats = smooth if smooth[0] >= 0 and (np.diff(smooth) > 0).all() else beats
    lead = round(float(beats[0]) * beat * tempo / 60 * 4) / 4
    quarters = lead + beat * np.arange(len(beats))
    if lead:
        beats, quarters = np.concatenate([[0.0], beats]), np.concatenate([[0.0], quarters])
    else:
        beats = np.concatenate([[0.0], beats[1:]])  # no sixteenth has room before them
    slopes = 60 * np.diff(quarters) / np.diff(beats)
    tempi = tuple(zip(quarters[:-1].tolist(), slopes.tolist(), strict=True))
    return Timeline(beats, quarters, beat * tempo, meter, tempi, lead + upbeats * beat)


def find(path: Path, progress: Progress, share: float) -> Timeline | None:
    """Find tempo, beats and bars of a recording, as `analyze.beats` does; None if it has none."""

    def told(fraction: float, stage: str) -> None:
        progress(share * fraction, "tempo" if stage == "done" else stage)

    return of_beats(analyze.beats(path, progress=told))


def of_beats(found: Beats) -> Timeline | None:
    """Make the timeline of what `analyze.beats` found; None where a tempo is all but a guess."""
    if found.tempo <= 0 or found.tempo_confidence < GUESS:
        return None
    beats = np.unique(found.beat_times)
    upbeats = int(np.searchsorted(beats, found.downbeat_times[0])) if found.downbeat_times else 0
    return following(beats, found.tempo, found.meter or "4/4", upbeats)


def unknown() -> Timeline:
    """Make the timeline of a recording without a tempo: 120 BPM."""
    return steady(DEFAULT_TEMPO)
