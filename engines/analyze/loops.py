"""Whether a recording is cut as a loop, and how many bars long it is.

A loop is a whole number of beats long, and begins on one. `rhythm` says so of short recordings, where the
length also tells the tempo; here the same is asked of longer ones, whose tempo is known exactly enough.
"""

from engines.analyze.beat_tracking import ON_THE_CUT
from engines.analyze.results import GUESS
from engines.analyze.rhythm import Rhythm

BARS = (4, 8, 16)  # of the longer loops there are
# In beats. Of recordings cut anywhere, 0.08 x 0.2 pass this and `ON_THE_CUT`: one in sixty; few of those have
# so many bars.
LENGTH_TOLERANCE = 0.04


def loop_beats(found: Rhythm, duration: float) -> int:
    """Say how many beats long a recording is that is cut as a loop; 0 for others.

    `duration` is in seconds, to the sample.
    """
    if found.loop_beats or found.confidence < GUESS or len(found.beats) == 0:
        return found.loop_beats
    length = duration * found.tempo / 60
    n = round(length)
    start = float(found.beats[0]) * found.tempo / 60
    on_a_beat = abs(start - round(start)) <= ON_THE_CUT
    whole = n in {bars * found.bars.meter for bars in BARS}
    return n if whole and abs(length - n) <= LENGTH_TOLERANCE and on_a_beat else 0


def loop_bars(beats: int, meter: int) -> float:
    """Say how many bars `beats` are, at `meter` beats a bar; where that is unknown (0), at four."""
    return beats / (meter or 4)
