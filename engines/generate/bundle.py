"""A Magenta bundle (`.mag`): a generator's name, its checkpoint and its graph in one file.

A bundle is data from outside. Reading one runs nothing of it: the checkpoint becomes arrays, and the graph is
only looked at, to learn its operations and the length of its attention.

References
----------
`note_seq/protobuf/generator.proto` (GeneratorBundle), `tensorflow/core/protobuf/meta_graph.proto`.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from engines._errors import TooLongError, UndecodableError
from engines.generate.checkpoint import FloatArray, read_checkpoint
from engines.generate.wire import fields, messages, text

MAX_BYTES: Final = 64 * 1024 * 1024  # the largest official bundle, multiconditioned_performance, is 26 MB
_MAX_NODES: Final = 200_000
_WHAT: Final = "bundle"
# What a server sends in place of a file it does not have; several public copies of bundles are such pages.
_PAGE: Final = re.compile(rb"^\s*(\xef\xbb\xbf)?\s*<(\?xml|!doctype|html|code|error)", re.IGNORECASE)


@dataclass(frozen=True)
class Bundle:
    """What a `.mag` holds.

    Attributes
    ----------
    generator
        Magenta's name of the configuration, such as `drum_kit`.
    summary
        What that configuration is.
    text
        What its maker wrote about it.
    sha256
        Of the whole file, in hexadecimal.
    size
        Bytes of the whole file.
    checkpoint, metagraph
        The two files inside, as they are.
    """

    generator: str
    summary: str
    text: str
    sha256: str
    size: int
    checkpoint: memoryview
    metagraph: memoryview

    @cached_property
    def variables(self) -> dict[str, FloatArray]:
        """The trained arrays by name."""
        return read_checkpoint(self.checkpoint)

    @cached_property
    def operations(self) -> frozenset[str]:
        """The names of all operations in the graph, those in its functions included."""
        return frozenset(text(node, 2, _WHAT, 256) for node in _nodes(self.metagraph))

    @cached_property
    def attention_length(self) -> int:
        """Steps that the graph's attention looks back, 0 without one; read off the shape of its memory."""
        return _attention_length(self.metagraph)


def read_bundle(source: Path | bytes) -> Bundle:
    """Read a bundle, without running anything in it.

    Raises
    ------
    UndecodableError
        If it is no bundle, is cut short or damaged, or is a web page that was saved under the name of one.
    TooLongError
        If it is larger than 64 MiB.
    """
    if isinstance(source, Path):
        size = source.stat().st_size
        if size > MAX_BYTES:
            raise TooLongError(f"bundle: {size} bytes; must be at most {MAX_BYTES}")
        source = source.read_bytes()
    if len(source) > MAX_BYTES:
        raise TooLongError(f"bundle: {len(source)} bytes; must be at most {MAX_BYTES}")
    if _PAGE.match(source):
        raise UndecodableError(
            "bundle: a web page, not a bundle; the address it was saved from had no such file"
        )
    if not source:
        raise UndecodableError("bundle: an empty file")
    data = memoryview(source)
    found = {1: memoryview(b""), 2: memoryview(b""), 3: memoryview(b""), 4: memoryview(b"")}
    for number, value in fields(data, _WHAT):
        if number not in found or not isinstance(value, memoryview):
            raise UndecodableError(f"bundle: not a Magenta bundle (field {number})")
        found[number] = value
    if not found[2] or not found[3]:
        raise UndecodableError(
            "bundle: without a checkpoint or without a graph; cut short, or not a Magenta bundle"
        )
    return Bundle(
        generator=text(found[1], 1, _WHAT, 128),
        summary=text(found[1], 2, _WHAT),
        text=text(found[4], 1, _WHAT, 65536),
        sha256=hashlib.sha256(source).hexdigest(),
        size=len(source),
        checkpoint=found[2],
        metagraph=found[3],
    )


def _nodes(metagraph: memoryview) -> Iterator[memoryview]:
    """Yield every NodeDef of a MetaGraphDef: the graph's own, and those inside its function library."""
    count = 0
    for graph in messages(metagraph, 2, _WHAT):
        for number, value in fields(graph, _WHAT):
            if not isinstance(value, memoryview):
                continue
            inside = [value] if number == 1 else []
            if number == 2:  # FunctionDefLibrary -> FunctionDef -> node_def
                inside = [
                    node for function in messages(value, 1, _WHAT) for node in messages(function, 3, _WHAT)
                ]
            for node in inside:
                count += 1
                if count > _MAX_NODES:
                    raise UndecodableError(f"bundle: a graph of over {_MAX_NODES} operations")
                yield node


def _attention_length(metagraph: memoryview) -> int:
    """Read it off the graph.

    The memory is reshaped to [-1, length, size].
    """
    for node in _nodes(metagraph):
        name = text(node, 1, _WHAT, 512)
        if re.search(r"attention(_cell_wrapper)?/.*(Reshape|reshape)[^/]*/shape$", name, re.IGNORECASE):
            shape = _int_constant(node)
            if len(shape) == 4 and shape[1] > 0:
                return shape[1]
            if len(shape) == 3 and shape[0] == -1 and shape[1] > 0:
                return shape[1]
    return 0


def _int_constant(node: memoryview) -> tuple[int, ...]:
    """Return the values of a Const node of 32-bit integers."""
    for attribute in messages(node, 5, _WHAT):
        if text(attribute, 1, _WHAT, 64) != "value":
            continue
        for value in messages(attribute, 2, _WHAT):
            for tensor in messages(value, 8, _WHAT):
                for content in messages(tensor, 4, _WHAT):
                    raw = bytes(content[:64])
                    return tuple(
                        int.from_bytes(raw[i : i + 4], "little", signed=True) for i in range(0, len(raw), 4)
                    )
    return ()
