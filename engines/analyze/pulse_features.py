"""What speaks for each tempo: what repeats at its beats, bars, phrases and halves.

Rows of numbers that `pulse.ranker` learned to read; frames are `bands.FRAME_RATE` a second.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.ndimage

from engines._audio import FloatArray
from engines.analyze import beat_network, harmonic_rhythm
from engines.analyze.bands import FRAME_RATE
from engines.analyze.correlation import at, correlate, summit, tops
from engines.analyze.pitches import Pitches
from engines.analyze.rhythm_cues import Cues

SLOWEST, FASTEST = 38.0, 250.0  # BPM
LOOP_S = 16.0  # shorter recordings may be loops: they are heard going round
# Weights of one to four periods when asking how well a pulse repeats.
COMB = ((1, 1.0), (2, 0.8), (3, 0.4), (4, 0.7))
MULTIPLES = (0.25, 1 / 3, 0.5, 2 / 3, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
CROSS_MULTIPLES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
CROSS_PAIRS = ((0, 2), (0, 3), (2, 3))  # bass drum against snare, against cymbals, snare against cymbals
BAR_MULTIPLES = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0)
LONGEST_BAR_S = 10.0
# Beats after which bars, pairs of bars and phrases come again; a candidate's tempo may be off by `SLACK`.
PHRASES = (6, 8, 12, 16)
LONGEST_PHRASE_S = 16.0
SLACK = 0.01
LIKELY = 0.2  # a peak of the network's answer above this is counted as a beat
# What a sequencer plays comes again exactly: the first lag from `SHORTEST_ROUND_S` on whose correlation is
# within `AS_GOOD` of the best one's, and a tenth of what that lacks to 1.
SHORTEST_ROUND_S = 0.8
AS_GOOD, AS_GOOD_SHARE = 0.05, 0.1
ROUND_OFF = 0.008  # how far off a round's length in beats may be
ROUNDS_IN_TWO, ROUNDS_IN_THREE, ROUNDS_IN_FOUR = (1, 2, 4, 8, 16, 32), (3, 6, 12, 24), (4, 8, 16)


@dataclass(frozen=True)
class Repeats:
    """How well onsets and likely beats repeat, by lag in frames; a curve's own lag 0 is 1.

    `whole` reaches `LONGEST_PHRASE_S`, `registers` (four) and `crosses` (of `CROSS_PAIRS`) four of the
    slowest beats, `beats` and `downbeats`, what the network takes for them, `LONGEST_BAR_S`.
    """

    whole: FloatArray
    registers: list[FloatArray]
    crosses: list[FloatArray]
    beats: FloatArray
    downbeats: FloatArray


def hear_repeats(heard: Cues, *, around: bool) -> Repeats:
    """Correlate what is heard with itself."""
    curve = heard.onset_curve
    n_lags, n_phrase_lags = int(FRAME_RATE * 60 / SLOWEST * 4.2), int(FRAME_RATE * LONGEST_PHRASE_S)
    if not around:
        n_lags, n_phrase_lags = (min(n, len(curve) - 1) for n in (n_lags, n_phrase_lags))
    registers = [scipy.ndimage.gaussian_filter1d(c.astype(np.float64), 1.0) for c in heard.envelope.T]
    crosses: list[FloatArray] = []
    for i, j in CROSS_PAIRS:
        later = correlate(registers[i], n_lags, registers[j], around)
        earlier = correlate(registers[j], n_lags, registers[i], around)
        crosses.append((later + earlier) / 2)
    beats, downbeats = (_correlated(curve) for curve in heard.likelihoods.T)
    return Repeats(
        whole=correlate(curve, n_phrase_lags, around=around),
        registers=[correlate(c, n_lags, around=around) for c in registers],
        crosses=crosses,
        beats=beats,
        downbeats=downbeats,
    )


def _correlated(likelihoods: FloatArray) -> FloatArray:
    """Correlate likelihoods with themselves; the lags are `bands` frames, of which one of theirs has two."""
    curve = scipy.ndimage.gaussian_filter1d(likelihoods.astype(np.float64), 1.0)
    n_lags = min(int(beat_network.FRAME_RATE * LONGEST_BAR_S), len(curve) - 1)
    own = correlate(curve, n_lags)
    result: FloatArray = np.interp(np.arange(2 * n_lags - 1) / 2, np.arange(n_lags), own)
    return result


def comb(own: FloatArray, tempi: FloatArray) -> FloatArray:
    """Say how well a curve repeats after one to four beats of each tempo; shape (n_tempi,)."""
    period = FRAME_RATE * 60 / tempi
    total: FloatArray = sum((w * at(own, k * period) for k, w in COMB), start=np.zeros(len(tempi)))
    return total


def describe(tempi: FloatArray, again: Repeats, heard: Cues, pitches: Pitches, duration: float) -> FloatArray:
    """Describe tempi in BPM, shape (n_tempi, N_FEATURES), of a recording of `duration` seconds."""
    period = FRAME_RATE * 60 / tempi
    columns = _of_pulse(tempi, again) + _fit_of_length(tempi, duration)
    columns += [at(again.downbeats, period * m) for m in BAR_MULTIPLES]
    columns += _phrases(tempi, again.whole)
    columns += _agreement(tempi, heard.likelihoods[:, 0])
    columns += _rounds(tempi, again.whole)
    harmonic: FloatArray = np.zeros((len(tempi), harmonic_rhythm.N_HARMONIC))
    if duration >= LOOP_S:  # in a bar or two too few chords change to tell anything
        harmonic = harmonic_rhythm.describe(tempi, pitches, SLOWEST)
    return np.concatenate([np.stack(columns, axis=1), harmonic], axis=1)


def _of_pulse(tempi: FloatArray, again: Repeats) -> list[FloatArray]:
    """Describe each tempo by what repeats at its period, its parts and multiples."""
    period = FRAME_RATE * 60 / tempi
    octaves = np.log2(tempi / 120)
    repeated = comb(again.whole, tempi)
    columns = [octaves, octaves**2, repeated, repeated - repeated.max()]
    for own in (again.whole, *again.registers, again.beats):
        columns += [at(own, period * m) for m in MULTIPLES]
    for cross in again.crosses:
        columns += [at(cross, period * m) for m in CROSS_MULTIPLES]
    whole, bass = again.whole, again.registers[0]
    columns.append(np.maximum(at(bass, 2 * period), at(bass, 4 * period)) - at(bass, period))
    columns += [at(whole, period) - at(whole, period * m) for m in (0.5, 2.0)]
    return columns


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


def _phrases(tempi: FloatArray, own: FloatArray) -> list[FloatArray]:
    """Say how well the music comes again after phrases of each tempo, and how that is beside the best lag."""
    lags = FRAME_RATE * 60 / tempi[:, None] * np.linspace(1 - SLACK, 1 + SLACK, 9)
    again = [at(own, lags * n).max(axis=1) for n in PHRASES]
    best = own[int(FRAME_RATE) :].max(initial=0.0)
    return [*again, *(a - best for a in again)]


def _agreement(tempi: FloatArray, likelihoods: FloatArray) -> list[FloatArray]:
    """Compare each tempo with how many beats the network found, and with how they repeat in phase."""
    p = likelihoods.astype(np.float64)
    seconds = len(p) / beat_network.FRAME_RATE
    count = float((p[tops(p)] > LIKELY).sum())
    ratio = np.log2((count + 1) / (seconds * tempi / 60 + 1))
    weight = float(p.sum()) + 1e-9
    n = fine_length(len(p))
    spectrum = np.abs(scipy.fft.rfft(p, n)) / weight
    bins = np.arange(len(spectrum))
    in_phase = [
        np.interp(tempi / 60 * m * n / beat_network.FRAME_RATE, bins, spectrum) for m in (0.5, 1.0, 1.5, 2.0)
    ]
    return [ratio, np.abs(ratio), np.full(len(tempi), count / seconds), *in_phase]


def fine_length(n: int) -> int:
    """Return how long to make a curve of `n` frames to tell its spectrum finely; long ones are enough."""
    return int(scipy.fft.next_fast_len(max(n, min(4 * n, 1 << 20)), real=True))


def _rounds(tempi: FloatArray, own: FloatArray) -> list[FloatArray]:
    """Say how nearly the shortest span after which all comes again is 2^k, 3 x 2^k, 4 to 16, any beats."""
    found = shortest_round(own)
    if found is None:
        return [np.zeros(len(tempi))] * N_ROUND
    seconds, alike = found
    beats = seconds * tempi / 60

    def nearness(n_beats: FloatArray | float) -> FloatArray:
        near: FloatArray = np.exp(-((np.log(beats / n_beats) / ROUND_OFF) ** 2))
        return near

    spans = (ROUNDS_IN_TWO, ROUNDS_IN_THREE, ROUNDS_IN_FOUR)
    columns = [alike * np.max([nearness(n) for n in span], axis=0) for span in spans]
    by_chance = np.minimum(1, 3.5 * ROUND_OFF * beats)
    whole = nearness(np.maximum(1, np.round(beats))) * (1 - by_chance)
    return [*columns, alike * whole, np.full(len(tempi), alike)]


def shortest_round(own: FloatArray) -> tuple[float, float] | None:
    """Find the shortest span after which music comes again as well as it ever does, in seconds.

    `own` is its correlation with itself. Returns the span and how alike, 0 to 1; None if nothing comes again.
    """
    first = int(SHORTEST_ROUND_S * FRAME_RATE)
    later = own[first:]
    found = tops(later)
    if len(found) == 0:
        return None
    best = float(later[found].max())
    least = best - AS_GOOD - AS_GOOD_SHARE * max(0.0, 1 - best)
    k = int(found[np.flatnonzero(later[found] >= least)[0]])
    return (first + summit(later, k)) / FRAME_RATE, float(np.clip(later[k], 0.0, 1.0))


N_ROUND = 5
N_PULSE = 4 + 6 * len(MULTIPLES) + len(CROSS_PAIRS) * len(CROSS_MULTIPLES) + 3
N_LENGTH, N_AGREEMENT = 5, 7
COMB_COLUMN = 2
PHRASE_COLUMN = N_PULSE + N_LENGTH + len(BAR_MULTIPLES)
IN_PHASE_COLUMN = PHRASE_COLUMN + 2 * len(PHRASES) + 4
N_FEATURES = PHRASE_COLUMN + 2 * len(PHRASES) + N_AGREEMENT + N_ROUND + harmonic_rhythm.N_HARMONIC
