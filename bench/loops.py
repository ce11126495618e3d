"""Score beats and bars of loops of one, two and four bars, cut out of recordings whose bars are known.

    python bench/loops.py --data DIR [--cuts 2] [--seed 0]

`--data` is as for `bench/accuracy.py`, of which the recordings with downbeats are taken. Loops are cut from
downbeat to downbeat, to the sample; beside them, excerpts of 2 to 15 s cut anywhere, which are none. Nothing
is trimmed from their beginnings: F counts all beats and downbeats within 70 ms (mir_eval). As shipped, the
models have learned from these recordings; what is told here is what a cut changes.
"""

import argparse
import csv
import tempfile
from collections import defaultdict
from pathlib import Path

import mir_eval
import numpy as np

from engines import _audio, analyze
from engines.analyze.training.tempo_accuracy import accuracy_1

SR = 44_100
BARS = (1, 2, 4)
MEASURES = ("told loops", "tempo Acc1", "beats F", "downbeats F", "meter")


def cut(
    bars: int, downbeats: np.ndarray, duration: float, rng: np.random.Generator
) -> tuple[float, float] | None:
    """Choose where to cut: from a downbeat on, for less than 16 s; or, for 0 bars, anywhere."""
    if bars == 0:
        length = rng.uniform(2, min(15.0, duration))
        start = rng.uniform(0, duration - length)
        return start, start + length
    starts = [i for i in range(len(downbeats) - bars) if downbeats[i + bars] - downbeats[i] < 16]
    if not starts:
        return None
    i = int(rng.choice(starts))
    return float(downbeats[i]), float(downbeats[i + bars])


def score(path: Path, tempo: float, beats: np.ndarray, per_bar: int) -> list[float]:
    """Score what is heard of a cut against its beats: seconds from its start, and 1 for downbeats."""
    found = analyze.beats(path)
    f = mir_eval.beat.f_measure
    return [
        float(found.loop_beats > 0),
        accuracy_1(found.tempo, tempo),
        f(beats[:, 0], np.array(found.beat_times)),
        f(beats[beats[:, 1] == 1, 0], np.array(found.downbeat_times)),
        float(found.meter is not None and int(found.meter[0]) == per_bar),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cuts", type=int, default=2, help="of each kind from each recording")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    rows: dict[int, list[list[float]]] = defaultdict(list)
    with (arguments.data / "truth.csv").open(encoding="utf-8") as file:
        recordings = [row for row in csv.DictReader(file) if row["beats"] and row["tempo"]]
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "cut.wav"
        for row in recordings:
            truth = np.loadtxt(arguments.data / row["beats"], ndmin=2)
            y = _audio.load_mono(arguments.data / "audio" / row["file"], SR)
            truth = truth[truth[:, 0] < len(y) / SR]
            downbeats = truth[truth[:, 1] == 1, 0]
            for bars in (*BARS, 0) if len(downbeats) > 1 else ():
                for _ in range(arguments.cuts):
                    if (where := cut(bars, downbeats, len(y) / SR, rng)) is None:
                        continue
                    start, end = where
                    _audio.save(path, y[None, round(start * SR) : round(end * SR)], SR)
                    inside = truth[(truth[:, 0] >= start - 1e-6) & (truth[:, 0] < end - 1e-3)]
                    moved = np.column_stack((inside[:, 0] - start, inside[:, 1]))
                    rows[bars].append(score(path, float(row["tempo"]), moved, int(truth[:, 1].max())))
    print(f"{len(recordings)} recordings, {arguments.cuts} cuts of each kind, seed {arguments.seed}\n")
    print("| cut | of | " + " | ".join(MEASURES) + " |\n" + "|---" * (2 + len(MEASURES)) + "|")
    for bars, scores in rows.items():
        what = f"loops of {bars} bar{'s' if bars > 1 else ''}" if bars else "anywhere, 2 to 15 s"
        means = " | ".join(f"{x:.3f}" for x in np.mean(scores, axis=0))
        print(f"| {what} | {len(scores)} | {means} |")


if __name__ == "__main__":
    main()
