"""Score sections on songs whose form is known, by the field's own metrics (mir_eval.segment).

    python -m engines.analyze.training.songs --pop909 DIR --out SONGS
    python bench/sections.py --songs SONGS [--bootstrap 2000]

Half of the songs, by a hash of their names, are what the stage's numbers were chosen on; the other half is
reported apart. A boundary counts within 0.5 s and 3 s, the first and last left out; labels are compared pair
by pair. Beside it: what it would be to call everything one section. Intervals are 95 %, by bootstrap over
songs, seed 0.
"""

import argparse
import hashlib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import mir_eval
import numpy as np

from engines.analyze.chord_finding import Segment
from engines.analyze.onset_strength import onset_envelope
from engines.analyze.pitches import Pitches
from engines.analyze.rhythm import find_rhythm
from engines.analyze.section_finding import find_sections


@dataclass
class Song:
    name: str
    pitches: Pitches
    bands: np.ndarray
    downbeats: np.ndarray
    duration: float
    times: np.ndarray
    labels: list[str]

    @property
    def chosen_on(self) -> bool:
        return int(hashlib.md5(self.name.encode(), usedforsecurity=False).hexdigest(), 16) % 2 == 0


def read(path: Path) -> Song:
    with np.load(path) as stored:
        duration = float(stored["duration"])
        pitches = Pitches(
            stored["pitches"].astype(np.float32), float(stored["tuning"]), float(stored["clarity"])
        )
        bands = stored["bands"].astype(np.float32)
        times, labels = stored["section_times"], [str(label) for label in stored["section_labels"]]
    times[0, 0], times[-1, 1] = 0.0, duration
    rhythm = find_rhythm(onset_envelope(bands), pitches, duration)
    return Song(path.stem, pitches, bands, rhythm.downbeats, duration, times, labels)


def score(song: Song, found: Sequence[Segment]) -> dict[str, float]:
    times = np.array([[s.start, s.end] for s in found])
    names = [s.label for s in found]
    detection = mir_eval.segment.detection
    precision, recall, f3 = detection(song.times, times, window=3.0, trim=True)
    return {
        "boundary F 0.5 s": detection(song.times, times, window=0.5, trim=True)[2],
        "boundary F 3 s": f3,
        "precision 3 s": precision,
        "recall 3 s": recall,
        "pairwise label F": mir_eval.segment.pairwise(song.times, song.labels, times, names)[2],
    }


def table(title: str, songs: list[Song], find: Callable[[Song], Sequence[Segment]], draws: int) -> None:
    print(f"\n## {title}")
    print("| songs | boundary F 0.5 s | boundary F 3 s | precision | recall | pairwise label F | 95 % |")
    print("|---|---|---|---|---|---|---|")
    for kind in ("pop", "mma", ""):
        rows = [list(score(song, find(song)).values()) for song in songs if song.name.startswith(kind)]
        if not rows:
            continue
        values = np.array(rows)
        cells = " | ".join(f"{v:.3f}" for v in values.mean(axis=0))
        rng = np.random.default_rng(0)
        means = values[:, -1][rng.integers(len(rows), size=(draws, len(rows)))].mean(axis=1)
        low, high = np.percentile(means, [2.5, 97.5])
        print(f"| {kind or 'all'} [{len(rows)}] | {cells} | {low:.3f} to {high:.3f} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--songs", type=Path, required=True)
    parser.add_argument("--bootstrap", type=int, default=2000)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # mir_eval warns of songs that are one section
    songs = [read(path) for path in sorted(arguments.songs.glob("*.npz"))]
    for title, half in (
        ("not chosen on", [s for s in songs if not s.chosen_on]),
        ("chosen on", [s for s in songs if s.chosen_on]),
    ):
        table(
            title,
            half,
            lambda s: find_sections(s.pitches, s.bands, s.downbeats, s.duration),
            arguments.bootstrap,
        )
        table(
            f"{title}: all one section", half, lambda s: [Segment(0.0, s.duration, "A")], arguments.bootstrap
        )


if __name__ == "__main__":
    main()
