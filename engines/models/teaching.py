"""A user's own MIDI files as a training set, and a shipped model taught from them."""

import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from engines._errors import NotInstalledError
from engines._notes import Part, Score, read
from engines._units import Progress
from engines.generate import drumming, inventory, store
from engines.generate.articulation import articulated
from engines.generate.hearing import chords_of
from engines.generate.network import Network
from engines.generate.theory import nearest
from engines.generate.training import corpus, finish, measure
from engines.generate.training import train as training
from engines.models import keeping
from engines.models.result import Trained

_PARTS: Final = ("drums", "melody", "bass")
_MAX_FILES: Final = 5000
_FEWEST: Final = 5  # three to learn from, one to choose a checkpoint by and one to measure it on
_LEARNING_RATE: Final = 5e-4  # a sixth of what the shipped models began with: they are to bend, not to break
_CHECKPOINTS: Final = 10  # among which, and their means, the best is chosen
_ASKED: Final = "asked.json"


def train(folder: Path, part: str, name: str, *, steps: int, seed: int, progress: Progress) -> Trained:
    """Read, train, measure, take in."""
    if part not in _PARTS:
        raise ValueError(f"part: {part[:40]!r}; {nearest(part, _PARTS)}")
    if not store.NAME.fullmatch(name) or (inventory.SHIPPED / f"{name}.mag").exists():
        raise ValueError(
            f"name: {name[:40]!r}; must be letters, digits, '.', '_' and '-', and no shipped model's"
        )
    for package in ("tensorflow", "magenta"):
        if find_spec(package) is None:
            raise NotInstalledError(
                f"{package}: not installed; the README says how to install the training set"
            )
    progress(0.0, "read")
    sequences, left_out = gathered(folder, part)
    files = sorted({sequence.song for sequence in sequences})
    if len(files) < _FEWEST:
        raise ValueError(f"folder: {len(files)} files with {part}; must be at least {_FEWEST}")
    # Which checkpoint is best is said by other files than how good it is.
    choosing, measuring = set(files[_FEWEST - 2 :: 10]), set(files[_FEWEST - 1 :: 10])
    learn = [s for s in sequences if s.song not in choosing | measuring]
    test = [s for s in sequences if s.song in measuring]
    work = inventory.user_folder() / ".training" / name
    work.mkdir(parents=True, exist_ok=True)
    before = measure.held_out(store.load(part, part).network, part, test).nll
    until = _until(work, steps)
    recipe = training.Recipe(
        training.RECIPES[part].layers,
        training.RECIPES[part].keep,
        (training.Stage(until, _LEARNING_RATE),),
    )
    training.run(
        part,
        learn,
        work,
        seed,
        recipe=recipe,
        start_from=inventory.SHIPPED / f"{part}.mag",
        save_every=-(-steps // _CHECKPOINTS),
        progress=lambda fraction, stage: progress(0.95 * fraction, stage),
    )
    progress(0.95, "choose")
    weights, which, _ = finish.choose(part, work, [s for s in sequences if s.song in choosing])
    nll = measure.held_out(Network(weights), part, test).nll
    bundle = work / f"{name}.mag"
    layers = training.RECIPES[part]
    training.write_bundle(part, layers, weights, bundle, f"{part} taught from {folder.name}")
    shift = -corpus.BASS_SHIFT if part == "bass" else 0
    more: dict[str, Any] = {
        "role": part,
        "shift": shift,
        "data": f"{len(files) - len(choosing) - len(measuring)} files of {folder.name}",
        "seed": seed,
        "chosen": which,
        "held_out_nll": round(nll, 4),
        "parameters": Network(weights).parameters,
    }
    made = keeping.take_in(bundle, name, None, origin=f"taught from {folder.name}", more=more)
    bundle.unlink()
    (work / _ASKED).unlink(missing_ok=True)
    return Trained(
        model=made,
        files=len(files) - len(choosing) - len(measuring),
        chosen_by=len(choosing),
        measured_on=len(measuring),
        left_out=left_out,
        nll_before=before,
        nll=nll,
        steps=training.steps_done(work),
    )


def gathered(folder: Path, part: str) -> tuple[list[corpus.Sequence], int]:
    """Return the sequences of a part in a folder's files, and how many files gave none."""
    found: list[corpus.Sequence] = []
    left_out = 0
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".mid", ".midi"))
    for path in paths[:_MAX_FILES]:
        try:
            made = list(_sequences(str(path.relative_to(folder)), read(path).in_whole_bars(), part))
        except (OSError, ValueError):
            made = []
        left_out += not made
        found += made
    return found, left_out + max(0, len(paths) - _MAX_FILES)


def _sequences(song: str, score: Score, part: str) -> Iterator[corpus.Sequence]:
    _, numerator, denominator = score.signatures[0]
    steps_per_bar = numerator * 16 // denominator
    if numerator * 16 % denominator or steps_per_bar not in (12, 16):
        return
    steps = int(score.quarters * 4) + 1
    if part == "drums":
        hits = tuple(note for p in score.parts if p.drums for note in p.notes)
        if hits:
            grid = drumming.events(hits, steps).astype(np.int16)
            for piece in corpus.without_gaps(grid, steps_per_bar):
                yield corpus.Sequence(song, "train", steps_per_bar, piece, np.zeros(0, np.int64))
        return
    chosen = next((p for p in score.parts if _is(p, part)), None)
    if chosen is None:
        return
    every = [note for p in score.parts if not p.drums for note in p.notes]
    slots = -(-steps // 4)
    chords = np.repeat([corpus.pack(chord) for chord in chords_of(every, slots, 1.0)], 4)[:steps]
    notes = [
        (int(n.start * 4 + 0.5), max(int(n.start * 4 + 0.5) + 1, int(n.end * 4 + 0.5)), n.pitch)
        for n in chosen.notes
    ]
    if part == "bass":
        notes = articulated(notes)  # as what the shipped model learned from, and what a model hears
    yield from corpus.phrases(song, "train", steps_per_bar, notes, chords)


def _is(part: Part, wanted: str) -> bool:
    if part.drums or not part.notes:
        return False
    low = sum(note.pitch for note in part.notes) / len(part.notes) < 48 or 32 <= part.program <= 39
    return low == (wanted == "bass")


def _until(work: Path, steps: int) -> int:
    """Return how many updates there are to be, over all runs under this name, and write it down.

    A run that was cut short (cancelled, killed) goes on to where it was to end; after one that ended there
    are `steps` more.
    """
    done = training.steps_done(work)
    try:
        asked = int(json.loads((work / _ASKED).read_text())["until"])
    except (OSError, ValueError, KeyError, TypeError):
        asked = 0
    until = asked if asked > done else done + steps
    keeping.replace(work / _ASKED, json.dumps({"until": until}).encode())
    return until
