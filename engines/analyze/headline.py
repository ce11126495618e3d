"""What is written over a recording's picture: length, tempo, meter, key and loudness, and how sure they are.

The words are those of the command line's summary wherever it has some; engines know no adapters, so what both
hold to is written twice, and a test compares them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from engines.analyze.results import GUESS, Analysis, KeySection

SHORT_S = 0.1  # what is shorter is measured in milliseconds
MOST_KEYS = 3  # that are named one after the other


@dataclass(frozen=True)
class Fact:
    """One thing that is told; `sure` says how sure it is, and is empty for what was measured."""

    text: str
    sure: str = ""
    doubtful: bool = False


def facts(found: Analysis) -> list[Fact]:
    """Tell what a recording is, in the order it is written."""
    told = [Fact(length(found.duration)), _pulse(found), _key(found)]
    loudness = found.loudness
    if loudness.integrated_lufs is not None:
        told.append(Fact(f"{number(loudness.integrated_lufs)} LUFS"))
    if loudness.true_peak_dbtp is not None:
        told.append(Fact(f"peak {number(loudness.true_peak_dbtp)} dBTP"))
    return told


def tempo(found: Analysis) -> str:
    """Write the tempo, as a guess where it is hardly more."""
    return f"{'perhaps ' if found.tempo_confidence < GUESS else ''}{found.tempo:.2f} BPM"


def keys(found: Analysis) -> Sequence[KeySection]:
    """Return the keys that follow each other; none where there is hardly one."""
    return found.key_changes if found.key_confidence >= GUESS else ()


def length(seconds: float) -> str:
    """Write how long a recording is, to three digits where a clock would say next to nothing."""
    return f"{1000 * seconds:.3g} ms" if seconds < SHORT_S else clock(seconds, tenths=seconds < 60)


def clock(seconds: float, *, tenths: bool = False) -> str:
    """Write a time as 0:07, 12:34 or 1:02:03, with tenths on request."""
    tens = round(seconds * 10) if tenths else round(seconds) * 10
    whole, tenth = divmod(tens, 10)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
    return f"{head}.{tenth}" if tenths else head


def number(value: float, decimals: int = 1) -> str:
    """Write a number with a minus sign that is as wide as a digit."""
    # Rounded first, so that nothing is -0.0.
    return f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def _pulse(found: Analysis) -> Fact:
    if not found.tempo:
        return Fact("no pulse")
    sure = _sure(found.tempo_confidence)
    if found.tempo_confidence < GUESS:
        return Fact(f"hardly a pulse, {tempo(found)}", sure, doubtful=True)
    if not found.meter:
        return Fact(tempo(found), sure)
    guess = "perhaps " if found.meter_confidence < GUESS else ""
    return Fact(
        f"{tempo(found)}, {guess}{found.meter}", f"{sure}, of the meter {_percent(found.meter_confidence)}"
    )


def _key(found: Analysis) -> Fact:
    if not found.key:
        return Fact("nothing tonal")
    name, sure = f"{found.key} {found.mode}", _sure(found.key_confidence)
    if found.key_confidence < GUESS:
        return Fact(f"hardly a key, perhaps {name}", sure, doubtful=True)
    changes = len(found.key_changes) - 1
    if changes >= MOST_KEYS:
        return Fact(f"{name}, {changes} key changes", sure)
    return Fact(" to ".join(f"{k.key} {k.mode}" for k in keys(found)), sure)


def _sure(confidence: float) -> str:
    return f"{_percent(confidence)} sure"


def _percent(confidence: float) -> str:
    return f"{100 * confidence:.0f} %"
