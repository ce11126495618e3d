"""Scores as event sequences: one integer a sixteenth, with the chord that sounds under it.

Conventions (Magenta's): a melody or bass event is -2 "nothing new", -1 "note off", or a pitch that starts; a
drum event is a bit mask over the nine drums of `note_seq.drums_encoder_decoder.DEFAULT_DRUM_TYPE_PITCHES`.
Chords are packed as `root | bass << 4 | tones << 8`, with 0xFFFF for "no chord". Every sequence begins on a
bar line.

Held-out splits are by song: `test` is what figures are reported on, `dev` is what a checkpoint is chosen by,
and `train` is the rest.
"""

import csv
import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import mido  # type: ignore[import-untyped]  # pretty_midi stands on it
import numpy as np
import numpy.typing as npt

from engines.generate.theory import NO_CHORD, Chord, parse_chord

NO_EVENT: Final = -2
NOTE_OFF: Final = -1
PACKED_NO_CHORD: Final = 0xFFFF  # no chord holds all of these bits: pitch classes end at 11
STEPS_PER_QUARTER: Final = 4
BASS_SHIFT: Final = 24  # the bass is learned two octaves up, in the range of Magenta's melody models
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sequence:
    """One part of one song, from a bar line on.

    Attributes
    ----------
    song
        Which song; splits never cut through one.
    split
        train, dev or test.
    steps_per_bar
        16 in 4/4, 12 in 3/4 and 6/8.
    events
        Shape (n_steps,), see the head of this file.
    chords
        Shape (n_steps,) of packed chords; empty for drums.
    """

    song: str
    split: str
    steps_per_bar: int
    events: npt.NDArray[np.int16]
    chords: npt.NDArray[np.int64]


def pack(chord: Chord) -> int:
    """Write a chord as one integer."""
    if chord.root < 0:
        return PACKED_NO_CHORD
    return chord.root | chord.bass << 4 | sum(1 << tone for tone in chord.tones) << 8


def split_of(number: int) -> str:
    """Deal songs into splits: every tenth is for testing, every twentieth for choosing checkpoints."""
    return "test" if number % 10 == 1 else "dev" if number % 20 == 2 else "train"


# --- drums -----------------------------------------------------------------------------------------------


def groove(root: Path) -> Iterator[Sequence]:
    """Read the Groove MIDI Dataset.

    Its validation split is `test` here, each session's every tenth file `dev`.
    """
    drums = {pitch: bit for bit, pitches in enumerate(DRUM_PITCHES) for pitch in pitches}
    with (root / "info.csv").open() as table:
        rows = [row for row in csv.DictReader(table) if (root / row["midi_filename"]).exists()]
    for number, row in enumerate(rows):
        numerator, denominator = map(int, row["time_signature"].split("-"))
        steps_per_bar = numerator * 16 // denominator
        split = "test" if row["split"] == "validation" else "dev" if number % 10 == 1 else "train"
        starts = _ticks(root / row["midi_filename"])
        steps = [
            (int(tick * STEPS_PER_QUARTER + 0.5), drums[pitch]) for tick, pitch in starts if pitch in drums
        ]
        if not steps:
            continue
        events = np.zeros(max(step for step, _ in steps) + 1, np.int16)
        for step, drum in steps:
            events[step] |= 1 << drum
        name = f"{row['id']}:{row['style']}:{row['beat_type']}"
        for piece in without_gaps(events, steps_per_bar):
            yield Sequence(name, split, steps_per_bar, piece, np.zeros(0, np.int64))


def _ticks(path: Path) -> Iterator[tuple[float, int]]:
    """Yield (quarter notes from the start, pitch) of every note that starts in a MIDI file."""
    midi = mido.MidiFile(path)
    for track in midi.tracks:
        now = 0
        for message in track:
            now += message.time
            if message.type == "note_on" and message.velocity > 0:
                yield now / midi.ticks_per_beat, message.note


def without_gaps(events: npt.NDArray[np.int16], steps_per_bar: int) -> Iterator[npt.NDArray[np.int16]]:
    """Cut a drum track where a bar or more is silent, as Magenta's extractor does, on bar lines."""
    hits = np.flatnonzero(events)
    first = 0
    for here, following in [*pairwise(hits), (hits[-1], None)]:
        if following is None or following - here > steps_per_bar:
            start = int(hits[first]) // steps_per_bar * steps_per_bar
            yield events[start : here + 1]
            first = int(np.searchsorted(hits, here)) + 1


# Magenta's nine drums, the pitch that is played first
# (note_seq.drums_encoder_decoder.DEFAULT_DRUM_TYPE_PITCHES).
DRUM_PITCHES: Final = (
    (36, 35),
    (38, 27, 28, 31, 32, 33, 34, 37, 39, 40, 56, 65, 66, 75, 85),
    (42, 44, 54, 68, 69, 70, 71, 73, 78, 80, 22),
    (46, 67, 72, 74, 79, 81, 26),
    (45, 29, 41, 43, 61, 64, 84),
    (48, 47, 60, 63, 77, 86, 87),
    (50, 30, 62, 76, 83),
    (49, 52, 55, 57, 58),
    (51, 53, 59, 82),
)


# --- melody, bass, chords -----------------------------------------------------------------------------------


def openewld(root: Path) -> Iterator[Sequence]:
    """Read OpenEWLD lead sheets: the melody with its chords.

    Files note_seq cannot read are counted and left out.
    """
    import note_seq  # noqa: PLC0415  only the training set of packages has it

    failed: Counter[str] = Counter()
    for path in sorted(root.rglob("*.mxl")):
        split = split_of(sum(map(ord, path.name)))
        try:
            sequence = note_seq.musicxml_file_to_sequence_proto(str(path))
            for piece in note_seq.sequences_lib.split_note_sequence_on_time_changes(sequence):
                yield from _lead_sheet(f"openewld/{path.stem}", split, piece)
        except Exception as error:
            failed[type(error).__name__] += 1
    _LOG.info("openewld: left out %s", dict(failed))


def _lead_sheet(song: str, split: str, sequence: object) -> Iterator[Sequence]:
    import note_seq  # noqa: PLC0415

    quantized = note_seq.quantize_note_sequence(sequence, STEPS_PER_QUARTER)
    signature = quantized.time_signatures[0]
    steps_per_bar = signature.numerator * 16 // signature.denominator
    symbols = [a for a in quantized.text_annotations if a.annotation_type == a.CHORD_SYMBOL]
    if steps_per_bar not in (12, 16, 8) or not symbols or not quantized.notes:
        return
    part = min(note.part for note in quantized.notes)
    notes = [
        (n.quantized_start_step, n.quantized_end_step, n.pitch) for n in quantized.notes if n.part == part
    ]
    length = max(end for _, end, _ in notes)
    chords = np.full(length, PACKED_NO_CHORD, np.int64)
    for symbol in sorted(symbols, key=lambda a: a.quantized_step):
        chords[symbol.quantized_step :] = pack(read_chord(symbol.text))
    # In 2/4 two bars make one of 4/4: the models count in sixteen steps.
    yield from phrases(song, split, 16 if steps_per_bar == 8 else steps_per_bar, notes, chords)


def phrases(
    song: str,
    split: str,
    steps_per_bar: int,
    notes: list[tuple[int, int, int]],
    chords: npt.NDArray[np.int64],
) -> Iterator[Sequence]:
    """Cut notes into melodies where two bars or more are silent.

    Each begins on the bar line before its first note.
    """
    grid = monophonic(notes, len(chords))
    onsets = np.flatnonzero(grid >= 0)
    first = 0
    for i in range(len(onsets)):
        last = i + 1 == len(onsets)
        if last or onsets[i + 1] - onsets[i] > 2 * steps_per_bar:
            start = int(onsets[first]) // steps_per_bar * steps_per_bar
            end = len(grid) if last else int(onsets[i + 1])
            end = min(len(grid), -(-end // steps_per_bar) * steps_per_bar, int(onsets[i]) + 2 * steps_per_bar)
            if end - start >= 4 * steps_per_bar and len(np.unique(grid[onsets[first] : onsets[i] + 1])) >= 4:
                yield Sequence(song, split, steps_per_bar, grid[start:end], chords[start:end])
            first = i + 1


def monophonic(notes: list[tuple[int, int, int]], length: int) -> npt.NDArray[np.int16]:
    """Write (start, end, pitch) in steps as melody events.

    Of notes that start together the highest is kept.
    """
    grid = np.full(length, NO_EVENT, np.int16)
    highest: dict[int, tuple[int, int]] = {}
    for start, end, pitch in notes:
        if 0 <= start < length and pitch > highest.get(start, (-1, 0))[0]:
            highest[start] = (pitch, end)
    starts = sorted(highest)
    for i, start in enumerate(starts):
        pitch, end = highest[start]
        grid[start] = pitch
        if end < length and (i + 1 == len(starts) or end < starts[i + 1]):
            grid[max(end, start + 1)] = NOTE_OFF if grid[max(end, start + 1)] == NO_EVENT else grid[end]
    return grid


def read_chord(symbol: str) -> Chord:
    """Read a chord symbol of a data set.

    One that cannot be read falls back to its triad, then to no chord.
    """
    plain = symbol.split("(", maxsplit=1)[0]
    for text in (symbol, plain, plain.split("/", maxsplit=1)[0], symbol[:2].rstrip(":")):
        try:
            return parse_chord(text)
        except ValueError:
            continue
    return NO_CHORD


# --- on disk ------------------------------------------------------------------------------------------------


def save(sequences: list[Sequence], path: Path) -> None:
    """Write sequences as one `.npz`: plain arrays, no pickles."""
    np.savez_compressed(
        path,
        songs=np.array([s.song for s in sequences]),
        splits=np.array([s.split for s in sequences]),
        bars=np.array([s.steps_per_bar for s in sequences]),
        lengths=np.array([len(s.events) for s in sequences]),
        chord_lengths=np.array([len(s.chords) for s in sequences]),
        events=np.concatenate([s.events for s in sequences]),
        chords=np.concatenate([s.chords for s in sequences]),
    )


def load(path: Path, split: str | None = None) -> list[Sequence]:
    """Read what `save` wrote, of one split or all."""
    with np.load(path) as data:
        events = np.split(data["events"], np.cumsum(data["lengths"])[:-1])
        chords = np.split(data["chords"], np.cumsum(data["chord_lengths"])[:-1])
        rows = zip(data["songs"], data["splits"], data["bars"], events, chords, strict=True)
        return [Sequence(str(a), str(b), int(c), d, e) for a, b, c, d, e in rows if split in (None, str(b))]
