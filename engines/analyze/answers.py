"""From what one pass heard to what each operation answers."""

from dataclasses import asdict
from pathlib import Path

import numpy as np

from engines._units import Progress
from engines.analyze import bands, pitches
from engines.analyze.keys import MODES, PITCH_CLASSES, find_key
from engines.analyze.listening import LOUDNESS, RHYTHM, TONAL, Heard, listen
from engines.analyze.results import Analysis, Beats, Key, Loudness, TempoAlternative
from engines.analyze.rhythm import find_rhythm


def audio(path: Path, progress: Progress) -> Analysis:
    """Answer `analyze.audio`."""
    heard = listen(path, progress=progress)
    progress(0.8, "beats")
    rhythm = _beats(heard)
    progress(0.95, "key")
    tonality = _key(heard)
    result = Analysis(
        tempo=rhythm.tempo,
        key=tonality.key,
        duration=heard.duration,
        beats=rhythm.beats,
        spectral_centroid_mean=float(heard.shape.centroid.mean()),
        spectral_rolloff_mean=float(heard.shape.rolloff.mean()),
        rms_mean=float(heard.shape.rms.mean()),
        zero_crossing_rate_mean=float(heard.shape.zero_crossing_rate.mean()),
        mode=tonality.mode,
        key_confidence=tonality.key_confidence,
        tuning_cents=tonality.tuning_cents,
        tempo_confidence=rhythm.tempo_confidence,
        tempo_alternatives=rhythm.tempo_alternatives,
        beat_times=rhythm.beat_times,
        loudness=_loudness(heard),
        sample_rate=float(heard.sr),
        channels=heard.n_channels,
        truncated=heard.truncated,
        faulty_samples=heard.faulty_samples,
    )
    progress(1.0, "done")
    return result


def beats(path: Path, progress: Progress) -> Beats:
    """Answer `analyze.beats`."""
    heard = listen(path, {RHYTHM}, progress)
    progress(0.8, "beats")
    result = _beats(heard)
    progress(1.0, "done")
    return result


def key(path: Path, progress: Progress) -> Key:
    """Answer `analyze.key`."""
    heard = listen(path, {TONAL}, progress, share=0.95)
    result = _key(heard)
    progress(1.0, "done")
    return result


def loudness(path: Path, progress: Progress) -> Loudness:
    """Answer `analyze.loudness`."""
    heard = listen(path, {LOUDNESS}, progress, share=0.99)
    result = _loudness(heard)
    progress(1.0, "done")
    return result


def warm_up() -> None:
    """Run each stage once on next to nothing."""
    listener = pitches.PitchListener()
    listener.push(np.zeros(pitches.SR, np.float32))
    listener.finish()
    find_rhythm(np.ones((200, bands.N_BANDS), np.float32), 2.0)


def _beats(heard: Heard) -> Beats:
    rhythm = find_rhythm(heard.bands, heard.duration)
    return Beats(
        tempo=rhythm.tempo,
        tempo_confidence=rhythm.confidence,
        tempo_alternatives=[TempoAlternative(bpm, weight) for bpm, weight in rhythm.alternatives],
        beats=len(rhythm.beats),
        beat_times=rhythm.beats.tolist(),
        duration=heard.duration,
    )


def _key(heard: Heard) -> Key:
    found = find_key(pitches.chroma(heard.pitches))
    if found is None:
        return Key(None, None, 0.0, None, None, None)
    second = int(found.weights.argsort()[-2])
    return Key(
        key=PITCH_CLASSES[found.tonic],
        mode=MODES[found.mode],
        key_confidence=float(found.weights.max()),
        runner_up_key=PITCH_CLASSES[second % 12],
        runner_up_mode=MODES[second // 12],
        tuning_cents=100 * heard.pitches.tuning,
    )


def _loudness(heard: Heard) -> Loudness:
    return Loudness(**asdict(heard.loudness))
