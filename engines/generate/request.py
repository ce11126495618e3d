"""What a request may ask for.

Types with ranges for the schema, and the same checks for who calls from Python.

Light: the daemon imports this to read signatures.
"""

import math
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field

from engines._notes import MAX_QUARTERS, Note
from engines.generate.theory import scale_name, scale_tones

TEMPO_RANGE: Final = (20.0, 400.0)
MAX_BARS: Final = 256
MAX_COUNT: Final = 16
MAX_GIVEN_NOTES: Final = 4096  # as parameters; a file may hold more
MAX_SEED: Final = (1 << 53) - 1  # the largest integer every JSON reader keeps
STEPS_PER_QUARTER: Final = 4

Key = Annotated[str, Field(max_length=8, description="Tonic, such as C, F# or Bb.")]
ScaleName = Annotated[
    str,
    Field(
        max_length=32,
        description="major, minor, a mode, harmonic or melodic minor, a pentatonic, blues, chromatic.",
    ),
]
Chords = Annotated[
    str,
    Field(
        max_length=8192,
        description="Chords, one a bar ('C Am F G') or with bar lines ('C G | Am'), lead-sheet or Harte.",
    ),
]
Bars = Annotated[int, Field(ge=1, le=MAX_BARS, description="Length.", json_schema_extra={"unit": "bar"})]
Tempo = Annotated[
    float,
    Field(
        ge=TEMPO_RANGE[0],
        le=TEMPO_RANGE[1],
        allow_inf_nan=False,
        description="Quarter notes a minute.",
        json_schema_extra={"unit": "BPM"},
    ),
]
TimeSignature = Annotated[str, Field(max_length=8, description="Such as 4/4, 3/4 or 6/8.")]
Temperature = Annotated[
    float,
    Field(
        ge=0,
        le=2,
        allow_inf_nan=False,
        description="How daring: 1 is what the model learned, 0 always takes the likeliest.",
        json_schema_extra={"unit": "1"},
    ),
]
Density = Annotated[
    float,
    Field(
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="How busy: 0.5 is the model's own.",
        json_schema_extra={"unit": "1"},
    ),
]
Swing = Annotated[
    float,
    Field(
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="How far off-beats are late: 0 straight, 1 a full triplet.",
        json_schema_extra={"unit": "1"},
    ),
]
Seed = Annotated[
    int,
    Field(
        ge=0, le=MAX_SEED, description="The same seed gives the same notes.", json_schema_extra={"unit": "1"}
    ),
]
Style = Annotated[
    str, Field(max_length=32, description="A style of drumming, such as rock, funk, house or reggae.")
]
Count = Annotated[
    int,
    Field(ge=1, le=MAX_COUNT, description="How many different answers.", json_schema_extra={"unit": "1"}),
]
Notes = Annotated[
    tuple[Note, ...],
    Field(min_length=1, max_length=MAX_GIVEN_NOTES, description="The notes of one part, in place of a file."),
]
Drums = Annotated[bool, Field(description="Whether the notes given are drums.")]
SendToCore = Annotated[
    bool, Field(description="Import the MIDI into the project that is open in DAWG-CORE, too.")
]
ModelName = Annotated[str, Field(max_length=64, description="An installed model, as models.list names it.")]


@dataclass(frozen=True)
class Frame:
    """The time and tones a request fixes: everything generated fills exactly this.

    Attributes
    ----------
    bars, tempo
        As asked.
    numerator, denominator
        Of the time signature.
    key, scale
        Tonic and scale as they are reported; `tones` is None where any pitch may sound.
    """

    bars: int
    tempo: float
    numerator: int
    denominator: int
    key: str
    scale: str
    tones: frozenset[int]

    @property
    def steps_per_bar(self) -> int:
        """Sixteenths in a bar."""
        return self.numerator * 16 // self.denominator

    @property
    def steps(self) -> int:
        """Sixteenths in the piece."""
        return self.bars * self.steps_per_bar

    @property
    def quarters(self) -> float:
        """Quarter notes in the piece."""
        return self.steps / STEPS_PER_QUARTER

    @property
    def strong(self) -> tuple[int, ...]:
        """Steps of a bar that carry weight: its start, and its middle where it has one."""
        steps = self.steps_per_bar
        return (0, steps // 2) if self.numerator in (4, 6, 12) else (0,)


def frame(
    *,
    bars: int,
    tempo: float,
    time_signature: str = "4/4",
    key: str = "C",
    scale: str = "chromatic",
) -> Frame:
    """Check what a request fixes.

    Raises
    ------
    ValueError
        Naming the field, what came and what is allowed.
    """
    between("bars", bars, 1, MAX_BARS)
    between("tempo", tempo, *TEMPO_RANGE, unit=" BPM")
    numerator, denominator = read_signature(time_signature)
    name = scale_name(scale)
    return Frame(bars, float(tempo), numerator, denominator, key, name, scale_tones(key, name))


def read_signature(text: str) -> tuple[int, int]:
    """Read a time signature whose bar is a whole number of sixteenths, from 4 to 32 of them.

    Raises
    ------
    ValueError
        If it is none.
    """
    top, slash, bottom = text.strip().partition("/")
    if slash and top.isdigit() and bottom in ("2", "4", "8", "16") and len(top) <= 2:
        steps = int(top) * 16 // int(bottom)
        if 4 <= steps <= 32:
            return int(top), int(bottom)
    raise ValueError(
        f"time_signature: {text[:20]!r}; must be such as 4/4, 3/4, 6/8 or 7/8, of 4 to 32 sixteenths"
    )


def between(field: str, value: float, low: float, high: float, unit: str = "") -> None:
    """Refuse a number outside its range.

    Raises
    ------
    ValueError
        If it is, or is NaN.
    """
    if not math.isfinite(value) or not low <= value <= high:
        raise ValueError(f"{field}: {value:g}; must be between {low:g} and {high:g}{unit}")


def check_notes(notes: tuple[Note, ...]) -> None:
    """Refuse notes that no MIDI file holds, for who calls from Python.

    Raises
    ------
    ValueError
        If there are none or over 4,096, or one is out of range.
    """
    if not 1 <= len(notes) <= MAX_GIVEN_NOTES:
        raise ValueError(f"notes: {len(notes)}; must be between 1 and {MAX_GIVEN_NOTES}")
    for index, note in enumerate(notes):
        between(f"notes.{index}.start", note.start, 0, MAX_QUARTERS)
        between(f"notes.{index}.duration", note.duration, 0, MAX_QUARTERS)
        between(f"notes.{index}.pitch", note.pitch, 0, 127)
        between(f"notes.{index}.velocity", note.velocity, 0, 127)
