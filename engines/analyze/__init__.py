"""Listening: what a recording is, in numbers.

Every operation decodes the file once, whatever its format, and computes only what it answers. Silence, one
sample, mono, NaN samples and a file that ends early are inputs with an answer, not errors; a file that holds
no audio is `DATA_LOSS`.
"""

from engines._units import AudioPath, Progress, silent
from engines.analyze.results import Analysis, Beats, Key, Loudness

VERSION = "2"
TIMEOUTS_S = {"audio": 300.0, "beats": 300.0, "key": 300.0, "loudness": 300.0}


def audio(path: AudioPath, *, progress: Progress = silent) -> Analysis:
    """Tell everything about a recording: tempo, beats, key, loudness, spectrum.

    Parameters
    ----------
    path
        A recording: WAV, AIFF, FLAC, OGG or MP3, 4 to 768 kHz, up to 64 channels and 12 hours.
    progress
        Told the share done and the stage.

    Returns
    -------
    Analysis
        Silence has tempo 0, no beats, no key and no loudness.

    Raises
    ------
    UndecodableError
        If the file is no audio, or holds no samples.
    TooLongError
        If it is longer than 12 hours.
    """
    from engines.analyze import answers

    return answers.audio(path, progress)


def beats(path: AudioPath, *, progress: Progress = silent) -> Beats:
    """Find the tempo of a recording and place its beats, in seconds.

    Parameters
    ----------
    path
        A recording, as for `analyze.audio`.
    progress
        Told the share done and the stage.

    Returns
    -------
    Beats
        A recording without onsets has tempo 0 and no beats.

    Raises
    ------
    UndecodableError, TooLongError
        As for `analyze.audio`.
    """
    from engines.analyze import answers

    return answers.beats(path, progress)


def key(path: AudioPath, *, progress: Progress = silent) -> Key:
    """Find the key of a recording, with its mode.

    Parameters
    ----------
    path
        A recording, as for `analyze.audio`.
    progress
        Told the share done and the stage.

    Returns
    -------
    Key
        Silence has no key; noise has one with a low confidence.

    Raises
    ------
    UndecodableError, TooLongError
        As for `analyze.audio`.
    """
    from engines.analyze import answers

    return answers.key(path, progress)


def loudness(path: AudioPath, *, progress: Progress = silent) -> Loudness:
    """Measure loudness, loudness range and true peak (ITU-R BS.1770-4, EBU R 128).

    Parameters
    ----------
    path
        A recording, as for `analyze.audio`, measured at its own sample rate with all its channels.
    progress
        Told the share done and the stage.

    Returns
    -------
    Loudness
        None wherever the recording is too short or too quiet for a value.

    Raises
    ------
    UndecodableError, TooLongError
        As for `analyze.audio`.
    """
    from engines.analyze import answers

    return answers.loudness(path, progress)


def warm_up() -> None:
    """Load what the operations stand on, so that the first request does not wait for it."""
    from engines.analyze import answers

    answers.warm_up()


OPERATIONS = (audio, beats, key, loudness)
CACHED = OPERATIONS
