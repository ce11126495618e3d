"""Numbers and files at an engine's edge, as types that carry their range and unit.

A signature or result written in these types is its own JSON Schema: pydantic reads the ranges, `unit` goes
into the schema for readers, and a parameter whose schema has `contentMediaType` is a file, which the daemon
accepts as a path or as bytes and always hands to the function as a path.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Protocol

from pydantic import Field

# A finite number; NaN and infinity are refused at the edge (JSON cannot carry them either).
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False, json_schema_extra={"unit": "s"})]
Hertz = Annotated[float, Field(ge=0, allow_inf_nan=False, json_schema_extra={"unit": "Hz"})]
Bpm = Annotated[float, Field(ge=0, allow_inf_nan=False, json_schema_extra={"unit": "BPM"})]
Decibels = Annotated[float, Field(allow_inf_nan=False, json_schema_extra={"unit": "dB"})]
Lufs = Annotated[float, Field(allow_inf_nan=False, json_schema_extra={"unit": "LUFS"})]
LoudnessUnits = Annotated[float, Field(ge=0, allow_inf_nan=False, json_schema_extra={"unit": "LU"})]
TruePeak = Annotated[float, Field(allow_inf_nan=False, json_schema_extra={"unit": "dBTP"})]
Cents = Annotated[float, Field(ge=-50, le=50, allow_inf_nan=False, json_schema_extra={"unit": "cent"})]
# A share, a probability, an amplitude relative to full scale: a plain number from 0 to 1.
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, json_schema_extra={"unit": "1"})]
Ratio = Annotated[float, Field(ge=0, allow_inf_nan=False, json_schema_extra={"unit": "1"})]
Count = Annotated[int, Field(ge=0, json_schema_extra={"unit": "1"})]
Pitch = Annotated[int, Field(ge=0, le=127, json_schema_extra={"unit": "MIDI note number"})]
Velocity = Annotated[int, Field(ge=0, le=127, json_schema_extra={"unit": "MIDI velocity"})]

AudioPath = Annotated[Path, Field(json_schema_extra={"contentMediaType": "audio/*"})]
MidiPath = Annotated[Path, Field(json_schema_extra={"contentMediaType": "audio/midi"})]

# progress(fraction, stage): from 0 to 1 the share of the work that is done, and a word for what comes next.
# It is also where a soft cancel is seen: it may raise, and an engine lets that through.
Progress = Callable[[float, str], None]


def silent(fraction: float, stage: str) -> None:
    """Ignore progress: the default, so that a notebook can call an operation."""


def rising(progress: Progress) -> Progress:
    """Return progress that stays where it was while work that was reported is done again."""
    highest = 0.0

    def report(fraction: float, stage: str) -> None:
        nonlocal highest
        highest = max(highest, fraction)
        progress(highest, stage)

    return report


class Memory(Protocol):
    """What an operation finds of earlier jobs: plain values by key.

    An operation that declares a parameter `memory` is handed one; it is not on the wire. What was remembered
    may be gone at any time, and a key must name all that its value depends on, the engine's VERSION included.
    """

    def recall(self, key: Sequence[str | int]) -> Any:
        """Return what was remembered under a key, or None."""

    def remember(self, key: Sequence[str | int], value: Any) -> None:
        """Keep a value of plain numbers, texts, lists and maps."""


class Forgetful:
    """Remembers nothing: the default, so that a notebook can call an operation."""

    def recall(self, key: Sequence[str | int]) -> None:
        """Know nothing."""

    def remember(self, key: Sequence[str | int], value: Any) -> None:
        """Keep nothing."""


forgetful = Forgetful()
