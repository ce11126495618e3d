"""Listening: what a recording is, in numbers.

Every operation decodes the file once, whatever its format, and computes only what it answers. Silence, one
sample, mono, NaN samples and a file that ends early are inputs with an answer, not errors; a file that holds
no audio is `DATA_LOSS`.
"""

from typing import Annotated

from pydantic import DirectoryPath, Field

from engines._units import AudioPath, Memory, Progress, forgetful, silent
from engines.analyze.library_results import Library, Similar
from engines.analyze.results import (
    Analysis,
    Beats,
    Chords,
    Key,
    Loudness,
    Onsets,
    Sections,
    SpectrumAnswer,
    Tempo,
    Tuning,
)

MatchCount = Annotated[
    int, Field(ge=1, le=1000, description="Most matches in the answer.", json_schema_extra={"unit": "1"})
]

VERSION = "22"
TIMEOUTS_S = dict.fromkeys(
    ("audio", "tempo", "beats", "key", "chords", "onsets", "sections", "tuning", "loudness", "spectrum"),
    300.0,
)
# The largest folder they take, 10,000 files of four minutes, at the pace of a niced worker on a busy core,
# 2 s each. Nothing is lost when it passes: the next call goes on from there.
TIMEOUTS_S |= {"library": 21_600.0, "similar": 21_600.0}
LANES = {"library": "library", "similar": "library"}  # hours, beside which one song is analysed at once


def audio(path: AudioPath, image: bool = False, *, progress: Progress = silent) -> Analysis:
    """Tell everything about a recording: tempo, beats, bars, key, chords, loudness, spectrum, clipping.

    Parameters
    ----------
    path
        A recording: WAV, AIFF, FLAC, OGG or MP3, 4 to 768 kHz, up to 64 channels and 12 hours.
    image
        Whether to draw it too: waveform, sections, beats, chords, pitch classes, loudness and tempo.
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

    return answers.audio(path, image, progress)


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


def tempo(path: AudioPath, *, progress: Progress = silent) -> Tempo:
    """Find the tempo of a recording, and what else it could be felt as.

    Parameters
    ----------
    path
        A recording, as for `analyze.audio`.
    progress
        Told the share done and the stage.

    Returns
    -------
    Tempo
        A recording without onsets has tempo 0.

    Raises
    ------
    UndecodableError, TooLongError
        As for `analyze.audio`.
    """
    from engines.analyze import answers

    return answers.tempo(path, progress)


def chords(path: AudioPath, *, progress: Progress = silent) -> Chords:
    """Name the chords of a recording, with their times.

    Parameters
    ----------
    path
        A recording, as for `analyze.audio`.
    progress
        Told the share done and the stage.

    Returns
    -------
    Chords
        Silence, drums alone and noise are N; chords change on beats.

    Raises
    ------
    UndecodableError, TooLongError
        As for `analyze.audio`.
    """
    from engines.analyze import answers

    return answers.chords(path, progress)


def onsets(path: AudioPath, *, progress: Progress = silent) -> Onsets:
    """Find when notes and drums begin.

    Parameters
    ----------
    path
        A recording, as for `analyze.audio`.
    progress
        Told the share done and the stage.

    Returns
    -------
    Onsets
        Silence has no onsets.

    Raises
    ------
    UndecodableError, TooLongError
        As for `analyze.audio`.
    """
    from engines.analyze import answers

    return answers.onsets(path, progress)


def sections(path: AudioPath, *, progress: Progress = silent) -> Sections:
    """Find where a song's sections begin, and which of them are the same music again.

    Parameters
    ----------
    path
        A recording, as for `analyze.audio`.
    progress
        Told the share done and the stage.

    Returns
    -------
    Sections
        A loop is one section; silence has none. Sections of an hour-long recording are told in longer steps.

    Raises
    ------
    UndecodableError, TooLongError
        As for `analyze.audio`.
    """
    from engines.analyze import answers

    return answers.sections(path, progress)


def tuning(path: AudioPath, *, progress: Progress = silent) -> Tuning:
    """Measure what the instruments are tuned to, against A4 = 440 Hz.

    Parameters
    ----------
    path
        A recording, as for `analyze.audio`.
    progress
        Told the share done and the stage.

    Returns
    -------
    Tuning
        None for silence; noise has a clarity near 0.

    Raises
    ------
    UndecodableError, TooLongError
        As for `analyze.audio`.
    """
    from engines.analyze import answers

    return answers.tuning(path, progress)


def spectrum(path: AudioPath, series: bool = False, *, progress: Progress = silent) -> SpectrumAnswer:
    """Measure the spectrum: centre, width, roll-off, flatness, contrast, and zero crossings.

    Parameters
    ----------
    path
        A recording, as for `analyze.audio`, measured in mono at 44.1 kHz.
    series
        Whether to give the numbers over time too: 12 of them 86 times a second, of up to 50 minutes.
    progress
        Told the share done and the stage.

    Returns
    -------
    SpectrumAnswer
        Silence is 0 everywhere, and its flatness 1.

    Raises
    ------
    UndecodableError, TooLongError
        As for `analyze.audio`, and with `series` if it is longer than 50 minutes.

    References
    ----------
    librosa 0.11, `librosa.feature.spectral_*` and `zero_crossing_rate` at their defaults.
    """
    from engines.analyze import answers

    return answers.spectrum(path, series, progress)


def library(
    folder: DirectoryPath,
    recursive: bool = True,
    *,
    progress: Progress = silent,
    memory: Memory = forgetful,
) -> Library:
    """Analyse every audio file of a folder: tempo, key, loudness and more of each.

    What was heard of a file is remembered until it changes: a call that was cancelled or killed is resumed by
    the next one, and a second call takes moments. A file that cannot be read is listed with its error.

    Parameters
    ----------
    folder
        At most 10,000 audio files, known by their names' endings. Hidden ones are left out. A link to a file
        inside the folder is heard as the file is; links out of it and to folders are not followed. What is
        named like audio and not heard is listed with the reason.
    recursive
        Whether to look into the folders within it.
    progress
        Told the share done, and which file is listened to.
    memory
        What earlier calls heard.

    Returns
    -------
    Library
        An empty folder has no recordings.

    Raises
    ------
    TooLongError
        If there are more files.
    """
    from engines.analyze import collection

    return collection.library(folder, recursive, collection.Portraitist(VERSION, progress, memory))


def similar(
    path: AudioPath,
    folder: DirectoryPath,
    recursive: bool = True,
    count: MatchCount = 10,
    *,
    progress: Progress = silent,
    memory: Memory = forgetful,
) -> Similar:
    """Find the recordings of a folder that fit this one in tempo, key and sound.

    What `analyze.library` has heard of the folder is used; what it has not is listened to first.

    Parameters
    ----------
    path
        A recording, as for `analyze.audio`; it is not compared with itself.
    folder, recursive
        Where to look, as for `analyze.library`.
    count
        How many to name.
    progress
        Told the share done, and which file is listened to.
    memory
        What earlier calls heard.

    Returns
    -------
    Similar
        The best first; for each the three distances, what would make it fit, and why in words.

    Raises
    ------
    UndecodableError, TooLongError
        As for `analyze.audio`, of `path`, and if the folder holds more than 10,000 audio files.

    References
    ----------
    M. Mandel, D. Ellis, "Song-Level Features and Support Vector Machines for Music Classification", ISMIR
    2005.
    """
    from engines.analyze import collection

    return collection.similar(
        path, folder, recursive, count, collection.Portraitist(VERSION, progress, memory)
    )


def warm_up() -> None:
    """Load what the operations stand on, so that the first request does not wait for it."""
    from engines.analyze import answers

    answers.warm_up()


CACHED = (audio, tempo, beats, key, chords, sections, onsets, tuning, loudness, spectrum)
OPERATIONS = (*CACHED, library, similar)
