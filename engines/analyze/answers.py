"""From what one pass heard to what each operation answers."""

from base64 import b64encode
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from engines._audio import AudioReader, FloatArray
from engines._errors import TooLongError
from engines._units import Progress
from engines.analyze import bands, loops, onset_network, pitches
from engines.analyze.chord_finding import find_chords
from engines.analyze.key_finding import find_key
from engines.analyze.key_tracking import find_keys
from engines.analyze.keys import MODES, PITCH_CLASSES
from engines.analyze.listening import (
    EVERYTHING,
    LOUDNESS,
    NO_SHAPE,
    OVERVIEW,
    RHYTHM,
    SHAPE,
    TIMBRE,
    TONAL,
    Heard,
    Shape,
    listen,
)
from engines.analyze.results import (
    Analysis,
    Beats,
    Chord,
    Chords,
    Key,
    KeySection,
    Loudness,
    MeterAlternative,
    Onsets,
    Section,
    Sections,
    Spectrum,
    SpectrumAnswer,
    SpectrumSeries,
    Tempo,
    TempoAlternative,
    TempoPoint,
    Tuning,
)
from engines.analyze.rhythm import Rhythm, find_rhythm
from engines.analyze.rhythm_cues import cues
from engines.analyze.section_finding import find_sections

# 12 numbers of 9 bytes, 86 times a second, are 28 MB then, of the 32 MB that an answer may have.
LONGEST_SERIES_S = 50 * 60.0


def audio(path: Path, image: bool, progress: Progress) -> Analysis:
    """Answer `analyze.audio`."""
    heard = listen(path, EVERYTHING | {OVERVIEW} if image else EVERYTHING, progress)
    progress(0.8, "beats")
    # First, and then let go: of three hours it is 50 MB, and its spread takes as much again.
    spectrum = _spectrum(heard.shape)
    heard = replace(heard, shape=replace(NO_SHAPE, rms=heard.shape.rms))
    found = _rhythm_of(heard)
    rhythm = _beats(found, heard)
    progress(0.95, "key")
    tonality = _key(heard)
    progress(0.97, "chords")
    result = Analysis(
        tempo=rhythm.tempo,
        key=tonality.key,
        duration=heard.duration,
        beats=rhythm.beats,
        spectral_centroid_mean=spectrum.centroid_mean,
        spectral_rolloff_mean=spectrum.rolloff_mean,
        rms_mean=float(heard.shape.rms.mean()),
        zero_crossing_rate_mean=spectrum.zero_crossing_rate_mean,
        mode=tonality.mode,
        key_confidence=tonality.key_confidence,
        runner_up_key=tonality.runner_up_key,
        runner_up_mode=tonality.runner_up_mode,
        key_changes=tonality.key_changes,
        tuning_cents=tonality.tuning_cents,
        tempo_confidence=rhythm.tempo_confidence,
        tempo_alternatives=rhythm.tempo_alternatives,
        tempo_curve=rhythm.tempo_curve,
        beat_times=rhythm.beat_times,
        downbeat_times=rhythm.downbeat_times,
        meter=rhythm.meter,
        meter_confidence=rhythm.meter_confidence,
        meter_alternatives=rhythm.meter_alternatives,
        loop_beats=rhythm.loop_beats,
        loop_bars=rhythm.loop_bars,
        chords=_chords(found),
        sections=_sections(found, heard),
        onset_times=onset_network.find_onsets(heard.bands).tolist(),
        loudness=_loudness(heard),
        spectrum=spectrum,
        crest_factor=_crest_factor(heard),
        leading_silence=heard.waveform.leading_silence,
        trailing_silence=heard.waveform.trailing_silence,
        clipped_runs=heard.waveform.clipped_runs,
        full_scale_samples=heard.waveform.full_scale_samples,
        sample_rate=float(heard.sr),
        channels=heard.n_channels,
        truncated=heard.truncated,
        faulty_samples=heard.faulty_samples,
        image_base64=None,
    )
    if image:
        progress(0.98, "picture")
        result = replace(result, image_base64=_image(result, heard))
    progress(1.0, "done")
    return result


def beats(path: Path, progress: Progress) -> Beats:
    """Answer `analyze.beats`."""
    found, heard = _rhythm(path, progress)
    result = _beats(found, heard)
    progress(1.0, "done")
    return result


def tempo(path: Path, progress: Progress) -> Tempo:
    """Answer `analyze.tempo`."""
    found, heard = _rhythm(path, progress)
    progress(1.0, "done")
    beats = loops.loop_beats(found, heard.duration)
    return Tempo(
        tempo=found.tempo,
        tempo_confidence=found.confidence,
        tempo_alternatives=_alternatives(found),
        tempo_curve=_tempo_curve(found),
        loop_beats=beats,
        loop_bars=loops.loop_bars(beats, found.bars.meter),
        duration=heard.duration,
    )


def chords(path: Path, progress: Progress) -> Chords:
    """Answer `analyze.chords`."""
    found, heard = _rhythm(path, progress)
    result = Chords(_chords(found), heard.duration)
    progress(1.0, "done")
    return result


def sections(path: Path, progress: Progress) -> Sections:
    """Answer `analyze.sections`."""
    found, heard = _rhythm(path, progress)
    result = Sections(_sections(found, heard), heard.duration)
    progress(1.0, "done")
    return result


def onsets(path: Path, progress: Progress) -> Onsets:
    """Answer `analyze.onsets`."""
    heard = listen(path, {RHYTHM}, progress, share=0.95)
    times = onset_network.find_onsets(heard.bands).tolist()
    progress(1.0, "done")
    return Onsets(times, heard.duration)


def key(path: Path, progress: Progress) -> Key:
    """Answer `analyze.key`."""
    heard = listen(path, {TONAL}, progress, share=0.95)
    result = _key(heard)
    progress(1.0, "done")
    return result


def tuning(path: Path, progress: Progress) -> Tuning:
    """Answer `analyze.tuning`."""
    pitch = listen(path, {TONAL}, progress, share=0.99).pitches
    progress(1.0, "done")
    if not pitch.strength.any():
        return Tuning(None, None, 0.0)
    return Tuning(100 * pitch.tuning, 440.0 * 2 ** (pitch.tuning / 12), pitch.clarity)


def loudness(path: Path, progress: Progress) -> Loudness:
    """Answer `analyze.loudness`."""
    heard = listen(path, {LOUDNESS}, progress, share=0.99)
    result = _loudness(heard)
    progress(1.0, "done")
    return result


def spectrum(path: Path, series: bool, progress: Progress) -> SpectrumAnswer:
    """Answer `analyze.spectrum`."""
    if series:
        with AudioReader(path) as reader:
            _refuse_long_series(reader.declared_duration)
    heard = listen(path, {SHAPE, TIMBRE}, progress, share=0.95)
    if series:  # headers lie
        _refuse_long_series(heard.duration)
    result = SpectrumAnswer(
        **asdict(_spectrum(heard.shape)),
        series=_series(heard.shape) if series else None,
        duration=heard.duration,
    )
    progress(1.0, "done")
    return result


def warm_up() -> None:
    """Load every model, and run each once on next to nothing."""
    listener = pitches.PitchListener()
    listener.push(np.zeros(pitches.SR, np.float32))
    clicks = np.zeros((800, bands.N_BANDS), np.float32)
    clicks[::40] = 1.0
    heard = listener.finish()
    found = find_rhythm(cues(clicks, 9.0), heard, 9.0)
    find_chords(found.harmony, found.downbeats)
    find_key(heard)
    onset_network.find_onsets(clicks)


def _rhythm(path: Path, progress: Progress) -> tuple[Rhythm, Heard]:
    heard = listen(path, {RHYTHM, TONAL}, progress)
    progress(0.8, "beats")
    return _rhythm_of(heard), heard


def _rhythm_of(heard: Heard) -> Rhythm:
    return find_rhythm(cues(heard.bands, heard.duration), heard.pitches, heard.duration)


def _beats(found: Rhythm, heard: Heard) -> Beats:
    beats = loops.loop_beats(found, heard.duration)
    return Beats(
        tempo=found.tempo,
        tempo_confidence=found.confidence,
        tempo_alternatives=_alternatives(found),
        tempo_curve=_tempo_curve(found),
        beats=len(found.beats),
        beat_times=found.beats.tolist(),
        downbeat_times=found.downbeats.tolist(),
        meter=found.bars.name,
        meter_confidence=found.bars.confidence,
        meter_alternatives=[MeterAlternative(meter, weight) for meter, weight in found.bars.alternatives],
        loop_beats=beats,
        loop_bars=loops.loop_bars(beats, found.bars.meter),
        duration=heard.duration,
    )


def _alternatives(found: Rhythm) -> list[TempoAlternative]:
    return [TempoAlternative(bpm, weight) for bpm, weight in found.alternatives]


def _tempo_curve(found: Rhythm) -> list[TempoPoint]:
    return [TempoPoint(time, bpm) for time, bpm in found.tempo_curve.tolist()]


def _image(result: Analysis, heard: Heard) -> str:
    from engines.analyze import picture  # noqa: PLC0415 - matplotlib takes a second, for a picture only

    return b64encode(picture.draw(result, heard)).decode()


def _chords(found: Rhythm) -> list[Chord]:
    segments = find_chords(found.harmony, found.downbeats)
    return [Chord(s.start, s.end, s.label) for s in segments]


def _sections(found: Rhythm, heard: Heard) -> list[Section]:
    # Sections are looked for in steps as long as a bar of four beats.
    starts = found.downbeats[:: 2 if found.bars.meter == 2 else 1]
    segments = find_sections(heard.pitches, heard.bands, starts, heard.duration)
    return [Section(s.start, s.end, s.label) for s in segments]


def _key(heard: Heard) -> Key:
    found = find_key(heard.pitches)
    if found is None:
        return Key(None, None, 0.0, None, None, [], None)
    changes = find_keys(pitches.chroma(heard.pitches), heard.duration, found.best)
    return Key(
        key=PITCH_CLASSES[found.best % 12],
        mode=MODES[found.best // 12],
        key_confidence=found.confidence,
        runner_up_key=PITCH_CLASSES[found.second % 12],
        runner_up_mode=MODES[found.second // 12],
        key_changes=[
            KeySection(s.start, s.end, PITCH_CLASSES[s.key % 12], MODES[s.key // 12]) for s in changes
        ],
        tuning_cents=100 * heard.pitches.tuning,
    )


def _loudness(heard: Heard) -> Loudness:
    return Loudness(**asdict(heard.loudness))


def _spectrum(shape: Shape) -> Spectrum:
    numbers: dict[str, float] = {}
    for name in ("centroid", "bandwidth", "rolloff", "flatness", "zero_crossing_rate"):
        values: FloatArray = getattr(shape, name)
        numbers[f"{name}_mean"] = float(values.mean(dtype=np.float64))
        numbers[f"{name}_spread"] = float(values.std(dtype=np.float64))
    contrasts = shape.contrast.T  # band by band: deviations of hours are a second copy of what they are of
    return Spectrum(
        **numbers,
        contrast_means=[float(band.mean(dtype=np.float64)) for band in contrasts],
        contrast_spreads=[float(band.std(dtype=np.float64)) for band in contrasts],
    )


def _refuse_long_series(duration: float) -> None:
    if duration > LONGEST_SERIES_S:
        raise TooLongError(
            f"series: of {duration / 60:.1f} minutes; must be of at most {LONGEST_SERIES_S / 60:g}, or false"
        )


def _series(shape: Shape) -> SpectrumSeries:
    return SpectrumSeries(
        frame_rate=bands.FRAME_RATE,
        centroid=shape.centroid.tolist(),
        bandwidth=shape.bandwidth.tolist(),
        rolloff=shape.rolloff.tolist(),
        flatness=shape.flatness.tolist(),
        contrast=shape.contrast.T.tolist(),
        zero_crossing_rate=shape.zero_crossing_rate.tolist(),
    )


def _crest_factor(heard: Heard) -> float | None:
    peak = heard.loudness.sample_peak_dbfs
    if peak is None or heard.waveform.rms == 0:
        return None
    return float(max(0.0, peak - 20 * np.log10(heard.waveform.rms)))
