"""What the operations over a folder answer; light, as `results` is."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from engines._units import Bpm, Count, Fraction, Hertz, Lufs, Ratio, Seconds, TruePeak
from engines.analyze.results import (
    FaultySamples,
    KeyConfidence,
    KeyHeard,
    LoopBeats,
    Meter,
    Mode,
    ModeHeard,
    PitchClass,
    TempoConfidence,
    TempoHeard,
    Truncated,
    TuningCents,
)

FilePath = Annotated[str, Field(description="Where the file is.")]


@dataclass(frozen=True)
class Recording:
    """One recording of a library, in a line; `analyze.audio` tells the rest."""

    path: FilePath
    duration: Annotated[Seconds, Field(description="Length of what could be decoded.")]
    tempo: TempoHeard
    tempo_confidence: TempoConfidence
    loop_beats: LoopBeats
    meter: Annotated[Meter | None, Field(description="Bars; None where too few beats tell.")]
    key: KeyHeard
    mode: ModeHeard
    key_confidence: KeyConfidence
    tuning_cents: TuningCents
    integrated_lufs: Annotated[
        Lufs | None, Field(description="Loudness of the whole; None if shorter than 0.4 s or silent.")
    ]
    true_peak_dbtp: Annotated[
        TruePeak | None, Field(description="Highest level between samples; None for silence.")
    ]
    sample_rate: Annotated[Hertz, Field(description="The file's sample rate.")]
    channels: Annotated[Count, Field(description="The file's number of channels.")]
    truncated: Truncated
    faulty_samples: FaultySamples


@dataclass(frozen=True)
class Failure:
    """A file or folder that was passed over."""

    path: FilePath
    error: Annotated[str, Field(description="Why.")]


@dataclass(frozen=True)
class Library:
    """Every recording of a folder, in the order of their paths."""

    recordings: Annotated[list[Recording], Field(description="Those that could be read.")]
    failures: Annotated[
        list[Failure], Field(description="Those that could not, and folders not looked into.")
    ]
    analysed: Annotated[Count, Field(description="How many were listened to now.")]
    remembered: Annotated[Count, Field(description="How many had been before, and not changed since.")]
    duration: Annotated[Seconds, Field(description="Length of all recordings together.")]


@dataclass(frozen=True)
class Match:
    """A recording, and how well it fits the one asked about: the smaller the distances the better."""

    path: FilePath
    distance: Annotated[
        Fraction, Field(description="Mean of the three distances, weighed by how sure tempo and key are.")
    ]
    tempo_distance: Annotated[
        Fraction | None,
        Field(
            description="0 at the same tempo or its octave, 1 from a quarter octave off; None without one."
        ),
    ]
    key_distance: Annotated[
        Fraction | None,
        Field(
            description="Steps on the circle of fifths between relative majors, of 6; None where one has no"
            " key, or one that is all but a guess (confidence below 0.1)."
        ),
    ]
    timbre_distance: Annotated[
        Fraction | None, Field(description="0 for the same sound, 1 for nothing alike; None for silence.")
    ]
    speed: Annotated[
        Ratio | None,
        Field(description="Play it this much faster to be in tempo, or in half or double; None without one."),
    ]
    transposition: Annotated[
        int | None,
        Field(
            description="Move it by this much to be in the key or its relative; None where keys are not"
            " compared.",
            ge=-6,
            le=6,
            json_schema_extra={"unit": "semitone"},
        ),
    ]
    reason: Annotated[str, Field(description="The same in words.")]
    tempo: Annotated[Bpm, Field(description="Its tempo; 0 if it has none.")]
    key: Annotated[PitchClass | None, Field(description="Its tonic.")]
    mode: Annotated[Mode | None, Field(description="Its mode.")]
    loop_beats: LoopBeats
    duration: Annotated[Seconds, Field(description="Its length.")]


@dataclass(frozen=True)
class Similar:
    """The recordings that fit best, the best first."""

    matches: Annotated[list[Match], Field(description="At most as many as were asked for.")]
    compared: Annotated[Count, Field(description="How many recordings were compared.")]
    analysed: Annotated[
        Count, Field(description="How many were listened to now; the others were remembered.")
    ]
    failures: Annotated[list[Failure], Field(description="Files that could not be read, and their errors.")]
