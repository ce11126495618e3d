"""Music that is there: gone on with, filled, humanized, accompanied. Light: signatures and manuals."""

from typing import Annotated

from pydantic import Field

from engines._units import Fraction, MidiPath, Pitch, Progress, silent
from engines.generate.request import (
    Bars,
    Chords,
    Count,
    Density,
    Drums,
    Key,
    ModelName,
    Notes,
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

Bar = Annotated[int, Field(ge=1, le=4096, json_schema_extra={"unit": "bar"})]
TrackNumber = Annotated[int, Field(ge=1, le=1024, json_schema_extra={"unit": "1"})]
Candidates = Annotated[int, Field(ge=1, le=16, json_schema_extra={"unit": "1"})]


def continue_(
    path: MidiPath | None = None,
    bars: Bars = 4,
    *,
    notes: Notes | None = None,
    drums: Drums = False,
    track: TrackNumber | None = None,
    tempo: Tempo | None = None,
    time_signature: TimeSignature | None = None,
    key: Key | None = None,
    scale: ScaleName | None = None,
    chords: Chords | None = None,
    temperature: Temperature = 1.0,
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
    """Go on where a part ends: the next bars, in its tempo and metre.

    Parameters
    ----------
    path
        A MIDI file; its last bars are what the model hears.
    bars
        How many to add; only these are returned.
    notes, drums
        The notes of one part in place of a file, in quarter notes from a bar line; whether they are
        drums.
    track
        Which part of the file, counted from 1 among those with notes; without, the first melody, else the
        drums.
    tempo, time_signature
        In place of the file's own; with notes, 120 BPM and 4/4 where left out.
    key, scale, chords
        As for `generate.midi`; where left out, the key the music is in, and the chords of its last bars.
    low, high
        As for `generate.midi`; where left out, a little beyond what the part uses.
    style
        Of drums: the pattern that steers them. Others take its swing.
    temperature, density, swing, seed, model, send_to_core, progress
        As for `generate.midi`.
    count
        How many different answers; first what is most like the music the model learned.

    Returns
    -------
    Piece
        The added bars, from their own first bar line.

    Raises
    ------
    ValueError
        If neither or both of `path` and `notes` are given, there are no notes, or there is no such track.
    UndecodableError, TooLongError
        If the file is damaged, no MIDI file, or too large.
    NotInstalledError
        As for `generate.midi`.
    """
    from engines.generate import operations
    from engines.generate.context import Given

    return operations.continuation(
        Given(path, notes, drums, track, tempo, time_signature),
        bars,
        progress,
        key=key,
        scale=scale,
        chords=chords,
        temperature=temperature,
        density=density,
        swing=swing,
        style=style,
        low=low,
        high=high,
        seed=seed,
        model=model,
        count=count,
    )


def infill(
    path: MidiPath | None = None,
    *,
    first_bar: Bar,
    last_bar: Bar,
    bars: Bars | None = None,
    notes: Notes | None = None,
    drums: Drums = False,
    track: TrackNumber | None = None,
    tempo: Tempo | None = None,
    time_signature: TimeSignature | None = None,
    candidates: Candidates = 8,
    key: Key | None = None,
    scale: ScaleName | None = None,
    chords: Chords | None = None,
    temperature: Temperature = 1.0,
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
    """Write some bars of a part anew, so that what comes before and after still fits.

    Candidates are drawn with what comes before in the model's memory; taken is the one that is most like the
    music the model learned, and after which it finds the following bars likeliest.

    Parameters
    ----------
    path, notes, drums, track, tempo, time_signature
        As for `generate.continue`.
    first_bar, last_bar
        Bars to replace, counted from 1, inclusive.
    bars
        Length of the piece; without, as long as the part. A part that ends early can so be filled up.
    candidates
        How many to choose from.
    count
        How many of them to return, the best first.
    key, scale, chords, temperature, density, swing, style, low, high, seed, model, send_to_core, progress
        As for `generate.continue`.

    Returns
    -------
    Piece
        The whole part; notes outside the bars are as they were.

    Raises
    ------
    ValueError
        As for `generate.continue`, and if the bars are not in the piece.
    UndecodableError, TooLongError, NotInstalledError
        As for `generate.continue`.
    """
    from engines.generate import operations
    from engines.generate.context import Given

    return operations.infill(
        Given(path, notes, drums, track, tempo, time_signature),
        first_bar,
        last_bar,
        bars=bars,
        candidates=candidates,
        progress=progress,
        key=key,
        scale=scale,
        chords=chords,
        temperature=temperature,
        density=density,
        swing=swing,
        style=style,
        low=low,
        high=high,
        seed=seed,
        model=model,
        count=count,
    )


def humanize(
    path: MidiPath | None = None,
    *,
    notes: Notes | None = None,
    drums: Drums = False,
    tempo: Tempo | None = None,
    time_signature: TimeSignature | None = None,
    bars: Bars | None = None,
    style: Style | None = None,
    timing: Fraction = 1.0,
    loudness: Fraction = 1.0,
    swing: Swing = 0.0,
    temperature: Temperature = 1.0,
    seed: Seed | None = None,
    count: Count = 1,
    send_to_core: SendToCore = False,
    progress: Progress = silent,
) -> Piece:
    """Play music as drummers would: velocity and micro-timing learned from the Groove MIDI Dataset.

    Parameters
    ----------
    path, notes, drums, tempo, time_signature
        As for `generate.continue`, but all parts of a file. Drums get the feel of each drum on each
        sixteenth; pitched parts their weight in the bar.
    bars
        Length of the piece; without, as long as it is.
    style
        Whose feel; without, that of all drummers.
    timing, loudness
        0 leaves time or velocity as it is, 1 is as the drummers played.
    swing
        How late off-beats are made.
    temperature
        How far hits stray from their mean: 0 not at all, 1 as the drummers' did.
    seed
        The same gives the same bytes.
    count, send_to_core, progress
        As for `generate.midi`.

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
    from engines.generate.context import Given

    return operations.humanized(
        Given(path, notes, drums, None, tempo, time_signature),
        bars,
        progress,
        timing=timing,
        loudness=loudness,
        style=style,
        swing=swing,
        temperature=temperature,
        seed=seed,
        count=count,
    )


def accompany(
    path: MidiPath | None = None,
    *,
    notes: Notes | None = None,
    chords: Chords | None = None,
    bars: Bars | None = None,
    tempo: Tempo | None = None,
    time_signature: TimeSignature | None = None,
    track: TrackNumber | None = None,
    style: Style | None = None,
    key: Key | None = None,
    scale: ScaleName | None = None,
    temperature: Temperature = 1.0,
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
    """Write what belongs to a melody: chords, bass and drums; or, over chords alone, a melody too.

    Parameters
    ----------
    path, notes
        A MIDI file with a melody, or its notes; it is returned first, as it was.
    chords
        The chords to use. With a melody and without chords, chords are found that hold its tones.
    bars
        Length; without, the melody's, or 8. A melody that is longer is cut.
    tempo, time_signature
        As for `generate.continue`.
    track
        As for `generate.continue`.
    style
        Of the drums; the others take its swing.
    key, scale
        As for `generate.midi`; the melody's own where left out.
    low, high
        Lowest and highest pitch, inclusive, of every pitched part that is written.
    model
        Other than the shipped one, for the part it is made for.
    count
        How many different answers; they share their chords.
    temperature, density, swing, seed, send_to_core, progress
        As for `generate.midi`.

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
    from engines.generate.context import Given

    return operations.accompany(
        Given(path, notes, drums=False, track=track, tempo=tempo, time_signature=time_signature),
        bars,
        progress,
        key=key,
        scale=scale,
        chords=chords,
        temperature=temperature,
        density=density,
        swing=swing,
        style=style,
        low=low,
        high=high,
        seed=seed,
        model=model,
        count=count,
    )


# `continue` is a word of the language; on the wire it is what it says.
continue_.__name__ = "continue"
