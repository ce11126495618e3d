"""Lines of one synthesiser, made from a seed: what strikes like drums but is none.

Sequences as they are cut into loops: a bar of sixteenths that comes again, on few pitches, with a filter that
closes after each attack, distortion and echo.
"""

import numpy as np

from engines._audio import FloatArray
from engines.transcribe.training.scores import SR, Rng, log_uniform

_HARMONICS = 40
_STEPS = (0, 3, 5, 7, 10, 12)  # minor pentatonic, semitones


def line(rng: Rng, seconds: float) -> FloatArray:
    """Play a line of a random sound, shape (n_samples,), at 44100 Hz, peaks of about 1."""
    y = np.zeros(round(seconds * SR))
    step = 15 / rng.uniform(80, 175)
    lowest = 12 * int(rng.integers(2, 7)) + int(rng.integers(12))
    pitches = lowest + rng.choice(_STEPS, size=int(rng.integers(1, 7)))
    dense, length = rng.uniform(0.25, 1.0), step * float(rng.choice([0.4, 0.8, 1.5, 4.0]))
    bar = [(s, int(rng.choice(pitches)), rng.uniform(0.6, 1.0)) for s in range(16) if rng.random() < dense]
    sound = _sound(rng)
    notes = {pitch: _note(pitch, length, sound) for pitch in {pitch for _, pitch, _ in bar}}
    first = rng.uniform(0, 0.3)
    for at in range(int(seconds / step / 16) + 1):
        for s, pitch, level in bar:
            a = round((first + (16 * at + s) * step) * SR)
            note = notes[pitch][: max(0, len(y) - a)]
            y[a : a + len(note)] += level * note
    if rng.random() < 0.4:
        y = np.tanh(rng.uniform(1, 6) * y / (np.abs(y).max() + 1e-9))
    if rng.random() < 0.4:  # echo
        late = round(float(rng.choice([2, 3, 4])) * step * SR)
        for _ in range(3):
            y[late:] += rng.uniform(0.1, 0.4) * y[:-late]
    result: FloatArray = (y / (np.abs(y).max() + 1e-9)).astype(np.float32)
    return result


def _sound(rng: Rng) -> tuple[FloatArray, FloatArray, float, float]:
    """Draw harmonics' levels and decays in 1/s, the attack in seconds, and a detuning in semitones."""
    k = np.arange(1, _HARMONICS + 1)
    levels = 1.0 / k ** rng.uniform(0.7, 1.5)
    if rng.random() < 0.4:
        levels = levels * (k % 2)
    if rng.random() < 0.4:  # a resonance
        levels = levels * (1 + rng.uniform(2, 12) * np.exp(-(((k - rng.uniform(2, 20)) / 2) ** 2)))
    decays = rng.uniform(0, 8) + rng.uniform(0, 4) * k ** rng.uniform(0.3, 1.2)
    return levels, decays, log_uniform(rng, 0.0005, 0.05), rng.uniform(0, 0.15)


def _note(pitch: int, length: float, sound: tuple[FloatArray, FloatArray, float, float]) -> FloatArray:
    levels, decays, attack, detuned = sound
    t = np.arange(round((length + 0.02) * SR)) / SR
    y = np.zeros(len(t))
    for voice in (0.0, detuned):
        f = 440 * 2 ** ((pitch + voice - 69) / 12)
        for k, (level, decay) in enumerate(zip(levels, decays, strict=True), 1):
            if level > 0 and k * f < 16_000:
                y += level * np.sin(2 * np.pi * k * f * t) * np.exp(-decay * t)
    result: FloatArray = y * np.clip(t / attack, 0, 1) * np.clip((length + 0.02 - t) / 0.01, 0, 1)
    return result
