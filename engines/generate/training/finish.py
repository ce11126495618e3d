"""From checkpoints to a shipped bundle.

Choose by songs kept for that, measure on others, write bundle and card.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engines.generate.inventory import SHIPPED
from engines.generate.network import Network
from engines.generate.training import corpus, measure, overlap, train

_LOG = logging.getLogger(__name__)
Weights = Mapping[str, npt.NDArray[np.float32]]

_PHRASES: Final = 1000
_DATA: Final = {
    "drums": "Groove MIDI Dataset v1.0.0 (Gillick et al., 2019), CC BY 4.0",
    "melody": "POP909 (Wang et al., 2020), MIT for the arrangements; OpenEWLD, MIT, public-domain scores",
    "bass": "POP909 (Wang et al., 2020), MIT for the arrangements: the piano's lowest line",
    "harmony": "chords of POP909 (MIT for the arrangements) and OpenEWLD (MIT, public-domain scores)",
}
# What was done to the data before it was split, for cards: figures are of songs prepared the same way.
_PREPARED: Final = {
    "bass": (
        "in every split alike: bar lines moved to where bass and chords begin their bars (an eighth of the "
        "music); a note that ends within a beat before the next, as nine of ten do while the piano's pedal "
        "holds, lasts until it where that comes within an eighth, else until a sixteenth before it; longer "
        "rests begin on an eighth. The unigram is of the same songs, prepared alike"
    )
}


def choose(
    part: str, folder: Path, dev: list[corpus.Sequence], newest: int = 16
) -> tuple[dict[str, Any], str, float]:
    """Return the weights that predict the `dev` songs best: a checkpoint, or the mean of the last few.

    Returns
    -------
    tuple
        Weights, a word on which they are, and their NLL on `dev` in nats a step.
    """
    paths = train.checkpoints(folder)[-newest:]
    loaded = [train.read_checkpoint(path) for path in paths]
    tried: list[tuple[float, str, dict[str, Any]]] = []
    for path, weights in list(zip(paths, loaded, strict=True))[-6:]:
        tried.append((measure.held_out(Network(weights), part, dev).nll, path.name, weights))
    for k in (3, 5, 8, 12, 16):
        if k <= len(loaded):
            mean = train.averaged(loaded[-k:])
            tried.append(
                (measure.held_out(Network(mean), part, dev).nll, f"mean of the last {k} checkpoints", mean)
            )
    for nll, name, _ in tried:
        _LOG.info("%s: dev NLL %.4f: %s", part, nll, name)
    nll, name, weights = min(tried, key=lambda t: t[0])
    return weights, name, nll


def ship(part: str, data: Path, folder: Path, out: Path, seed: int) -> None:
    """Write `<out>/<part>.mag` and its card."""
    recipe = train.RECIPES[part]
    weights, which, dev_nll = choose(part, folder, corpus.load(data, "dev"))
    fit = measure.held_out(Network(weights), part, corpus.load(data, "test"))
    _LOG.info("%s: held-out %s", part, fit)
    path = out / f"{part}.mag"
    train.write_bundle(part, recipe, weights, path, f"DAWG-AI {part}. Trained on {_DATA[part]}.")
    songs = {split: len({s.song for s in corpus.load(data, split)}) for split in ("train", "dev", "test")}
    steps = int(train.checkpoints(folder)[-1].name.rsplit("-", 1)[1])
    card: dict[str, str | int | float] = {
        "name": part,
        "role": part,
        "shift": -corpus.BASS_SHIFT if part == "bass" else 0,
        "configuration": str(train.config(part, recipe).details.id),
        "layers": "x".join(map(str, recipe.layers)),
        "parameters": Network(weights).parameters,
        "data": _DATA[part],
        **({"prepared": _PREPARED[part]} if part in _PREPARED else {}),
        "songs": "{train} to train on, {dev} to choose the checkpoint by, {test} held out".format(**songs),
        "licence": "MIT, like the program; the data sets ask for attribution, which this card gives",
        "command": f"python -m engines.generate.training {part} --data DATA --work WORK --seed {seed}",
        "seed": seed,
        "steps": steps,
        "chosen": which,
        "dev_nll": round(dev_nll, 4),
        "held_out_nll": round(fit.nll, 4),
        "held_out_accuracy": round(fit.accuracy, 4),
        "held_out_unigram": round(fit.unigram, 4),
        "held_out_steps": fit.steps,
        "memorised": "not measured: progressions are common to many songs",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    write_card(path.with_suffix(".toml"), card)
    if part != "harmony" and out == SHIPPED:  # phrases are written with the shipped models
        made, real = overlap.lengths(part, corpus.load(data), _PHRASES)
        card["memorised"] = (
            f"longest run shared with a training song, eight bars: {overlap.spread(made)}; "
            f"held-out real songs: {overlap.spread(real)}"
        )
        _LOG.info("%s: %s", part, card["memorised"])
        write_card(path.with_suffix(".toml"), card)


def write_card(path: Path, card: Mapping[str, str | int | float]) -> None:
    """Write a card; strings are quoted as JSON quotes them, which TOML reads the same."""
    path.write_text(
        "".join(f"{field} = {json.dumps(value, ensure_ascii=False)}\n" for field, value in card.items())
    )
