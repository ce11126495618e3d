"""Magenta bundles made without TensorFlow: protobuf, and a V1 checkpoint's table, written by hand."""

import struct
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Arrays = Mapping[str, npt.NDArray[np.float32]]


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: bytes | str | int) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def _block(entries: list[tuple[bytes, bytes]]) -> bytes:
    body = b"".join(varint(0) + varint(len(k)) + varint(len(v)) + k + v for k, v in entries)
    return body + struct.pack("<II", 0, 1) + b"\0" + b"\0\0\0\0"


def checkpoint(arrays: Arrays) -> bytes:
    """Write a V1 checkpoint: entries, the (unused) meta index, the index, the footer."""
    metas, entries = b"", []
    for name, array in sorted(arrays.items()):
        shape = b"".join(field(2, field(1, size)) for size in array.shape)
        metas += field(1, field(1, name) + field(2, shape) + field(3, 1))
        floats = np.ascontiguousarray(array, "<f4").tobytes()
        saved = field(1, name) + field(2, b"") + field(3, field(1, 1) + field(5, floats))
        entries.append((b"\0" + name.encode(), field(2, saved)))
    data = _block([(b"", field(1, metas)), *entries])
    meta_index = _block([])
    handle = varint(0) + varint(len(data) - 5)
    index = _block([(b"\xff", handle)])
    footer = varint(len(data)) + varint(len(meta_index) - 5)
    footer += varint(len(data) + len(meta_index)) + varint(len(index) - 5)
    return data + meta_index + index + footer.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


def node(name: str, operation: str) -> bytes:
    return field(1, name) + field(2, operation)


def bundle(
    generator: str,
    arrays: Arrays,
    operations: tuple[str, ...] = ("Placeholder", "MatMul"),
    text: str = "made for a test",
    inside_functions: tuple[str, ...] = (),
) -> bytes:
    """Write a bundle whose graph names operations and does nothing."""
    graph = b"".join(field(1, node(f"n{i}", operation)) for i, operation in enumerate(operations))
    functions = b"".join(field(3, node(f"f{i}", operation)) for i, operation in enumerate(inside_functions))
    if functions:
        graph += field(2, field(1, functions))
    return (
        field(1, field(1, generator) + field(2, "a configuration"))
        + field(4, field(1, text))
        + field(2, checkpoint(arrays))
        + field(3, field(2, graph))
    )


def lstm_stack(
    n_in: int, sizes: tuple[int, ...], n_out: int, seed: int = 0
) -> dict[str, npt.NDArray[np.float32]]:
    """Random weights of a stack of LSTM layers under today's variable names."""
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> npt.NDArray[np.float32]:
        return rng.normal(0, 0.3, shape).astype(np.float32)

    arrays = {}
    width = n_in
    for i, size in enumerate(sizes):
        prefix = f"rnn/multi_rnn_cell/cell_{i}/basic_lstm_cell/"
        arrays[prefix + "kernel"], arrays[prefix + "bias"] = draw(width + size, 4 * size), draw(4 * size)
        width = size
    arrays["fully_connected/weights"], arrays["fully_connected/biases"] = draw(width, n_out), draw(n_out)
    return arrays
