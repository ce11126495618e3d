"""Train the model that tells which pulse is the beat, and say how it does on music it has not seen.

    python -m engines.analyze.training.train_tempo --data DIR --rendered DIR [--out engines/analyze/weights]

`--data` holds `truth.csv` and `audio/` (file, group, tempo); `--rendered` what `training.render` wrote.
Beside them it makes clicks and drum loops of its own. Reported is leave-group-out: each group is ranked by
a model that has seen none of it (loops and tiled loops, the same sounds, count as one group). The shipped
model has seen all.
"""

import argparse
import csv
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from engines._audio import FloatArray, save
from engines.analyze.bands import SR
from engines.analyze.listening import RHYTHM, listen
from engines.analyze.onset_strength import onset_envelope
from engines.analyze.pulse import MODEL, Ranker, find_pulses

IntArray: TypeAlias = npt.NDArray[np.intp]

TOLERANCE = 0.04
HIDDEN, NETS, STEPS, RATE, DECAY = 12, 4, 400, 0.01, 2e-2
FAMILIES = {"tiled": "loop"}  # groups made of the same sounds are left out together


@dataclass(frozen=True)
class Example:
    """One recording's candidates: features (n, F), tempi (n,), the true tempo, and where it came from."""

    name: str
    group: str
    tempo: float
    tempi: FloatArray
    features: FloatArray

    @property
    def right(self) -> FloatArray:
        """Which candidates are the truth, within 4 %."""
        right: FloatArray = (np.abs(self.tempi / self.tempo - 1) < TOLERANCE).astype(np.float64)
        return right


def recordings(folder: Path) -> Iterable[Example]:
    """Hear the recordings of a folder with a truth.csv."""
    with (folder / "truth.csv").open() as file:
        for row in csv.DictReader(file):
            if row["tempo"]:
                heard = listen(folder / "audio" / row["file"], {RHYTHM})
                yield example(row["file"], row["group"], float(row["tempo"]), heard.bands, heard.duration)


def rendered(folder: Path) -> Iterable[Example]:
    """Take what `training.render` heard."""
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as item:
            group, duration = path.stem.split("_")[0], float(item["duration"])
            yield example(path.stem, group, float(item["tempo"]), item["bands"], duration)


def clicks(count: int = 80, seed: int = 0) -> Iterable[Example]:
    """Make metronomes: a bare click is the beat, however slow or fast, with nothing between to tell it by."""
    rng = np.random.default_rng(seed)
    for k in range(count):
        bpm, start = float(np.exp(rng.uniform(np.log(45), np.log(190)))), rng.uniform(0, 0.5)
        t = np.arange(round(SR * rng.uniform(12, 30))) / SR
        since = np.mod(t - start, 60 / bpm)
        pitch, decay = np.exp(rng.uniform(np.log(300), np.log(4000))), rng.uniform(40, 300)
        y = np.where(t >= start, np.cos(2 * np.pi * pitch * since) * np.exp(-since * decay), 0)
        with tempfile.TemporaryDirectory() as folder:
            save(Path(folder) / "click.wav", y.astype(np.float32), SR)
            heard = listen(Path(folder) / "click.wav", {RHYTHM})
        yield example(f"click_{k}", "click", bpm, heard.bands, heard.duration)


def example(name: str, group: str, tempo: float, bands: FloatArray, duration: float) -> Example:
    """Describe one recording."""
    found = find_pulses(onset_envelope(bands), duration)
    return Example(name, group, tempo, found.tempi, found.features)


def train(examples: list[Example], seed: int = 0) -> Ranker:
    """Fit the networks to give right candidates the whole weight; small groups count more than their size."""
    usable = [e for e in examples if e.right.any()]
    x = np.concatenate([e.features for e in usable])
    mean, scale = x.mean(axis=0), x.std(axis=0) + 1e-6
    z = (x - mean) / scale
    right = np.concatenate([e.right for e in usable])
    owner = np.repeat(np.arange(len(usable)), [len(e.tempi) for e in usable])
    starts = np.concatenate([[0], np.cumsum([len(e.tempi) for e in usable])[:-1]])
    sizes = {e.group: sum(o.group == e.group for o in usable) for e in usable}
    weight = np.array([1 / np.sqrt(sizes[e.group]) for e in usable])
    weight /= weight.sum()
    nets = [_fit(z, right, owner, starts, weight=weight, seed=seed + k) for k in range(NETS)]
    return Ranker(mean, scale, *(np.stack(parts) for parts in zip(*nets, strict=True)))


def _fit(
    z: FloatArray, right: FloatArray, owner: IntArray, starts: IntArray, *, weight: FloatArray, seed: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    parameters = [
        rng.standard_normal((z.shape[1], HIDDEN)) / np.sqrt(z.shape[1]),
        np.zeros(HIDDEN),
        rng.standard_normal(HIDDEN) * 0.3,
    ]
    first, second = ([np.zeros_like(p) for p in parameters] for _ in range(2))
    for step in range(1, STEPS + 1):
        w1, b1, w2 = parameters
        h = np.tanh(z @ w1 + b1)
        score = h @ w2
        score -= np.maximum.reduceat(score, starts)[owner]
        e = np.exp(score)
        p = e / np.add.reduceat(e, starts)[owner]
        q = e * right
        q /= np.add.reduceat(q, starts)[owner]
        slope = (p - q) * weight[owner]
        back = (slope[:, None] * w2) * (1 - h**2)
        gradients = [z.T @ back + DECAY * w1, back.sum(axis=0), h.T @ slope + DECAY * w2]
        for i, g in enumerate(gradients):  # Adam
            first[i] = 0.9 * first[i] + 0.1 * g
            second[i] = 0.999 * second[i] + 0.001 * g * g
            move = first[i] / (1 - 0.9**step) / (np.sqrt(second[i] / (1 - 0.999**step)) + 1e-8)
            parameters[i] = parameters[i] - RATE * move
    return parameters[0], parameters[1], parameters[2]


def right_level(estimate: float, truth: float, factors: tuple[float, ...] = (1,)) -> bool:
    """Tell whether a tempo is within 4 % of the truth, or of the truth times a factor."""
    return any(abs(estimate / (truth * f) - 1) <= TOLERANCE for f in factors)


def leave_group_out(examples: list[Example]) -> dict[str, list[tuple[bool, bool]]]:
    """Rank each recording with a model that has seen nothing of its family; Acc1 and Acc2 by group."""
    results: dict[str, list[tuple[bool, bool]]] = {}
    families = {FAMILIES.get(e.group, e.group) for e in examples}
    for family in sorted(families):
        model = train([e for e in examples if FAMILIES.get(e.group, e.group) != family])
        for e in examples:
            if FAMILIES.get(e.group, e.group) == family and len(e.tempi):
                best = float(e.tempi[np.argmax(model.weigh(e.features))])
                both = right_level(best, e.tempo), right_level(best, e.tempo, (1, 2, 3, 1 / 2, 1 / 3))
                results.setdefault(e.group, []).append(both)
    return results


def main() -> None:
    """Train, report and write."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rendered", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=MODEL.parent)
    arguments = parser.parse_args()
    examples = [*recordings(arguments.data), *rendered(arguments.rendered), *clicks()]
    covered = np.mean([e.right.any() for e in examples])
    print(f"{len(examples)} recordings; the truth is among the candidates of {covered:.1%}")
    for group, both in leave_group_out(examples).items():
        first, second = np.mean(both, axis=0)
        print(f"{group:10s} {len(both):4d}  Acc1 {first:.1%}  Acc2 {second:.1%}")
    model = train(examples)
    arguments.out.mkdir(exist_ok=True)
    np.savez_compressed(
        arguments.out / MODEL.name, **{k: v.astype(np.float32) for k, v in vars(model).items()}
    )


if __name__ == "__main__":
    main()
