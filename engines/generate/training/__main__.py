"""Make the shipped bundles again.

`python -m engines.generate.training drums melody bass harmony --data DATA --work WORK`.

DATA holds the unpacked sets `groove/`, `pop909/POP909/` and `openewld/`; WORK is for what is made on the way,
and a run that was interrupted goes on from it. Each bundle takes 10 to 40 minutes on two cores.
"""

import argparse
import logging
from pathlib import Path

import numpy as np

from engines.generate.inventory import SHIPPED
from engines.generate.training import corpus, feel, finish, pop909, train

_PARTS = ("drums", "melody", "bass", "harmony")


def main() -> None:
    """Prepare, train, choose, measure, write."""
    parser = argparse.ArgumentParser(prog="engines.generate.training", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=(*_PARTS, "feel"), default=[*_PARTS, "feel"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=SHIPPED)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--steps",
        type=int,
        help="at most so many updates in each stage, to try it all out; needs --out and WORK anew",
    )
    given = parser.parse_args()
    if given.steps is not None and (given.steps < 1 or given.out.resolve() == SHIPPED):
        parser.error("--steps: must be at least 1, and --out another folder than that of the shipped models")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    given.work.mkdir(parents=True, exist_ok=True)
    given.out.mkdir(parents=True, exist_ok=True)
    for part in given.parts:
        if part == "feel":
            tables = feel.learn(given.data / "groove")
            np.savez_compressed(
                given.out / "groove.npz",
                **{k: v.astype(np.float32) for k, v in tables.items()},  # type: ignore[arg-type]  # numpy/numpy#25338
            )
            continue
        prepared = prepare(part, given.data, given.work)
        logging.info("%s: seed %d", part, given.seed)
        folder = given.work / part
        recipe = train.RECIPES[part].shortened(given.steps) if given.steps else None
        train.run(part, corpus.load(prepared, "train"), folder, given.seed, recipe=recipe)
        finish.ship(part, prepared, folder, given.out, given.seed)


def prepare(part: str, data: Path, work: Path) -> Path:
    """Write the event sequences of a part to WORK, unless they are there; returns where."""
    path = work / f"{'melody' if part == 'harmony' else part}.npz"
    if not path.exists():
        if part == "drums":
            found = list(corpus.groove(data / "groove"))
        elif part == "bass":
            found = list(pop909.read(data / "pop909" / "POP909", "bass"))
        else:
            found = [
                *pop909.read(data / "pop909" / "POP909", "melody"),
                *corpus.openewld(data / "openewld"),
            ]
        corpus.save(found, path)
    return path


if __name__ == "__main__":
    main()
