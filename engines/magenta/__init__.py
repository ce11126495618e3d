"""Magenta itself, for the bundles that `generate` cannot play: its own generators, on TensorFlow.

An engine of its own, so that TensorFlow (0.8 GB, seconds to load) lives in a worker of its own and only once
somebody asks. Nothing of what `generate` promises of key and bars is promised here: what comes is what
Magenta's generator of that bundle makes.
"""

from typing import Annotated

from pydantic import Field

from engines._units import MidiPath, Progress, silent
from engines.generate.request import Bars, Chords, Seed, Temperature, Tempo
from engines.magenta.result import Generated

VERSION = "1"
# Loading TensorFlow from a cold disk takes half a minute, and a performance model 150 ms a bar.
TIMEOUTS_S = {"generate": 300.0}

Name = Annotated[str, Field(max_length=64, description="An installed bundle, as models.list names it.")]


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


OPERATIONS = (generate,)
