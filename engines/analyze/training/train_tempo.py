"""Train the model that tells which pulse is the beat, and say how it does on music it has not seen.

    python -m engines.analyze.training.train_tempo --data DIR --rendered DIR

`--data` holds `truth.csv` and `audio/` (file, group, tempo); `--rendered` what `training.beat_pieces` wrote.
Beside them it makes clicks of its own. Reported is leave-group-out: each group is ranked by
a model that has seen none of it (loops and tiled loops, the same sounds, count as one group). The shipped
model has seen all.
"""

import argparse
import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engines._audio import FloatArray
from engines.analyze import bars
from engines.analyze.bands import SR
from engines.analyze.listening import RHYTHM, TONAL, listen
from engines.analyze.pulse import MODEL, find_pulses
from engines.analyze.pulse_features import LOOP_S
from engines.analyze.rhythm_cues import cues
from engines.analyze.training.clicks import listen_to
from engines.analyze.training.excerpts import Excerpt, again_and_again, some_bars, whole
from engines.analyze.training.performing import Rng, log_uniform
from engines.analyze.training.rank import Example, leave_group_out, train
from engines.analyze.training.rendered import RenderedPiece, for_rankers
from engines.analyze.training.tempo_accuracy import TOLERANCE, accuracy_1, accuracy_2

# Tempi that people tap, in octaves around the preferred one: D. Moelants, "Preferred tempo reconsidered",
# ICMPC 2002.
PREFERRED, SPREAD = 120.0, 0.5
CLICKS, LOOPS, TRACKS = "click", "loops", "track"  # rendered ones; `loop` and `tiled` are recordings
LOOPS_A_PIECE, TRACKS_A_PIECE = 2, 0.5


@dataclass(frozen=True)
class TempoExample(Example):
    """One recording's candidate tempi (n,) and its true tempo, in BPM.

    `compound` is whether it is in bars of two beats that fall into thirds.
    """

    tempo: float
    tempi: FloatArray
    compound: bool = False

    @property
    def weight(self) -> float:
        """Count tempi as listeners like them, so that what is rendered does not make fast ones too usual.

        A bare click is the beat whatever its tempo, and the beats of 6/8 are slow ones: their eighths are
        nearer to the preferred tempo, which would teach that the eighths are the beat.
        """
        if self.group == CLICKS or self.compound:
            return 1.0
        return float(np.exp(-0.5 * (np.log2(self.tempo / PREFERRED) / SPREAD) ** 2))


def recordings(folder: Path) -> Iterable[TempoExample]:
    """Hear the recordings of a folder with a truth.csv."""
    with (folder / "truth.csv").open() as file:
        for row in csv.DictReader(file):
            if row["tempo"]:
                heard = listen(folder / "audio" / row["file"], {RHYTHM, TONAL})
                excerpt = Excerpt(heard.bands, heard.pitches, heard.duration)
                yield example(row["file"], row["group"], float(row["tempo"]), excerpt)


def rendered(folder: Path) -> Iterable[TempoExample]:
    """Take what `beat_pieces` heard, but for what its network learned from, loops cut out of it, and tracks.

    A track is a loop that is played again and again. Songs in bars of two are for `train_bars`: there are
    more of them than there should be.
    """
    for_loops, for_tracks = np.random.default_rng(0), np.random.default_rng(1)
    for path in sorted(folder.glob("*.npz")):
        if not for_rankers(path.stem) or path.stem.startswith("duple"):
            continue
        piece = RenderedPiece.load(path)
        if piece.tempo > 0:
            compound = is_compound(piece)
            group = LOOPS if piece.loop else piece.group
            yield example(piece.name, group, piece.tempo, whole(piece), compound=compound)
            for loop in _loops(piece, for_loops):
                yield example(f"{piece.name}-loop", LOOPS, piece.tempo, loop, compound=compound)
            for track in _tracks(piece, for_tracks):
                yield example(f"{piece.name}-track", TRACKS, piece.tempo, track, compound=compound)


def is_compound(piece: RenderedPiece) -> bool:
    """Tell whether a piece's bars are of two beats that fall into thirds, as those of 6/8."""
    if piece.meter != 2 or len(piece.beats) < 2:
        return False
    envelope = cues(piece.bands, piece.duration).envelope
    return bool(bars.thirds(envelope, piece.beats)[1] > bars.TERNARY)


def _loops(piece: RenderedPiece, rng: Rng) -> Iterable[Excerpt]:
    for _ in range(LOOPS_A_PIECE):
        loop = some_bars(piece, rng)
        if loop and loop.duration < LOOP_S:
            yield loop


def _tracks(piece: RenderedPiece, rng: Rng) -> Iterable[Excerpt]:
    loop = whole(piece) if piece.loop else some_bars(piece, rng) if rng.random() < TRACKS_A_PIECE else None
    if loop:
        yield again_and_again(loop, rng)


def clicks(count: int = 80, seed: int = 0) -> Iterable[TempoExample]:
    """Make metronomes: a bare click is the beat, however slow or fast, with nothing between to tell it by."""
    rng = np.random.default_rng(seed)
    for k in range(count):
        bpm, start = log_uniform(rng, 45, 190), rng.uniform(0, 0.5)
        t = np.arange(round(SR * rng.uniform(12, 30))) / SR
        since = np.mod(t - start, 60 / bpm)
        pitch, decay = log_uniform(rng, 300, 4000), rng.uniform(40, 300)
        y = np.where(t >= start, np.cos(2 * np.pi * pitch * since) * np.exp(-since * decay), 0)
        heard = listen_to(y, {RHYTHM, TONAL})
        yield example(f"click_{k}", CLICKS, bpm, Excerpt(heard.bands, heard.pitches, heard.duration))


def example(name: str, group: str, tempo: float, heard: Excerpt, *, compound: bool = False) -> TempoExample:
    """Describe one recording."""
    bands = heard.bands.astype(np.float32)
    found = find_pulses(cues(bands, heard.duration), heard.pitches, heard.duration)
    right = (np.abs(found.tempi / tempo - 1) < TOLERANCE).astype(np.float64)
    return TempoExample(name, group, found.features, right, tempo, found.tempi, compound)


def main() -> None:
    """Train, report and write."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rendered", type=Path, required=True)
    arguments = parser.parse_args()
    examples = [*recordings(arguments.data), *rendered(arguments.rendered), *clicks()]
    covered = np.mean([e.right.any() for e in examples])
    print(f"{len(examples)} recordings; the truth is among the candidates of {covered:.1%}")
    for group, chosen in leave_group_out(list(examples)).items():
        tempi = [(e.tempi[i], e.tempo) for e, i in chosen if isinstance(e, TempoExample)]
        first = np.mean([accuracy_1(found, truth) for found, truth in tempi])
        second = np.mean([accuracy_2(found, truth) for found, truth in tempi])
        print(f"{group:10s} {len(tempi):4d}  Acc1 {first:.1%}  Acc2 {second:.1%}")
    train(list(examples)).save(MODEL)


if __name__ == "__main__":
    main()
