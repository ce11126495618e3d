"""The models that are played: found by name, read, and the few that are held in memory."""

import re
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from engines._errors import NotInstalledError, UndecodableError
from engines.generate.bundle import read_bundle
from engines.generate.events import ENCODERS, Encoder
from engines.generate.inventory import Installed, installed, look_up
from engines.generate.network import Network, UnknownTopologyError
from engines.generate.theory import nearest

ROLES: Final = ("drums", "melody", "bass", "harmony")
HELD_BYTES: Final = 64 * 1024 * 1024  # what models may take in memory; those not asked for longest go first
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
# What a bundle without a card is for, by the name of its configuration.
_ROLE_OF: Final = {"drum_kit": "drums", "triad_harmony": "harmony"}


@dataclass(frozen=True)
class Model:
    """A model ready to play.

    Attributes
    ----------
    name
        As `models.list` names it.
    role
        drums, melody, bass or harmony.
    network, encoder
        What computes, and how it hears.
    shift
        Semitones from the model's pitches to those that sound: a bass is learned two octaves up.
    sha256
        Of its bundle.
    """

    name: str
    role: str
    network: Network
    encoder: Encoder
    shift: int
    sha256: str


def find(name: str) -> Installed:
    """Return an installed bundle by name.

    Raises
    ------
    ValueError
        If the name could be no bundle's.
    NotInstalledError
        If there is none of this name; the message says what to do.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"model: {name[:40]!r}; must be letters, digits, '.', '_' and '-', at most 64")
    found = look_up(name)
    if found is None:
        known = [model.name for model in installed()]
        hint = nearest(name, known) if known else "none is installed"
        raise NotInstalledError(f"model: {name!r} is not installed ({hint}); models.import takes a .mag file")
    return found


def load(name: str, role: str) -> Model:
    """Return a model, from memory where its file has not changed since.

    Raises
    ------
    NotInstalledError
        If it is missing, damaged, altered since its card was written, of another role, or one that only the
        Magenta backend can play.
    """
    model = read(name)
    if model.role != role:
        raise NotInstalledError(
            f"model: {name!r} is for {model.role}, not for {role}; leave model out for the default"
        )
    return model


def read(name: str) -> Model:
    """Return a model whatever it is for, from memory where its file has not changed since.

    Raises
    ------
    NotInstalledError
        As for `load`.
    """
    entry = find(name)
    try:
        status = entry.path.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        known = _held.get(str(entry.path))
        if known is None or known[0] != stamp:
            known = (stamp, _read(entry))
            _held[str(entry.path)] = known
    except FileNotFoundError as error:
        raise NotInstalledError(f"model: {name!r} is gone from {entry.path.parent}") from error
    _held.move_to_end(str(entry.path))
    while len(_held) > 1 and sum(model.network.nbytes for _, model in _held.values()) > HELD_BYTES:
        _held.popitem(last=False)
    return known[1]


def unload(name: str | None = None) -> dict[str, int]:
    """Let go of one model, or all; returns the bytes that each took."""
    gone = held(name)
    for path in [path for path in _held if Path(path).stem in gone]:
        del _held[path]
    return gone


def held(name: str | None = None) -> dict[str, int]:
    """Return the models in memory, or the one of a name if it is there, with the bytes that each takes."""
    return {
        model.name: model.network.nbytes for _, model in _held.values() if name is None or model.name == name
    }


def role_of(generator: str, card: dict[str, Any]) -> str:
    """Return what a bundle is for: its card's word, or what its configuration makes."""
    return str(card.get("role", _ROLE_OF.get(generator, "melody")))


def role_of_installed(name: str) -> str:
    """Return what an installed bundle is for, without loading its weights."""
    entry = find(name)
    if "role" in entry.card:
        return str(entry.card["role"])
    try:
        return role_of(read_bundle(entry.path).generator, entry.card)
    except (OSError, ValueError) as error:
        raise NotInstalledError(
            f"model: {name!r} is damaged ({error}); import it again with models.import"
        ) from error


_held: OrderedDict[str, tuple[tuple[int, int], Model]] = OrderedDict()


def _read(entry: Installed) -> Model:
    remedy = "reinstall the program" if entry.shipped else "import it again with models.import"
    try:
        bundle = read_bundle(entry.path)
        wanted = entry.card.get("sha256")
        if wanted and wanted != bundle.sha256:
            raise NotInstalledError(
                f"model: {entry.name!r} is not the file its card describes (sha256); {remedy}"
            )
        if bundle.generator not in ENCODERS:
            raise NotInstalledError(
                f"model: {entry.name!r} is a {bundle.generator!r}, which only the Magenta backend plays"
            )
        encoder = ENCODERS[bundle.generator]
        network = Network(bundle.variables, bundle.attention_length)
    except (UndecodableError, UnknownTopologyError) as error:
        raise NotInstalledError(f"model: {entry.name!r} is damaged ({error}); {remedy}") from error
    if (network.n_in, network.n_out) != (encoder.n_in, encoder.n_out):
        raise NotInstalledError(f"model: {entry.name!r} does not fit {bundle.generator!r}; {remedy}")
    role = role_of(bundle.generator, entry.card)
    return Model(entry.name, role, network, encoder, int(entry.card.get("shift", 0)), bundle.sha256)
