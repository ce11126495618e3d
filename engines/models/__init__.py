"""Looking after the models that `generate` plays: what is here, whether it is whole, what may come in.

A bundle is data from outside. Reading one runs nothing of it; nothing is fetched unless it is asked for by
name; and what was fetched once is expected to be the same file the next time.
"""

from typing import Annotated

from pydantic import DirectoryPath, Field

from engines._units import Progress, silent
from engines.generate.inventory import installed
from engines.generate.request import Seed
from engines.models.result import BundlePath, Checked, Gone, ModelInfo, ModelList, Trained, Unloaded

VERSION = "1"
# What is in memory is in generate's worker, so these run there; the others may take minutes and must not.
LANES = dict.fromkeys(("list", "info", "load", "unload", "remove"), "generate")
TIMEOUTS_S = {"fetch": 300.0, "train": 21600.0}

Name = Annotated[str, Field(max_length=64, description="As models.list names it.")]
Part = Annotated[str, Field(max_length=16, description="drums, melody or bass.")]
Updates = Annotated[int, Field(ge=1, le=100_000, json_schema_extra={"unit": "1"})]
Sha256 = Annotated[str, Field(pattern="^[0-9a-fA-F]{64}$", description="Expected SHA-256, in hexadecimal.")]


def list_() -> ModelList:
    """List the models on this machine, and the official ones that can be fetched.

    Returns
    -------
    ModelList
        The shipped models first; a damaged one is listed with what is wrong.
    """
    from engines.models import keeping

    return keeping.listed()


def info(name: Name) -> ModelInfo:
    """Tell everything about one model: its card, size and network, and what of its graph is not allowed.

    Parameters
    ----------
    name
        Which.

    Returns
    -------
    ModelInfo
        A damaged one has `problem` set, and no network.

    Raises
    ------
    NotInstalledError
        If there is none of this name.
    """
    from engines.models import keeping

    return keeping.info(name)


def load(name: Name) -> ModelInfo:
    """Read a model into memory, so that the first request for it need not.

    Whatever is asked for is loaded by itself; this makes it sooner. Where generate has several workers, it is
    the one that is free.

    Parameters
    ----------
    name
        Which.

    Returns
    -------
    ModelInfo
        What it takes, too. Other models are let go where all together take over `memory_limit`.

    Raises
    ------
    NotInstalledError
        If it is missing or damaged, or only `magenta.generate` plays it, which loads what it is asked for.
    """
    from engines.models import keeping

    return keeping.load(name)


def unload(name: Name | None = None) -> Unloaded:
    """Let a model's memory go; the next request for it reads it again.

    Parameters
    ----------
    name
        Which; without, every one.

    Returns
    -------
    Unloaded
        Which were loaded.

    Raises
    ------
    NotInstalledError
        If there is none of this name.
    """
    from engines.models import keeping

    return keeping.unload(name)


def verify(name: Name) -> Checked:
    """Read a model to its last number, compare its SHA-256 with its card, and play a bar of it.

    Parameters
    ----------
    name
        Which.

    Returns
    -------
    Checked
        What was checked.

    Raises
    ------
    NotInstalledError
        If it is missing, damaged or not the file its card describes; the message says what to do.
    """
    from engines.models import keeping

    return keeping.verify(name)


def import_(path: BundlePath, name: Name | None = None, *, sha256: Sha256 | None = None) -> ModelInfo:
    """Take in a Magenta bundle (`.mag`) from this machine.

    Parameters
    ----------
    path
        The bundle; it is copied.
    name
        What to call it; without, as its configuration is called. A shipped model's name is refused.
    sha256
        What its SHA-256 must be; without, whatever it is is written to its card and held to from then on.

    Returns
    -------
    ModelInfo
        What came in, and which backend plays it.

    Raises
    ------
    ValueError
        If the name is taken by a shipped model or is no name, or the SHA-256 is another.
    UndecodableError, TooLongError
        If the file is no bundle (a web page, say), is damaged, or larger than 64 MiB.
    """
    from engines.models import keeping

    return keeping.take_in(path, name, sha256)


def remove(name: Name) -> Gone:
    """Delete an imported model; shipped ones stay.

    Parameters
    ----------
    name
        Which.

    Returns
    -------
    Gone
        What was deleted.

    Raises
    ------
    ValueError
        If it is a shipped one.
    NotInstalledError
        If there is none of this name.
    """
    from engines.models import keeping

    return keeping.remove(name)


def fetch(name: Name, *, sha256: Sha256 | None = None, progress: Progress = silent) -> ModelInfo:
    """Download one of Magenta's official bundles, over HTTPS, because it was asked for.

    Parameters
    ----------
    name
        One of `models.list`'s `official`.
    sha256
        What its SHA-256 must be. Magenta publishes none: without, the first download decides, and every later
        one must be the same file.
    progress
        Told the share downloaded.

    Returns
    -------
    ModelInfo
        What came in.

    Raises
    ------
    ValueError
        If it is not an official name, or the file is not the one expected.
    UndecodableError, TooLongError
        If the server sent something that is no bundle, or over 64 MiB.
    UnreachableError, FileNotFoundError
        If the server cannot be reached, or does not have it.
    """
    from engines.models import fetching

    return fetching.fetch(name, sha256, progress)


def train(
    folder: DirectoryPath,
    part: Part,
    name: Name,
    *,
    steps: Updates = 500,
    seed: Seed = 0,
    progress: Progress = silent,
) -> Trained:
    """Teach a copy of a shipped model from a folder of your own MIDI files.

    Magenta's own training, from the shipped weights on. It takes minutes to hours and can be taken up again:
    asked once more under the same name, a run that was cancelled or killed goes on to where it was to end
    (at most a minute is lost), and one that ended goes on for `steps` more. Needs TensorFlow and magenta.

    Parameters
    ----------
    folder
        Where the `.mid` files lie; folders in it are looked into. Files that cannot be read are left out.
    part
        What to learn from them: drums, melody or bass.
    name
        What the new model will be called.
    steps
        Updates of the weights.
    seed
        Of what is drawn when.
    progress
        Told after every update.

    Returns
    -------
    Trained
        The new model, and how well it and the shipped one predict files that it neither learned from nor was
        chosen by.

    Raises
    ------
    ValueError
        If the folder holds fewer than five files with such a part, or the name is taken.
    NotInstalledError
        If TensorFlow or magenta is not installed.
    """
    from engines.models import teaching

    return teaching.train(folder, part, name, steps=steps, seed=seed, progress=progress)


# Words of the language, or a type's name; on the wire they are what they say.
list_.__name__ = "list"
import_.__name__ = "import"


def installed_models() -> dict[str, str]:
    """Name the models on this machine, with what each is for: for the daemon's status."""
    return {entry.name: entry.card.get("role", "no card") for entry in installed()}


OPERATIONS = (list_, info, load, unload, verify, import_, remove, fetch, train)
