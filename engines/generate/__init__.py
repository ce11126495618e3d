"""Writing music with Magenta's models: drums, melodies, basses and harmony, in the key and bars asked for.

What is asked for holds by masks and boundaries inside the sampling, never by repair afterwards: with a scale
set, every note is in it; the file has exactly the bars asked for; nothing sounds before the first; drums are
on the General MIDI drum channel; the same seed, model and version give the same bytes, and without a seed no
two answers are alike.
"""

from engines.generate.from_chords import bassline, harmony, melody
from engines.generate.from_music import accompany, continue_, humanize, infill
from engines.generate.from_nothing import drums, midi, variations

__all__ = (
    "accompany",
    "bassline",
    "continue_",
    "drums",
    "harmony",
    "humanize",
    "infill",
    "melody",
    "midi",
    "variations",
)

VERSION = "3"
# numpy and four megabytes of models: loaded in a moment, and asked for by somebody who waits.
LIGHT = True


def warm_up() -> None:
    """Load what every request needs: numpy, the shipped models, and one step of each."""
    from engines.generate import operations

    operations.warm_up()


OPERATIONS = (midi, drums, bassline, melody, harmony, continue_, infill, humanize, variations, accompany)
