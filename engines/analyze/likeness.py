"""How well one recording fits another: in tempo, in key and in sound, and in words."""

from collections.abc import Iterable

import numpy as np

from engines.analyze.keys import MODES, PITCH_CLASSES
from engines.analyze.library_results import Match, Recording
from engines.analyze.portrait import Portrait
from engines.analyze.results import GUESS
from engines.analyze.sound_texture import texture_distance

# Set by hand, not fitted: nobody has said yet which loops fit which songs.
TEMPO_WEIGHT, KEY_WEIGHT, TIMBRE_WEIGHT = 0.35, 0.3, 0.35
TOO_FAR_OCTAVES = 0.25  # 19 %: further, and stretched sound is spoilt
OCTAVE_COST = 0.1  # of half or double tempo, which fit a little less than the same


def rank(wanted: Portrait, others: Iterable[Portrait], count: int) -> list[Match]:
    """Return the `count` portraits that fit best, the best first; equal ones by path."""
    matches = [compare(wanted, other) for other in others]
    return sorted(matches, key=lambda match: (match.distance, match.path))[:count]


def compare(wanted: Portrait, other: Portrait) -> Match:
    """Say how well `other` fits `wanted`."""
    a, b = wanted.recording, other.recording
    in_tempo, speed, tempo_words = _tempo(a, b)
    in_key, transposition, key_words = _key(a, b)
    in_timbre = texture_distance(wanted.texture, other.texture)
    parts = (
        (in_tempo, TEMPO_WEIGHT * min(a.tempo_confidence, b.tempo_confidence)),
        (in_key, KEY_WEIGHT * min(a.key_confidence, b.key_confidence)),
        (in_timbre, TIMBRE_WEIGHT),
    )
    known = [(distance, weight) for distance, weight in parts if distance is not None]
    total = sum(weight for _, weight in known)
    return Match(
        path=b.path,
        # Nothing in common that could be compared is as far as can be.
        distance=sum(d * w for d, w in known) / total if total > 0 else 1.0,
        tempo_distance=in_tempo,
        key_distance=in_key,
        timbre_distance=in_timbre,
        speed=speed,
        transposition=transposition,
        reason=f"{tempo_words}; {key_words}; {_timbre_words(in_timbre)}",
        tempo=b.tempo,
        key=b.key,
        mode=b.mode,
        loop_beats=b.loop_beats,
        duration=b.duration,
    )


def _tempo(a: Recording, b: Recording) -> tuple[float | None, float | None, str]:
    if a.tempo <= 0 or b.tempo <= 0:
        return None, None, "no tempo to compare"
    octaves = float(np.log2(a.tempo / b.tempo))
    level = max(-1, min(1, round(octaves)))
    off = octaves - level
    distance = min(1.0, abs(off) / TOO_FAR_OCTAVES + OCTAVE_COST * abs(level))
    speed = 2.0**off
    felt = {0: "", 1: " felt double", -1: " felt half"}[level]
    change = 100 * (speed - 1)
    how = f"{abs(change):.1f} % {'faster' if change > 0 else 'slower'} to be in tempo"
    if abs(change) < 0.5:
        how = "same tempo"
    return distance, speed, f"{how}{felt}"


def _key(a: Recording, b: Recording) -> tuple[float | None, int | None, str]:
    if not (_has_key(a) and _has_key(b)):
        return None, None, "no key to compare"
    up = _relative_major(a) - _relative_major(b)
    transposition = (up + 5) % 12 - 5
    fifths = up * 7 % 12
    steps = min(fifths, 12 - fifths)
    other_mode = a.mode != b.mode
    # A relative key has the same notes and another home: half a step.
    distance = min(1.0, (steps + 0.5 * other_mode) / 6)
    if steps == 0:
        words = "relative key" if other_mode else "same key"
    else:
        words = f"{steps} fifth{'s' if steps > 1 else ''} apart ({b.key} {b.mode})"
    return distance, transposition, words


def _has_key(recording: Recording) -> bool:
    return recording.key is not None and recording.key_confidence >= GUESS


def _relative_major(recording: Recording) -> int:
    tonic = PITCH_CLASSES.index(recording.key) if recording.key else 0
    return (tonic + 3 * (recording.mode == MODES[1])) % 12


def _timbre_words(distance: float | None) -> str:
    if distance is None:
        return "no sound to compare"
    if distance < 0.2:
        return "sounds alike"
    return "sounds related" if distance < 0.5 else "sounds different"
