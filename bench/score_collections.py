"""Scores of others, performed by the bench: Bach chorales, and lead sheets of songs in the public domain."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench.made_scores import KEYBOARDS, SECONDS, VOICES, Note, Score
from engines.analyze.keys import key_name
from engines.generate.theory import parse_chord


def chorales(path: Path, count: int, rng: np.random.Generator) -> Iterator[Score]:
    """Read Bach chorales in four voices, sixteenths as rows (JSB Chorales, `jsb-chorales-16th.json`)."""
    songs = json.loads(path.read_text())["test"]
    for number in rng.permutation(len(songs))[:count]:
        rows = songs[int(number)]
        tempo = float(rng.uniform(64, 100))
        n_beats = min(len(rows) // 4, int(SECONDS * tempo / 60))
        notes = []
        for voice in range(4):
            line = [int(row[voice]) if voice < len(row) else -1 for row in rows[: 4 * n_beats]]
            start = 0
            for i in range(1, len(line) + 1):
                if i == len(line) or line[i] != line[start]:
                    if line[start] > 0:
                        notes.append(Note(f"voice {voice}", 19, line[start], 85, start / 4, i / 4))
                    start = i
        # Neither bars nor keys are in the file: beats alone are the truth.
        yield Score(f"chorale {number}", tuple(notes), n_beats, tempo, "", 0)


def lead_sheets(folder: Path, count: int, rng: np.random.Generator) -> Iterator[Score]:
    """Read OpenEWLD lead sheets in 4/4 and 3/4, arranged for a melody, chords and a bass, without drums."""
    import note_seq  # noqa: PLC0415 - seconds to import

    paths = sorted(folder.rglob("*.mxl"))
    for number in rng.permutation(len(paths)):
        if count == 0:
            return
        try:
            sheet = note_seq.musicxml_file_to_sequence_proto(str(paths[number]))
            score = _lead_sheet(paths[number].stem, sheet, rng)
        except Exception:  # noqa: S112 - whatever a hundred notation programs wrote
            continue
        if score:
            count -= 1
            yield score


def _lead_sheet(name: str, sheet: Any, rng: np.random.Generator) -> Score | None:
    times = {(t.numerator, t.denominator) for t in sheet.time_signatures}
    keys = {(k.key, k.mode) for k in sheet.key_signatures}
    if len(times) != 1 or len(keys) != 1 or not times <= {(4, 4), (3, 4)}:
        return None
    if len({t.qpm for t in sheet.tempos}) != 1:
        return None
    per_bar = times.pop()[0]
    tonic, mode = keys.pop()
    beat = 60 / sheet.tempos[0].qpm
    tempo = float(np.exp(rng.uniform(np.log(84), np.log(176))))
    n_beats = int(SECONDS * tempo / 60 / per_bar) * per_bar
    voice, comping = int(rng.choice(VOICES)), int(rng.choice(KEYBOARDS))
    notes = [
        Note("melody", voice, n.pitch, 95, n.start_time / beat, n.end_time / beat)
        for n in sheet.notes
        if n.start_time / beat < n_beats
    ]
    symbols = [
        (a.time / beat, parse_chord(a.text))
        for a in sheet.text_annotations
        if a.annotation_type == a.CHORD_SYMBOL and a.text != "N.C."
    ]
    if len(symbols) < 4 or not notes or notes[0].start > 4 * per_bar:
        return None
    for i, (start, chord) in enumerate(symbols):
        end = symbols[i + 1][0] if i + 1 < len(symbols) else float(n_beats)
        for b in np.arange(np.ceil(start - 1e-6), min(end, n_beats)):
            if chord.root < 0 or b < 0:
                continue
            first = b % per_bar == 0
            if first or b % 2 == 0:
                notes.append(Note("bass", 32, 28 + (chord.root - 28) % 12, 88, b, b + 0.9))
            notes += [
                Note("chords", comping, 52 + (chord.root + tone - 52) % 12, 62 + 8 * first, b, b + 0.8)
                for tone in sorted(set(chord.tones))
            ]
    key = key_name(12 * (mode == 1) + tonic)
    return Score(name, tuple(notes), n_beats, tempo, f"{per_bar}/4", per_bar, key)
