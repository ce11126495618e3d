"""The trained arrays inside a Magenta bundle: TensorFlow's V1 checkpoint, read without TensorFlow.

The file is a LevelDB table whose values are `SavedTensorSlices` messages: under the empty key the shapes,
under every other key one tensor. It is data from outside: sizes, counts and references are bounded before
memory is taken, and whatever is wrong ends in `UndecodableError`.

References
----------
`tensorflow/core/util/saved_tensor_slice.proto`, `tensorflow/core/lib/io/format.h` (the
table), `tensor.proto`.
"""

import struct
from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from engines._errors import UndecodableError
from engines.generate.wire import fields, messages, text, varint

FloatArray = npt.NDArray[np.float32]

_MAGIC: Final = 0xDB4775248B80FB57
_FOOTER: Final = 48
_TRAILER: Final = 5  # a byte for the compression, four for a checksum
_MAX_KEY: Final = 4096
_MAX_ENTRIES: Final = 4096
_MAX_DIMENSIONS: Final = 8
_WHAT: Final = "checkpoint"


def read_checkpoint(data: bytes | memoryview) -> dict[str, FloatArray]:
    """Return the float tensors of a V1 checkpoint by name; integers (the step counter) are left out.

    Raises
    ------
    UndecodableError
        If the bytes are no such checkpoint, are cut short, or a tensor does not fit its shape.
    """
    table = memoryview(data)
    shapes: dict[str, tuple[int, ...]] = {}
    found: dict[str, FloatArray] = {}
    for key, value in _entries(table):
        for number, message in fields(value, _WHAT):
            if not isinstance(message, memoryview):
                continue
            if not key and number == 1:
                shapes = dict(_shapes(message))
            elif key and number == 2:
                name, array = _tensor(message)
                if name in found:
                    raise UndecodableError(f"checkpoint: {name} is stored in several pieces")
                if array is not None:
                    found[name] = array
    for name, array in found.items():
        if name not in shapes or int(np.prod(shapes[name], dtype=object)) != array.size:
            raise UndecodableError(
                f"checkpoint: {name} holds {array.size} numbers for a shape {shapes.get(name)}"
            )
        if not np.isfinite(array).all():
            raise UndecodableError(f"checkpoint: {name} holds a number that is not finite")
    return {name: array.reshape(shapes[name]) for name, array in found.items()}


def _entries(table: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield every (key, value) of the table, through its index."""
    if len(table) < _FOOTER or struct.unpack("<Q", table[-8:])[0] != _MAGIC:
        raise UndecodableError("checkpoint: not a TensorFlow V1 checkpoint, or cut short")
    footer = table[-_FOOTER:]
    at = 0
    for _ in range(2):  # the meta index, which V1 checkpoints do not use
        _, at = varint(footer, at, _WHAT)
    index_at, at = varint(footer, at, _WHAT)
    index_size, at = varint(footer, at, _WHAT)
    budget = len(table)
    for _, handle in _block(table, index_at, index_size):
        block_at, at = varint(handle, 0, _WHAT)
        block_size, _ = varint(handle, at, _WHAT)
        budget -= block_size  # or an index could name one large block thousands of times
        if budget < 0:
            raise UndecodableError("checkpoint: damaged (its blocks overlap)")
        yield from _block(table, block_at, block_size)


def _block(table: memoryview, at: int, size: int) -> Iterator[tuple[bytes, memoryview]]:
    if size < 4 or at + size + _TRAILER > len(table):
        raise UndecodableError("checkpoint: damaged (a block outside the file)")
    if table[at + size] != 0:
        raise UndecodableError("checkpoint: compressed, which V1 checkpoints of Magenta are not")
    block = table[at : at + size]
    restarts = struct.unpack("<I", block[-4:])[0]
    end = size - 4 - 4 * restarts
    if end < 0:
        raise UndecodableError("checkpoint: damaged (a block of restarts)")
    position, key, entries = 0, b"", 0
    while position < end:
        shared, position = varint(block, position, _WHAT)
        added, position = varint(block, position, _WHAT)
        length, position = varint(block, position, _WHAT)
        entries += 1
        if shared > len(key) or shared + added > _MAX_KEY or entries > _MAX_ENTRIES:
            raise UndecodableError("checkpoint: damaged (keys)")
        if position + added + length > end:
            raise UndecodableError("checkpoint: damaged (an entry outside its block)")
        key = key[:shared] + bytes(block[position : position + added])
        position += added
        yield key, block[position : position + length]
        position += length


def _shapes(meta: memoryview) -> Iterator[tuple[str, tuple[int, ...]]]:
    for count, tensor in enumerate(messages(meta, 1, _WHAT)):
        if count > _MAX_ENTRIES:
            raise UndecodableError("checkpoint: damaged (tensors without number)")
        shape: list[int] = []
        for dimensions in messages(tensor, 2, _WHAT):
            for dimension in messages(dimensions, 2, _WHAT):
                sizes = [v for n, v in fields(dimension, _WHAT) if n == 1 and isinstance(v, int)]
                shape.append(sizes[-1] if sizes else 0)
        if len(shape) > _MAX_DIMENSIONS:
            raise UndecodableError(f"checkpoint: a tensor of {len(shape)} dimensions")
        yield text(tensor, 1, _WHAT), tuple(shape)


def _tensor(saved: memoryview) -> tuple[str, FloatArray | None]:
    """Return a `SavedSlice`'s name and its floats.

    `float_val`, or `tensor_content` of a tensor whose type is float.
    """
    array: FloatArray | None = None
    for data in messages(saved, 3, _WHAT):
        kind, content, values = 0, None, None
        for number, value in fields(data, _WHAT):
            if number == 1 and isinstance(value, int):
                kind = value
            elif number == 4 and isinstance(value, memoryview):
                content = value
            elif number == 5 and isinstance(value, memoryview):
                values = value
        raw = values if values is not None else content if kind == 1 else None
        if raw is not None:
            if len(raw) % 4:
                raise UndecodableError("checkpoint: damaged (a float tensor of odd length)")
            array = np.frombuffer(raw, "<f4").astype(np.float32)
    return text(saved, 1, _WHAT), array
