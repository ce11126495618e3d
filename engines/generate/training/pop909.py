"""POP909 as event sequences: its melodies, or the lowest line of its piano as basses, over its chords.

Beats are those the set annotates; steps are sixteenths of them (`corpus`).

References
----------
Z. Wang et al., "POP909: A Pop-Song Dataset for Music Arrangement Generation", ISMIR 2020.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pretty_midi

from engines.generate.articulation import articulated
from engines.generate.theory import Chord
from engines.generate.training.corpus import (
    PACKED_NO_CHORD,
    Sequence,
    pack,
    phrases,
    read_chord,
    split_of,
)

_LOG = logging.getLogger(__name__)


def read(root: Path, part: str) -> Iterator[Sequence]:
    """Read POP909: the MELODY track, or the piano's lowest line as a bass, with the chord annotations.

    A song is cut wherever a bar is longer or shorter than its others, so that each piece keeps its bar lines.

    The bass is prepared in two ways more, in every split alike. Its bar lines are moved by whole beats where
    bass and chords begin their bars on another one (`bar_line`), as they do in a seventh of the songs: the
    annotations come from an algorithm. And its notes end as `articulation` says. Melodies are as they are
    annotated and played: the shipped melody and harmony were trained so.
    """
    failed: Counter[str] = Counter()
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        try:
            yield from _pop_song(folder, part)
        except (OSError, ValueError, IndexError, KeyError) as error:
            failed[type(error).__name__] += 1
    _LOG.info("pop909: left out %s", dict(failed))


def _pop_song(folder: Path, part: str) -> Iterator[Sequence]:
    beats, downbeats = _pop_beats(folder / "beat_midi.txt")
    tracks = {
        t.name.strip(): t for t in pretty_midi.PrettyMIDI(str(folder / f"{folder.name}.mid")).instruments
    }
    chords = _pop_chords(folder / "chord_midi.txt")
    period = Counter(np.diff(downbeats).tolist()).most_common(1)[0][0]
    if period not in (2, 3, 4):
        return
    indices = np.arange(len(beats))
    notes = _on_grid(tracks["MELODY" if part == "melody" else "PIANO"], beats)
    per_step = np.full(len(beats) * 4, PACKED_NO_CHORD, np.int64)
    for start, end, chord in chords:
        here = slice(*(int(np.interp(t, beats, indices) + 0.5) * 4 for t in (start, end)))
        per_step[here] = pack(chord)
    weighty: list[int] = []
    if part == "bass":
        notes = articulated(lowest_line(notes))
        weighty = [step for step, _, _ in notes] + (np.flatnonzero(np.diff(per_step)) + 1).tolist()
    for first, last in _regular(downbeats, period):
        moved = first + bar_line(weighty, first, last, period)
        low, high = moved * 4, (moved + (last - moved) // period * period) * 4
        inside = [(s - low, min(e, high) - low, p) for s, e, p in notes if low <= s < high]
        steps_per_bar = 12 if period == 3 else 16
        yield from phrases(
            f"pop909/{folder.name}", split_of(int(folder.name)), steps_per_bar, inside, per_step[low:high]
        )


def _on_grid(track: pretty_midi.Instrument, beats: npt.NDArray[np.float64]) -> list[tuple[int, int, int]]:
    """Return a track's notes as (start, end, pitch) in sixteenths of the annotated beats."""
    indices = np.arange(len(beats))
    notes = [
        (
            int(np.interp(n.start, beats, indices) * 4 + 0.5),
            int(np.interp(n.end, beats, indices) * 4 + 0.5),
            n.pitch,
        )
        for n in track.notes
        if beats[0] - 0.1 < n.start < beats[-1]
    ]
    return [(start, max(end, start + 1), pitch) for start, end, pitch in notes]


def _pop_beats(path: Path) -> tuple[npt.NDArray[np.float64], list[int]]:
    rows = [line.split() for line in path.read_text().splitlines()]
    return np.array([float(row[0]) for row in rows]), [i for i, row in enumerate(rows) if float(row[2]) == 1]


def _pop_chords(path: Path) -> list[tuple[float, float, Chord]]:
    rows = [line.split() for line in path.read_text().splitlines()]
    return [(float(start), float(end), read_chord(symbol)) for start, end, symbol in rows]


def _regular(downbeats: list[int], period: int) -> Iterator[tuple[int, int]]:
    """Yield (first, last) beats of the stretches in which every bar has `period` beats."""
    start = downbeats[0]
    for here, following in pairwise(downbeats):
        if following - here != period:
            if here - start >= 4 * period:
                yield start, here
            start = following
    if downbeats[-1] - start >= 4 * period:
        yield start, downbeats[-1]


def bar_line(weighty: list[int], first: int, last: int, period: int) -> int:
    """Return how many beats after the annotated bar lines most of what marks one begins.

    Parameters
    ----------
    weighty
        Steps on which the bass plays or the chord changes.
    first, last
        The beats of the stretch.
    period
        Beats of a bar: bar lines are annotated every so many from `first`.

    Returns
    -------
    int
        0 where the annotated beat has at least two thirds of what the fullest has, or nothing is marked.
    """
    on_beats = [step // 4 - first for step in weighty if step % 4 == 0 and first <= step // 4 < last]
    counts = np.bincount(np.array(on_beats, np.int64) % period, minlength=period)
    fullest = int(counts.argmax())
    return fullest if counts[0] * 3 < counts[fullest] * 2 else 0


def lowest_line(notes: Iterable[tuple[int, int, int]], highest: int = 52) -> list[tuple[int, int, int]]:
    """Return the notes that are below everything else sounding when they start.

    And not above `highest` (E3).
    """
    ordered = sorted(notes)
    line = []
    for start, end, pitch in ordered:
        below = any(p < pitch and s <= start < e for s, e, p in ordered if s <= start)
        if pitch <= highest and not below:
            line.append((start, end, pitch))
    return line
