"""What makes many kits of one: its drums retuned, coloured, cut short, or struck together with others."""

import numpy as np
import scipy.fft
import scipy.signal

from engines._audio import FloatArray
from engines.transcribe.training.drum_machines import sampled
from engines.transcribe.training.kits import VELOCITIES, Kit
from engines.transcribe.training.scores import CLASS_OF, CYMBAL, DRUM_KEYS, SR, Rng, log_uniform

_LAYERS = {38: (38, 39), 40: (38, 39), 35: (36,)}  # other drums that are struck with one; else its own
_RIPPLES = 6  # of an equaliser's curve over its octaves
_OCTAVES_HZ = (60.0, 16_000.0)


def layered(kit: Kit, others: Kit, rng: Rng) -> Kit:
    """Strike another kit's drums together with a kit's, as producers do: two kicks, a clap and a snare.

    Each kind of drum is changed in one of two kits.
    """
    both = {}
    for keys in DRUM_KEYS.values():
        if rng.random() < 0.5:
            continue
        level = rng.uniform(0.2, 0.9)
        for key in keys:
            like = [other for other in _LAYERS.get(key, (key,)) if other in others]
            if key in kit and like:
                more = others[int(rng.choice(like))][-1]
                both[key] = [
                    _sum(shot, level * more * np.abs(shot).max() / np.abs(more).max()) for shot in kit[key]
                ]
    return kit | both


def retuned(kit: Kit, rng: Rng) -> Kit:
    """Play each drum a little faster or slower, duller or brighter, shorter, louder or softer than it is.

    In two of five kits by much more, and some drums as an old sampler keeps them: kits that are not known are
    that far from those that are.
    """
    far = 2.0 if rng.random() < 0.4 else 1.0
    changed: Kit = {}
    for key, shots in kit.items():
        speed, gain = float(np.exp(rng.normal(0, 0.1 * far))), float(np.exp(rng.normal(0, 0.4)))
        ripples = rng.normal(0, 0.08 * far, _RIPPLES) if rng.random() < 0.5 else None
        # A cymbal that is cut short is no cymbal any more.
        decay = rng.uniform(2, 15 * far) if CLASS_OF[key] != CYMBAL and rng.random() < 0.3 else 0.0
        old = rng.random() < 0.08 * far
        rate, bits = log_uniform(rng, 9000, 24_000), int(rng.integers(7, 13))
        new = []
        for shot in shots:
            y = gain * np.interp(np.arange(0, len(shot) - 1, speed), np.arange(len(shot)), shot)
            if ripples is not None:
                y = _equalised(y, ripples)
            if old:
                y = sampled(y, rate, bits)
            new.append((y * np.exp(-decay * np.arange(len(y)) / SR)).astype(np.float32))
        changed[key] = _softer_and_duller(new[0], rng) if len(new) == 1 and rng.random() < 0.5 else new
    return changed


def _equalised(y: FloatArray, ripples: FloatArray) -> FloatArray:
    """Filter by a curve of cosines over the octaves, whose amplitudes are in decades."""
    n = scipy.fft.next_fast_len(len(y) + 2048, real=True)
    f = np.maximum(scipy.fft.rfftfreq(n, 1 / SR), 1.0)
    low, high = np.log(_OCTAVES_HZ)
    place = np.clip((np.log(f) - low) / (high - low), 0, 1)
    curve = sum(a * np.cos(np.pi * (i + 1) * place) for i, a in enumerate(ripples))
    result: FloatArray = scipy.fft.irfft(scipy.fft.rfft(y, n) * 10.0**curve, n)[: len(y)]
    return result


def _softer_and_duller(shot: FloatArray, rng: Rng) -> list[FloatArray]:
    """Give a drum of one sound three, from soft to loud: what is struck softer is duller as well."""
    f = log_uniform(rng, 500, 5000)
    sos = scipy.signal.butter(1, f, "lowpass", fs=SR, output="sos")
    dull, most = scipy.signal.sosfilt(sos, shot), rng.uniform(0.2, 1.0)
    shots = []
    for velocity in VELOCITIES:
        part = most * (1 - velocity / VELOCITIES[-1])
        shots.append(((velocity / 100) ** 1.5 * ((1 - part) * shot + part * dull)).astype(np.float32))
    return shots


def _sum(x: FloatArray, y: FloatArray) -> FloatArray:
    n = max(len(x), len(y))
    result: FloatArray = np.pad(x, (0, n - len(x))) + np.pad(y, (0, n - len(y)))
    return result
