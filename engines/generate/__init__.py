"""Writing music: drums, melodies.

Basses and harmony, by Magenta's models, inside the key and the bars asked for.

What is asked for holds by masks and boundaries inside the sampling, never by repair afterwards: with a scale
set, every note is in it; the file has exactly the bars asked for; nothing sounds before the first; drums are
on the General MIDI drum channel; the same seed, model and version give the same bytes, and without a seed no
two answers are alike.
"""

from typing import Annotated

from pydantic import Field

from engines._units import Fraction, MidiPath, Pitch, Progress, silent
from engines.generate.request import (
    Bars,
    Chords,
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

VERSION = "1"

Kind = Annotated[
    str,
    Field(
        max_length=32, description="drums, melody, bass or harmony; or a style of drumming, such as house."
    ),
]
PartName = Annotated[str, Field(max_length=16, description="drums, melody, bass or harmony.")]
Count = Annotated[int, Field(ge=1, le=16, json_schema_extra={"unit": "1"})]
Bar = Annotated[int, Field(ge=1, le=4096, json_schema_extra={"unit": "bar"})]
TrackNumber = Annotated[int, Field(ge=1, le=1024, json_schema_extra={"unit": "1"})]


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

    Parameters ---------- key, scale, bars, tempo, chords, temperature, time_signature, density, swing, low,
    high, seed, model, progress
        As for `generate.midi`. Key and scale are C and major where neither they nor chords are given.

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

    Parameters ---------- key, scale, bars, tempo, chords, temperature, time_signature, density, swing, low,
    high, seed, model, progress
        As for `generate.bassline`.

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


def continue_(
    path: MidiPath,
    bars: Bars = 4,
    *,
    track: TrackNumber | None = None,
    key: Key | None = None,
    scale: ScaleName | None = None,
    chords: Chords | None = None,
    temperature: Temperature = 1.0,
    seed: Seed | None = None,
    model: ModelName | None = None,
    progress: Progress = silent,
) -> Piece:
    """Go on where a part ends: the next bars, in its tempo and metre.

    Parameters
    ----------
    path
        A MIDI file; its last bars are what the model hears.
    bars
        How many to add; only these are returned.
    track
        Which part of the file, counted from 1 among those with notes; without, the first melody, else the
        drums.
    key, scale, chords, temperature, seed, model, progress
        As for `generate.midi`; where left out, the key the file is in, and the chords of its last bars.

    Returns
    -------
    Piece
        The added bars, from their own first bar line.

    Raises
    ------
    ValueError
        If the file has no notes or no such track.
    UndecodableError, TooLongError
        If the file is damaged, no MIDI file, or too large.
    NotInstalledError
        As for `generate.midi`.
    """
    from engines.generate import operations

    return operations.continuation(
        path,
        bars,
        track,
        progress,
        key=key,
        scale=scale,
        chords=chords,
        temperature=temperature,
        seed=seed,
        model=model,
    )


def infill(
    path: MidiPath,
    first_bar: Bar,
    last_bar: Bar,
    *,
    track: TrackNumber | None = None,
    key: Key | None = None,
    scale: ScaleName | None = None,
    chords: Chords | None = None,
    temperature: Temperature = 1.0,
    candidates: Count = 8,
    seed: Seed | None = None,
    model: ModelName | None = None,
    progress: Progress = silent,
) -> Piece:
    """Write some bars of a part anew, so that what comes before and after still fits.

    Candidates are drawn with what comes before in the model's memory; the one after which the model finds the
    following bars likeliest is taken.

    Parameters
    ----------
    path
        A MIDI file.
    first_bar, last_bar
        Bars to replace, counted from 1, inclusive.
    track
        As for `generate.continue`.
    candidates
        How many to choose from.
    key, scale, chords, temperature, seed, model, progress
        As for `generate.continue`.

    Returns
    -------
    Piece
        The whole part; notes outside the bars are as they were.

    Raises
    ------
    ValueError
        If the bars are not in the file, or it has no notes.
    UndecodableError, TooLongError, NotInstalledError
        As for `generate.continue`.
    """
    from engines.generate import operations

    return operations.infill(
        path,
        first_bar,
        last_bar,
        track,
        candidates=candidates,
        progress=progress,
        key=key,
        scale=scale,
        chords=chords,
        temperature=temperature,
        seed=seed,
        model=model,
    )


def humanize(
    path: MidiPath,
    *,
    style: Style | None = None,
    timing: Fraction = 1.0,
    loudness: Fraction = 1.0,
    swing: Swing = 0.0,
    seed: Seed | None = None,
) -> Piece:
    """Play a MIDI file as drummers would: velocity and micro-timing learned from the Groove MIDI Dataset.

    Parameters
    ----------
    path
        A MIDI file. Drums get the feel of each drum on each sixteenth; pitched parts their weight in the bar.
    style
        Whose feel; without, that of all drummers.
    timing, loudness
        0 leaves time or velocity as it is, 1 is as the drummers played.
    swing
        How late off-beats are made.
    seed
        The same gives the same bytes.

    Returns
    -------
    Piece
        All parts; no note is added, removed or moved before the first bar.

    Raises
    ------
    ValueError, UndecodableError, TooLongError
        As for `generate.continue`.
    """
    from engines.generate import operations

    return operations.humanized(path, style, timing, loudness, swing=swing, seed=seed)


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


def accompany(
    path: MidiPath | None = None,
    *,
    chords: Chords | None = None,
    bars: Bars | None = None,
    tempo: Tempo | None = None,
    time_signature: TimeSignature | None = None,
    track: TrackNumber | None = None,
    style: Style | None = None,
    key: Key | None = None,
    scale: ScaleName | None = None,
    temperature: Temperature = 1.0,
    seed: Seed | None = None,
    progress: Progress = silent,
) -> Piece:
    """Write what belongs to a melody: chords, bass and drums; or, over chords alone, a melody too.

    Parameters
    ----------
    path
        A MIDI file with a melody; it is returned first, as it was.
    chords
        The chords to use. With a melody and without chords, chords are found that hold its tones.
    bars, tempo, time_signature
        As for `generate.midi`; with a melody, as the melody has them.
    track
        As for `generate.continue`.
    style
        Of the drums.
    key, scale, temperature, seed, progress
        As for `generate.midi`; the melody's own key where left out.

    Returns
    -------
    Piece
        Tracks `melody`, `harmony`, `bass`, `drums`.

    Raises
    ------
    ValueError
        If neither a melody nor chords are given.
    UndecodableError, TooLongError, NotInstalledError
        As for `generate.continue`.
    """
    from engines.generate import operations

    return operations.accompany(
        path,
        track,
        progress,
        chords=chords,
        bars=bars,
        tempo=tempo,
        time_signature=time_signature,
        style=style,
        key=key,
        scale=scale,
        temperature=temperature,
        seed=seed,
    )


def warm_up() -> None:
    """Load what every request needs: numpy, the shipped models, and one step of each."""
    from engines.generate import operations

    operations.warm_up()


# `continue` is a word of the language; on the wire it is what it says.
continue_.__name__ = "continue"

OPERATIONS = (midi, drums, bassline, melody, harmony, continue_, infill, humanize, variations, accompany)
