"""What Magenta's generators answer with. Light."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from engines._notes import Note
from engines._units import Count
from engines.generate.request import Seed
from engines.generate.result import BarCount, TempoValue, Track


@dataclass(frozen=True)
class Generated:
    """What a generator of Magenta's made."""

    status: Annotated[Literal["success"], Field(description="Always success; failures are errors.")]
    midi_base64: Annotated[str, Field(description="A Standard MIDI File, in base64.")]
    notes: Annotated[tuple[Note, ...], Field(description="In order of start, the primer's included.")]
    drums: Annotated[bool, Field(description="Whether they are on the percussion channel.")]
    seed: Annotated[Seed, Field(description="Asking again with it gives the same file.")]
    model: Annotated[str, Field(description="The bundle.")]
    sha256: Annotated[str, Field(description="Of the bundle, in hexadecimal.")]
    configuration: Annotated[str, Field(description="Magenta's name of its configuration.")]
    steps: Annotated[Count, Field(description="How often the network was asked.")]


@dataclass(frozen=True)
class Take:
    """One piece that an autoencoder played."""

    midi_base64: Annotated[str, Field(description="A Standard MIDI File of exactly `bars` bars, in base64.")]
    tracks: Annotated[tuple[Track, ...], Field(description="One for each instrument that plays.")]
    bars: Annotated[BarCount, Field(description="Length, in bars of 4/4.")]


@dataclass(frozen=True)
class Decoded:
    """What MusicVAE or GrooVAE made."""

    status: Annotated[Literal["success"], Field(description="Always success; failures are errors.")]
    pieces: Annotated[tuple[Take, ...], Field(description="In order.")]
    tempo: Annotated[TempoValue, Field(description="Tempo in the files.")]
    seed: Annotated[Seed, Field(description="Asking again with it gives the same files.")]
    configuration: Annotated[str, Field(description="Magenta's name of the configuration.")]
    sha256: Annotated[str, Field(description="Of the checkpoint's tar, in hexadecimal.")]
