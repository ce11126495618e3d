"""Clicks that count bars: a metronome, a clapper or one drum, whose accents alone tell the meter.

In music so much else says it that a model need not learn what an accent is. Beside them are the beats of a
drum machine, whose snares are none.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.signal

from engines._audio import FloatArray, save
from engines.analyze.bands import SR
from engines.analyze.listening import Heard, Part, listen
from engines.analyze.training.dances import SIGNATURES, Signature
from engines.analyze.training.performing import Rng, log_uniform

COUNTED = ("2-4", "3-4", "4-4", "6-8")
SECONDS = (12.0, 40.0)
TONES_HZ, DECAYS = (60.0, 3000.0), (25.0, 250.0)  # of a stroke; per second
PARTIALS = (1.0, 2.76, 5.4)  # of a bar of wood or metal; all lie below half of SR
KICKS_HZ, SNARES_HZ, HATS_HZ = (45.0, 90.0), (200.0, 2500.0), (5000.0, 9000.0)
STROKE_S = 0.2
ACCENT_PITCHES = (1.0, 1.0, 5 / 4, 4 / 3, 3 / 4)  # of an accented stroke, as a ratio to the others'
SOFTER, BETWEEN = (0.25, 0.75), (0.25, 0.6)  # levels of other beats beside an accent, of parts beside beats
LATE_S = (0.0, 0.0, 0.003, 0.01)  # a player's standard deviation
FLOOR_DB = (-90.0, -40.0)  # of the noise that is always there


@dataclass(frozen=True)
class Counted:
    """Samples at `bands.SR`, the tempo in BPM, of dotted beats in 6/8, and downbeats in seconds."""

    samples: FloatArray
    tempo: float
    downbeats: FloatArray


def counted(written: str, rng: Rng) -> Counted:
    """Count bars of one of the meters COUNTED with a stroke on each beat and perhaps between them."""
    signature = SIGNATURES[written]
    levels = _levels(signature, rng)
    accent, other = _sounds(rng)
    strokes = [level * (other if place else accent) for place, level in enumerate(levels)]
    return _played(np.stack(strokes), signature, rng)


def backbeat(rng: Rng) -> Counted:
    """Play bars of four of rock or house, which come again after two beats: snares are no accents."""
    signature = SIGNATURES["4-4"]
    kick = _stroke(log_uniform(rng, *KICKS_HZ), 0.0, rng)
    snare = rng.uniform(0.5, 1.2) * _stroke(log_uniform(rng, *SNARES_HZ), rng.uniform(0.4, 1.0), rng)
    hat = rng.uniform(0.1, 0.6) * _stroke(log_uniform(rng, *HATS_HZ), 1.0, rng)
    on_all, hats = rng.random() < 0.5, rng.choice(("none", "between", "all"))
    strokes = []
    for part in range(signature.beats * signature.parts):
        on_beat, beat = part % signature.parts == 0, part // signature.parts
        stroke = np.zeros(round(STROKE_S * SR))
        if on_beat and (on_all or beat % 2 == 0):
            stroke += kick
        if on_beat and beat % 2:
            stroke += snare
        if hats == "all" or (hats == "between" and not on_beat):
            stroke += hat
        strokes.append(stroke)
    return _played(np.stack(strokes), signature, rng)


def _played(strokes: FloatArray, signature: Signature, rng: Rng) -> Counted:
    """Repeat a bar, shape (parts of its beats, samples of a stroke), now and then from within it on."""
    tempo = log_uniform(rng, signature.slowest, signature.fastest)
    seconds, start = rng.uniform(*SECONDS), rng.uniform(0.02, 0.6)
    times = np.arange(start, seconds - STROKE_S, 60 / tempo / signature.parts)
    first = int(rng.integers(len(strokes))) if rng.random() < 0.35 else 0
    places = (np.arange(len(times)) + first) % len(strokes)
    samples = rng.standard_normal(round(seconds * SR)) * 10 ** (rng.uniform(*FLOOR_DB) / 20)
    late = float(rng.choice(LATE_S))
    for time, place in zip(times, places, strict=True):
        at = round(max(0.0, time + rng.normal(0, late)) * SR)
        stroke = rng.uniform(0.93, 1.0) * strokes[place]
        samples[at : at + len(stroke)] += stroke[: len(samples) - at]
    return Counted(samples / max(1.0, 1.1 * float(np.abs(samples).max())), tempo, times[places == 0])


def _levels(signature: Signature, rng: Rng) -> FloatArray:
    """Choose how loud each part of each beat of a bar is, beside its first; 0 where nothing is struck."""
    soft = rng.uniform(*SOFTER)
    between = soft * rng.uniform(*BETWEEN) if signature.parts == 3 or rng.random() < 0.3 else 0.0
    levels = np.full((signature.beats, signature.parts), between)
    levels[:, 0] = soft
    if signature.beats == 4 and rng.random() < 0.6:  # the middle of a bar, less than its beginning
        levels[2, 0] = (1 + soft) / 2
    levels[0, 0] = 1.0
    return levels.ravel()


def _sounds(rng: Rng) -> tuple[FloatArray, FloatArray]:
    """Make a stroke as it sounds accented and not: a tone, a noise or both."""
    pitch, seed = log_uniform(rng, *TONES_HZ), int(rng.integers(1 << 31))
    share = float(rng.choice((0.0, 0.0, 1.0, rng.random())))
    accent = pitch * float(rng.choice(ACCENT_PITCHES))
    made = [_stroke(f, share, np.random.default_rng(seed)) for f in (accent, pitch)]
    return made[0], made[1]


def _stroke(pitch: float, share: float, rng: Rng) -> FloatArray:
    """Make a stroke with a peak of 1, of which a share is noise around its pitch in Hz."""
    t = np.arange(round(STROKE_S * SR)) / SR
    partials = PARTIALS[: int(rng.integers(1, len(PARTIALS) + 1))]
    tone = sum(np.sin(2 * np.pi * pitch * partial * t) / partial for partial in partials)
    edges = (rng.uniform(0.4, 0.8) * pitch, min(rng.uniform(1.3, 4.0) * pitch, 0.45 * SR))
    band = scipy.signal.butter(1, edges, "bandpass", fs=SR, output="sos")
    noise = scipy.signal.sosfilt(band, rng.standard_normal(len(t)))
    sound = np.exp(-t * log_uniform(rng, *DECAYS)) * (
        (1 - share) * tone + share * noise / np.abs(noise).max()
    )
    stroke: FloatArray = sound / np.abs(sound).max()
    return stroke


def listen_to(samples: FloatArray, stages: set[Part]) -> Heard:
    """Listen to made samples at `bands.SR`."""
    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder) / "made.wav", samples.astype(np.float32), SR)
        return listen(Path(folder) / "made.wav", stages)
