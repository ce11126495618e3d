"""How fast: from what speaks for beats to beats per minute.

First the pulses that could be the beat are listed, by how well onsets and likely beats repeat at their period
(`_candidates`); then each is described by what repeats at its beats, bars, phrases and halves, a small
trained model says which of them a listener would call the beat (`ranker`), and its period is measured finely
over the whole recording (`refine`). Frames are `bands.FRAME_RATE` a second.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy.fft
import scipy.ndimage

from engines._audio import FloatArray
from engines._networks import read_network
from engines.analyze import beat_network
from engines.analyze.bands import FRAME_RATE
from engines.analyze.ranking import WEIGHTS, Ranker
from engines.analyze.rhythm_cues import Cues

SLOWEST, FASTEST = 38.0, 250.0  # BPM
# Weights of one to four periods when asking how well a pulse repeats.
COMB = ((1, 1.0), (2, 0.8), (3, 0.4), (4, 0.7))
RELATIVES = (1.0, 2.0, 0.5, 1.5, 2 / 3, 3.0, 1 / 3, 4 / 3, 0.75)
MOST_TOPS = (8, 4)  # pulses looked at of those that onsets, and that likely beats, repeat at
LONGEST_BAR_S = 10.0
STILLEST = 0.5  # a spread of the onset curve below this is no onsets: dither has 0.1, music more than 2
LOOP_S = 16.0  # shorter recordings may be loops: they are heard going round
LOOP_BEATS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64)
LOOP_LENGTHS = frozenset({1, 2, 3, 6, *range(4, 65, 4)})
MULTIPLES = (0.25, 1 / 3, 0.5, 2 / 3, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
CROSS_MULTIPLES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
BAR_MULTIPLES = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0)
# Beats after which bars, pairs of bars and phrases come again; a candidate's tempo may be off by `SLACK`.
PHRASES = (6, 8, 12, 16)
LONGEST_PHRASE_S = 16.0
SAME_TEMPO = 0.04  # tempi this near to each other are one
SLACK = 0.01
REFINED = 0.025  # how far off a tempo may be that is measured finely
LIKELY = 0.2  # a peak of the network's answer above this is counted as a beat
CROSS_PAIRS = ((0, 2), (0, 3), (2, 3))  # bass drum against snare, against cymbals, snare against cymbals
MODEL = WEIGHTS / "tempo.npz"


@dataclass(frozen=True)
class Pulses:
    """Tempi a recording could be heard at, in BPM, and what speaks for each, shape (n, N_FEATURES)."""

    tempi: FloatArray
    features: FloatArray

    def clarity(self, i: int) -> float:
        """Say how clearly onsets repeat at candidate `i`, or likely beats, from 0 (as in noise) to 1.

        Where voices move together on the beat but never start loudly, only the likely beats repeat.
        """
        onsets, beats = self.features[i, COMB_COLUMN], self.features[i, IN_PHASE_COLUMN]
        return float(np.clip(max((onsets - 0.1) / 0.3, (beats - 0.1) / 0.15), 0.0, 1.0))


def correlate(x: FloatArray, n_lags: int, y: FloatArray | None = None, around: bool = False) -> FloatArray:
    """Correlate a curve with itself, or with another, at lags 0 to n_lags - 1.

    Scaled so that a curve's own lag 0 is 1, and for the overlap; with `around` the curve is taken to go
    round.
    """
    n = len(x)
    x = x - x.mean()
    y = x if y is None else y - y.mean()
    size = n if around else scipy.fft.next_fast_len(2 * n, real=True)
    spectrum = np.conj(scipy.fft.rfft(x, size)) * scipy.fft.rfft(y, size)
    a = scipy.fft.irfft(spectrum, size)
    a = np.resize(a, n_lags) if around else a[:n_lags] / np.maximum(1 - np.arange(n_lags) / n, 0.2)
    power = float(np.sqrt(np.vdot(x, x) * np.vdot(y, y)))
    result: FloatArray = a / power if power > 0 else np.zeros(n_lags)
    return result


def find_pulses(heard: Cues, duration: float) -> Pulses:
    """List and describe the tempi of a recording; none without onsets.

    `duration` is the recording's exact length in seconds: a loop is a whole number of beats long.
    """
    envelope = heard.envelope
    curve = smooth(envelope)
    around = duration < LOOP_S
    n_lags, n_phrase_lags = int(FRAME_RATE * 60 / SLOWEST * 4.2), int(FRAME_RATE * LONGEST_PHRASE_S)
    if not around:
        n_lags, n_phrase_lags = (min(n, len(curve) - 1) for n in (n_lags, n_phrase_lags))
    if heard.once or len(curve) < FRAME_RATE * 0.3 or curve.std() < STILLEST:
        return NO_PULSES
    phrases = correlate(curve, n_phrase_lags, around=around)
    own = phrases[:n_lags]
    beats, downbeats = (_correlated(curve) for curve in heard.likelihoods.T)
    tempi = _candidates(own, beats, duration)
    if len(tempi) == 0:
        return NO_PULSES
    smoothed = [scipy.ndimage.gaussian_filter1d(c.astype(np.float64), 1.0) for c in envelope.T]
    selves: list[FloatArray] = [own, *(correlate(c, n_lags, around=around) for c in smoothed), beats]
    crosses: list[FloatArray] = []
    for i, j in CROSS_PAIRS:
        later = correlate(smoothed[i], n_lags, smoothed[j], around)
        earlier = correlate(smoothed[j], n_lags, smoothed[i], around)
        crosses.append((later + earlier) / 2)
    columns = _describe(tempi, selves, crosses, duration)
    columns += [_at(downbeats, FRAME_RATE * 60 / tempi * m) for m in BAR_MULTIPLES]
    columns += _phrases(tempi, phrases)
    columns += _agreement(tempi, heard.likelihoods[:, 0])
    return Pulses(tempi, np.stack(columns, axis=1))


def _correlated(likelihoods: FloatArray) -> FloatArray:
    """Correlate likelihoods with themselves; the lags are `bands` frames, of which one of theirs has two."""
    curve = scipy.ndimage.gaussian_filter1d(likelihoods.astype(np.float64), 1.0)
    n_lags = min(int(beat_network.FRAME_RATE * LONGEST_BAR_S), len(curve) - 1)
    own = correlate(curve, n_lags)
    result: FloatArray = np.interp(np.arange(2 * n_lags - 1) / 2, np.arange(n_lags), own)
    return result


def smooth(envelope: FloatArray) -> FloatArray:
    """Add up the registers of an onset envelope and round its peaks off; shape (n_frames,)."""
    curve: FloatArray = scipy.ndimage.gaussian_filter1d(envelope.sum(axis=1, dtype=np.float64), 1.0)
    return curve


def _comb(own: FloatArray, tempi: FloatArray) -> FloatArray:
    period = FRAME_RATE * 60 / tempi
    total: FloatArray = sum((w * _at(own, k * period) for k, w in COMB), start=np.zeros(len(tempi)))
    return total


def _at(correlation: FloatArray, lag: FloatArray) -> FloatArray:
    values: FloatArray = np.interp(lag, np.arange(len(correlation)), correlation, right=0.0)
    return values


def _candidates(own: FloatArray, beats: FloatArray, duration: float) -> FloatArray:
    grid = np.exp(np.arange(np.log(SLOWEST), np.log(FASTEST), 0.004))
    combs = [_comb(a, grid) for a in (own, beats)]
    tempi: list[float] = []

    def offer(bpm: float) -> None:
        if SLOWEST <= bpm <= FASTEST and all(abs(np.log(bpm / other)) > 0.02 for other in tempi):
            tempi.append(float(bpm))

    if duration < LOOP_S:
        for n_beats in LOOP_BEATS:
            offer(60 * n_beats / duration)
    exact = len(tempi)
    for comb, most in zip(combs, MOST_TOPS, strict=True):
        tops = 1 + np.flatnonzero((comb[1:-1] >= comb[:-2]) & (comb[1:-1] > comb[2:]))
        for i in tops[np.argsort(-comb[tops])][:most]:
            for ratio in RELATIVES:
                offer(grid[i] * ratio)
    near = [_highest_near(grid, combs[0], bpm) for bpm in tempi[exact:]]
    return np.array(tempi[:exact] + near)


def _highest_near(grid: FloatArray, comb: FloatArray, bpm: float) -> float:
    centre = int(np.argmin(np.abs(grid - bpm)))
    low = max(0, centre - 4)
    return float(grid[low + int(np.argmax(comb[low : centre + 5]))])


def _describe(
    tempi: FloatArray, selves: list[FloatArray], crosses: list[FloatArray], duration: float
) -> list[FloatArray]:
    """Describe each tempo by what repeats at its period, its parts and multiples."""
    period = FRAME_RATE * 60 / tempi
    octaves = np.log2(tempi / 120)
    comb = _comb(selves[0], tempi)
    columns = [octaves, octaves**2, comb, comb - comb.max()]
    for a in selves:
        columns += [_at(a, period * m) for m in MULTIPLES]
    for c in crosses:
        columns += [_at(c, period * m) for m in CROSS_MULTIPLES]
    whole, bass = selves[0], selves[1]
    columns.append(np.maximum(_at(bass, 2 * period), _at(bass, 4 * period)) - _at(bass, period))
    columns += [_at(whole, period) - _at(whole, period * m) for m in (0.5, 2.0)]
    return columns + _fit_of_length(tempi, duration)


def _phrases(tempi: FloatArray, own: FloatArray) -> list[FloatArray]:
    """Say how well the music comes again after phrases of each tempo, and how that is beside the best lag."""
    lags = FRAME_RATE * 60 / tempi[:, None] * np.linspace(1 - SLACK, 1 + SLACK, 9)
    again = [_at(own, lags * n).max(axis=1) for n in PHRASES]
    best = own[int(FRAME_RATE) :].max(initial=0.0)
    return [*again, *(a - best for a in again)]


def _agreement(tempi: FloatArray, likelihoods: FloatArray) -> list[FloatArray]:
    """Compare each tempo with how many beats the network found, and with how they repeat in phase."""
    p = likelihoods.astype(np.float64)
    seconds = len(p) / beat_network.FRAME_RATE
    peaks = (p[1:-1] > LIKELY) & (p[1:-1] >= p[:-2]) & (p[1:-1] > p[2:])
    count = float(peaks.sum())
    ratio = np.log2((count + 1) / (seconds * tempi / 60 + 1))
    weight = float(p.sum()) + 1e-9
    n = _fine_length(len(p))
    spectrum = np.abs(scipy.fft.rfft(p, n)) / weight
    bins = np.arange(len(spectrum))
    in_phase = [
        np.interp(tempi / 60 * m * n / beat_network.FRAME_RATE, bins, spectrum) for m in (0.5, 1.0, 1.5, 2.0)
    ]
    return [ratio, np.abs(ratio), np.full(len(tempi), count / seconds), *in_phase]


def _fine_length(n: int) -> int:
    """Return how long to make a curve of `n` frames to tell its spectrum finely; long ones are enough."""
    return int(scipy.fft.next_fast_len(max(n, min(4 * n, 1 << 20)), real=True))


def _fit_of_length(tempi: FloatArray, duration: float) -> list[FloatArray]:
    """Say how nearly a recording is a whole number of 1, 4, 8, 16 beats, less what chance would give."""
    n_beats = duration * tempi / 60
    fits = []
    for unit in (1, 4, 8, 16):
        nearest = np.maximum(1, np.round(n_beats / unit)) * unit
        closeness = np.exp(-(((n_beats / nearest - 1) / 0.004) ** 2))
        by_chance = np.minimum(1, 0.014 * n_beats / unit)
        fits.append(closeness * (1 - by_chance))
    return [*fits, np.full(len(tempi), float(duration < LOOP_S))]


COMB_COLUMN, PHRASE_COLUMN, IN_PHASE_COLUMN = 2, -7 - 2 * len(PHRASES), -3
N_FEATURES = (
    4
    + 6 * len(MULTIPLES)
    + len(CROSS_PAIRS) * len(CROSS_MULTIPLES)
    + 3
    + 5
    + len(BAR_MULTIPLES)
    + 2 * len(PHRASES)
    + 7
)
NO_PULSES = Pulses(np.zeros(0), np.zeros((0, N_FEATURES)))


@cache
def ranker() -> Ranker:
    """Load the model that ships with the engine; weights/tempo.md says what it learned from."""
    return read_network(MODEL, Ranker, N_FEATURES)


def distinct(tempi: FloatArray, weights: FloatArray) -> list[tuple[int, float]]:
    """Join readings that are one tempo, measured differently.

    Returns (index of its likeliest reading, weight of all) for each tempo, the likeliest first.
    """
    left = list(np.argsort(-weights))
    joined: list[tuple[int, float]] = []
    while left:
        best = left[0]
        same = [i for i in left if abs(tempi[i] / tempi[best] - 1) < SAME_TEMPO]
        joined.append((int(best), float(weights[same].sum())))
        left = [i for i in left if i not in same]
    return sorted(joined, key=lambda reading: -reading[1])


def related(tempo: float, bpm: float) -> float:
    """Return the simple multiple of `bpm` that a tempo must be, as exact as `bpm`; else the tempo itself."""
    exact = bpm * np.array((*RELATIVES, 4.0, 0.25))
    nearest = int(np.argmin(np.abs(np.log(exact / tempo))))
    return float(exact[nearest]) if abs(exact[nearest] / tempo - 1) < REFINED else tempo


def loop_tempo(bpm: float, duration: float) -> float | None:
    """Return the tempo at which a short recording is a whole number of beats long, or None if it is no loop.

    A loop is cut to the sample, which tells its tempo better than its few onsets can. `bpm` is what the
    onsets say; the fewer the beats, the further they may be off.
    """
    n_beats = round(duration * bpm / 60)
    if duration >= LOOP_S or n_beats < 1 or n_beats not in LOOP_LENGTHS:
        return None
    exact = 60 * n_beats / duration
    return exact if abs(bpm / exact - 1) < min(0.03, 0.12 / n_beats) else None


def refine(curve: FloatArray, bpm: float) -> float:
    """Measure a tempo finely: where near `bpm` the curve's spectrum has most at it and its multiples.

    The whole recording is one window, so that half a minute tells 120.00 from 120.05 BPM.
    """
    n = max(1 << 17, _fine_length(len(curve)))
    spectrum = np.abs(scipy.fft.rfft(curve - curve.mean(), n))
    steps = np.linspace(-REFINED, REFINED, 401)
    frequency = np.exp(steps) * bpm / 60
    bins = np.arange(len(spectrum))
    harmonics = ((1, 1.0), (2, 1.0), (4, 0.6), (8, 0.3))
    score = sum(
        w * np.interp(frequency * h * n / FRAME_RATE, bins, spectrum, right=0.0) for h, w in harmonics
    )
    i = int(np.argmax(score))
    fine = steps[i]
    if 0 < i < len(steps) - 1:
        before, top, after = score[i - 1 : i + 2]
        fine += 0.5 * (before - after) / (before - 2 * top + after - 1e-12) * (steps[1] - steps[0])
    return float(bpm * np.exp(fine))
