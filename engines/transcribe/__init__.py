"""Writing down what is played: from audio to notes and MIDI.

Polyphonic pitch by Spotify's Basic Pitch model on onnxruntime, drums by two networks of our own. Silence, one
sample, mono, NaN samples and a file that ends early are inputs with an answer, not errors; a file that holds
no audio is `DATA_LOSS`. The same file and parameters give the same bytes.
"""

from typing import Annotated, Literal

from pydantic import Field

from engines._units import AudioPath, Bpm, Progress, silent
from engines.transcribe.result import Transcription

VERSION = "10"
SLOWEST, FASTEST = 20.0, 400.0  # BPM
TIMEOUTS_S = {"audio": 1800.0}  # an hour takes about two minutes

Kind = Annotated[
    Literal["auto", "pitched", "drums"],
    Field(description="What to listen for; auto tells by itself, and finds both in a mix."),
]
Tempo = Annotated[Bpm, Field(ge=SLOWEST, le=FASTEST, description="The recording's tempo, if it is known.")]
Quantize = Annotated[
    Literal["none", "1/4", "1/8", "1/16", "1/32", "1/4T", "1/8T", "1/16T"],
    Field(description="The grid that notes are moved to; T is a triplet's."),
]


def audio(
    path: AudioPath,
    *,
    kind: Kind = "auto",
    tempo: Tempo | None = None,
    quantize: Quantize = "none",
    bends: bool = False,
    progress: Progress = silent,
) -> Transcription:
    """Write a recording down as notes, and as a MIDI file at its tempo.

    Parameters
    ----------
    path
        A recording: WAV, AIFF, FLAC, OGG or MP3, 4 to 768 kHz, up to 64 channels and 12 hours.
    kind
        `pitched` writes notes from A0 to C8, `drums` strokes on bass drum, snare, hi-hat, toms and cymbals;
        `auto` decides which there are, or both.
    tempo
        Tempo of the file, the same from the first sample on; where it is left out, tempo and bars are found
        by analysis. Where the recording begins within a bar, the file begins with a pick-up bar.
    quantize
        Nothing is moved unless this asks for it. The grid goes through the bars that were found; with a
        given tempo it lies where most notes start.
    bends
        Whether each pitched note tells how its pitch moves. The file then has a track and channel for each
        of up to 15 notes that sound at once, with pitch bend events of a range of 12 semitones.
    progress
        Told the share done and the stage.

    Returns
    -------
    Transcription
        Silence has no notes, and a MIDI file without any.

    Raises
    ------
    UndecodableError
        If the file is no audio, or holds no samples.
    TooLongError
        If it is longer than 12 hours, or than 100,000 quarter notes at the tempo given, or has more
        than 200,000 notes or six hours of bends.
    NotInstalledError
        If a model or onnxruntime is missing; the message says how to install it.
    """
    from engines.transcribe import answers

    return answers.audio(path, kind, tempo, quantize, bends=bends, progress=progress)


def warm_up() -> None:
    """Load the models, so that the first request does not wait for them."""
    from engines.transcribe import answers

    answers.warm_up()


OPERATIONS = (audio,)
CACHED = OPERATIONS
