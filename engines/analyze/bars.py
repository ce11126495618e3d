"""Where bars begin: what happens at each beat, weighed by a small model over every meter and first beat."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from engines._audio import FloatArray
from engines.analyze import pitches as pitch
from engines.analyze.bar_cues import BASS, HARMONY, N_MOMENT, ODDS, RISES, BarCues, bar_cues, likeness
from engines.analyze.ranking import WEIGHTS, Ranker
from engines.analyze.results import Meter
from engines.analyze.rhythm_cues import Cues

SIGNATURES: dict[int, Meter] = {2: "2/4", 3: "3/4", 4: "4/4"}
METERS = tuple(reversed(SIGNATURES))
SIMILARITY_LAGS = (2, 3, 4, 6, 8)
FEWEST_BEATS = 8  # fewer say nothing of bars
TERNARY = 1.0  # a last third above this, in `thirds`, is of a compound meter: 2.7 times what begins halfway
LEAST_CHANGE = 0.05  # of the mean change of harmony: less counts as nothing
MODEL = WEIGHTS / "bars.npz"


@dataclass(frozen=True)
class Bars:
    """Beats a bar (0 if they cannot be told), how likely that is, and which beat is the first downbeat.

    `ternary` is whether beats fall into three parts.
    """

    meter: int
    confidence: float
    first: int
    ternary: bool = False

    @property
    def name(self) -> Meter | None:
        """The time signature; a swung 4/4 is 4/4, and so is what could be written in 12/8."""
        return "6/8" if self.meter == 2 and self.ternary else SIGNATURES.get(self.meter)

    def downbeats(self, beats: FloatArray) -> FloatArray:
        """Pick the downbeats from beats; none without a meter."""
        return beats[self.first :: self.meter] if self.meter else beats[:0]


def bar_features(heard: BarCues) -> tuple[list[tuple[int, int]], FloatArray]:
    """List the readings as (meter, first downbeat) with their descriptions, shape (n, n_features)."""
    moments = heard.moments
    general = [1.0, float(np.log2(heard.period)), *heard.thirds, *_returns(heard)]
    readings, rows = [], []
    for meter in METERS:
        of_meter = [value * (meter == m) for m in METERS for value in general]
        for first in range(meter):
            place = (np.arange(len(moments)) - first) % meter
            means = [
                moments[place == p].mean(axis=0) - moments.mean(axis=0) if p < meter else np.zeros(N_MOMENT)
                for p in range(4)
            ]
            readings.append((meter, first))
            rows.append([*np.concatenate(means), *of_meter])
    return readings, np.array(rows)


def _returns(heard: BarCues) -> list[float]:
    """Describe after how many beats music comes again, as a whole and in what it is made of.

    A march comes again, and changes its chords, every two beats; what only its drums say so of is rock.
    """
    moments = heard.moments
    same = _similarities(moments, SIMILARITY_LAGS)
    for columns in (RISES, [HARMONY], [BASS], [ODDS]):
        same += _similarities(moments[:, columns], (2, 4))
    for pitch_classes, lags in ((heard.harmony, (2, 4, 8)), (heard.bass, (1, 2, 4, 8))):
        same += [
            float(likeness(pitch_classes[:-lag], pitch_classes[lag:]).mean())
            if len(pitch_classes) > lag
            else 0.0
            for lag in lags
        ]
    for column in (HARMONY, BASS):
        change = moments[:, column]
        halves = [float(change[first::2].mean()) for first in (0, 1)]
        first = int(np.argmax(halves))
        quarters = [float(change[at::4].mean()) for at in (first, first + 2)]
        same += [float(np.ptp(np.log(np.add(LEAST_CHANGE, part)))) for part in (halves, quarters)]
    return same


def _similarities(x: FloatArray, lags: tuple[int, ...]) -> list[float]:
    x = x - x.mean(axis=0)
    power = float((x * x).mean()) + 1e-9
    return [float((x[lag:] * x[:-lag]).mean()) / power if len(x) > lag else 0.0 for lag in lags]


def find_bars(heard: Cues, pitches: pitch.Pitches, beats: FloatArray) -> Bars:
    """Find meter and downbeats of beats in seconds; meter 0 for fewer than eight."""
    if len(beats) < FEWEST_BEATS:
        return Bars(0, 0.0, 0)
    at_beats = bar_cues(heard, pitches, beats)
    readings, features = bar_features(at_beats)
    weights = ranker().weigh(features)
    meters = np.array([meter for meter, _ in readings])
    # First how many beats, wherever bars begin: that is surer than where.
    likely = {meter: float(weights[meters == meter].sum()) for meter in METERS}
    meter = max(METERS, key=lambda m: likely[m])
    first = int(np.argmax(weights[meters == meter]))
    return Bars(meter, likely[meter], first, bool(at_beats.thirds[1] > TERNARY))


@cache
def ranker() -> Ranker:
    """Load the model that ships with the engine; weights/bars.md says what it learned from."""
    return Ranker.load(MODEL)
