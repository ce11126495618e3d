"""What a generation answers with.

The MIDI file, the notes themselves, and what they were made with. Light.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from engines._notes import Note
from engines._units import Count, Fraction, Ratio
from engines.generate.request import Seed

BarCount = Annotated[int, Field(ge=0, json_schema_extra={"unit": "bar"})]
TempoValue = Annotated[float, Field(ge=0, allow_inf_nan=False, json_schema_extra={"unit": "BPM"})]
Program = Annotated[int, Field(ge=0, le=127, json_schema_extra={"unit": "General MIDI program"})]
Wait = Annotated[float, Field(ge=0, allow_inf_nan=False, json_schema_extra={"unit": "s"})]
Surprise = Annotated[float, Field(allow_inf_nan=False, json_schema_extra={"unit": "nat per step"})]
LogLikelihood = Annotated[float, Field(allow_inf_nan=False, json_schema_extra={"unit": "nat per step"})]


@dataclass(frozen=True)
class Track:
    """The notes of one part."""

    name: Annotated[str, Field(description="drums, melody, bass, harmony, or as the file given calls it.")]
    program: Annotated[Program, Field(description="Instrument; of no meaning for drums.")]
    drums: Annotated[bool, Field(description="Whether it plays on the percussion channel.")]
    notes: Annotated[tuple[Note, ...], Field(description="In order of start.")]


@dataclass(frozen=True)
class ModelUsed:
    """A model that took part."""

    role: Annotated[str, Field(description="What it wrote: drums, melody, bass or harmony.")]
    name: Annotated[str, Field(description="As models.list names it.")]
    sha256: Annotated[str, Field(description="Of its bundle, in hexadecimal.")]


@dataclass(frozen=True)
class Facts:
    """Measured on the notes of the reply."""

    bars: Annotated[BarCount, Field(description="Length of the file.")]
    notes: Annotated[Count, Field(description="How many notes there are, of all parts.")]
    notes_per_bar: Annotated[Ratio, Field(description="Density.")]
    in_key_rate: Annotated[
        Fraction | None,
        Field(description="Share of pitched notes in the scale; None without pitched notes."),
    ]
    chord_tone_rate: Annotated[
        Fraction | None,
        Field(description="Share of pitched notes on strong beats that are chord tones; None without."),
    ]
    empty_bars: Annotated[BarCount, Field(description="Bars in which nothing starts.")]


@dataclass(frozen=True)
class Alternative:
    """Another answer to the same request; what it does not say is as in the first."""

    midi_base64: Annotated[str, Field(description="A Standard MIDI File of as many bars, in base64.")]
    chords: Annotated[tuple[str, ...], Field(description="The chords under it, one entry a bar.")]
    tracks: Annotated[tuple[Track, ...], Field(description="One for each part.")]
    facts: Annotated[Facts, Field(description="Measured on the notes.")]
    log_likelihood: Annotated[
        LogLikelihood | None,
        Field(description="How likely the models find what they wrote; None where none wrote notes."),
    ]
    surprise: Annotated[
        Surprise | None,
        Field(
            description="How much less likely that is than they expected; 0 is most like what they learned."
        ),
    ]


@dataclass(frozen=True)
class SentToCore:
    """How the import into DAWG-CORE went. The MIDI is in the reply all the same."""

    imported: Annotated[bool, Field(description="Whether DAWG-CORE took it.")]
    code: Annotated[
        str | None,
        Field(description="Why not: the error's code, such as UNAVAILABLE; None where it was imported."),
    ] = None
    message: Annotated[str | None, Field(description="The same as a sentence.")] = None
    retry_after: Annotated[
        Wait | None, Field(description="When core.import_midi may be tried; None where that is not known.")
    ] = None


@dataclass(frozen=True)
class Piece:
    """Generated music."""

    status: Annotated[Literal["success"], Field(description="Always success; failures are errors.")]
    midi_base64: Annotated[str, Field(description="A Standard MIDI File of exactly `bars` bars, in base64.")]
    style: Annotated[
        str | None, Field(description="The part that was asked for; for drums in a style, that style.")
    ]
    tempo: Annotated[TempoValue, Field(description="Tempo in the file.")]
    bars: Annotated[BarCount, Field(description="Length of the file.")]
    time_signature: Annotated[str, Field(description="Time signature in the file.")]
    key: Annotated[str | None, Field(description="Tonic; None for drums alone.")]
    scale: Annotated[str | None, Field(description="Scale; None for drums alone.")]
    chords: Annotated[
        tuple[str, ...], Field(description="The chords under it, one entry a bar; empty for drums alone.")
    ]
    tracks: Annotated[tuple[Track, ...], Field(description="One for each part.")]
    seed: Annotated[Seed, Field(description="Asking again with it gives the same file.")]
    models: Annotated[tuple[ModelUsed, ...], Field(description="The models that took part.")]
    steered_by: Annotated[
        str | None,
        Field(description="The authored drum pattern that primed and steered the model, or None."),
    ]
    facts: Annotated[Facts, Field(description="Measured on the notes.")]
    log_likelihood: Annotated[
        LogLikelihood | None,
        Field(description="How likely the models find what they wrote; None where none wrote notes."),
    ]
    surprise: Annotated[
        Surprise | None,
        Field(
            description="How much less likely that is than they expected; 0 is most like what they learned."
        ),
    ]
    alternatives: Annotated[
        tuple[Alternative, ...],
        Field(description="With `count`, the other answers; fewer where the model has no more to say."),
    ] = ()
    sent_to_core: Annotated[
        SentToCore | None, Field(description="With `send_to_core`, how the import went; None without.")
    ] = None


@dataclass(frozen=True)
class Variations:
    """Different answers to one request, the best first."""

    status: Annotated[Literal["success"], Field(description="Always success; failures are errors.")]
    seed: Annotated[Seed, Field(description="Asking again with it gives the same files.")]
    pieces: Annotated[
        tuple[Piece, ...],
        Field(description="No two alike, ranked; fewer than asked where the model has no more to say."),
    ]
    sent_to_core: Annotated[
        SentToCore | None,
        Field(description="With `send_to_core`, how the import of the best one went; None without."),
    ] = None
