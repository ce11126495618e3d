"""Train the model that chooses the key, and say how it does on songs it has not met.

    python -m engines.analyze.training.train_keys --rendered DIR [--without KIND] [--out FILE]

`--rendered` is what `training.beat_pieces` wrote: pieces whose key is known, drums alone and notes at random;
scales and cadences are added. No recording is learned from. Reported are songs of a quarter that a model
trained on the others ranks, each quarter in turn: the MIREX weighted score, and how sure it was.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

import mir_eval
import numpy as np

from engines._audio import FloatArray
from engines.analyze import key_finding
from engines.analyze.keys import key_name
from engines.analyze.pitches import BINS_PER_SEMITONE, FRAME_RATE, LOWEST_PITCH, N_BINS, Pitches
from engines.analyze.training.rank import Example, train
from engines.analyze.training.rendered import FOLDS, RenderedPiece, fold

NAMES = [key_name(key) for key in range(key_finding.N_KEYS)]
ROUNDS = 12  # of scales and cadences
NONE = "none"  # the group of what has no key


def rendered(folder: Path) -> Iterable[Example]:
    """Take what `beat_pieces` heard, where the key is known or there is none."""
    for path in sorted(folder.glob("*.npz")):
        piece = RenderedPiece.load(path)
        none = piece.group == "beatless" or piece.drums_alone
        if not piece.key and not none:
            continue
        features = key_finding.key_features(piece.pitches)
        right = np.zeros(len(features))
        if len(features):
            right[key_finding.N_KEYS if none else NAMES.index(piece.key)] = 1.0
            yield Example(piece.song, NONE if none else piece.group, features, right)


def plain(rng: np.random.Generator) -> Iterable[Example]:
    """Make a scale and a cadence in each key, whose notes have some overtones."""
    for key in range(key_finding.N_KEYS):
        tonic, minor = 48 + key % 12, key >= 12
        scale = [0, 2, 3, 5, 7, 8, 10, 12] if minor else [0, 2, 4, 5, 7, 9, 11, 12]
        if rng.random() < 0.5:
            scale += scale[-2::-1]
        third = 3 if minor else 4
        chords = [(0, third, 7), (5, 5 + third, 12), (7, 11, 14), (0, third, 7)]
        tune: list[tuple[int, ...]] = [(step + 12,) for step in scale]
        cadence: list[tuple[int, ...]] = [(*chord, chord[0] - 12) for chord in chords]
        for number, score in enumerate((tune, cadence)):
            strength, seconds = np.zeros((0, N_BINS), np.float32), rng.uniform(0.2, 0.7)
            for notes in score * int(rng.integers(1, 4)):
                strength = np.concatenate([strength, _sound([tonic + n for n in notes], seconds, rng)])
            features = key_finding.key_features(Pitches(strength, 0.0, 1.0))
            right = np.eye(len(features))[key]
            yield Example(f"{number}{key}", "plain", features, right)


def _sound(notes: list[int], seconds: float, rng: np.random.Generator) -> FloatArray:
    """Let notes with five partials sound; shape (n_frames, N_BINS)."""
    frames = np.zeros((round(seconds * FRAME_RATE), N_BINS), np.float32)
    for note in notes:
        for partial in range(1, 6):
            place = round((note - LOWEST_PITCH + 12 * np.log2(partial)) * BINS_PER_SEMITONE) + 1
            if 0 <= place < N_BINS:
                frames[:, place] += rng.uniform(0.6, 1.0) / partial
    return frames


def examples(folder: Path) -> list[Example]:
    """Return all that the shipped model learns from."""
    rng = np.random.default_rng(0)
    return [*rendered(folder), *(example for _ in range(ROUNDS) for example in plain(rng))]


def report(used: list[Example]) -> None:
    """Print how models that have not met a song do on it, by group."""
    rows: dict[str, list[tuple[float, float, bool]]] = {}
    for number in range(FOLDS):
        model = train([e for e in used if fold(e.name) != number])
        for example in (e for e in used if fold(e.name) == number):
            weights = model.weigh(example.features)[: key_finding.N_KEYS]
            best, truth = int(weights.argmax()), int(example.right.argmax())
            none = truth == key_finding.N_KEYS
            score = 0.0 if none else mir_eval.key.weighted_score(NAMES[truth], NAMES[best])
            rows.setdefault(example.group, []).append((score, float(weights[best]), best == truth))
    for group, values in sorted(rows.items()):
        score, confidence, right = np.mean(values, axis=0)
        mirex = "-" if group == NONE else f"{score:.3f}"
        print(f"{group:10s} {len(values):4d}  MIREX {mirex}  right {right:.3f}  said {confidence:.3f}")


def main() -> None:
    """Train, report and write."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--rendered", type=Path, required=True)
    parser.add_argument("--without", action="append", default=[], metavar="KIND")
    parser.add_argument("--out", type=Path, default=key_finding.MODEL)
    arguments = parser.parse_args()
    used = [e for e in examples(arguments.rendered) if e.group not in arguments.without]
    print(f"{len(used)} pieces, seed 0")
    report(used)
    train(used).save(arguments.out)


if __name__ == "__main__":
    main()
