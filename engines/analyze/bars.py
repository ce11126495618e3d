"""Where bars begin: what happens at each beat, weighed by a small model over every meter and first beat."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import scipy.ndimage

from engines._audio import FloatArray
from engines._networks import read_network
from engines.analyze import pitches as pitch
from engines.analyze.bands import FRAME_RATE
from engines.analyze.harmonic_rhythm import BASS_BELOW
from engines.analyze.harmony import Harmony
from engines.analyze.onset_strength import REGISTERS_HZ
from engines.analyze.ranking import WEIGHTS, Ranker
from engines.analyze.results import Meter
from engines.analyze.rhythm_cues import Cues

SIGNATURES: dict[int, Meter] = {2: "2/4", 3: "3/4", 4: "4/4"}
METERS = tuple(reversed(SIGNATURES))
N_MOMENT = 10
SIMILARITY_LAGS = (2, 3, 4, 6, 8)
# Columns of `moments` that come again after as many beats: low and other onsets, changes of harmony and bass,
# loudness, chords, odds. Strokes of a bar of four often do so after two beats, its harmony seldom.
PARTS = (slice(0, 1), slice(1, 4), slice(4, 6), slice(6, 7), slice(7, 9), slice(9, 10))
PART_LAGS = (2, 4)
N_OF_METER = 4 + len(SIMILARITY_LAGS) + len(PARTS) * len(PART_LAGS)
N_BAR_FEATURES = 5 * N_MOMENT + len(METERS) * N_OF_METER
FEWEST_BEATS = 8  # fewer say nothing of bars
FEWEST_OF_LOOP = 6  # but of loops, which are whole bars: two of 3/4
ONE_BAR = (3, 4)  # beats
SURE = 0.98  # at most, of a loop; of one of that many, as many that bench/loops.py cuts have such a meter
TERNARY = 1.0  # a last third above this, in `thirds`, is of a compound meter: 2.7 times what begins halfway
FLOOR = 0.02  # of what begins at beats: less counts as nothing
OUTLIERS = (5, 95)  # percentiles: what lies beyond them tells of a start, an end or a fill, not of a bar
ALIKE = 0.06  # of the mean rise: the spread of strokes that are one sample played again is 0.04
LEAST_ERROR = 0.05  # of a mean of what `moments` says, where beats are all but the same
MODEL = WEIGHTS / "bars.npz"


@dataclass(frozen=True)
class Bars:
    """Beats a bar (0 if they cannot be told), how likely that is, and which beat is the first downbeat.

    `ternary` is whether beats fall into three parts, `others` how likely other meters are, likeliest first.
    """

    meter: int
    confidence: float
    first: int
    ternary: bool = False
    others: tuple[tuple[int, float], ...] = ()

    @property
    def name(self) -> Meter | None:
        """The time signature; a swung 4/4 is 4/4, and so is what could be written in 12/8."""
        return self._signature(self.meter)

    @property
    def alternatives(self) -> list[tuple[Meter, float]]:
        """Other time signatures and how likely they are, likeliest first."""
        named = ((self._signature(meter), weight) for meter, weight in self.others)
        return [(name, weight) for name, weight in named if name is not None]

    def given(self, presence: float) -> "Bars":
        """Return the same, as likely as it is that there are beats at all."""
        others = tuple((meter, presence * weight) for meter, weight in self.others)
        return replace(self, confidence=presence * self.confidence, others=others)

    def _signature(self, meter: int) -> Meter | None:
        return "6/8" if meter == 2 and self.ternary else SIGNATURES.get(meter)

    def downbeats(self, beats: FloatArray) -> FloatArray:
        """Pick the downbeats from beats; none without a meter."""
        return beats[self.first :: self.meter] if self.meter else beats[:0]


# Where nothing tells bars: how often music has each meter, roughly.
UNTOLD = Bars(4, 0.6, 0, others=((3, 0.2), (2, 0.2)))


def moments(heard: Cues, pitches: pitch.Pitches, harmony: Harmony, times: FloatArray) -> FloatArray:
    """Describe what happens at each time; shape (n_times, N_MOMENT).

    The rise in four registers, how much harmony, bass and loudness change, and how much the chord does within
    a beat and within two, each scaled to a mean of 1 over the recording; and the odds of a downbeat.
    """
    envelope = heard.envelope
    odds = heard.downbeat_odds(times)[:, None]
    peaks = scipy.ndimage.maximum_filter1d(envelope, 5, axis=0)
    at = np.clip(np.round(times * FRAME_RATE).astype(int), 0, len(envelope) - 1)
    rise = peaks[at] / (envelope.mean(axis=0) + 1e-9)
    if len(times) < 2 or len(pitches.strength) == 0:
        return np.concatenate([rise, np.zeros((len(times), 5)), odds], axis=1)
    period = float(np.median(np.diff(times)))
    of_chroma = _change(pitch.chroma(pitches), times, period)
    of_bass = _change(pitch.chroma(pitches, highest=BASS_BELOW), times, period)
    total = pitches.strength.sum(axis=1, keepdims=True)
    now, before = _around(total, times, period)
    louder = np.maximum(0, now - before)[:, 0]
    changes = (of_chroma, of_bass, louder, *_chord_changes(harmony, times))
    columns = [c / (c.mean() + 1e-9) for c in changes]
    return np.concatenate([rise, np.stack(columns, axis=1), odds], axis=1)


def _around(rows: FloatArray, times: FloatArray, period: float) -> tuple[FloatArray, FloatArray]:
    # A frame's window is wider than its hop: what is before a time is heard a little in what is after it.
    return pitch.means_between(rows, times, times + period), pitch.means_between(rows, times - period, times)


def _change(chroma: FloatArray, times: FloatArray, period: float) -> FloatArray:
    after, before = _around(chroma, times, period)
    norm = np.linalg.norm(after, axis=1) * np.linalg.norm(before, axis=1)
    change: FloatArray = 1 - np.einsum("ij,ij->i", after, before) / np.maximum(norm, 1e-9)
    return np.where(norm > 1e-9, change, 0.0)


def _chord_changes(harmony: Harmony, times: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Say how unlike the likely chords of one beat before and after each time are, and those of two beats.

    From 0 to 1: what their Bhattacharyya coefficient lacks of 1.
    """
    likely = np.exp(harmony.log_likelihoods)
    edges = harmony.edges
    after = np.searchsorted((edges[1:] + edges[:-1]) / 2, times)  # what begins at the nearest edge

    def beat(steps: int) -> FloatArray:
        chosen: FloatArray = likely[np.clip(after + steps, 0, len(likely) - 1)]
        return chosen

    one = beat(-1) * beat(0)
    two = (beat(-2) + beat(-1)) * (beat(0) + beat(1)) / 4
    return 1 - np.sqrt(one).sum(axis=1), 1 - np.sqrt(two).sum(axis=1)


def bar_features(
    at_beats: FloatArray, thirds: FloatArray, period: float
) -> tuple[list[tuple[int, int]], FloatArray]:
    """List the readings as (meter, first downbeat) with their descriptions, shape (n, N_BAR_FEATURES).

    `at_beats` is what `moments` says of each beat, `thirds` what lies between them, `period` how many seconds
    they are apart.
    """
    x = np.clip(at_beats, *np.percentile(at_beats, OUTLIERS, axis=0))
    x -= x.mean(axis=0)
    similar = [_similarity(x, lag) for lag in SIMILARITY_LAGS]
    similar += [_similarity(x[:, part], lag) for part in PARTS for lag in PART_LAGS]
    values = (1.0, np.log2(period), *thirds, *similar)
    readings, rows = [], []
    for meter in METERS:
        of_meter = [value * (meter == m) for m in METERS for value in values]
        for first in range(meter):
            place = (np.arange(len(x)) - first) % meter
            means = [x[place == p].mean(axis=0) if p < meter else np.zeros(N_MOMENT) for p in range(4)]
            readings.append((meter, first))
            rows.append([*np.concatenate(means), *_accent(x[place == 0], x[place > 0]), *of_meter])
    return readings, np.array(rows)


def _similarity(x: FloatArray, lag: int) -> float:
    # The autocorrelation of beats, which have a mean of 0.
    return float((x[lag:] * x[:-lag]).mean() / ((x * x).mean() + 1e-9)) if len(x) > lag else 0.0


def _accent(firsts: FloatArray, others: FloatArray) -> FloatArray:
    # How far first beats of bars stand out from the others, in standard errors (Welch's t).
    error = np.sqrt(firsts.var(axis=0) / len(firsts) + others.var(axis=0) / len(others))
    accent: FloatArray = (firsts.mean(axis=0) - others.mean(axis=0)) / (error + LEAST_ERROR)
    return accent


def find_bars(
    heard: Cues, pitches: pitch.Pitches, harmony: Harmony, beats: FloatArray, *, loop: bool = False
) -> Bars:
    """Find meter and downbeats of beats in seconds; meter 0 where there are too few.

    Bars of a `loop` begin with it, and it is a whole number of them long. One of three or four beats is one
    bar, which its length says, not its sound; bars of two are looked for where bars of four do not fit, and
    of compound beats.
    """
    n = len(beats)
    if loop and n in ONE_BAR:
        return Bars(n, SURE, 0)
    if n < (FEWEST_OF_LOOP if loop else FEWEST_BEATS):
        return Bars(0, 0.0, 0)
    parts = thirds(heard.envelope, beats)
    period = float(np.median(np.diff(beats)))
    at_beats = moments(heard, pitches, harmony, beats)
    if not loop and _alike(at_beats):
        return UNTOLD
    readings, features = bar_features(at_beats, parts, period)
    weights = ranker().weigh(features)
    meters = np.array([meter for meter, _ in readings])
    # First how many beats, wherever bars begin: that is surer than where.
    ternary = bool(parts[1] > TERNARY)
    possible = _of_loop(n, ternary) if loop else METERS
    likely = {meter: float(weights[meters == meter].sum()) for meter in possible}
    meter = max(likely, key=lambda m: likely[m])
    first = 0 if loop else int(np.argmax(weights[meters == meter]))
    total = sum(likely.values())
    confidence = likely[meter] / total
    others = sorted(((m, w / total) for m, w in likely.items() if m != meter), key=lambda other: -other[1])
    return Bars(meter, min(SURE, confidence) if loop else confidence, first, ternary, tuple(others))


def _alike(at_beats: FloatArray) -> bool:
    # As a metronome's are, that accents none: then there is nothing to count bars by.
    rise = at_beats[1:-1, : len(REGISTERS_HZ) + 1]
    return bool((rise.std(axis=0) < ALIKE * rise.mean(axis=0)).all())


def _of_loop(n_beats: int, ternary: bool) -> list[int]:
    # A loop is whole bars. A few beats hardly tell 2/4 from 4/4, of which many more loops are.
    whole = [meter for meter in METERS if n_beats % meter == 0]
    return [meter for meter in whole if meter != 2 or ternary or 4 not in whole]


def thirds(envelope: FloatArray, beats: FloatArray) -> FloatArray:
    """Compare what begins at each third of beats with what begins halfway: logarithms of the ratios.

    Shape (2,). In compound meters the last third is high and often the first, in a swing the last alone.
    """
    curve = scipy.ndimage.maximum_filter1d(envelope.sum(axis=1), 3)

    def strength(share: float) -> float:
        times = beats[:-1] + share * np.diff(beats)
        at = np.clip(np.round(times * FRAME_RATE).astype(int), 0, len(curve) - 1)
        return float(curve[at].mean())

    floor = FLOOR * strength(0) + 1e-9
    halfway = strength(1 / 2) + floor
    return np.log([(strength(share) + floor) / halfway for share in (1 / 3, 2 / 3)])


@cache
def ranker() -> Ranker:
    """Load the model that ships with the engine; weights/bars.md says what it learned from."""
    return read_network(MODEL, Ranker, N_BAR_FEATURES)
