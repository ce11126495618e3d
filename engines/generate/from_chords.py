"""Pitched parts over chords, those given or a progression written for them. Light: signatures and manuals."""

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
from engines.generate.result import Piece


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
    style: Style | None = None,
    low: Pitch | None = None,
    high: Pitch | None = None,
    seed: Seed | None = None,
    model: ModelName | None = None,
    count: Count = 1,
    send_to_core: SendToCore = False,
    progress: Progress = silent,
) -> Piece:
    """Write a bass line over chords; where the bar is strong, what starts is a chord tone.

    Parameters
    ----------
    key, scale
        As for `generate.midi`: C and major where neither they nor chords are given.
    bars, tempo, chords, temperature, time_signature, density, swing, low, high, seed, model, count
        As for `generate.midi`.
    style
        A style of drumming to go with: its swing is taken, where `swing` is left out.
    send_to_core, progress
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

    return operations.one_part(
        "bass",
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
    style: Style | None = None,
    low: Pitch | None = None,
    high: Pitch | None = None,
    seed: Seed | None = None,
    model: ModelName | None = None,
    count: Count = 1,
    send_to_core: SendToCore = False,
    progress: Progress = silent,
) -> Piece:
    """Write a melody over chords, those given or a progression written for it.

    Parameters
    ----------
    key, scale
        As for `generate.midi`: C and major where neither they nor chords are given.
    bars, tempo, chords, temperature, time_signature, density, swing, low, high, seed, model, count
        As for `generate.midi`.
    style
        A style of drumming to go with: its swing is taken, where `swing` is left out.
    send_to_core, progress
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

    return operations.one_part(
        "melody",
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


def harmony(
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
    style: Style | None = None,
    low: Pitch | None = None,
    high: Pitch | None = None,
    seed: Seed | None = None,
    model: ModelName | None = None,
    count: Count = 1,
    send_to_core: SendToCore = False,
    progress: Progress = silent,
) -> Piece:
    """Write a chord progression and voice it, the voices moving as little as they can; or voice chords given.

    Parameters
    ----------
    key, scale
        As for `generate.midi`: C and major where neither they nor chords are given.
    bars, tempo, chords, temperature, time_signature, density, swing, low, high, seed, model, count
        As for `generate.midi`.
    style
        A style of drumming to go with: its swing is taken, where `swing` is left out.
    send_to_core, progress
        As for `generate.midi`.

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

    return operations.one_part(
        "harmony",
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
