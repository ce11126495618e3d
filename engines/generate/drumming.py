"""Drums drawn from a model, steered by the pattern of a style, and played as drummers play.

Conventions: an event is a bit mask over Magenta's nine drums, in the order of `events.DRUM_PITCHES` (kick,
snare, closed hi-hat, open hi-hat, low, mid and high tom, crash, ride); a pattern is the chance of each drum
on each step.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from engines._errors import NotInstalledError
from engines._notes import Note
from engines._units import Progress, silent
from engines.generate.events import DRUM_CLASSES, DRUM_PITCHES, IntArray
from engines.generate.inventory import SHIPPED
from engines.generate.request import STEPS_PER_QUARTER, Frame
from engines.generate.sampling import FREE, Judgement, Plan, draw
from engines.generate.store import Model
from engines.generate.styles import Pattern

_BITS: Final = ((np.arange(DRUM_CLASSES)[:, None] >> np.arange(9)) & 1).astype(np.float32)  # (512, 9)
PRIMER_BARS: Final = 2  # bars of a style that the model hears before the first one; never in the result
# Which share of a style's log odds is added to the model's own at each step. Of 16 styles, what is played
# correlates with the pattern by 0.88 at 0.35, 0.92 here and 0.93 at 0.8, with 7.4, 6.3 and 5.9 different bars
# in eight; dubstep and salsa, of which the model knows nothing, need it most.
_STEER: Final = 0.65
_DENSITY_PULL: Final = 2.0  # nats a drum, from the emptiest to the busiest
_LENGTH: Final = 1 / STEPS_PER_QUARTER


@dataclass(frozen=True)
class Kit:
    """How drums are asked for.

    `pattern` of a style or None, `density` 0 to 1, `temperature`, and the lowest and highest percussion key,
    inclusive, or None.
    """

    pattern: Pattern | None = None
    density: float = 0.5
    temperature: float = 1.0
    low: int | None = None
    high: int | None = None

    def allowed(self) -> npt.NDArray[np.bool_]:
        """Return which of the 512 events may be drawn, shape (512,).

        Raises
        ------
        ValueError
            If the range holds none of the nine drums.
        """
        low, high = self.low or 0, 127 if self.high is None else self.high
        fit = np.array([low <= pitch <= high for pitch in DRUM_PITCHES])
        if not fit.any():
            raise ValueError(
                f"low, high: {low} to {high}; holds none of the drums, which are "
                + ", ".join(map(str, sorted(DRUM_PITCHES)))
            )
        return np.asarray((_BITS @ ~fit) == 0)


def compose(
    model: Model, frame: Frame, kit: Kit, numbers: npt.NDArray[np.float64], progress: Progress = silent
) -> list[tuple[IntArray, Judgement]]:
    """Draw drums from nothing for each row of `numbers`.

    Returns events (n_steps,) and what the model thinks of them.

    `numbers` needs `(frame.bars + PRIMER_BARS) * frame.steps_per_bar` columns.
    """
    lead = PRIMER_BARS * frame.steps_per_bar if kit.pattern is not None else 0
    steps = lead + frame.steps
    forced = np.full((len(numbers), steps), FREE, np.int64)
    if kit.pattern is not None:
        # The primer is drawn from the pattern itself, so that no two requests hear the same one.
        chances = kit.pattern.over(frame.steps_per_bar)
        seeds = np.random.Generator(np.random.PCG64(int(numbers[0, -1] * 2**53)))
        for row in range(len(numbers)):
            hits = seeds.random((PRIMER_BARS, *chances.shape)) < chances
            forced[row, :lead] = (hits.reshape(lead, 9) << np.arange(9)).sum(axis=1)
    made = plan(model, frame, kit, forced, lead)
    drawn = draw(model.network, model.encoder, made, numbers[:, :steps], progress, stage="drums")
    return list(zip(drawn.events[:, lead:], drawn.judged(lead), strict=True))


def plan(model: Model, frame: Frame, kit: Kit, forced: IntArray, lead: int) -> Plan:
    """Lay out what may be drawn; `lead` steps of `forced` lie before the first bar."""
    steps = forced.shape[1]
    bias = np.tile(_BITS.sum(axis=1) * (kit.density - 0.5) * _DENSITY_PULL, (steps, 1)).astype(np.float32)
    if kit.pattern is not None:
        chances = kit.pattern.over(frame.steps_per_bar)
        odds = np.log(chances / (1 - chances))
        bar = (odds @ _BITS.T * _STEER).astype(np.float32)
        bias += bar[(np.arange(steps) - lead) % frame.steps_per_bar]
    allowed = np.tile(kit.allowed(), (steps, 1))
    known = model.encoder.known(
        np.zeros((steps, 0), np.float32), bar_positions(steps, frame.steps_per_bar, lead)
    )
    return Plan(forced, known, allowed, bias, kit.temperature, first=downbeats())


@lru_cache(maxsize=1)
def downbeats() -> npt.NDArray[np.float64]:
    """Return how often each of the 512 events stood on a bar line in the training data, shape (512,).

    Raises
    ------
    NotInstalledError
        If `groove.npz` is missing or damaged.
    """
    try:
        with np.load(SHIPPED / "groove.npz") as data:
            return np.asarray(data["downbeats"], np.float64)
    except (OSError, ValueError, KeyError) as error:
        raise NotInstalledError("groove.npz: missing or damaged; reinstall the program") from error


def bar_positions(steps: int, steps_per_bar: int, lead: int = 0) -> IntArray:
    """Return where the model believes itself in its four bars of sixteen.

    Each bar line is where it expects one.
    """
    bar = -(-steps_per_bar // 16) * 16
    at = np.arange(steps) - lead
    return np.asarray((at // steps_per_bar * bar + at % steps_per_bar) % 64)


def notes(events: IntArray) -> tuple[Note, ...]:
    """Turn bit masks into notes of a sixteenth, all equally loud; `feel` gives them their weight."""
    return tuple(
        Note(step / STEPS_PER_QUARTER, DRUM_PITCHES[drum], _LENGTH, 90)
        for step, event in enumerate(events.tolist())
        for drum in range(9)
        if event >> drum & 1
    )


def events(line: tuple[Note, ...], steps: int) -> IntArray:
    """Write drum notes as bit masks on a grid of `steps`.

    What Magenta's nine drums do not know is left out.
    """
    grid = np.zeros(steps, np.int64)
    for note in line:
        step = int(note.start * STEPS_PER_QUARTER + 0.5)
        drum = DRUM_OF.get(note.pitch)
        if 0 <= step < steps and drum is not None:
            grid[step] |= 1 << drum
    return grid


# note_seq.drums_encoder_decoder.DEFAULT_DRUM_TYPE_PITCHES: every percussion key, as one of the nine.
_TYPES: Final = (
    (36, 35),
    (38, 27, 28, 31, 32, 33, 34, 37, 39, 40, 56, 65, 66, 75, 85),
    (42, 44, 54, 68, 69, 70, 71, 73, 78, 80, 22),
    (46, 67, 72, 74, 79, 81, 26),
    (45, 29, 41, 43, 61, 64, 84),
    (48, 47, 60, 63, 77, 86, 87),
    (50, 30, 62, 76, 83),
    (49, 52, 55, 57, 58),
    (51, 53, 59, 82),
)
DRUM_OF: Final = {pitch: drum for drum, pitches in enumerate(_TYPES) for pitch in pitches}
