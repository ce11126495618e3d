"""Which chords: a hidden Markov model over the beats; its states are chords, what it sees pitch classes.

Major, minor, dominant, major and minor seventh on every root, and N where nothing tonal sounds or what sounds
is like no chord: drums, noise, speech, one note alone.
"""

from dataclasses import dataclass

import numpy as np

from engines._audio import FloatArray
from engines.analyze import pitches as pitch
from engines.analyze.keys import PITCH_CLASSES

QUALITIES: dict[str, tuple[int, ...]] = {
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "min7": (0, 3, 7, 10),
}
# These five were chosen on 120 songs that `training.render` arranged from POP909, and on nothing else.
OVERTONES = 0.3  # share of a class that its fifth partial puts a major third higher
SEVENTH_COST = 0.06  # a seventh must be heard: a triad fits almost as well where it is a passing note
BASS_WEIGHT = 0.1  # of the root sounding lowest, beside a fit of at most 1
SHARPNESS = 14.0  # of a fit's logarithmic likelihood
CHANGE_COST = 1.6  # against leaving a chord at a beat
FALLBACK_S = 0.5  # where there are no beats, chords may change this often
BASS_HIGHEST = 56  # MIDI: below G#3 a note is the bass
# Fit at which no chord is as likely as the best one. Twelve classes alike fit a triad by 0.5, one alone by
# 0.58, and the root in the bass adds a tenth; of white and pink noise 77 % is N from 0.62 and all from 0.64.
NO_CHORD = 0.66
QUIET = 0.02  # of the loud beats' strength: below, no chord


@dataclass(frozen=True)
class Segment:
    """A chord from `start` to `end` in seconds, `label` in Harte's syntax (`C#:min7`, `N`)."""

    start: float
    end: float
    label: str


def find_chords(heard: pitch.Pitches, beats: FloatArray, duration: float) -> list[Segment]:
    """Find the chords of a recording; they follow each other without gaps from 0 to its end.

    Parameters
    ----------
    heard
        What sounds.
    beats
        In seconds; chords change there. Without beats, every half second.
    duration
        Length of the recording in seconds. Nothing tonal at all gives one N.
    """
    edges = _edges(beats, duration)
    classes = _means(pitch.chroma(heard), edges)
    bass = _means(pitch.chroma(heard, highest=BASS_HIGHEST), edges)
    strength = classes.sum(axis=1)
    loud = float(np.percentile(strength, 95)) if len(strength) else 0.0
    labels = [*(f"{root}:{quality}" for quality in QUALITIES for root in PITCH_CLASSES), "N"]
    fit = _fit(classes, bass)
    silent = strength <= QUIET * loud
    fit[silent] = 0.0
    fit *= SHARPNESS
    path = _best_path(fit)
    segments: list[Segment] = []
    for i, state in enumerate(path):
        label = "N" if silent[i] else labels[state]
        start, end = float(edges[i]), float(edges[i + 1])
        if segments and segments[-1].label == label:
            segments[-1] = Segment(segments[-1].start, end, label)
        else:
            segments.append(Segment(start, end, label))
    return segments


def _edges(beats: FloatArray, duration: float) -> FloatArray:
    if len(beats) < 4:
        beats = np.arange(0, duration, FALLBACK_S)
    inside = beats[(beats > 0.05) & (beats < duration - 0.05)]
    return np.concatenate([[0.0], inside, [duration]])


def _means(chroma: FloatArray, edges: FloatArray) -> FloatArray:
    total = np.concatenate([np.zeros((1, 12)), np.cumsum(chroma, axis=0, dtype=np.float64)])
    frames = np.clip(np.round(edges * pitch.FRAME_RATE).astype(int), 0, len(chroma))
    low = np.minimum(frames[:-1], max(0, len(chroma) - 1))
    high = np.clip(frames[1:], low + 1, None)
    mean: FloatArray = (total[np.minimum(high, len(chroma))] - total[low]) / (high - low)[:, None]
    return mean


def _fit(classes: FloatArray, bass: FloatArray) -> FloatArray:
    """Say how well each chord, and at last none, explains each beat; shape (n_beats, 61)."""
    classes = pitch.without_overtones(classes, OVERTONES)
    unit = classes / (np.linalg.norm(classes, axis=1, keepdims=True) + 1e-9)
    low = bass / (bass.max(axis=1, keepdims=True) + 1e-9)
    fit = np.full((len(classes), 12 * len(QUALITIES) + 1), NO_CHORD, np.float32)
    for i, steps in enumerate(QUALITIES.values()):
        template = np.zeros(12)
        template[list(steps)] = 1 / np.sqrt(len(steps))
        cost = SEVENTH_COST * (len(steps) - 3)
        for root in range(12):
            fit[:, 12 * i + root] = unit @ np.roll(template, root) + BASS_WEIGHT * low[:, root] - cost
    return fit


def _best_path(likelihood: FloatArray) -> list[int]:
    """Return the likeliest chord of each beat, every change costing the same (Viterbi)."""
    n, n_states = likelihood.shape
    score = likelihood[0].astype(np.float64)
    back = np.zeros((n, n_states), np.uint8)  # hours have tens of thousands of beats
    stay = np.arange(n_states, dtype=np.uint8)
    for i in range(1, n):
        best = int(np.argmax(score))
        changed = score[best] - CHANGE_COST
        back[i] = np.where(score >= changed, stay, best)
        score = np.maximum(score, changed) + likelihood[i]
    path = [int(np.argmax(score))]
    for i in range(n - 1, 0, -1):
        path.append(int(back[i, path[-1]]))
    return path[::-1]
