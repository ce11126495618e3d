"""Music from nothing: a part, or several answers to one request. Light: signatures and manuals."""

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
        How busy; 0.5 is the model's own.
    swing
        How late off-beats are; where left out, as the style has it.
    low, high
        Range of a pitched part, inclusive.
    seed
        The same gives the same bytes; without, no two answers are alike.
    model
        Other than the shipped model of the part.
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
        temperature=temperature,
        key=key,
        scale=scale,
        chords=chords,
        time_signature=time_signature,
        density=density,
        swing=swing,
        low=low,
        high=high,
        seed=seed,
        model=model,
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
    seed: Seed | None = None,
    model: ModelName | None = None,
    progress: Progress = silent,
) -> Piece:
    """Write a drum part, on the General MIDI drum channel, with the velocities of real drummers.

    Parameters
    ----------
    style
        A style of drumming: its authored pattern primes and steers the model, and the reply says so. Without,
        the model plays as it learned from drummers.
    bars, tempo, temperature, time_signature, density, swing, seed, model, progress
        As for `generate.midi`.

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

    return operations.drums(
        progress,
        style=style,
        bars=bars,
        tempo=tempo,
        temperature=temperature,
        time_signature=time_signature,
        density=density,
        swing=swing,
        seed=seed,
        model=model,
    )


def bassline(
    key: Key | None = None,
    scale: ScaleName | None = None,
    bars: Bars = 8,
    tempo: Tempo = 120,
    *,
    chords: Chords | None = None,
    temperature: Temperature = 1.0,
    time_signature: TimeSignature = "4/4",
    density: Density = 0.5,
    swing: Swing | None = None,
    low: Pitch | None = None,
    high: Pitch | None = None,
    seed: Seed | None = None,
    model: ModelName | None = None,
    progress: Progress = silent,
) -> Piece:
    """Write a bass line over chords; where the bar is strong, what starts is a chord tone.

    Parameters
    ----------
    key, scale, bars, tempo, chords, temperature, time_signature, density, swing, low, high, seed
        As for `generate.midi`. Key and scale are C and major where neither they nor chords are given.
    model, progress
        As for `generate.midi`.

    Returns
    -------
    Piece
        One track, `bass`.

    Raises
    ------
    ValueError, NotInstalledError
        As for `generate.midi`.
    """
    from engines.generate import operations

    return operations.one_line(
        "bass",
        progress,
        key=key,
        scale=scale,
        bars=bars,
        tempo=tempo,
        chords=chords,
        temperature=temperature,
        time_signature=time_signature,
        density=density,
        swing=swing,
        low=low,
        high=high,
        seed=seed,
        model=model,
    )


def melody(
    key: Key | None = None,
    scale: ScaleName | None = None,
    bars: Bars = 8,
    tempo: Tempo = 120,
    *,
    chords: Chords | None = None,
    temperature: Temperature = 1.0,
    time_signature: TimeSignature = "4/4",
    density: Density = 0.5,
    swing: Swing | None = None,
    low: Pitch | None = None,
    high: Pitch | None = None,
    seed: Seed | None = None,
    model: ModelName | None = None,
    progress: Progress = silent,
) -> Piece:
    """Write a melody over chords, those given or a progression written for it.

    Parameters
    ----------
    key, scale, bars, tempo, chords, temperature, time_signature, density, swing, low, high, seed
        As for `generate.bassline`.
    model, progress
        As for `generate.midi`.

    Returns
    -------
    Piece
        One track, `melody`.

    Raises
    ------
    ValueError, NotInstalledError
        As for `generate.midi`.
    """
    from engines.generate import operations

    return operations.one_line(
        "melody",
        progress,
        key=key,
        scale=scale,
        bars=bars,
        tempo=tempo,
        chords=chords,
        temperature=temperature,
        time_signature=time_signature,
        density=density,
        swing=swing,
        low=low,
        high=high,
        seed=seed,
        model=model,
    )


def harmony(
    key: Key | None = None,
    scale: ScaleName | None = None,
    bars: Bars = 8,
    tempo: Tempo = 120,
    *,
    chords: Chords | None = None,
    temperature: Temperature = 1.0,
    time_signature: TimeSignature = "4/4",
    low: Pitch | None = None,
    high: Pitch | None = None,
    seed: Seed | None = None,
    model: ModelName | None = None,
    progress: Progress = silent,
) -> Piece:
    """Write a chord progression and voice it, the voices moving as little as they can.

    Or voice chords that are given.

    Parameters
    ----------
    key, scale, bars, tempo, chords, temperature, time_signature, low, high, seed, model, progress
        As for `generate.bassline`.

    Returns
    -------
    Piece
        One track, `harmony`, and the chords by their names.

    Raises
    ------
    ValueError, NotInstalledError
        As for `generate.midi`.
    """
    from engines.generate import operations

    return operations.chords_only(
        progress,
        key=key,
        scale=scale,
        bars=bars,
        tempo=tempo,
        chords=chords,
        temperature=temperature,
        time_signature=time_signature,
        low=low,
        high=high,
        seed=seed,
        model=model,
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
    progress: Progress = silent,
) -> Variations:
    """Write several different answers to one request, computed together and ranked.

    Parameters
    ----------
    part
        drums, melody, bass or harmony.
    count
        How many; twice as many are drawn, and the likeliest kept.
    style
        For drums, as for `generate.drums`.
    key, scale, bars, tempo, chords, temperature, time_signature, density, swing, low, high, seed
        As for `generate.midi`.
    model, progress
        As for `generate.midi`.

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
        count,
        progress,
        style=style,
        key=key,
        scale=scale,
        bars=bars,
        tempo=tempo,
        chords=chords,
        temperature=temperature,
        time_signature=time_signature,
        density=density,
        swing=swing,
        low=low,
        high=high,
        seed=seed,
        model=model,
    )
