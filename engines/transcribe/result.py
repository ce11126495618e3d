"""What the transcribe operations answer. Light."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from engines._units import Bpm, Pitch, Seconds, Velocity
from engines.analyze.results import Truncated

Semitones = Annotated[float, Field(ge=-9, le=9, allow_inf_nan=False, json_schema_extra={"unit": "semitone"})]


@dataclass(frozen=True)
class TranscribedNote:
    """One note that was heard."""

    start: Annotated[Seconds, Field(description="When it starts.")]
    end: Annotated[Seconds, Field(description="When it ends, after its start.")]
    pitch: Annotated[Pitch, Field(description="60 is middle C; on drums, the General MIDI percussion key.")]
    velocity: Annotated[
        Velocity, Field(description="How hard it is played, at least 1; the median pitched note is 80.")
    ]
    drums: Annotated[bool, Field(description="Whether it is a stroke on a drum or cymbal.")]
    bend: Annotated[
        list[Semitones] | None,
        Field(
            description="How far its pitch is bent, at even steps of time from start to end; None on drums, "
            "and unless asked for."
        ),
    ]


@dataclass(frozen=True)
class Transcription:
    """A recording as notes."""

    midi_base64: Annotated[
        str,
        Field(
            description="A Standard MIDI File, in base64, in which every note falls where it sounds and "
            "bars begin where they were found; drums on the percussion channel."
        ),
    ]
    notes: Annotated[list[TranscribedNote], Field(description="In order of start; none in silence.")]
    kind: Annotated[
        Literal["pitched", "drums", "mixed"],
        Field(description="What was transcribed: pitches, drums, or both from one recording."),
    ]
    tempo: Annotated[
        Bpm, Field(description="Quarter notes a minute in the file; 120 where none was given or found.")
    ]
    time_signature: Annotated[
        str, Field(description="Of the file's bars but for a pick-up; 4/4 where none was found.")
    ]
    tempo_source: Annotated[
        Literal["given", "found", "none"], Field(description="Where the tempo comes from.")
    ]
    duration: Annotated[Seconds, Field(description="Length of what could be decoded.")]
    truncated: Truncated
