"""Music from nothing: a part, drums, or several answers to one request. Light: signatures and manuals."""

from typing import Annotated

from pydantic import Field

from engines._units import Pitch, Progress, silent
from engines.generate.request import (
    Bars,
    Chords,
    Count,
    Density,
    Key,
    ModelName,
    ScaleName,
    Seed,
    SendToCore,
    Style,
    Swing,
    Temperature,
    Tempo,
    TimeSignature,
)
from engines.generate.result import Piece, Variations

Kind = Annotated[
    str,
    Field(
        max_length=32, description="drums, melody, bass or harmony; or a style of drumming, such as house."
    ),
]
PartName = Annotated[str, Field(max_length=16, description="drums, melody, bass or harmony.")]


def midi(
    style: Kind = "drums",
    tempo: Tempo = 120,
    bars: Bars = 4,
    temperature: Temperature = 1.0,
    *,
    key: Key | None = None,
    scale: ScaleName | None = None,
    chords: Chords | None = None,
    time_signature: TimeSignature = "4/4",
    density: Density = 0.5,
    swing: Swing | None = None,
    low: Pitch | None = None,
    high: Pitch | None = None,
    seed: Seed | None = None,
    model: ModelName | None = None,
    count: Count = 1,
    send_to_core: SendToCore = False,
    progress: Progress = silent,
) -> Piece:
    """Write one part: drums, a melody, a bass line, or chords.

    Parameters
    ----------
    style
        Which part; the name of a style of drumming gives drums in it.
    tempo, bars, time_signature
        What the file will have, exactly.
    temperature
        1 is what the model learned; 0 always takes the likeliest; 2 is wild.
    key, scale
        Every pitched note is in this scale. C major where neither is given and there are no chords.
    chords
        What it is played over; without, a progression is written first.
    density
        How busy; 0.5 is the model's own. Chords are struck on every beat over 0.75, and held over bar lines
        under 0.25.
    swing
        How late off-beats are; where left out, as the style has it.
    low, high
        Lowest and highest pitch, inclusive; of drums, percussion key.
    seed
        The same gives the same bytes; without, no two answers are alike.
    model
        Other than the shipped model of the part.
    count
        How many different answers; the first is the reply itself, and the one that `count` 1 gives. Pitched
        lines share their chords.
    send_to_core
        Import the first answer into DAWG-CORE. The daemon does it, and `sent_to_core` says how it went; a
        DAWG-CORE that is down costs the reply nothing.
    progress
        Told the share done and the part being written.

    Returns
    -------
    Piece
        The MIDI file and its notes.

    Raises
    ------
    ValueError
        If a value is out of range or a name unknown; the message names near ones.
    NotInstalledError
        If a model is missing or damaged.
    """
    from engines.generate import operations

    return operations.midi(
        style,
        progress,
        tempo=tempo,
        bars=bars,
        time_signature=time_signature,
        key=key,
        scale=scale,
        chords=chords,
        temperature=temperature,
        density=density,
        swing=swing,
        low=low,
        high=high,
        seed=seed,
        model=model,
        count=count,
    )


def drums(
    style: Style | None = None,
    bars: Bars = 4,
    tempo: Tempo = 120,
    *,
    temperature: Temperature = 1.0,
    time_signature: TimeSignature = "4/4",
    density: Density = 0.5,
    swing: Swing | None = None,
    key: Key | None = None,
    scale: ScaleName | None = None,
    chords: Chords | None = None,
    low: Pitch | None = None,
    high: Pitch | None = None,
    seed: Seed | None = None,
    model: ModelName | None = None,
    count: Count = 1,
    send_to_core: SendToCore = False,
    progress: Progress = silent,
) -> Piece:
    """Write a drum part, on the General MIDI drum channel, with the velocities of real drummers.

    Parameters
    ----------
    style
        A style of drumming: its authored pattern primes and steers the model, and the reply says so. Without,
        the model plays as it learned from drummers.
    bars, tempo, temperature, time_signature, density, swing, seed, model, count, send_to_core, progress
        As for `generate.midi`.
    key, scale, chords
        Drums have none: they are checked and change nothing, so that one set of parameters serves every part.
    low, high
        Lowest and highest percussion key, inclusive: 36 to 42 is kick, snare and closed hi-hat.

    Returns
    -------
    Piece
        `steered_by` names the pattern, if one steered.

    Raises
    ------
    ValueError, NotInstalledError
        As for `generate.midi`.
    """
    from engines.generate import operations

    return operations.one_part(
        "drums",
        progress,
        style=style,
        bars=bars,
        tempo=tempo,
        time_signature=time_signature,
        key=key,
        scale=scale,
        chords=chords,
        temperature=temperature,
        density=density,
        swing=swing,
        low=low,
        high=high,
        seed=seed,
        model=model,
        count=count,
    )


def variations(
    part: PartName = "melody",
    count: Count = 4,
    *,
    style: Style | None = None,
    key: Key | None = None,
    scale: ScaleName | None = None,
    bars: Bars = 4,
    tempo: Tempo = 120,
    chords: Chords | None = None,
    temperature: Temperature = 1.0,
    time_signature: TimeSignature = "4/4",
    density: Density = 0.5,
    swing: Swing | None = None,
    low: Pitch | None = None,
    high: Pitch | None = None,
    seed: Seed | None = None,
    model: ModelName | None = None,
    send_to_core: SendToCore = False,
    progress: Progress = silent,
) -> Variations:
    """Write several different answers to one request, computed together and ranked.

    Parameters
    ----------
    part
        drums, melody, bass or harmony.
    count
        How many; of twice as many, those that are most like the music the model learned. (The likeliest would
        be the emptiest.)
    style
        For drums, as for `generate.drums`; others take its swing.
    key, scale, bars, tempo, chords, temperature, time_signature, density, swing, low, high, seed
        As for `generate.midi`.
    model, progress
        As for `generate.midi`.
    send_to_core
        Import the best one into DAWG-CORE; `sent_to_core` says how it went.

    Returns
    -------
    Variations
        No two have the same notes. Pitched parts share their chords.

    Raises
    ------
    ValueError, NotInstalledError
        As for `generate.midi`.
    """
    from engines.generate import operations

    return operations.variations(
        part,
        progress,
        style=style,
        bars=bars,
        tempo=tempo,
        time_signature=time_signature,
        key=key,
        scale=scale,
        chords=chords,
        temperature=temperature,
        density=density,
        swing=swing,
        low=low,
        high=high,
        seed=seed,
        model=model,
        count=count,
    )
