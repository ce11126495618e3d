"""Score sections, and key over time, on songs whose form and keys are known, by mir_eval's metrics.

    python -m engines.analyze.training.songs --pop909 DIR --out SONGS --seed 1
    python bench/songs.py --songs SONGS [--bootstrap 2000]

The stages' numbers were chosen on 80 songs drawn otherwise, from the same collection. A boundary counts
within 0.5 s and 3 s, the first and last left out; labels are compared pair by pair. Beside it: what it would
be to call everything one section. Keys are scored second by second with MIREX's weights, beside the one key
of the whole; a change counts as found within 5 s. Intervals are 95 %, by bootstrap over songs, seed 0.
"""

import argparse
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import mir_eval
import numpy as np

from bench import bootstrap
from engines.analyze.key_finding import find_key
from engines.analyze.key_tracking import find_keys
from engines.analyze.keys import key_name
from engines.analyze.pitches import chroma
from engines.analyze.rhythm import find_rhythm
from engines.analyze.rhythm_cues import cues
from engines.analyze.section_finding import find_sections
from engines.analyze.segments import Segment
from engines.analyze.training.rendered import RenderedSong


@dataclass
class Song:
    """What was rendered, the downbeats heard in it, and its sections from the sound's start to its end."""

    rendered: RenderedSong
    downbeats: np.ndarray
    times: np.ndarray


def read(path: Path) -> Song:
    song = RenderedSong.load(path)
    times = np.array([(start, end) for start, end, _ in song.sections])
    times[0, 0], times[-1, 1] = 0.0, song.duration
    rhythm = find_rhythm(cues(song.bands, song.duration), song.pitches, song.duration)
    return Song(song, rhythm.downbeats, times)


def sections(song: Song) -> Sequence[Segment]:
    heard = song.rendered
    return find_sections(heard.pitches, heard.bands, song.downbeats, heard.duration)


def score(song: Song, found: Sequence[Segment]) -> dict[str, float]:
    times = np.array([[s.start, s.end] for s in found])
    names, labels = [s.label for s in found], [label for *_, label in song.rendered.sections]
    detection = mir_eval.segment.detection
    precision, recall, f3 = detection(song.times, times, window=3.0, trim=True)
    return {
        "boundary F 0.5 s": detection(song.times, times, window=0.5, trim=True)[2],
        "boundary F 3 s": f3,
        "precision 3 s": precision,
        "recall 3 s": recall,
        "pairwise label F": mir_eval.segment.pairwise(song.times, labels, times, names)[2],
    }


def table(title: str, songs: list[Song], find: Callable[[Song], Sequence[Segment]], draws: int) -> None:
    print(f"\n## {title}")
    print("| songs | boundary F 0.5 s | boundary F 3 s | precision | recall | pairwise label F | 95 % |")
    print("|---|---|---|---|---|---|---|")
    for kind in ("pop", "mma", ""):
        rows = [
            list(score(song, find(song)).values()) for song in songs if song.rendered.name.startswith(kind)
        ]
        if not rows:
            continue
        values = np.array(rows)
        cells = " | ".join(f"{v:.3f}" for v in values.mean(axis=0))
        low, high = bootstrap.interval(values[:, -1], draws)
        print(f"| {kind or 'all'} [{len(rows)}] | {cells} | {low:.3f} to {high:.3f} |")


def key_row(song: RenderedSong) -> tuple[float, float, int, int, int]:
    """Return the score over time, that of one key for all, changes found, true, and true ones found."""
    whole = find_key(song.pitches)
    if whole is None:
        return 0.0, 0.0, 0, len(song.keys) - 1, 0
    found = find_keys(chroma(song.pitches), song.duration, whole.best)
    at = np.arange(0.5, song.duration, 1.0)
    starts, keys = [start for start, *_ in song.keys], [name for *_, name in song.keys]
    true = np.maximum(0, np.searchsorted(starts, at, "right") - 1)
    named = np.searchsorted([s.start for s in found], at, "right") - 1
    weight = mir_eval.key.weighted_score
    followed = [weight(keys[t], key_name(found[f].key)) for t, f in zip(true, named, strict=True)]
    constant = [weight(keys[t], whole.name) for t in true]
    changes = [s.start for s in found[1:]]
    hits = sum(any(abs(start - change) <= 5 for change in changes) for start in starts[1:])
    return float(np.mean(followed)), float(np.mean(constant)), len(changes), len(song.keys) - 1, hits


def key_table(title: str, songs: list[RenderedSong]) -> None:
    print(f"\n## {title}")
    print(
        "| songs | followed | one key for all | share said to change | changes said | of them right | true |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, rows in (
        ("in one key", [key_row(s) for s in songs if len(s.keys) == 1]),
        ("that change key", [key_row(s) for s in songs if len(s.keys) > 1]),
    ):
        if rows:
            followed, constant, changes, true, hits = np.array(rows).T
            scores = f"{followed.mean():.3f} | {constant.mean():.3f} | {(changes > 0).mean():.2f}"
            counts = f"{changes.sum():.0f} | {hits.sum():.0f} | {true.sum():.0f}"
            print(f"| {name} [{len(rows)}] | {scores} | {counts} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--songs", type=Path, required=True)
    parser.add_argument("--bootstrap", type=int, default=bootstrap.DRAWS)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # mir_eval warns of songs that are one section
    songs = [read(path) for path in sorted(arguments.songs.glob("*.npz"))]
    key_table("key over time, MIREX weights", [song.rendered for song in songs])
    draws = arguments.bootstrap
    table("sections", songs, sections, draws)
    table("all one section", songs, lambda s: [Segment(0.0, s.rendered.duration, "A")], draws)


if __name__ == "__main__":
    main()
