"""Whether a recording is pitched music, drums, or both."""

from typing import Final, Literal, TypeAlias

from engines.transcribe.hearing import Heard

Kind: TypeAlias = Literal["pitched", "drums", "mixed"]

STRUCK: Final = 0.6  # certain strokes a second of bass drum, snare and hi-hat: fewer are no drum part
SOUNDING: Final = 0.12  # likely pitched notes at a time, on average: fewer are what drums leave behind


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
    struck = sum(float(strokes.certainties.sum()) for strokes in heard.drums[:3]) / heard.duration
    sounding = sum((note.end - note.start) * note.amplitude for note in heard.notes) / heard.duration
    if struck < STRUCK:
        return "pitched"
    return "mixed" if sounding >= SOUNDING else "drums"
