"""Music that is there: gone on with, filled, humanized, accompanied. Light: signatures and manuals."""

from typing import Annotated

from pydantic import Field

from engines._units import Fraction, MidiPath, Progress, silent
from engines.generate.request import (
    Bars,
    Chords,
    Count,
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
from engines.generate.result import Piece

Bar = Annotated[int, Field(ge=1, le=4096, json_schema_extra={"unit": "bar"})]
TrackNumber = Annotated[int, Field(ge=1, le=1024, json_schema_extra={"unit": "1"})]


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


# `continue` is a word of the language; on the wire it is what it says.
continue_.__name__ = "continue"
