"""Sounds without a beat, without a key, or of beats alone, from numpy alone; mono, 44.1 kHz, full scale 1."""

import numpy as np

from engines._audio import FloatArray

SR = 44100
SECONDS = 30.0


def white_noise(rng: np.random.Generator) -> FloatArray:
    """Make white Gaussian noise."""
    y: FloatArray = 0.1 * rng.standard_normal(round(SECONDS * SR))
    return y.astype(np.float32)


def one_event(rng: np.random.Generator) -> FloatArray:
    """Make one note of two to eight partials, or noise, that dies away, somewhere in 1 to 10 s."""
    t = np.arange(round(rng.uniform(1.0, 10.0) * SR)) / SR
    partials = np.arange(1, rng.integers(2, 9))
    tone = np.sin(2 * np.pi * rng.uniform(50, 800) * t * partials[:, None]).T @ (1 / partials)
    sound = tone if rng.random() < 0.7 else rng.standard_normal(len(t))
    y = 0.3 * sound * np.minimum(1, t / 0.004) * np.exp(-t / rng.uniform(0.05, 1.0))
    silent = round(rng.choice([0.0, 0.3]) * len(t))
    return np.concatenate([np.zeros(silent), y]).astype(np.float32)[: len(t)]


def pink_noise(rng: np.random.Generator) -> FloatArray:
    """Make noise whose power falls by 3 dB an octave."""
    n = round(SECONDS * SR)
    spectrum = np.fft.rfft(rng.standard_normal(n))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1))
    y: FloatArray = np.fft.irfft(spectrum, n)
    y *= 0.1 / y.std()
    return y.astype(np.float32)


def pads(rng: np.random.Generator) -> tuple[FloatArray, int]:
    """Make slow chords of one major scale that begin at no regular time; also the scale's tonic, 0 to 11."""
    tonic = int(rng.integers(12))
    y = np.zeros(round(SECONDS * SR))
    at, degree = 0.0, 0
    scale = (0, 2, 4, 5, 7, 9, 11)
    while at < SECONDS:
        length = float(rng.uniform(4.0, 9.0))
        t = np.arange(round(min(length, SECONDS - at) * SR)) / SR
        swell = np.sin(np.pi * np.minimum(1, t / length)) ** 1.5
        for step in (0, 2, 4, 7):
            pitch = 48 + tonic + scale[(degree + step) % 7] + 12 * ((degree + step) // 7)
            f = 440 * 2 ** ((pitch - 69) / 12)
            for h in range(1, 6):
                drift = 1 + 0.0008 * np.sin(2 * np.pi * rng.uniform(0.1, 0.4) * t + rng.uniform(0, 6))
                y[round(at * SR) : round(at * SR) + len(t)] += (
                    0.04 * swell / h**1.6 * np.sin(2 * np.pi * f * h * t * drift + rng.uniform(0, 6))
                )
        at += float(rng.uniform(2.0, 6.0))
        degree = int(rng.choice([0, 0, 3, 4, 5])) if degree else int(rng.choice([3, 4, 5]))
    return y.astype(np.float32), tonic


def atonal(rng: np.random.Generator) -> tuple[FloatArray, float]:
    """Make plucked tones of any frequency on an even pulse, with a click on every beat; also its tempo."""
    tempo = float(rng.uniform(80, 150))
    y = np.zeros(round(SECONDS * SR))
    length = np.arange(round(0.5 * SR)) / SR
    for i, at in enumerate(np.arange(0, SECONDS - 0.6, 30 / tempo)):
        f = float(np.exp(rng.uniform(np.log(110), np.log(1760))))  # of no scale at all
        sound = sum(np.sin(2 * np.pi * f * h * length) / h**1.5 for h in range(1, 5)) * np.exp(-6 * length)
        if i % 2 == 0:
            sound = sound + 2 * np.sin(2 * np.pi * 1500 * length) * np.exp(-150 * length)
        start = round(float(at) * SR)
        y[start : start + len(length)] += (0.2 if i % 2 == 0 else 0.12) * sound
    return y.astype(np.float32), tempo


def clicks(
    beats_per_bar: int, middle: bool, rng: np.random.Generator
) -> tuple[FloatArray, float, FloatArray]:
    """Make a metronome that accents each first beat, or half as much the third too; also tempo and beats."""
    tempo = float(np.exp(rng.uniform(np.log(66), np.log(168))))
    beats = np.arange(rng.uniform(0.05, 0.5), SECONDS - 0.2, 60 / tempo)
    weak, pitch = rng.uniform(0.35, 0.75), float(np.exp(rng.uniform(np.log(400), np.log(2500))))
    accented = pitch * float(rng.choice((1.0, 1.5, 2.0)))
    noisy, t = rng.random() < 0.3, np.arange(round(0.08 * SR)) / SR
    y = np.zeros(round(SECONDS * SR))
    for i, at in enumerate(beats):
        place = i % beats_per_bar
        level = 1.0 if place == 0 else (1 + weak) / 2 if middle and place == 2 else weak
        tone = np.sin(2 * np.pi * (pitch if place else accented) * t) * np.exp(-40 * t)
        sound = rng.standard_normal(len(t)) * np.exp(-60 * t) / 3 if noisy else tone
        start = round(float(at) * SR)
        y[start : start + len(t)] += 0.5 * level * sound
    return y.astype(np.float32), tempo, beats


def speech_like(rng: np.random.Generator) -> FloatArray:
    """Make a buzzing voice with moving formants in uneven syllables, hisses between, and breaths."""
    n = round(SECONDS * SR)
    y = np.zeros(n)
    at, base = 0.1, float(rng.uniform(95, 210))
    while at < SECONDS - 1:
        for _ in range(int(rng.integers(3, 12))):
            length = float(rng.gamma(6, 0.03))
            if at + length > SECONDS - 0.5:
                break
            voiced = rng.random() < 0.8
            sound = _voice(base, length, rng) if voiced else _hiss(length * 0.6, rng)
            start = round(at * SR)
            y[start : start + len(sound)] += sound
            at += length + float(rng.exponential(0.02))
        at += float(rng.gamma(2, 0.2))
    return np.asarray(0.3 * y / np.abs(y).max(), np.float32)


def _voice(base: float, length: float, rng: np.random.Generator) -> FloatArray:
    t = np.arange(round(length * SR)) / SR
    f0 = base * np.exp(np.interp(t / length, [0, 0.5, 1], rng.normal(0, 0.12, 3)))
    phase = 2 * np.pi * np.cumsum(f0) / SR
    formants = [(rng.uniform(300, 800), 80), (rng.uniform(900, 2300), 120), (rng.uniform(2300, 3200), 180)]
    y = np.zeros(len(t))
    for h in range(1, int(4000 / base)):
        level = sum(1 / (1 + ((h * base - f) / width) ** 2) for f, width in formants) / h**0.6
        y += level * np.sin(h * phase)
    swell: FloatArray = np.sin(np.pi * np.minimum(1, t / length)) ** 0.5
    swell *= rng.uniform(0.4, 1.0)
    result: FloatArray = y * swell
    return result


def _hiss(length: float, rng: np.random.Generator) -> FloatArray:
    y = np.diff(rng.standard_normal(round(length * SR) + 1))
    result: FloatArray = np.asarray(0.15 * y * np.hanning(len(y)))
    return result
