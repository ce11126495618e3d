"""One pass over a recording: decoded once, in blocks, through the networks of pitches, of drums, or both.

Notes are decided while it runs, a minute and a half at a time, so that memory does not grow with the length
of a recording but for its drum spectrum, 86 MB for three hours, and as much again for what is heard in it.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from engines._audio import AudioReader, FloatArray
from engines._errors import TooLongError
from engines._streaming import Mixdown, Resampler
from engines._units import Progress, rising
from engines.transcribe import drum_model, drum_spectrum, pitch_model, stroke_roles
from engines.transcribe.drum_model import Strokes, activations, strokes
from engines.transcribe.drum_spectrum import DrumListener
from engines.transcribe.note_creation import TRAINED, FoundNote, Rules, bend, create_notes, holds
from engines.transcribe.pitch_model import Activations, PitchListener, frame_times

SEGMENT: Final = 8192  # frames decided at a time: 95 s
BEFORE: Final = 1024  # frames before them that are looked at again, so that what began there is known
AFTER: Final = 2048  # and after, 24 s; a note that holds to their end is followed into the next segment
# Share of the time that hearing drums takes after the last block was read: beside pitches, and alone.
DRUMS_SHARE: Final = {True: 0.15, False: 0.6}
HEARD = 0.98  # of the progress
# What an answer can hold: 80 bytes a note, and 9 a step of a bend, of the 32 MB that a message has.
MAX_NOTES: Final = 200_000
MAX_BEND_FRAMES: Final = 2_000_000


@dataclass(frozen=True)
class HeardNote:
    """A pitched note: seconds, MIDI pitch, mean likelihood, power at its start, bend by frame or None."""

    start: float
    end: float
    pitch: int
    amplitude: float
    power: float
    bend: FloatArray | None


@dataclass(frozen=True)
class Heard:
    """What one pass heard.

    Attributes
    ----------
    notes
        Pitched notes in order of start; empty unless asked for.
    drums
        Strokes by class of `drum_model.CLASSES`; empty unless asked for.
    duration
        Seconds.
    truncated
        Whether the file ends before its header says.
    """

    notes: list[HeardNote]
    drums: list[Strokes]
    duration: float
    truncated: bool = False


@dataclass(frozen=True)
class _Held:
    """A note, by its index, and the frame of the recording up to which it was heard."""

    note: int
    end: int


class NoteCollector:
    """Collects activations and turns them into notes a segment at a time."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._waiting: list[Activations] = []
        self._n_waiting = 0
        self._first = 0  # frame of the recording at which what waits begins
        self._decided = 0  # frame of the recording up to which notes have been handed out
        self.notes: list[HeardNote] = []
        self._held: dict[int, _Held] = {}  # by column: what still sounds at the last frame looked at
        self._n_bent = 0

    def push(self, heard: Activations) -> None:
        """Add frames."""
        self._waiting.append(heard)
        self._n_waiting += len(heard.notes)
        if self._first + self._n_waiting - self._decided >= SEGMENT + AFTER:
            self._decide(self._decided + SEGMENT)

    def finish(self) -> list[HeardNote]:
        """Decide the rest; return all notes in order of start.

        Raises, as `push` does, TooLongError if there are more than an answer can hold.
        """
        if self._n_waiting:
            self._decide(self._first + self._n_waiting)
        return sorted(self.notes, key=lambda note: (note.start, note.pitch))

    def _decide(self, until: int) -> None:
        heard = _joined(self._waiting)
        last = self._first + self._n_waiting
        times = frame_times(self._first, self._n_waiting)
        begun = [
            found
            for found in create_notes(heard, self._rules)
            if self._decided <= self._first + found.start < until
        ]
        self._follow(heard, times, begun)
        for found in begun:
            bent = self._bent(heard, found)
            start, end = float(times[found.start]), float(times[found.end])
            pitch = found.pitch + pitch_model.LOWEST_PITCH
            power = float(heard.powers[found.start, found.pitch])
            self._hold(found, len(self.notes))
            self.notes.append(HeardNote(start, end, pitch, found.amplitude, power, bent))
        if len(self.notes) > MAX_NOTES or self._n_bent > MAX_BEND_FRAMES:
            raise _too_many("bends" if len(self.notes) <= MAX_NOTES else "notes", float(times[-1]))
        keep = max(self._first, until - BEFORE) - self._first
        self._waiting = [] if until >= last else [_from(heard, keep)]
        self._first, self._n_waiting, self._decided = self._first + keep, self._n_waiting - keep, until

    def _follow(self, heard: Activations, times: FloatArray, begun: list[FoundNote]) -> None:
        """Let notes that held to the end of the last segment go on, until their key is struck again."""
        held, self._held = self._held, {}
        for column, one in held.items():
            start = one.end - self._first
            struck = [found.start for found in begun if found.pitch == column]
            until = min(struck, default=self._n_waiting - 1)
            if until <= start:
                continue
            more = FoundNote(start, column, start + holds(heard.notes[start:until, column], self._rules), 0.0)
            note, bent = self.notes[one.note], self._bent(heard, more)
            if note.bend is not None and bent is not None:
                bent = np.concatenate([note.bend, bent])
            self.notes[one.note] = replace(note, end=float(times[more.end]), bend=bent)
            if not struck:
                self._hold(more, one.note)

    def _hold(self, found: FoundNote, note: int) -> None:
        if found.end >= self._n_waiting - 1 - self._rules.tolerance:
            self._held[found.pitch] = _Held(note, self._first + found.end)

    def _bent(self, heard: Activations, found: FoundNote) -> FloatArray | None:
        if heard.contours is None:
            return None
        bent = bend(heard.contours, found)
        self._n_bent += len(bent)
        return bent


def _too_many(what: str, seconds: float) -> TooLongError:
    return TooLongError(
        f"path: more {what} in the first {seconds / 60:.0f} min than one answer can hold; "
        "transcribe it in parts"
    )


def _joined(parts: list[Activations]) -> Activations:
    if len(parts) == 1:
        return parts[0]
    contours = [part.contours for part in parts if part.contours is not None]
    return Activations(
        np.concatenate([part.notes for part in parts]),
        np.concatenate([part.onsets for part in parts]),
        np.concatenate(contours) if contours else None,
        np.concatenate([part.powers for part in parts]),
    )


def _from(heard: Activations, first: int) -> Activations:
    contours = None if heard.contours is None else heard.contours[first:].copy()
    return Activations(
        heard.notes[first:].copy(), heard.onsets[first:].copy(), contours, heard.powers[first:].copy()
    )


@dataclass(frozen=True)
class Wanted:
    """What to listen for: notes, strokes on drums, how notes are bent, and what counts as a note."""

    pitched: bool = True
    drums: bool = True
    bends: bool = False
    rules: Rules = TRAINED


def hear(path: Path, wanted: Wanted, progress: Progress, begin: float = 0.0) -> Heard:
    """Hear the notes and strokes of a recording.

    Reports progress from `begin` to 0.98: of reading at least every 1.5 s of audio, of hearing drums every
    20 s. Raises as `engines._audio.AudioReader` does, and NotInstalledError if a model is missing.
    """
    progress = rising(progress)
    heard, cancelled = _hear(path, wanted, progress, begin, None)
    if cancelled is not None:
        heard, _ = _hear(path, wanted, progress, begin, cancelled)
    return heard


def _hear(
    path: Path, wanted: Wanted, progress: Progress, begin: float, channel: int | None
) -> tuple[Heard, int | None]:
    pitch_listener, collector = PitchListener(wanted.bends), NoteCollector(wanted.rules)
    drum_listener = DrumListener()
    read = HEARD - (HEARD - begin) * (DRUMS_SHARE[wanted.pitched] if wanted.drums else 0.0)
    with AudioReader(path) as reader:
        to_pitch, to_drums = Resampler(reader.sr, pitch_model.SR), Resampler(reader.sr, drum_spectrum.SR)
        mixdown = Mixdown(reader.n_channels, channel)
        for block in reader.blocks():
            mono = mixdown.push(block)
            progress(begin + (read - begin) * reader.share_read, "notes")
            if wanted.pitched:
                for heard in pitch_listener.push(to_pitch.push(mono)):
                    collector.push(heard)
            if wanted.drums:
                drum_listener.push(to_drums.push(mono))
        if mixdown.instead is not None:
            return Heard([], [], 0.0), mixdown.instead
        duration, truncated = reader.duration, reader.truncated
    struck: list[Strokes] = []
    if wanted.pitched:
        for heard in (*pitch_listener.push(to_pitch.finish()), *pitch_listener.finish()):
            collector.push(heard)
    if wanted.drums:
        drum_listener.push(to_drums.finish())
        struck = _struck(
            drum_listener.finish(), lambda share, stage: progress(read + (HEARD - read) * share, stage)
        )
        if len(collector.notes) + sum(len(one.times) for one in struck) > MAX_NOTES:
            raise _too_many("notes and strokes" if wanted.pitched else "strokes", duration)
    return Heard(collector.finish(), struck, duration, truncated), None


def _struck(log_bands: FloatArray, progress: Progress) -> list[Strokes]:
    roles = stroke_roles.network()
    activation = activations(log_bands, drum_model.network(), progress)
    return strokes(stroke_roles.weighed(log_bands, activation, roles), roles.thresholds)
