"""The models' folder: what lies there, and how something comes into it."""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from engines._errors import NotInstalledError, UndecodableError
from engines.generate import inventory, store
from engines.generate.allowed import ALLOWED
from engines.generate.bundle import Bundle, read_bundle
from engines.generate.events import ENCODERS
from engines.generate.network import Network, UnknownTopologyError
from engines.models.result import Checked, Gone, ModelInfo, ModelList, Official, Unloaded

OFFICIAL: Final = {
    "basic_rnn": "melodies",
    "mono_rnn": "melodies over the whole keyboard",
    "lookback_rnn": "melodies that repeat",
    "attention_rnn": "melodies with long memory",
    "drum_kit_rnn": "drums",
    "chord_pitches_improv": "melodies over chords",
    "performance": "piano performances",
    "performance_with_dynamics": "piano performances with dynamics",
}


def listed() -> ModelList:
    """Describe every model on this machine."""
    models = tuple(_described(entry) for entry in inventory.installed())
    here = {model.name for model in models}
    official = tuple(Official(name, text, name in here) for name, text in OFFICIAL.items())
    taken = sum(store.held().values())
    return ModelList(models, official, str(inventory.user_folder()), taken, store.HELD_BYTES)


def info(name: str) -> ModelInfo:
    """Describe one."""
    return _described(store.find(name))


def load(name: str) -> ModelInfo:
    """Read one into memory."""
    store.read(name)
    return info(name)


def unload(name: str | None) -> Unloaded:
    """Let go of one, or all."""
    if name is not None:
        store.find(name)
    gone = store.unload(name)
    return Unloaded(tuple(sorted(gone)), sum(gone.values()))


def verify(name: str) -> Checked:
    """Read a model whole and take one step with it."""
    entry = store.find(name)
    bundle = _opened(entry)
    network = _network(entry, bundle)
    logits, _ = network.step(network.project(np.zeros((1, network.n_in), np.float32)), network.zero(1))
    if not np.isfinite(logits).all():
        raise NotInstalledError(f"model: {name!r} computes no numbers; import it again with models.import")
    pinned = entry.card.get("sha256")
    if pinned and pinned != bundle.sha256:
        raise NotInstalledError(
            f"model: {name!r} is not the file its card describes (sha256); import it again"
        )
    return Checked(name, bundle.sha256, bool(pinned), network.parameters)


def take_in(
    path: Path,
    name: str | None,
    sha256: str | None,
    *,
    origin: str = "imported",
    more: Mapping[str, Any] | None = None,
) -> ModelInfo:
    """Copy a bundle into the user's folder, with a card that pins it."""
    bundle = read_bundle(path)
    if not bundle.generator:
        raise UndecodableError("bundle: without the name of a configuration")
    bundle.variables.keys()  # every number is read before the file is let in
    bundle.operations.__len__()
    if sha256 is not None and sha256.lower() != bundle.sha256:
        raise ValueError(f"sha256: {sha256.lower()}; the file's is {bundle.sha256}")
    chosen = name or bundle.generator
    if not store.NAME.fullmatch(chosen):
        raise ValueError(f"name: {chosen[:40]!r}; must be letters, digits, '.', '_' and '-', at most 64")
    if (inventory.SHIPPED / f"{chosen}.mag").exists():
        raise ValueError(f"name: {chosen!r}; is a shipped model, give another")
    folder = inventory.user_folder()
    folder.mkdir(parents=True, exist_ok=True)
    card: dict[str, Any] = {
        "name": chosen,
        "role": store.role_of(bundle.generator, {}),
        "origin": origin,
        "sha256": bundle.sha256,
        **(more or {}),
    }
    replace(folder / f"{chosen}.mag", path.read_bytes())
    text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in card.items())
    replace(folder / f"{chosen}.toml", text.encode())
    return info(chosen)


def remove(name: str) -> Gone:
    """Delete an imported model and its card."""
    entry = store.find(name)
    if entry.shipped:
        raise ValueError(f"name: {name!r}; is a shipped model and stays")
    size = entry.path.stat().st_size
    store.unload(name)
    entry.path.unlink()
    entry.path.with_suffix(".toml").unlink(missing_ok=True)
    return Gone(name, size)


def _described(entry: inventory.Installed) -> ModelInfo:
    card = {key: str(value) for key, value in entry.card.items()}
    held = store.held(entry.name)
    try:
        bundle = _opened(entry)
        foreign = tuple(sorted(bundle.operations - ALLOWED))
        known = bundle.generator in ENCODERS
        network = _network(entry, bundle) if known else None
        problem = None
        if "sha256" in entry.card and entry.card["sha256"] != bundle.sha256:
            problem = "not the file its card describes (sha256); import it again with models.import"
    except NotInstalledError as error:
        size = entry.path.stat().st_size if entry.path.exists() else 0
        return ModelInfo(
            name=entry.name,
            shipped=entry.shipped,
            role=None,
            backend=None,
            configuration=None,
            text=None,
            size=size,
            loaded=bool(held),
            memory=sum(held.values()),
            sha256=None,
            parameters=None,
            operations=(),
            card=card,
            problem=str(error),
        )
    return ModelInfo(
        name=entry.name,
        shipped=entry.shipped,
        role=store.role_of(bundle.generator, entry.card),
        backend="numpy" if known else None,
        configuration=bundle.generator,
        text=bundle.text,
        size=bundle.size,
        loaded=bool(held),
        memory=sum(held.values()),
        sha256=bundle.sha256,
        parameters=network.parameters if network else None,
        operations=foreign,
        card=card,
        problem=problem,
    )


def _opened(entry: inventory.Installed) -> Bundle:
    try:
        return read_bundle(entry.path)
    except (UndecodableError, OSError) as error:
        remedy = "reinstall the program" if entry.shipped else "import it again with models.import"
        raise NotInstalledError(f"model: {entry.name!r} is damaged ({error}); {remedy}") from error


def _network(entry: inventory.Installed, bundle: Bundle) -> Network:
    try:
        return Network(bundle.variables, bundle.attention_length)
    except (UndecodableError, UnknownTopologyError) as error:
        remedy = "reinstall the program" if entry.shipped else "import it again with models.import"
        raise NotInstalledError(f"model: {entry.name!r} is damaged ({error}); {remedy}") from error


def replace(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(scratch).replace(path)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise
