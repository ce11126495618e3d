"""What the analyze operations answer: numbers with their units, None where a recording has no such thing."""

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import Field

from engines._units import (
    Bpm,
    Cents,
    Count,
    Decibels,
    Fraction,
    Hertz,
    LoudnessUnits,
    Lufs,
    Ratio,
    Seconds,
    TruePeak,
)

# A tempo, meter or key less sure than that is a guess: loops of drums alone are up to 0.04 sure of a key, and
# noise 0.00 of a tempo; music that is played freely is 0.3 sure of one.
GUESS: Final = 0.1
PitchClass = Literal["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"]
Mode = Literal["major", "minor"]
Meter = Literal["2/4", "3/4", "4/4", "6/8"]


@dataclass(frozen=True)
class TempoAlternative:
    """Another tempo the music can be felt at."""

    tempo: Annotated[Bpm, Field(description="Beats per minute.")]
    weight: Annotated[Fraction, Field(description="How likely it is the one meant.")]


@dataclass(frozen=True)
class MeterAlternative:
    """Another meter the beats can be counted in."""

    meter: Annotated[Meter, Field(description="Time signature.")]
    weight: Annotated[Fraction, Field(description="How likely it is the one meant.")]


@dataclass(frozen=True)
class TempoPoint:
    """The tempo around one moment."""

    time: Annotated[Seconds, Field(description="When.")]
    tempo: Annotated[Bpm, Field(description="Beats per minute, of the eight beats around it.")]


@dataclass(frozen=True)
class KeySection:
    """A stretch of music in one key."""

    start: Annotated[Seconds, Field(description="When it begins, to a second.")]
    end: Annotated[Seconds, Field(description="When the next one begins, or the recording ends.")]
    key: Annotated[PitchClass, Field(description="Tonic.")]
    mode: Annotated[Mode, Field(description="Mode of the key.")]


# What several operations answer.
TempoHeard = Annotated[Bpm, Field(description="Beats per minute; 0 if there is no pulse at all.")]
TempoConfidence = Annotated[Fraction, Field(description="How likely the tempo is within 4 % of the truth.")]
TempoAlternatives = Annotated[
    list[TempoAlternative],
    Field(description="The likeliest other tempi (mostly half, double or 3:2), the likeliest first."),
]
TempoCurve = Annotated[
    list[TempoPoint],
    Field(description="The tempo at every fourth beat, where it drifts; empty where it is steady."),
]
NumberOfBeats = Annotated[Count, Field(description="Number of beats.")]
BeatTimes = Annotated[list[Seconds], Field(description="Times of the beats, increasing.")]
DownbeatTimes = Annotated[list[Seconds], Field(description="Times of the first beats of bars.")]
MeterHeard = Annotated[
    Meter | None,
    Field(description="Time signature; None for less than 8 beats that are no loop of whole bars."),
]
MeterConfidence = Annotated[Fraction, Field(description="How likely meter and downbeats are right.")]
MeterAlternatives = Annotated[
    list[MeterAlternative], Field(description="The other meters, the likeliest first.")
]
LoopBeats = Annotated[
    Count, Field(description="How many beats long a recording is that is cut as a loop; 0 for others.")
]
LoopBars = Annotated[
    float,
    Field(
        ge=0,
        allow_inf_nan=False,
        description="The same in bars of its meter, of four beats where that is unknown; 0 for others.",
        json_schema_extra={"unit": "bar"},
    ),
]
KeyHeard = Annotated[PitchClass | None, Field(description="Tonic; None if nothing tonal sounds.")]
ModeHeard = Annotated[Mode | None, Field(description="Mode of the key; None where the key is.")]
KeyConfidence = Annotated[Fraction, Field(description="How likely key and mode are right.")]
RunnerUpKey = Annotated[PitchClass | None, Field(description="Tonic of the second likeliest key.")]
RunnerUpMode = Annotated[Mode | None, Field(description="Mode of the second likeliest key.")]
KeyChanges = Annotated[
    list[KeySection],
    Field(description="The key over time, from 0 to the end; one where it does not modulate."),
]
TuningCents = Annotated[
    Cents | None,
    Field(description="Concert pitch's distance from A4 = 440 Hz; None if nothing tonal sounds."),
]
Truncated = Annotated[bool, Field(description="Whether the file ends before its header says.")]
FaultySamples = Annotated[
    Count, Field(description="Samples that were NaN, infinite or beyond +120 dBFS, taken as 0.")
]


@dataclass(frozen=True)
class Loudness:
    """Loudness by ITU-R BS.1770-4 and EBU R 128; mono counts as one channel."""

    integrated_lufs: Annotated[
        Lufs | None,
        Field(
            description="Gated loudness of the whole; None if shorter than 0.4 s or nowhere above -70 LUFS."
        ),
    ]
    range_lu: Annotated[
        LoudnessUnits | None, Field(description="Loudness range; None if shorter than 3 s or silent.")
    ]
    true_peak_dbtp: Annotated[
        TruePeak | None,
        Field(description="Highest level between samples, 4 x oversampled; None for silence."),
    ]
    sample_peak_dbfs: Annotated[
        Decibels | None, Field(description="Highest sample, re full scale; None for silence.")
    ]
    momentary_max_lufs: Annotated[
        Lufs | None, Field(description="Loudest 0.4 s, every 10 ms; None if shorter or silent.")
    ]
    short_term_max_lufs: Annotated[
        Lufs | None, Field(description="Loudest 3 s, every 10 ms; None if shorter or silent.")
    ]


@dataclass(frozen=True)
class Chord:
    """A chord and when it sounds."""

    start: Annotated[Seconds, Field(description="When it begins.")]
    end: Annotated[Seconds, Field(description="When the next one begins, or the recording ends.")]
    label: Annotated[
        str, Field(description="Root and quality (maj, min, 7, maj7, min7) in Harte's syntax, or N for none.")
    ]


@dataclass(frozen=True)
class Chords:
    """The chords of a recording."""

    chords: Annotated[list[Chord], Field(description="One after the other, from 0 to the end, without gaps.")]
    duration: Annotated[Seconds, Field(description="Length of the recording.")]


@dataclass(frozen=True)
class Section:
    """A stretch of music, and which others are the same again."""

    start: Annotated[Seconds, Field(description="When it begins, on a downbeat where there are bars.")]
    end: Annotated[Seconds, Field(description="When the next one begins, or the recording ends.")]
    label: Annotated[
        str, Field(description="A, B, ... in the order they first come; the same label is the same music.")
    ]


@dataclass(frozen=True)
class Sections:
    """The sections of a recording."""

    sections: Annotated[
        list[Section],
        Field(description="One after the other, from 0 to the end; a loop is one, silence has none."),
    ]
    duration: Annotated[Seconds, Field(description="Length of the recording.")]


@dataclass(frozen=True)
class Onsets:
    """When notes and drums begin."""

    onset_times: Annotated[list[Seconds], Field(description="Times of the onsets, increasing.")]
    duration: Annotated[Seconds, Field(description="Length of the recording.")]


@dataclass(frozen=True)
class Tuning:
    """What the instruments are tuned to."""

    tuning_cents: TuningCents
    concert_pitch: Annotated[
        Hertz | None, Field(description="Frequency of A4; None if nothing tonal sounds.")
    ]
    clarity: Annotated[Fraction, Field(description="How nearly all pitches share one tuning.")]


@dataclass(frozen=True)
class Tempo:
    """The tempo of a recording."""

    tempo: TempoHeard
    tempo_confidence: TempoConfidence
    tempo_alternatives: TempoAlternatives
    tempo_curve: TempoCurve
    loop_beats: LoopBeats
    loop_bars: LoopBars
    duration: Annotated[Seconds, Field(description="Length of the recording.")]


@dataclass(frozen=True)
class Beats:
    """Tempo and where the beats are."""

    tempo: TempoHeard
    tempo_confidence: TempoConfidence
    tempo_alternatives: TempoAlternatives
    tempo_curve: TempoCurve
    beats: NumberOfBeats
    beat_times: BeatTimes
    downbeat_times: DownbeatTimes
    meter: MeterHeard
    meter_confidence: MeterConfidence
    meter_alternatives: MeterAlternatives
    loop_beats: LoopBeats
    loop_bars: LoopBars
    duration: Annotated[Seconds, Field(description="Length of the recording.")]


@dataclass(frozen=True)
class Key:
    """The key of the whole recording."""

    key: KeyHeard
    mode: ModeHeard
    key_confidence: KeyConfidence
    runner_up_key: RunnerUpKey
    runner_up_mode: RunnerUpMode
    key_changes: KeyChanges
    tuning_cents: TuningCents


@dataclass(frozen=True)
class Spectrum:
    """Means and standard deviations over all frames (46 ms, 86 a second, mono), by librosa's definitions."""

    centroid_mean: Annotated[Hertz, Field(description="Mean of the spectrum's centre of gravity.")]
    centroid_spread: Annotated[Hertz, Field(description="Its standard deviation over time.")]
    bandwidth_mean: Annotated[
        Hertz, Field(description="Mean of the magnitudes' standard deviation about the centre.")
    ]
    bandwidth_spread: Annotated[Hertz, Field(description="Its standard deviation over time.")]
    rolloff_mean: Annotated[
        Hertz, Field(description="Mean frequency below which 85 % of the magnitude lies.")
    ]
    rolloff_spread: Annotated[Hertz, Field(description="Its standard deviation over time.")]
    flatness_mean: Annotated[
        Fraction,
        Field(description="Mean of geometric over arithmetic mean power: tones near 0, silence 1."),
    ]
    flatness_spread: Annotated[Fraction, Field(description="Its standard deviation over time.")]
    contrast_means: Annotated[
        list[Decibels],
        Field(
            description="Means of peak over valley in 7 bands, edges 0, 200, 400, 800, 1600, 3200, 6400 and"
            " 22050 Hz; 10 log10 of magnitudes, as librosa has it."
        ),
    ]
    contrast_spreads: Annotated[
        list[Decibels], Field(description="Standard deviations of the 7 contrasts over time.")
    ]
    zero_crossing_rate_mean: Annotated[Fraction, Field(description="Mean share of samples that change sign.")]
    zero_crossing_rate_spread: Annotated[Fraction, Field(description="Its standard deviation over time.")]


@dataclass(frozen=True)
class SpectrumSeries:
    """The spectrum's numbers over time; number i of each belongs to time i / frame_rate."""

    frame_rate: Annotated[Hertz, Field(description="Frames a second.")]
    centroid: Annotated[list[Hertz], Field(description="Centre of gravity.")]
    bandwidth: Annotated[list[Hertz], Field(description="Standard deviation about the centre.")]
    rolloff: Annotated[list[Hertz], Field(description="Frequency below which 85 % of the magnitude lies.")]
    flatness: Annotated[list[Fraction], Field(description="Geometric over arithmetic mean power.")]
    contrast: Annotated[
        list[list[Decibels]], Field(description="Of each of the 7 bands, lowest first: peak over valley.")
    ]
    zero_crossing_rate: Annotated[list[Fraction], Field(description="Share of samples that change sign.")]


@dataclass(frozen=True)
class SpectrumAnswer(Spectrum):
    """The spectrum of a recording, and on request how it goes."""

    series: Annotated[
        SpectrumSeries | None, Field(description="The numbers over time; None unless asked for.")
    ]
    duration: Annotated[Seconds, Field(description="Length of the recording.")]


@dataclass(frozen=True)
class Analysis:
    """Everything about one recording; the first eight fields are those of the product's phase 1."""

    tempo: TempoHeard
    key: KeyHeard
    duration: Annotated[Seconds, Field(description="Length of what could be decoded.")]
    beats: NumberOfBeats
    spectral_centroid_mean: Annotated[Hertz, Field(description="Mean of the spectrum's centre of gravity.")]
    spectral_rolloff_mean: Annotated[
        Hertz, Field(description="Mean frequency below which 85 % of the magnitude lies.")
    ]
    rms_mean: Annotated[Ratio, Field(description="Mean level of frames of 46 ms, full scale 1.")]
    zero_crossing_rate_mean: Annotated[Fraction, Field(description="Mean share of samples that change sign.")]
    mode: ModeHeard
    key_confidence: KeyConfidence
    runner_up_key: RunnerUpKey
    runner_up_mode: RunnerUpMode
    key_changes: KeyChanges
    tuning_cents: TuningCents
    tempo_confidence: TempoConfidence
    tempo_alternatives: TempoAlternatives
    tempo_curve: TempoCurve
    beat_times: BeatTimes
    downbeat_times: DownbeatTimes
    meter: MeterHeard
    meter_confidence: MeterConfidence
    meter_alternatives: MeterAlternatives
    loop_beats: LoopBeats
    loop_bars: LoopBars
    chords: Annotated[list[Chord], Field(description="One after the other, from 0 to the end, without gaps.")]
    sections: Annotated[
        list[Section],
        Field(description="One after the other, from 0 to the end; a loop is one, silence has none."),
    ]
    onset_times: Annotated[list[Seconds], Field(description="When notes and drums begin, increasing.")]
    loudness: Annotated[Loudness, Field(description="Loudness by ITU-R BS.1770-4 and EBU R 128.")]
    spectrum: Annotated[Spectrum, Field(description="Centre, width and texture of the spectrum.")]
    crest_factor: Annotated[
        Decibels | None,
        Field(description="Highest sample over root mean square, all channels together; None for silence."),
    ]
    leading_silence: Annotated[
        Seconds, Field(description="Until a sample of any channel exceeds -60 dBFS; all if none does.")
    ]
    trailing_silence: Annotated[
        Seconds, Field(description="After the last sample of any channel above -60 dBFS; all if none is.")
    ]
    clipped_runs: Annotated[
        Count,
        Field(description="Runs of 3 or more samples of one channel and sign at full scale."),
    ]
    full_scale_samples: Annotated[
        Count,
        Field(description="Samples of all channels at or beyond full scale (32767 of 16 bits, 127 of 8)."),
    ]
    sample_rate: Annotated[Hertz, Field(description="The file's sample rate.")]
    channels: Annotated[Count, Field(description="The file's number of channels.")]
    truncated: Truncated
    faulty_samples: FaultySamples
    image_base64: Annotated[
        str | None,
        Field(description="A PNG of 1600 x 1000 pixels that shows all this; None unless asked for."),
    ]
