"""From what one pass heard to what the operation answers."""

import base64
import math
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from engines import _notes
from engines._errors import TooLongError
from engines._units import Progress
from engines.transcribe import (
    FASTEST,
    SLOWEST,
    drum_model,
    hearing,
    onset_choice,
    pitch_model,
    stroke_roles,
    timeline,
)
from engines.transcribe.hearing import Heard, HeardNote, Wanted
from engines.transcribe.key_power import velocities
from engines.transcribe.kind import Kind, tell
from engines.transcribe.result import TranscribedNote, Transcription
from engines.transcribe.timeline import STEPS, Timeline

TEMPO_SHARE = 0.1  # of the progress, for finding the tempo
STROKE_S = 0.1  # how long a stroke lasts in the file: percussion ends by itself
SHORTEST_S = 0.01
SAME_LINE = 1e-6  # of a step
BEND_FRAMES: Final = 2  # a bend is told at every second frame, 43 times a second
MAX_VOICES: Final = 15  # channels that a file has beside that of the drums


def audio(
    path: Path,
    kind: str,
    tempo: float | None,
    quantize: str,
    *,
    bends: bool,
    progress: Progress,
) -> Transcription:
    """Answer `transcribe.audio`."""
    if tempo is not None and not SLOWEST <= tempo <= FASTEST:
        raise ValueError(f"tempo: {tempo:g}; must be between {SLOWEST:.0f} and {FASTEST:.0f} BPM")
    if kind not in {"auto", "pitched", "drums"}:
        raise ValueError(f"kind: {kind!r}; must be 'auto', 'pitched' or 'drums'")
    if quantize != "none" and quantize not in STEPS:
        raise ValueError(f"quantize: {quantize!r}; must be 'none' or one of {', '.join(STEPS)}")
    if kind != "drums":
        pitch_model.session()  # a missing model is told before the file is read
    begin = 0.0 if tempo else TEMPO_SHARE
    line = timeline.steady(tempo) if tempo else timeline.find(path, progress, TEMPO_SHARE)
    wanted = Wanted(pitched=kind != "drums", drums=kind != "pitched", bends=bends)
    heard = hearing.hear(path, wanted, progress, begin)
    told: Kind = tell(heard) if kind == "auto" else "drums" if kind == "drums" else "pitched"
    progress(hearing.HEARD, "write")
    time = line or timeline.unknown()
    notes = tuple(without_overlaps(snapped(_notes_of(heard, told), time, quantize)))
    midi = to_midi(notes, time, heard.duration)
    progress(1.0, "done")
    return Transcription(
        midi_base64=base64.b64encode(midi).decode("ascii"),
        notes=list(notes),
        kind=told,
        tempo=time.tempo,
        time_signature=time.meter,
        tempo_source="given" if tempo else "found" if line else "none",
        duration=heard.duration,
        truncated=heard.truncated,
    )


def warm_up() -> None:
    """Load the models and run each once on next to nothing."""
    listener = pitch_model.PitchListener()
    listener.push(np.zeros(1024, np.float32))
    for heard in listener.finish():
        heard.notes.sum()
    drum_model.network()
    stroke_roles.network()
    onset_choice.chooser()


def _notes_of(heard: Heard, told: Kind) -> list[TranscribedNote]:
    pitched = [] if told == "drums" else heard.notes
    levels = velocities(np.array([note.power for note in pitched])).tolist()
    notes = [_pitched(note, int(level)) for note, level in zip(pitched, levels, strict=True)]
    if told != "pitched":
        for key, struck in zip(drum_model.KEYS, heard.drums, strict=True):
            for t, strength in zip(struck.times.tolist(), struck.velocities.tolist(), strict=True):
                notes.append(TranscribedNote(t, t + STROKE_S, key, _velocity(strength), True, None))
    return sorted(notes, key=lambda note: (note.start, note.drums, note.pitch))


def _pitched(note: HeardNote, velocity: int) -> TranscribedNote:
    bend = None if note.bend is None else [round(float(b), 3) for b in note.bend[::BEND_FRAMES]]
    return TranscribedNote(
        start=note.start,
        end=max(note.end, note.start + SHORTEST_S),
        pitch=note.pitch,
        velocity=velocity,
        drums=False,
        bend=bend,
    )


def _velocity(strength: float) -> int:
    return int(min(127, max(1, math.floor(127 * strength + 0.5))))


def snapped(notes: list[TranscribedNote], time: Timeline, quantize: str) -> list[TranscribedNote]:
    """Move notes to the nearest line of a grid, and let them last at least one step; `none` leaves them.

    The grid goes through the bars, or through where most notes start.
    """
    if quantize == "none" or not notes:
        return notes
    step = STEPS[quantize]
    offset = time.grid_offset([note.start for note in notes], step)
    starts = np.floor((time.to_quarters(np.array([n.start for n in notes])) - offset) / step + 0.5)
    ends = np.floor((time.to_quarters(np.array([n.end for n in notes])) - offset) / step + 0.5)
    starts = np.maximum(starts, math.ceil(-offset / step - SAME_LINE))
    on = np.maximum(0.0, time.to_seconds(starts * step + offset))
    off = time.to_seconds(np.maximum(ends, starts + 1) * step + offset)
    moved = [replace(n, start=float(a), end=float(b)) for n, a, b in zip(notes, on, off, strict=True)]
    return sorted(moved, key=lambda note: (note.start, note.drums, note.pitch))


def without_overlaps(notes: list[TranscribedNote]) -> list[TranscribedNote]:
    """End a note where the same key starts again; of two that start together the louder stays."""
    kept: list[TranscribedNote] = []
    last: dict[tuple[bool, int], int] = {}
    for note in notes:
        before = last.get((note.drums, note.pitch))
        if before is not None:
            old = kept[before]
            if note.start - old.start < SHORTEST_S:
                kept[before] = max(old, note, key=lambda n: n.velocity)
                continue
            if old.end > note.start:
                kept[before] = _until(old, note.start)
        last[note.drums, note.pitch] = len(kept)
        kept.append(note)
    return kept


def _until(note: TranscribedNote, end: float) -> TranscribedNote:
    share = (end - note.start) / (note.end - note.start)
    bend = None if note.bend is None else note.bend[: max(1, round(share * len(note.bend)))]
    return replace(note, end=end, bend=bend)


def _tracks(notes: tuple[TranscribedNote, ...]) -> list[tuple[str, list[TranscribedNote]]]:
    """Share notes out to tracks: pitches, drums; with bends, those that sound at once each to one of its own.

    A channel bends all its notes alike. Where more sound at once than there are channels, the last one is
    shared.
    """
    pitched = [note for note in notes if not note.drums]
    struck = [note for note in notes if note.drums]
    voices: list[list[TranscribedNote]] = []
    if any(note.bend for note in pitched):
        for note in pitched:
            free = next((voice for voice in voices if voice[-1].end <= note.start), None)
            if free is None and len(voices) < MAX_VOICES:
                voices.append([note])
            else:
                (voices[-1] if free is None else free).append(note)
    elif pitched:
        voices = [pitched]
    names = [f"Notes {i + 1}" if len(voices) > 1 else "Notes" for i in range(len(voices))]
    return [*zip(names, voices, strict=True), *([("Drums", struck)] if struck else [])]


def _bends(notes: list[TranscribedNote], time: Timeline) -> tuple[tuple[float, float], ...]:
    """Return how a track is bent, in quarter notes and semitones; nothing where no note is."""
    at: list[float] = []
    bent: list[float] = []
    for note in notes:
        for i, semitones in enumerate(note.bend or ()):
            if i == 0 or semitones != bent[-1]:
                at.append(note.start + (note.end - note.start) * i / len(note.bend or ()))
                bent.append(semitones)
    return tuple(zip(time.to_quarters(np.array(at)).tolist(), bent, strict=True))


def to_midi(notes: tuple[TranscribedNote, ...], time: Timeline, duration: float) -> bytes:
    """Write notes as a MIDI file that lasts as long as the recording; without notes it has no part.

    Raises
    ------
    TooLongError
        If it would last over 100,000 quarter notes.
    """
    length = max([float(time.to_quarters(duration)), *(float(time.to_quarters(n.end)) for n in notes)])
    if length > _notes.MAX_QUARTERS:
        raise TooLongError(
            f"tempo: {time.tempo:g} BPM makes {length:.0f} quarter notes; "
            f"a file holds at most {_notes.MAX_QUARTERS:.0f}"
        )
    parts = []
    for name, own in _tracks(notes):
        starts = time.to_quarters(np.array([note.start for note in own]))
        ends = time.to_quarters(np.array([note.end for note in own]))
        written = tuple(
            _notes.Note(float(a), note.pitch, float(b - a), note.velocity)
            for note, a, b in zip(own, starts, ends, strict=True)
        )
        parts.append(_notes.Part(name, written, drums=own[0].drums, bends=_bends(own, time)))
    # A tick more, so that a note in the last instant has a length.
    whole = min(length + 1 / _notes.TICKS_PER_QUARTER, _notes.MAX_QUARTERS)
    return _notes.write(_notes.Score(tuple(parts), time.tempi, time.signatures, whole))
