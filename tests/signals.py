"""Audio made for tests, with the truth known exactly because it was put there.

Everything returns float32, full scale +-1, shape (n_samples,) for mono and (n_channels, n_samples) where a
function says so. Nothing draws without a seed. Import it as `from tests import signals`.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import soundfile as sf

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]

SR = 44100
PITCH_CLASSES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
CHORDS = {
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "min7": (0, 3, 7, 10),
}


def silence(seconds: float, sr: int = SR) -> FloatArray:
    """Make digital silence."""
    return np.zeros(round(seconds * sr), np.float32)


def tone(
    frequency: float, seconds: float, sr: int = SR, amplitude: float = 0.5, phase: float = 0.0
) -> FloatArray:
    """Make a sine; `phase` in degrees."""
    t = np.arange(round(seconds * sr)) / sr
    y: FloatArray = amplitude * np.sin(2 * np.pi * frequency * t + np.deg2rad(phase))
    return y.astype(np.float32)


def noise(seconds: float, sr: int = SR, amplitude: float = 0.1, seed: int = 0) -> FloatArray:
    """Make white Gaussian noise of the given standard deviation."""
    y = np.random.default_rng(seed).standard_normal(round(seconds * sr)) * amplitude
    return y.astype(np.float32)


def frequency(pitch: float, tuning_cents: float = 0.0) -> float:
    """Hertz of a MIDI note number; A4 = 69 = 440 Hz."""
    return float(440.0 * 2 ** ((pitch - 69 + tuning_cents / 100) / 12))


def note(
    pitch: float, seconds: float, sr: int = SR, amplitude: float = 0.2, tuning_cents: float = 0.0
) -> FloatArray:
    """Make a plucked harmonic note: six partials, falling, with a soft start and an exponential end."""
    t = np.arange(round(seconds * sr)) / sr
    f0 = frequency(pitch, tuning_cents)
    y = np.zeros(len(t))
    for h in range(1, 7):
        if h * f0 < 0.45 * sr:
            y += np.sin(2 * np.pi * h * f0 * t) / h**1.5
    y *= np.minimum(1, t / 0.005) * np.exp(-2 * t / max(seconds, 1e-3))
    y *= np.minimum(1, (len(t) - 1 - np.arange(len(t))) / (0.01 * sr))
    return (amplitude * y).astype(np.float32)


def mix_at(events: Iterable[tuple[float, FloatArray]], seconds: float, sr: int = SR) -> FloatArray:
    """Add sounds into silence, each at its time in seconds; what reaches beyond either end is cut."""
    y = silence(seconds, sr)
    for at, sound in events:
        start = round(at * sr)
        cut = sound[max(0, -start) : len(y) - start] if start < len(y) else sound[:0]
        start = max(0, start)
        y[start : start + len(cut)] += cut
    return y


def click(
    sr: int = SR, frequency: float = 1000.0, seconds: float = 0.03, amplitude: float = 0.8
) -> FloatArray:
    """Make one short decaying beep with a sharp start."""
    t = np.arange(round(seconds * sr)) / sr
    y: FloatArray = amplitude * np.sin(2 * np.pi * frequency * t + np.pi / 2) * np.exp(-t * 150)
    return y.astype(np.float32)


def beat_times(bpm: float, seconds: float, start: float = 0.0) -> FloatArray:
    """List the times of a steady beat, in seconds."""
    return np.arange(start, seconds, 60 / bpm)


def click_track(
    bpm: float = 120.0, seconds: float = 20.0, sr: int = SR, start: float = 0.0, beats_per_bar: int = 0
) -> FloatArray:
    """Make a click on every beat; with `beats_per_bar`, the first of each bar an octave higher and louder."""
    high, low = click(sr, 2000.0, amplitude=0.9), click(sr, 1000.0, amplitude=0.5)
    plain = click(sr)
    return mix_at(
        (
            (t, plain if not beats_per_bar else high if i % beats_per_bar == 0 else low)
            for i, t in enumerate(beat_times(bpm, seconds, start))
        ),
        seconds,
        sr,
    )


def kick(sr: int = SR) -> FloatArray:
    """Make a bass drum: a falling sine."""
    t = np.arange(round(0.18 * sr)) / sr
    y = 0.9 * np.sin(2 * np.pi * (50 * t + 12 * (1 - np.exp(-t * 60)) / 6)) * np.exp(-t * 18)
    return y.astype(np.float32)


def snare(sr: int = SR, seed: int = 1) -> FloatArray:
    """Make a snare drum: noise over a short tone."""
    t = np.arange(round(0.15 * sr)) / sr
    rattle = np.random.default_rng(seed).standard_normal(len(t)) * 0.25
    y = (rattle + 0.3 * np.sin(2 * np.pi * 190 * t)) * np.exp(-t * 28)
    return y.astype(np.float32)


def hat(sr: int = SR, seed: int = 2) -> FloatArray:
    """Make a closed hi-hat: bright noise, very short."""
    t = np.arange(round(0.05 * sr)) / sr
    rattle = np.diff(np.random.default_rng(seed).standard_normal(len(t) + 1))
    y = 0.12 * rattle * np.exp(-t * 90)
    return y.astype(np.float32)


def drum_loop(bpm: float = 120.0, bars: int = 8, sr: int = SR, beats_per_bar: int = 4) -> FloatArray:
    """Make a rock pattern cut exactly: kick on the first beat and mid-bar, snare between, hats in eighths."""
    beat = 60 / bpm
    events: list[tuple[float, FloatArray]] = []
    for b in range(bars * beats_per_bar):
        place = b % beats_per_bar
        drum = kick(sr) if place == 0 or (beats_per_bar == 4 and place == 2) else snare(sr)
        events += [(b * beat, drum), (b * beat, hat(sr)), ((b + 0.5) * beat, hat(sr))]
    return mix_at(events, bars * beats_per_bar * beat, sr)


def chord(label: str = "C:maj", seconds: float = 2.0, sr: int = SR, tuning_cents: float = 0.0) -> FloatArray:
    """Make a chord in Harte's syntax (`A:min7`): its notes round middle C over its root in the bass."""
    root_name, _, quality = label.partition(":")
    root = PITCH_CLASSES.index(root_name)
    pitches = [36 + root] + [60 + (root + step) % 12 for step in CHORDS[quality or "maj"]]
    y: FloatArray = np.sum([note(p, seconds, sr, 0.15, tuning_cents) for p in pitches], axis=0)
    return y.astype(np.float32)


def progression(
    labels: Sequence[str], seconds_each: float = 2.0, sr: int = SR, tuning_cents: float = 0.0
) -> FloatArray:
    """Make chords one after the other."""
    return np.concatenate([chord(label, seconds_each, sr, tuning_cents) for label in labels])


def scale(key: str = "C major", seconds_each: float = 0.3, times: int = 3, sr: int = SR) -> FloatArray:
    """Make a scale up and down that starts and rests on its tonic."""
    tonic, mode = key.split()
    steps = [*SCALES[mode], 12]
    base = 48 + PITCH_CLASSES.index(tonic)
    line = [*steps, *steps[-2::-1]]
    notes = [note(base + s, seconds_each, sr) for s in line[:-1]] + [note(base, 3 * seconds_each, sr)]
    return np.tile(np.concatenate(notes), times)


def cadence(key: str = "C major", seconds_each: float = 1.0, times: int = 4, sr: int = SR) -> FloatArray:
    """Make tonic, subdominant, dominant seventh, tonic: a key nobody can mistake."""
    tonic, mode = key.split()
    root = PITCH_CLASSES.index(tonic)
    third = "maj" if mode == "major" else "min"
    labels = [(0, third), (5, third), (7, "7"), (0, third)]
    return progression(
        [f"{PITCH_CLASSES[(root + step) % 12]}:{quality}" for step, quality in labels] * times,
        seconds_each,
        sr,
    )


def stereo(left: FloatArray, right: FloatArray | None = None) -> FloatArray:
    """Make two channels, the same twice unless `right` is given: shape (2, n_samples)."""
    return np.stack([left, left if right is None else right])


def steps(
    levels: Iterable[tuple[float, float]], sr: int = 48000, n_channels: int = 2, frequency: float = 1000.0
) -> FloatArray:
    """Make a sine whose peak level steps: (seconds, dBFS) each; the phase runs on. Shape (n_channels, n).

    The form of EBU Tech 3341's and 3342's test signals: 1000 Hz, in phase in both channels.
    """
    gains = np.concatenate([np.full(round(seconds * sr), 10 ** (level / 20)) for seconds, level in levels])
    y = (gains * np.sin(2 * np.pi * frequency * np.arange(len(gains)) / sr)).astype(np.float32)
    return np.tile(y, (n_channels, 1))


# EBU Tech 3341 (2016), table 1, cases 1 to 5: (levels, integrated loudness in LUFS, tolerance +-0.1 LU).
EBU_3341_INTEGRATED: dict[str, tuple[list[tuple[float, float]], float]] = {
    "1": ([(20, -23)], -23.0),
    "2": ([(20, -33)], -33.0),
    "3": ([(10, -36), (60, -23), (10, -36)], -23.0),
    "4": ([(10, -72), (10, -36), (60, -23), (10, -36), (10, -72)], -23.0),
    "5": ([(20, -26), (20.1, -20), (20, -26)], -23.0),
}
# EBU Tech 3342 (2016), table 1, cases 1 to 4: (levels, loudness range in LU, tolerance +-1 LU).
EBU_3342_RANGE: dict[str, tuple[list[tuple[float, float]], float]] = {
    "1": ([(20, -20), (20, -30)], 10.0),
    "2": ([(20, -20), (20, -15)], 5.0),
    "3": ([(20, -40), (20, -20)], 20.0),
    "4": ([(20, -50), (20, -35), (20, -20), (20, -35), (20, -50)], 15.0),
}
# EBU Tech 3341, cases 15 to 19, +0.2/-0.4 dB: a sine of sr / divisor: (divisor, amplitude, degrees, dBTP).
EBU_3341_TRUE_PEAK: dict[str, tuple[float, float, float, float]] = {
    "15": (4, 0.5, 0.0, -6.0),
    "16": (4, 0.5, 45.0, -6.0),
    "17": (6, 0.5, 60.0, -6.0),
    "18": (8, 0.5, 67.5, -6.0),
    "19": (4, 1.41, 45.0, 3.0),
}


def true_peak_tone(
    divisor: float, amplitude: float, phase: float, sr: int = 48000, seconds: float = 1.0
) -> FloatArray:
    """Make a sine of sr / divisor with its peaks between samples, faded over 10 ms. Shape (2, n_samples)."""
    y = tone(sr / divisor, seconds, sr, amplitude, phase)
    ramp = np.minimum(1, np.arange(len(y)) / (0.01 * sr))
    return stereo((y * ramp * ramp[::-1]).astype(np.float32))


def write(path: Path, y: FloatArray, sr: int = SR, encoding: str = "PCM_16", container: str = "") -> Path:
    """Write audio of shape (n_samples,) or (n_channels, n_samples); container from the name unless given."""
    sf.write(path, y.T, sr, subtype=encoding or None, format=container or None)
    return path
