"""Protocol Buffers' wire format, read without a schema and within bounds.

A message is an iterator of (field number, value): an int for varints, bytes for everything else. Nothing is
copied that is not asked for, and every length is checked against what is left before it is believed.
"""

from collections.abc import Iterator

from engines._errors import UndecodableError


def fields(data: memoryview, what: str) -> Iterator[tuple[int, int | memoryview]]:
    """Walk the fields of one message.

    Parameters
    ----------
    data
        The message.
    what
        What it is, for the error.

    Raises
    ------
    UndecodableError
        If the bytes are no message or are cut short.
    """
    at, end = 0, len(data)
    while at < end:
        key, at = varint(data, at, what)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise UndecodableError(f"{what}: damaged (field number 0)")
        if kind == 0:
            value, at = varint(data, at, what)
            yield number, value
            continue
        if kind == 2:
            size, at = varint(data, at, what)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise UndecodableError(f"{what}: damaged (wire type {kind})")
        if size > end - at:
            raise UndecodableError(f"{what}: cut short ({size} bytes promised, {end - at} left)")
        yield number, data[at : at + size]
        at += size


def varint(data: memoryview, at: int, what: str) -> tuple[int, int]:
    """Read one varint of at most ten bytes; returns it and where the next byte is."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise UndecodableError(f"{what}: cut short")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise UndecodableError(f"{what}: damaged (a number of more than ten bytes)")


def messages(data: memoryview, number: int, what: str) -> Iterator[memoryview]:
    """Yield the length-delimited values of one field."""
    for found, value in fields(data, what):
        if found == number and isinstance(value, memoryview):
            yield value


def text(data: memoryview, number: int, what: str, longest: int = 4096) -> str:
    """Return the last value of a string field, cut at `longest` bytes; empty where there is none."""
    found = ""
    for value in messages(data, number, what):
        found = bytes(value[:longest]).decode("utf-8", "replace")
    return found
