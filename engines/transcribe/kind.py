"""Whether a recording is pitched music, drums, or both."""

from typing import Final, Literal, TypeAlias

from engines.transcribe.hearing import Heard

Kind: TypeAlias = Literal["pitched", "drums", "mixed"]

# Certain strokes a second of bass drum, snare and hi-hat. 96 made recordings under music had 1.5 to 14,
# 150 of instruments and synthesisers without drums up to 0.6.
STRUCK: Final = 1.0
# Of any class, where no notes sound: toms and cymbals are played alone as well.
STRUCK_ALONE: Final = 0.2
SOUNDING: Final = 0.15  # likely notes at a time: drums alone had up to 0.03, what has pitches from 0.5


def tell(heard: Heard) -> Kind:
    """Tell what was heard; silence counts as pitched.

    Parameters
    ----------
    heard
        Notes and strokes of one recording.

    Returns
    -------
    Kind
        By the sum of the strokes' certainties a second, and of the notes' likelihoods times how long they
        sound.
    """
    if heard.duration <= 0:
        return "pitched"
    struck = [float(strokes.certainties.sum()) / heard.duration for strokes in heard.drums]
    sounding = sum((note.end - note.start) * note.amplitude for note in heard.notes) / heard.duration
    if sounding < SOUNDING:
        return "drums" if sum(struck) >= STRUCK_ALONE else "pitched"
    return "mixed" if sum(struck[:3]) >= STRUCK else "pitched"
