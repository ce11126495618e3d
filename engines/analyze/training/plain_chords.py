"""Chords alone, and sounds that are no chord: single tones, noise, clicks, voices that glide.

Rendered scores have other music around their chords, and nothing without harmony but drums.
"""

from dataclasses import dataclass

import numpy as np
import scipy.signal

from engines._audio import FloatArray
from engines.analyze.pitches import SR, Pitches, PitchListener
from engines.analyze.training.performing import SPELLINGS, Rng, log_uniform

CHORDS = {quality: ways[0] for quality, ways in SPELLINGS.items()}
FIFTH, FIFTHS = (0, 7), 0.1  # the share of chords without a third, which are as much major as minor
SECONDS, PERIOD_S = (4.0, 8.0), (0.3, 1.2)
# The fifth partial of a tone alone is the third of its chord: one that has it sounds like that chord.
MOST_PARTIALS, MOST_OF_TONE = 12, 4
FLOOR_DB = (-90.0, -50.0)  # of the noise that is always there
TUNING = 0.4  # semitones, either way


@dataclass(frozen=True)
class Plain:
    """What is heard of a sound, where its beats begin and the last ends, in seconds, and its chord.

    An empty `quality` is no chord.
    """

    heard: Pitches
    edges: FloatArray
    root: int
    quality: str


def plain_chord(rng: Rng) -> Plain:
    """Strike one chord on every beat, in some voicing, with or without a bass."""
    quality, root, lowest = str(rng.choice(list(CHORDS))), int(rng.integers(12)), int(rng.integers(40, 64))
    steps = CHORDS[quality]
    if rng.random() < FIFTHS:
        quality, steps = str(rng.choice(("maj", "min"))), FIFTH
    tones = [lowest + (root + step - lowest) % 12 for step in steps]
    tones += [tone + 12 for tone in tones if rng.random() < 0.3]
    if rng.random() < 0.6:
        tones.append(28 + (root - 28) % 12 + 12 * int(rng.integers(2)))
    edges = _edges(rng)
    return Plain(_listened(_struck(np.array(tones), MOST_PARTIALS, edges, rng), rng), edges, root, quality)


def no_chord(rng: Rng) -> Plain:
    """Make a tone alone, noise, clicks, or a voice that glides."""
    edges = _edges(rng)
    make = (_tone, _noise, _clicks, _voice)[int(rng.integers(4))]
    return Plain(_listened(make(edges, rng), rng), edges, 0, "")


def _edges(rng: Rng) -> FloatArray:
    seconds, period = rng.uniform(*SECONDS), log_uniform(rng, *PERIOD_S)
    return np.append(np.arange(0, seconds - period / 2, period), seconds)


def _time(edges: FloatArray) -> FloatArray:
    return np.arange(int(edges[-1] * SR)) / SR


def _since(edges: FloatArray) -> FloatArray:
    """Return for each sample how long ago the last edge was, in seconds."""
    t = _time(edges)
    return t - edges[np.searchsorted(edges, t, side="right") - 1]


def _struck(tones: FloatArray, most_partials: int, edges: FloatArray, rng: Rng) -> FloatArray:
    """Play MIDI notes of one timbre at every edge."""
    t, since = _time(edges), _since(edges)
    partials = np.arange(1, round(log_uniform(rng, 0.6, most_partials + 0.4)) + 1)
    levels = partials ** -rng.uniform(0.5, 2.0)
    decay, tuning = float(rng.choice((0.0, rng.uniform(0.5, 6.0)))), rng.uniform(-TUNING, TUNING)
    y = np.zeros(len(t))
    for tone in tones:
        hz = 440 * 2 ** ((tone + tuning - 69) / 12) * partials
        heard = hz < SR / 2
        phases = 2 * np.pi * (np.outer(hz[heard], t) + rng.random((int(heard.sum()), 1)))
        y += rng.uniform(0.5, 1.0) * (levels[heard] @ np.sin(phases))
    result: FloatArray = y * np.exp(-decay * since) * np.minimum(1, since / 0.01)
    return result


def _tone(edges: FloatArray, rng: Rng) -> FloatArray:
    return _struck(np.array([int(rng.integers(36, 97))]), MOST_OF_TONE, edges, rng)


def _noise(edges: FloatArray, rng: Rng) -> FloatArray:
    """Make noise of some colour, perhaps of a band only."""
    power = float(rng.uniform(-2, 1))  # of amplitude over frequency: -1 is 6 dB an octave
    n = len(_time(edges))
    hz = np.fft.rfftfreq(n, 1 / SR)
    spectrum = np.fft.rfft(rng.standard_normal(n)) * np.maximum(hz, 30.0) ** power
    if rng.random() < 0.4:
        low = log_uniform(rng, 60, 1500)
        spectrum[(hz < low) | (hz > low * rng.uniform(2, 16))] = 0
    return np.fft.irfft(spectrum, n)


def _clicks(edges: FloatArray, rng: Rng) -> FloatArray:
    """Strike something short and hard at every edge, and at as many parts between."""
    parts = int(rng.integers(1, 5))
    between = np.interp(np.arange(parts * (len(edges) - 1) + 1) / parts, np.arange(len(edges)), edges)
    since, n = _since(between), len(_time(edges))
    hz, noisy = log_uniform(rng, 60, 3000), rng.random()
    sound = (1 - noisy) * np.sin(2 * np.pi * hz * since) + noisy * rng.standard_normal(n)
    result: FloatArray = sound * np.exp(-log_uniform(rng, 15, 200) * since)
    return result


def _voice(edges: FloatArray, rng: Rng) -> FloatArray:
    """Glide on one buzzing voice, through resonances that move, in uneven syllables."""
    t = _time(edges)
    corners = np.linspace(0, edges[-1], int(6 * edges[-1]))
    pitch = np.interp(t, corners, rng.normal(0, rng.uniform(1, 4), len(corners)))
    base = log_uniform(rng, 80, 400)
    phase = 2 * np.pi * np.cumsum(base * 2 ** (pitch / 12)) / SR
    y = scipy.signal.sawtooth(phase)
    for hz in (rng.uniform(300, 900), rng.uniform(900, 2500)):
        y = y + 4 * scipy.signal.lfilter(*scipy.signal.iirpeak(hz, 4, SR), y)
    loud = np.interp(t, corners, rng.random(len(corners)) ** 2)
    result: FloatArray = y * loud
    return result


def _listened(y: FloatArray, rng: Rng) -> Pitches:
    floor = 10 ** (rng.uniform(*FLOOR_DB) / 20)
    y = y / (np.abs(y).max() + 1e-9) + floor * rng.standard_normal(len(y))
    listener = PitchListener()
    listener.push(y.astype(np.float32))
    return listener.finish()
