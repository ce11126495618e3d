"""What the model operations answer with. Light."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from engines._units import Count

BundlePath = Annotated[Path, Field(json_schema_extra={"contentMediaType": "application/octet-stream"})]
Nats = Annotated[float, Field(ge=0, allow_inf_nan=False, json_schema_extra={"unit": "nat per step"})]
ByteCount = Annotated[int, Field(ge=0, json_schema_extra={"unit": "byte"})]


@dataclass(frozen=True)
class ModelInfo:
    """One model."""

    name: Annotated[str, Field(description="What requests call it.")]
    shipped: Annotated[bool, Field(description="Whether it came with the program.")]
    role: Annotated[str | None, Field(description="drums, melody, bass or harmony; None if damaged.")]
    backend: Annotated[
        str | None, Field(description="What can play it: numpy, or none if its network is not known.")
    ]
    configuration: Annotated[str | None, Field(description="Magenta's name of its configuration.")]
    text: Annotated[str | None, Field(description="What its maker wrote about it.")]
    size: Annotated[ByteCount, Field(description="Of its bundle.")]
    loaded: Annotated[bool, Field(description="Whether generate's worker has it in memory.")]
    memory: Annotated[ByteCount, Field(description="What it takes there; 0 where it is not loaded.")]
    sha256: Annotated[str | None, Field(description="Of its bundle, in hexadecimal.")]
    parameters: Annotated[Count | None, Field(description="Trained numbers.")]
    operations: Annotated[
        tuple[str, ...], Field(description="Operations of its graph that are not on the allow-list.")
    ]
    card: Annotated[dict[str, str], Field(description="Its card: data, licence, training, measurements.")]
    problem: Annotated[
        str | None, Field(description="What is wrong with it, and what to do; None if nothing.")
    ]


@dataclass(frozen=True)
class Official:
    """A bundle of Magenta's own that can be fetched."""

    name: Annotated[str, Field(description="For models.fetch.")]
    description: Annotated[str, Field(description="What it writes.")]
    installed: Annotated[bool, Field(description="Whether it is here already.")]


@dataclass(frozen=True)
class ModelList:
    """Every model, here or to be had."""

    models: Annotated[tuple[ModelInfo, ...], Field(description="On this machine, the shipped ones first.")]
    official: Annotated[tuple[Official, ...], Field(description="To be had with models.fetch.")]
    folder: Annotated[str, Field(description="Where imported models lie.")]
    memory: Annotated[ByteCount, Field(description="What the loaded models take in generate's worker.")]
    memory_limit: Annotated[
        ByteCount, Field(description="Past it, the models that were not asked for longest are let go.")
    ]


@dataclass(frozen=True)
class Unloaded:
    """Models that were let go."""

    names: Annotated[tuple[str, ...], Field(description="Which; empty if none was loaded.")]
    memory: Annotated[ByteCount, Field(description="What they took.")]


@dataclass(frozen=True)
class Checked:
    """A model that is whole."""

    name: Annotated[str, Field(description="Which.")]
    sha256: Annotated[str, Field(description="Of its bundle, in hexadecimal.")]
    pinned: Annotated[bool, Field(description="Whether its card names this SHA-256.")]
    parameters: Annotated[Count, Field(description="Trained numbers, all finite.")]


@dataclass(frozen=True)
class Gone:
    """A model that was deleted."""

    name: Annotated[str, Field(description="Which.")]
    size: Annotated[ByteCount, Field(description="What its bundle took on the disk.")]


@dataclass(frozen=True)
class Trained:
    """A model taught from a user's files."""

    model: Annotated[ModelInfo, Field(description="As models.info tells it.")]
    files: Annotated[Count, Field(description="Files it learned from.")]
    chosen_by: Annotated[
        Count, Field(description="Files its checkpoint was chosen by, which it did not learn from.")
    ]
    measured_on: Annotated[
        Count, Field(description="Files it was measured on, which it neither learned from nor was chosen by.")
    ]
    left_out: Annotated[Count, Field(description="Files that could not be read or hold no such part.")]
    nll_before: Annotated[Nats, Field(description="How badly the shipped model predicts those files.")]
    nll: Annotated[Nats, Field(description="How badly the new one does.")]
    steps: Annotated[Count, Field(description="Updates of the weights, over all runs under this name.")]
