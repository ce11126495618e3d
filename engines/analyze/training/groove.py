"""Drummers of the Groove MIDI Dataset, who play to a click; half of them get a bass and chords."""

import csv
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pretty_midi

from engines.analyze.training.accompaniment import COMPING, KITS, bass
from engines.analyze.training.render import Piece

SECONDS = 32.0


def groove_pieces(folder: Path, count: int, rng: np.random.Generator) -> Iterator[Piece]:
    """Take drummers' performances, half of them with a bass and chords put to them."""
    index = next(folder.rglob("info.csv"))
    with index.open() as file:
        rows = [r for r in csv.DictReader(file) if float(r["duration"]) > 8 and 55 <= float(r["bpm"]) <= 205]
    rows = [r for r in rows if r["time_signature"] in {"4-4", "3-4"}]
    rows = [r for r in rows if (index.parent / r["midi_filename"]).exists()]
    for row in rng.choice(np.array(rows, dtype=object), size=min(count, len(rows)), replace=False):
        score = pretty_midi.PrettyMIDI(str(index.parent / row["midi_filename"]))
        period, meter = 60 / float(row["bpm"]), int(row["time_signature"][0])
        end = min(SECONDS, score.get_end_time())
        beats = np.arange(0, end, period)
        piece = Piece(Path(row["midi_filename"]).stem, "groove", beats, beats[::meter], meter)
        drums = pretty_midi.Instrument(int(rng.choice(KITS)), is_drum=True)
        drums.notes = [n for t in score.instruments for n in t.notes if n.start < end]
        piece.midi.instruments.append(drums)
        if rng.random() < 0.5:
            _accompany(piece, rng)
        yield piece


def _accompany(piece: Piece, rng: np.random.Generator) -> None:
    minor = rng.random() < 0.5
    tonic = int(rng.integers(12))
    degrees = [(0, "min"), (5, "min"), (7, "min"), (8, "maj"), (3, "maj"), (10, "maj")]
    if not minor:
        degrees = [(0, "maj"), (5, "maj"), (7, "maj"), (9, "min"), (2, "min"), (0, "maj")]
    part = pretty_midi.Instrument(int(rng.choice(COMPING)))
    bars = np.append(piece.downbeats, piece.downbeats[-1] + piece.meter * (piece.beats[1] - piece.beats[0]))
    strum = float(rng.choice([1, 2, piece.meter]))
    for a, b in pairwise(bars):
        step, quality = degrees[int(rng.integers(len(degrees)))]
        root = (tonic + step) % 12
        piece.chords.append((float(a), float(min(b, SECONDS)), root, quality))
        for k in np.arange(0, piece.meter, strum):
            t = a + (b - a) * k / piece.meter
            for interval in (0, 3 if quality == "min" else 4, 7):
                pitch = 54 + (root + interval - 54) % 12
                part.notes.append(
                    pretty_midi.Note(
                        int(rng.uniform(50, 90)), pitch, t, t + 0.9 * strum * (b - a) / piece.meter
                    )
                )
    piece.midi.instruments += [part, bass(piece, rng)]
