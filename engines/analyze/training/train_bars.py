"""Train the model that finds meter and downbeats, and say how it does on music it has not seen.

    python -m engines.analyze.training.train_bars --data DIR --rendered DIR

`--data` holds `truth.csv`, `audio/` and `truth/*.beats` (time, place in the bar); `--rendered` what
`training.beat_pieces` wrote. It makes accented clicks besides. Beats are tracked at the true tempo, so that
the model learns of bars only.
"""

import argparse
import csv
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np
from mir_eval.beat import f_measure

from engines._audio import FloatArray
from engines.analyze import bars, beat_tracking
from engines.analyze.harmony import hear_harmony
from engines.analyze.listening import RHYTHM, TONAL, listen
from engines.analyze.onset_strength import LEAD_S
from engines.analyze.pitches import Pitches
from engines.analyze.rhythm_cues import Cues, cues
from engines.analyze.training.clicks import COUNTED, backbeat, counted, listen_to
from engines.analyze.training.rank import Example, leave_group_out, train
from engines.analyze.training.rendered import RenderedPiece, for_rankers

# Music that comes again every two beats is more often 4/4 than 2/4: there are more marches and polkas among
# the dances than elsewhere.
MARCHES = 0.5
# Four differ in what they make of a jig that could be a shuffle, from one set of rendered music to the next.
N_NETS = 8
CLICKS, BACKBEAT = "click", "backbeat"  # that this script makes


@dataclass(frozen=True)
class BarExample(Example):
    """One recording's readings, and whether it is in 2/4."""

    march: bool

    @property
    def weight(self) -> float:
        """How much it counts beside others of its group."""
        return MARCHES if self.march else 1.0


def recordings(folder: Path) -> Iterable[BarExample]:
    """Hear the recordings of a folder with a truth.csv, where there are beats with places in the bar."""
    with (folder / "truth.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["beats"]]
    for row in rows:
        beats = np.loadtxt(folder / row["beats"], ndmin=2)
        heard = listen(folder / "audio" / row["file"], {RHYTHM, TONAL})
        beats = beats[beats[:, 0] < heard.duration]
        down = beats[beats[:, 1] == 1, 0]
        yield from example(
            row["file"],
            row["group"],
            tempo=float(row["tempo"]),
            heard=cues(heard.bands, heard.duration),
            pitches=heard.pitches,
            duration=heard.duration,
            downbeats=down,
        )


def rendered(folder: Path) -> Iterable[BarExample]:
    """Take what `beat_pieces` heard, but for what its network learned from."""
    for path in filter(lambda path: for_rankers(path.stem), sorted(folder.glob("*.npz"))):
        piece = RenderedPiece.load(path)
        yield from example(
            piece.name,
            piece.group,
            tempo=piece.tempo,
            heard=cues(piece.bands, piece.duration),
            pitches=piece.pitches,
            duration=piece.duration,
            downbeats=piece.downbeats,
        )


def clicks(count: int = 1000, seed: int = 0) -> Iterable[BarExample]:
    """Count bars of each meter in turn by accents alone, and play as many backbeats."""
    rng = np.random.default_rng(seed)
    for k, written in zip(range(count), cycle((*COUNTED, BACKBEAT)), strict=False):
        group, made = (BACKBEAT, backbeat(rng)) if written == BACKBEAT else (CLICKS, counted(written, rng))
        heard = listen_to(made.samples, {RHYTHM, TONAL})
        yield from example(
            f"{CLICKS}_{k}_{written}",
            group,
            tempo=made.tempo,
            heard=cues(heard.bands, heard.duration),
            pitches=heard.pitches,
            duration=heard.duration,
            downbeats=made.downbeats,
        )


def example(
    name: str,
    group: str,
    *,
    tempo: float,
    heard: Cues,
    pitches: Pitches,
    duration: float,
    downbeats: FloatArray,
) -> Iterable[BarExample]:
    """Describe one recording; nothing if its tracked beats miss the downbeats, which then teach nothing."""
    if len(downbeats) < 3:
        return
    beats = beat_tracking.track(heard.beat_curve(), tempo) + LEAD_S
    beats = beats[beats >= 0]
    if len(beats) < bars.FEWEST_BEATS:
        return
    thirds = bars.thirds(heard.envelope, beats)
    at_beats = bars.moments(heard, pitches, hear_harmony(pitches, beats, duration), beats)
    readings, features = bars.bar_features(at_beats, thirds, float(np.median(np.diff(beats))))
    in_two = downbeats
    meter = round(float(np.median(np.diff(downbeats))) * tempo / 60)
    if meter == 4 and thirds.min() > bars.TERNARY:  # nothing but notation tells 12/8 from twice 6/8
        in_two = np.sort(np.concatenate([downbeats, (downbeats[1:] + downbeats[:-1]) / 2]))
    score = np.array([f_measure(in_two if n == 2 else downbeats, beats[first::n]) for n, first in readings])
    if score.max() > 0.6:
        right = (score >= score.max() - 0.05).astype(np.float64)
        march = group != CLICKS and meter == 2 and float(thirds[1]) < bars.TERNARY
        yield BarExample(name, group, features, right, march)


def main() -> None:
    """Train, report and write."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rendered", type=Path, required=True)
    arguments = parser.parse_args()
    examples = [*recordings(arguments.data), *rendered(arguments.rendered), *clicks()]
    print(f"{len(examples)} recordings")
    for group, chosen in leave_group_out(list(examples), N_NETS).items():
        print(f"{group:10s} {len(chosen):4d}  right {np.mean([e.right[i] > 0 for e, i in chosen]):.1%}")
    train(list(examples), n_nets=N_NETS).save(bars.MODEL)


if __name__ == "__main__":
    main()
