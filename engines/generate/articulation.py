"""How long the notes of a bass last, in the songs its model learned from and in what the model hears.

The songs are piano music, whose notes end where a finger leaves a key while the pedal holds them: nine of ten
within a beat before the next, most often a sixteenth before it. A bass has no pedal, and the model that
learned from notes ended alike takes another end for the sign of a rest.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import Final

_REST_STEPS: Final = 4  # what is silent for longer, in sixteenths, is a rest and stays one
_SHORT_STEPS: Final = 2  # notes that close on each other are played without a gap


def articulated(
    notes: Iterable[tuple[int, int, int]], next_start: int | None = None
) -> list[tuple[int, int, int]]:
    """Let the notes of a line all end alike, as far as no rest is heard between them.

    A note up to an eighth before the next lasts until it; a longer one until a sixteenth before it. Where the
    rest is longer than a beat it stays, from the nearest eighth on.

    Parameters
    ----------
    notes
        (start, end, pitch) in sixteenths, ends after starts, one at a time.
    next_start
        Where the note after the last begins; None where none is near.

    Returns
    -------
    list
        The same notes in their order, with other ends.
    """
    ordered = sorted(notes)
    following = dict(pairwise(sorted({start for start, _, _ in ordered})))
    made = []
    for start, end, pitch in ordered:
        until = following.get(start, next_start)
        if until is None or until - end > _REST_STEPS:
            lasting = max(start + 1, (end + 1) // 2 * 2)
        else:
            lasting = until if until - start <= _SHORT_STEPS else until - 1
        made.append((start, lasting, pitch))
    return made
