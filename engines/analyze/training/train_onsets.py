"""Train the network that hears when notes begin, and say how it does on songs it has not met.

    python -m engines.analyze.training.train_onsets --pieces DIR [--without chart] [--start FILE]
        [--epochs 40] [--rate 0.003] [--seed 0] [--out engines/analyze/weights/onsets.npz]

`--pieces` is what `beat_pieces` wrote; those that are `for_rankers` are not trained on: on half of their
songs the threshold is chosen, with which the F-measure at 50 ms is reported, of both halves. `--without`
leaves a kind out, `--start` goes on from weights that are there. In Keras, which only this script needs.
"""

import zlib
from pathlib import Path

import mir_eval
import numpy as np

from engines._audio import FloatArray
from engines.analyze.band_network import BandNetwork
from engines.analyze.onset_network import MODEL, VIEW, activations, onset_times
from engines.analyze.training.band_training import Item, Shape, from_command_line, item
from engines.analyze.training.rendered import FOLDS, RenderedPiece, song_of

SHAPE = Shape(view=VIEW, kinds=1, channels=48, layers=6, seconds=11.5)
THRESHOLDS = np.arange(0.06, 0.61, 0.02)


def read(path: Path) -> Item:
    """Read a piece with its onsets."""
    piece = RenderedPiece.load(path)
    return item(piece.name, piece.group, piece.bands, piece.duration, piece.onsets)


def chosen_on(piece: Item) -> bool:
    """Tell whether the threshold is chosen on a piece, by its song."""
    # By other bits than `fold`, which is the same for all that are kept.
    return zlib.crc32(song_of(piece.name).encode()) // FOLDS % 2 == 0


def scores(pieces: list[Item], net: BandNetwork) -> FloatArray:
    """Return the F-measure of each piece at each of `THRESHOLDS`; shape (pieces, thresholds)."""
    rows = []
    for piece in pieces:
        said = activations(piece.bands.astype(np.float32), net)
        found = [onset_times(said, threshold) for threshold in THRESHOLDS]
        rows.append([_f_measure(piece.events[0], times) for times in found])
    return np.array(rows)


def _f_measure(true: FloatArray, found: FloatArray) -> float:
    return float(mir_eval.onset.f_measure(true, found)[0]) if len(found) else 0.0


def main() -> None:
    """Train, report and write."""
    net, kept = from_command_line(str(__doc__), read, SHAPE, rate=3e-3, out=MODEL)
    kept = [piece for piece in kept if len(piece.events[0])]
    f = scores(kept, net)
    choosing = np.array([chosen_on(piece) for piece in kept])
    best = int(f[choosing].mean(axis=0).argmax())
    print(f"threshold {THRESHOLDS[best]:.2f}; F {f[choosing, best].mean():.3f} where it was chosen")
    for group in sorted({piece.group for piece in kept}):
        these = np.array([piece.group == group for piece in kept]) & ~choosing
        if these.any():
            print(f"{group:10s} {these.sum():4d}  onsets F {f[these, best].mean():.3f}")


if __name__ == "__main__":
    main()
