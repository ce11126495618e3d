"""Train the network that hears beats and bars, and say how it does on songs it has not met.

    python -m engines.analyze.training.train_beats --pieces DIR [--without chart] [--start FILE]
        [--epochs 40] [--rate 0.002] [--seed 0] [--out engines/analyze/weights/beats.npz]

`--pieces` is what `beat_pieces` wrote; those that are `for_rankers` are not trained on, and are what is
reported on: the F-measure at 70 ms of plain peaks of the activation. `--without` leaves a kind out, to ask
how the network does on music it has seen nothing of; `--start` goes on from weights that are there. In Keras,
which only this script needs.
"""

from pathlib import Path

import mir_eval
import numpy as np
import scipy.signal

from engines._audio import FloatArray
from engines.analyze.beat_network import FRAME_RATE, MODEL, SHORTEST_S, VIEW, activations, going_round
from engines.analyze.onset_strength import LEAD_S
from engines.analyze.training.band_training import Item, Shape, from_command_line, item
from engines.analyze.training.rendered import RenderedPiece

SHAPE = Shape(view=VIEW, kinds=2, channels=48, layers=9, seconds=23.0)


def read(path: Path) -> Item:
    """Read a piece with its beats and downbeats; a short one goes round, and its truth with it."""
    piece = RenderedPiece.load(path)
    bands, duration = piece.bands, piece.duration
    beats, downbeats = piece.beats, piece.downbeats
    if duration < SHORTEST_S:
        bands = going_round(bands, duration)
        rounds = np.arange(int(SHORTEST_S / duration) + 1) * duration
        beats, downbeats = ((times + rounds[:, None]).ravel() for times in (beats, downbeats))
        duration = SHORTEST_S
    return item(piece.name, piece.group, bands, duration, beats, downbeats)


def peaks(activation: FloatArray) -> FloatArray:
    """Return the times of an activation's plain peaks, in seconds."""
    at, _ = scipy.signal.find_peaks(activation, height=0.3, distance=8)
    times: FloatArray = np.maximum(0.0, at / FRAME_RATE + LEAD_S)
    return times


def main() -> None:
    """Train, report and write."""
    net, kept = from_command_line(str(__doc__), read, SHAPE, rate=2e-3, out=MODEL)
    scores: dict[str, list[tuple[float, float]]] = {}
    for piece in kept:
        if len(piece.events[0]) and piece.duration > SHORTEST_S:
            said = activations(piece.bands.astype(np.float32), piece.duration, net)
            f = [
                mir_eval.beat.f_measure(truth, peaks(said[:, column]))
                for column, truth in enumerate(piece.events)
            ]
            scores.setdefault(piece.group, []).append((f[0], f[1]))
    for group, values in scores.items():
        beat, bar = np.mean(values, axis=0)
        print(f"{group:10s} {len(values):4d}  beats F {beat:.3f}  downbeats F {bar:.3f}")


if __name__ == "__main__":
    main()
