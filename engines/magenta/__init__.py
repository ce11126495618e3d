"""Magenta itself, for the bundles that `generate` cannot play: its own generators, on TensorFlow.

An engine of its own, so that TensorFlow (0.8 GB, seconds to load) lives in a worker of its own and only once
somebody asks. Nothing of what `generate` promises of key and bars is promised here: what comes is what
Magenta's generator of that bundle makes.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from engines._units import MidiPath, Progress, silent
from engines.generate.request import Bars, Chords, Seed, Temperature, Tempo
from engines.magenta.result import Decoded, Generated

VERSION = "2"
# Loading TensorFlow from a cold disk takes half a minute, and a performance model 150 ms a bar.
TIMEOUTS_S = {"generate": 300.0, "sample": 300.0, "interpolate": 300.0, "groove": 300.0}

Name = Annotated[str, Field(max_length=64, description="An installed bundle, as models.list names it.")]
CheckpointPath = Annotated[
    Path,
    Field(
        description="A checkpoint as Magenta publishes them: a tar with an .index and its .data file.",
        json_schema_extra={"contentMediaType": "application/x-tar"},
    ),
]
Configuration = Annotated[
    str,
    Field(
        max_length=64, description="Magenta's name of it, such as cat-mel_2bar_big or groovae_2bar_humanize."
    ),
]
Takes = Annotated[int, Field(ge=1, le=16, description="How many pieces.", json_schema_extra={"unit": "1"})]
Between = Annotated[
    int,
    Field(ge=2, le=16, description="How many pieces, both ends included.", json_schema_extra={"unit": "1"}),
]


def generate(
    model: Name,
    bars: Bars = 4,
    tempo: Tempo = 120,
    *,
    path: MidiPath | None = None,
    chords: Chords | None = None,
    temperature: Temperature = 1.0,
    seed: Seed | None = None,
    progress: Progress = silent,
) -> Generated:
    """Let Magenta's own generator of a bundle play.

    Parameters
    ----------
    model
        An installed bundle of drums_rnn, melody_rnn, improv_rnn, performance_rnn or polyphony_rnn.
    bars, tempo
        Length in bars of 4/4; what a primer plays comes first and counts.
    path
        A MIDI file to go on from, shorter than `bars`.
    chords
        For improv_rnn, which needs them: one a bar.
    temperature
        As for `generate.midi`; Magenta takes nothing below 0.1.
    seed
        The same gives the same notes.
    progress
        Told while it plays; a generator that does not end is stopped.

    Returns
    -------
    Generated
        The MIDI file, primer included.

    Raises
    ------
    ValueError
        If the primer is too long, the graph holds a foreign operation, or improv_rnn has no chords.
    NotInstalledError
        If the bundle, TensorFlow or magenta is missing, or no generator of Magenta's is for it.
    TooLongError
        If the generator does not end.
    """
    from engines.magenta import playing

    return playing.generate(
        model,
        bars,
        tempo,
        path=path,
        chords=chords,
        temperature=temperature,
        seed=seed,
        progress=progress,
    )


def sample(
    checkpoint: CheckpointPath,
    configuration: Configuration,
    count: Takes = 1,
    tempo: Tempo = 120,
    *,
    temperature: Temperature = 1.0,
    seed: Seed | None = None,
    progress: Progress = silent,
) -> Decoded:
    """Let a MusicVAE checkpoint play what comes to its mind.

    Parameters
    ----------
    checkpoint
        As Magenta publishes them. Its numbers are read, no graph: that is built by Magenta's own code.
    configuration
        The one it was trained with; those that play over chords or given hits are refused.
    count
        How many pieces, each of the configuration's own length: 2 bars, 4 or 16.
    tempo
        Of the files; it changes no note.
    temperature
        As for `generate.midi`.
    seed
        The same gives the same notes.
    progress
        Told when it is loaded.

    Returns
    -------
    Decoded
        `count` pieces.

    Raises
    ------
    ValueError
        If the configuration is unknown; the message names near ones.
    UndecodableError, TooLongError
        If the file is no such checkpoint, does not fit the configuration, or is over 2 GiB.
    NotInstalledError
        If TensorFlow or magenta is missing.
    """
    from engines.magenta import autoencoder

    return autoencoder.sample(
        checkpoint,
        configuration,
        count=count,
        tempo=tempo,
        temperature=temperature,
        seed=seed,
        progress=progress,
    )


def interpolate(
    checkpoint: CheckpointPath,
    configuration: Configuration,
    path: MidiPath,
    other: MidiPath,
    *,
    count: Between = 5,
    tempo: Tempo = 120,
    temperature: Temperature = 0.5,
    seed: Seed | None = None,
    progress: Progress = silent,
) -> Decoded:
    """Go from one piece to another in small steps, with a MusicVAE checkpoint.

    Parameters
    ----------
    checkpoint, configuration, tempo, seed, progress
        As for `magenta.sample`.
    path, other
        MIDI files; the first bars are heard, as many as the configuration plays.
    count
        How many pieces, from what the model makes of the one to what it makes of the other.
    temperature
        As for `generate.midi`; lower keeps nearer to the two.

    Returns
    -------
    Decoded
        `count` pieces, in order.

    Raises
    ------
    ValueError
        If a file has nothing in it that the model hears, beside what `magenta.sample` raises.
    UndecodableError, TooLongError, NotInstalledError
        As for `magenta.sample`.
    """
    from engines.magenta import autoencoder

    return autoencoder.interpolate(
        checkpoint,
        configuration,
        path,
        other,
        count=count,
        tempo=tempo,
        temperature=temperature,
        seed=seed,
        progress=progress,
    )


def groove(
    checkpoint: CheckpointPath,
    path: MidiPath,
    configuration: Configuration = "groovae_2bar_humanize",
    tempo: Tempo | None = None,
    *,
    temperature: Temperature = 0.5,
    seed: Seed | None = None,
    progress: Progress = silent,
) -> Decoded:
    """Send a piece through a GrooVAE checkpoint: humanised, drummed from a tap, or with hi-hats added.

    Parameters
    ----------
    checkpoint, seed, progress
        As for `magenta.sample`.
    path
        A MIDI file in 4/4, of at most 64 windows; each is heard and played by itself.
    configuration
        What is done is what this one was trained to do. Others of MusicVAE's give a piece like the one heard.
    tempo
        Of the file that comes; without, that of the file heard.
    temperature
        As for `generate.midi`.

    Returns
    -------
    Decoded
        One piece, of whole windows.

    Raises
    ------
    ValueError, UndecodableError, TooLongError, NotInstalledError
        As for `magenta.interpolate`.
    """
    from engines.magenta import autoencoder

    return autoencoder.groove(
        checkpoint,
        configuration,
        path,
        tempo=tempo,
        temperature=temperature,
        seed=seed,
        progress=progress,
    )


OPERATIONS = (generate, sample, interpolate, groove)
