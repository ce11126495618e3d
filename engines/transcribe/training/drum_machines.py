"""Drum kits made from a seed, as drum machines and old samplers have them.

Falling sines with a click for drums with a skin; noise between two frequencies for rattles and claps; noise
and clusters of square waves (as of the TR-808's cymbals) for metal; some cut off by a gate, as in the 1980s,
some kept at few samples a second and few bits.
"""

import numpy as np
import scipy.signal

from engines._audio import FloatArray
from engines.transcribe.training.kits import Kit, as_loud, trimmed
from engines.transcribe.training.scores import SR, Rng, log_uniform

_TIME: FloatArray = np.arange(round(1.5 * SR)) / SR
_TOMS = (43, 45, 47, 48, 50)


def made_kit(rng: Rng) -> Kit:
    """Make a kit: bass drum, snare, side stick, clap, hats, toms, crash and ride, one sound each."""
    f_tom, rattle = rng.uniform(70, 150), rng.uniform(0.3, 1.0)
    shots = {
        36: _kick(rng),
        38: _snare(rng, rattle),
        40: _snare(rng, rattle),
        37: _stick(rng),
        39: _clap(rng),
    }
    low, high, metal = log_uniform(rng, 900, 9000), log_uniform(rng, 8000, 20_000), rng.uniform(0, 1)
    closed, opened = log_uniform(rng, 20, 140), log_uniform(rng, 2.5, 16)
    shots[42] = 0.4 * _metallic(rng, low, high, closed, metal)
    shots[44] = 0.3 * _metallic(rng, low, high, closed * rng.uniform(0.6, 1.6), metal)
    shots[46] = 0.4 * _metallic(rng, low, high, opened, metal)
    for i, key in enumerate(_TOMS):
        shots[key] = _drum(rng, f_tom * 1.2**i, rng.uniform(1.1, 2.2), rng.uniform(4, 18))
    shots[49] = 0.6 * _metallic(rng, log_uniform(rng, 800, 4000), 18_000, rng.uniform(1, 4), 0.5 * metal)
    shots[51] = 0.3 * _metallic(
        rng, log_uniform(rng, 1500, 6000), 18_000, rng.uniform(2, 7), rng.uniform(0.4, 1)
    )
    if rng.random() < 0.2:
        gated = log_uniform(rng, 0.06, 0.3)
        shots = {
            key: _gated(shot, gated) if key in (38, 39, 40, *_TOMS) else shot for key, shot in shots.items()
        }
    if rng.random() < 0.35:
        rate, bits = log_uniform(rng, 8000, 32_000), int(rng.integers(6, 13))
        shots = {key: sampled(shot, rate, bits) for key, shot in shots.items()}
    return as_loud({key: [trimmed(shot * rng.uniform(0.6, 1.0))] for key, shot in shots.items()})


def sampled(y: FloatArray, rate: float, bits: int) -> FloatArray:
    """Keep a sound as an old sampler does: `rate` values a second, each of `bits` bits, and steps between."""
    sos = scipy.signal.butter(4, min(0.45 * rate, 0.45 * SR), "lowpass", fs=SR, output="sos")
    held = scipy.signal.sosfilt(sos, y)[(np.floor(np.arange(len(y)) * rate / SR) * SR / rate).astype(int)]
    step = (np.abs(held).max() + 1e-9) / 2 ** (bits - 1)
    result: FloatArray = np.round(held / step) * step
    return result


def _kick(rng: Rng) -> FloatArray:
    y = _drum(rng, rng.uniform(35, 85), rng.uniform(1.5, 9), rng.uniform(4, 28), click=rng.uniform(0, 0.5))
    if rng.random() < 0.3:  # driven
        drive = rng.uniform(1, 6)
        y = np.tanh(drive * y) / np.tanh(drive)
    if rng.random() < 0.3:  # the beater, or a room
        y = y + rng.uniform(0.1, 0.5) * _noise(rng, 100, log_uniform(rng, 800, 6000), rng.uniform(20, 80))
    return y


def _snare(rng: Rng, rattle: float) -> FloatArray:
    f, decay = rng.uniform(130, 330), rng.uniform(12, 45)
    skin = _drum(rng, f, rng.uniform(1.0, 2), decay)
    if rng.random() < 0.5:  # the second mode of a membrane
        skin = skin + rng.uniform(0.2, 0.8) * _drum(rng, f * rng.uniform(1.5, 1.9), 1.1, decay * 1.2)
    low, high = log_uniform(rng, 150, 3000), log_uniform(rng, 4000, 20_000)
    wires = _noise(rng, low, high, log_uniform(rng, 6, 60))
    if rng.random() < 0.4:  # a crack, and then a longer hiss
        wires = wires + rng.uniform(0.1, 0.5) * _noise(rng, low, high, rng.uniform(5, 15))
    return (1 - rattle) * skin + rattle * wires


def _stick(rng: Rng) -> FloatArray:
    knock = _noise(rng, log_uniform(rng, 500, 2000), log_uniform(rng, 3000, 12_000), rng.uniform(50, 200))
    tone = _drum(rng, log_uniform(rng, 350, 2500), 1.0, rng.uniform(40, 120))
    part = rng.uniform(0, 0.8)
    return rng.uniform(0.4, 0.8) * ((1 - part) * knock + part * tone)


def _clap(rng: Rng) -> FloatArray:
    hands = _noise(rng, log_uniform(rng, 500, 1200), log_uniform(rng, 2500, 12_000), rng.uniform(15, 60))
    at, y = 0.0, np.zeros_like(hands)
    for _ in range(int(rng.integers(1, 5))):
        n = round(at * SR)
        y[n:] += hands[: len(hands) - n] * np.exp(-rng.uniform(0, 100) * _TIME[: len(hands) - n])
        at += rng.uniform(0.006, 0.013)
    result: FloatArray = 0.6 * y / (np.abs(y).max() + 1e-9)
    return result


def _drum(rng: Rng, f: float, fall: float, decay: float, click: float = 0.1) -> FloatArray:
    t = _TIME
    speed = rng.uniform(20, 90)
    phase = f * (t + (fall - 1) * (1 - np.exp(-speed * t)) / speed)
    y: FloatArray = np.sin(2 * np.pi * phase + rng.uniform(0, 1.5)) * np.exp(-decay * t)
    y += click * rng.standard_normal(len(t)) * np.exp(-rng.uniform(150, 600) * t)
    return y


def _noise(rng: Rng, low: float, high: float, decay: float) -> FloatArray:
    t = _TIME
    band = (low, min(max(high, 1.3 * low), 0.45 * SR))
    sos = scipy.signal.butter(int(rng.integers(1, 4)), band, "bandpass", fs=SR, output="sos")
    y: FloatArray = scipy.signal.sosfilt(sos, rng.standard_normal(len(t))) * np.exp(-decay * t)
    y /= np.abs(y).max() + 1e-9
    return y


def _metallic(rng: Rng, low: float, high: float, decay: float, metal: float) -> FloatArray:
    t = _TIME
    squares = sum((np.sign(np.sin(2 * np.pi * f * t)) for f in rng.uniform(200, 900, 6)), np.zeros_like(t))
    band = (low, min(max(high, 1.5 * low), 0.45 * SR))
    sos = scipy.signal.butter(int(rng.integers(1, 4)), band, "bandpass", fs=SR, output="sos")
    raw = metal * squares / 2 + (1 - metal) * rng.standard_normal(len(t))
    y: FloatArray = scipy.signal.sosfilt(sos, raw) * np.exp(-decay * t)
    y /= np.abs(y).max() + 1e-9
    return y


def _gated(y: FloatArray, seconds: float) -> FloatArray:
    """Hold a sound at the level of a compressed room until a gate shuts."""
    louder = y / np.maximum(0.05, np.exp(-12 * _TIME[: len(y)]))
    shut = louder * np.clip((seconds - _TIME[: len(y)]) / 0.01, 0, 1)
    result: FloatArray = shut * np.abs(y).max() / (np.abs(shut).max() + 1e-9)
    return result
