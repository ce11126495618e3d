"""Whether what `analyze.similar` puts first is what belongs together.

    python bench/similarity.py --data DIR

`--data` holds `truth.csv` and `audio/`, as for `bench/accuracy.py`. Two questions, each asked of the timbre
alone and of the combined ranking: for a loop that was repeated, is the raw loop the nearest of all
recordings; and for the first half of a recording, is its second half the nearest of all second halves. The
texture's two numbers were chosen on the half of the songs called `chosen on`; the other half is the figure
to read.
"""

import argparse
import csv
import tempfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from engines._audio import load, save
from engines._units import silent
from engines.analyze.library_results import Match
from engines.analyze.likeness import compare
from engines.analyze.portrait import Portrait, portray

LOOPS = ("tiled", "loop")
SHORTEST_S = 16.0


def ranks(
    wanted: Sequence[Portrait], others: Sequence[Portrait], truth: Sequence[int]
) -> dict[str, list[int]]:
    """Return by each way of ranking how many others come before the right one, for each wanted."""
    ways: dict[str, Callable[[Match], float]] = {
        "timbre": lambda match: 1.0 if match.timbre_distance is None else match.timbre_distance,
        "combined": lambda match: match.distance,
    }
    places: dict[str, list[int]] = {name: [] for name in ways}
    for portrait, right in zip(wanted, truth, strict=True):
        matches = [compare(portrait, other) for other in others]
        same = portrait.recording.path
        for name, way in ways.items():
            distances = [way(m) if m.path != same else np.inf for m in matches]
            places[name].append(int(np.sum(np.array(distances) < distances[right])))
    return places


def table(title: str, places: dict[str, list[int]], among: int) -> None:
    for name, values in places.items():
        found = np.array(values)
        first, reciprocal = np.mean(found == 0), np.mean(1 / (1 + found))
        print(f"| {title} | {name} | {len(values)} | {among} | {first:.2f} | {reciprocal:.2f} |")


def halves(path: Path, folder: Path) -> tuple[Portrait, Portrait]:
    """Portray both halves of a recording."""
    y, sr = load(path)
    found = []
    for number, half in enumerate(np.array_split(y, 2, axis=1)):
        part = folder / f"{path.stem} {number}.wav"
        save(part, half, sr)
        found.append(portray(part, silent))
        part.unlink()
    return found[0], found[1]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    data = parser.parse_args().data
    with (data / "truth.csv").open() as file:
        rows = list(csv.DictReader(file))
    print("| asked | by | number | among | first | mean reciprocal rank |")
    print("|---|---|---|---|---|---|")
    portraits = [portray(data / "audio" / row["file"], silent) for row in rows]
    stems = [Path(row["file"]).stem for row in rows]
    tiled = [i for i, row in enumerate(rows) if row["group"] == "tiled"]
    truth = [stems.index(stems[i].replace("tiled_", "loop_", 1)) for i in tiled]
    table("a repeated loop's raw loop", ranks([portraits[i] for i in tiled], portraits, truth), len(rows) - 1)
    with tempfile.TemporaryDirectory() as folder:
        songs = [
            (row["file"], *halves(data / "audio" / row["file"], Path(folder)))
            for row, portrait in zip(rows, portraits, strict=True)
            if row["group"] not in LOOPS and portrait.recording.duration >= SHORTEST_S
        ]
    seconds = [second for _, _, second in songs]
    for parity, name in enumerate(("chosen on", "not chosen on")):
        asked = [i for i, song in enumerate(songs) if zlib.crc32(song[0].encode()) % 2 == parity]
        places = ranks([songs[i][1] for i in asked], seconds, asked)
        table(f"a first half's second half, {name}", places, len(seconds))


if __name__ == "__main__":
    main()
