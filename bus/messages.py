"""The envelopes of DAWG/1: what travels on the ROUTER socket, decoded within bounds.

A message is two frames, the magic and one MessagePack map. `decode_request` reads what a client sent;
`encode_reply`, `encode_error` and `encode_progress` write what it is sent. Nothing here trusts a byte:
whatever cannot be a request raises `Malformed` (dropped and counted) or, where the sender named an id that
an answer can go under, `Refused`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgpack
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bus.errors import BusError, FailedPrecondition, InvalidArgument, TooLarge
from bus.explain import explain
from bus.settings import Limits

MAGIC: Final = b"DAWG1"
VERSIONS: Final = ("DAWG1",)
ID_CHARACTERS: Final = 64

_ANY_MAGIC = re.compile(rb"DAWG[0-9]{1,4}\Z")
# Where an id is looked for in a message that may not be decoded whole.
_PEEK_BYTES = 4096
_PEEK_KEYS = 16

Priority: TypeAlias = Literal["interactive", "batch"]


class Request(BaseModel):
    """A request as its sender wrote it, except for what its operation must check."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False)

    type: Literal["request"] = "request"
    id: Annotated[str, Field(min_length=1, max_length=ID_CHARACTERS)]
    op: Annotated[str, Field(min_length=1, max_length=128)]
    params: dict[str, Any] = Field(default_factory=dict)
    timeout: Annotated[float, Field(gt=0, json_schema_extra={"unit": "s"})] | None = None
    priority: Priority = "interactive"
    progress: bool = False


_REQUEST_SCHEMA = Request.model_json_schema()


class Malformed(Exception):
    """Not a request, and nobody an answer could be addressed to."""


@dataclass
class Refused(Exception):
    """A request that can be answered under its id, with `error`, and not served."""

    id: str
    error: BusError


class _TooMany(Exception):
    """Raised out of the decoder as soon as a bound is passed."""


class _Unknown(Exception):
    """Raised out of the decoder for what is MessagePack and not of this protocol."""


class _Items:
    """Counts values as the decoder makes them, so that a small message cannot become a large one."""

    def __init__(self, most: int) -> None:
        self.left = most

    def list(self, items: list[Any]) -> list[Any]:
        self.left -= 1 + len(items)
        if self.left < 0:
            raise _TooMany
        return items

    def map(self, pairs: dict[Any, Any]) -> dict[Any, Any]:
        self.left -= 1 + len(pairs)
        if self.left < 0:
            raise _TooMany
        for key in pairs:
            if not isinstance(key, str):
                raise _Unknown("the keys of a map must be text")
        return pairs


def _no_extension(kind: int, data: bytes) -> Any:
    raise _Unknown("extension types are not understood")


def decode_request(frames: Sequence[bytes], limits: Limits) -> Request:
    """Read a request from the frames that follow the sender's routing id (and empty delimiter).

    Raises
    ------
    Malformed
        If the magic is missing, or there is no id to answer under.
    Refused
        If the id is known and the request breaks a bound, a type, or the protocol version.
    """
    if not frames or not _ANY_MAGIC.match(frames[0]):
        raise Malformed("magic")
    if frames[0] != MAGIC:
        spoken = ", ".join(VERSIONS)
        error = FailedPrecondition(
            f"protocol: {frames[0].decode()}; this daemon speaks {spoken}",
            details={"versions": list(VERSIONS)},
        )
        raise Refused(_peek_id(frames[1]) if len(frames) > 1 else "", error)
    if len(frames) != 2:
        raise _refusal(frames, InvalidArgument(f"frames: {len(frames)}; must be 2, the magic and one map"))
    if len(frames[1]) > limits.message_bytes:
        bound = f"message: {len(frames[1])} bytes; must be at most {limits.message_bytes}"
        raise _refusal(frames, TooLarge(bound, details={"limit": limits.message_bytes}))
    envelope = _decode_map(frames, limits)
    try:
        return Request.model_validate(envelope)
    except ValidationError as error:
        message, details = explain(error, _REQUEST_SCHEMA)
        identifier = envelope.get("id")
        if not isinstance(identifier, str) or not 1 <= len(identifier) <= ID_CHARACTERS:
            raise Malformed("id") from None
        raise Refused(identifier, InvalidArgument(message, details=details)) from None


def _decode_map(frames: Sequence[bytes], limits: Limits) -> dict[str, Any]:
    items = _Items(limits.items)
    # The decoder takes room for what a list or map says it holds: a value has at least one byte.
    most_items = min(limits.items, len(frames[1]))
    try:
        envelope = msgpack.unpackb(
            frames[1],
            object_hook=items.map,
            list_hook=items.list,
            ext_hook=_no_extension,
            max_str_len=limits.text_bytes,
            max_bin_len=limits.message_bytes,
            max_array_len=most_items,
            max_map_len=most_items,
            max_ext_len=0,
        )
    except _TooMany:
        raise _refusal(frames, TooLarge(f"message: more than {limits.items} values")) from None
    except _Unknown as error:
        raise _refusal(frames, InvalidArgument(f"message: {error}")) from None
    except msgpack.StackError:
        raise _refusal(frames, TooLarge(f"message: nested deeper than {limits.depth}")) from None
    except (ValueError, msgpack.UnpackException, OverflowError) as error:
        # The decoder says "exceeds max_..." for a bound, anything else for bytes that are no MessagePack.
        text = str(error)
        if "max_ext_len" in text:
            raise _refusal(frames, InvalidArgument("message: extension types are not understood")) from None
        if "exceeds max" in text:
            raise _refusal(frames, TooLarge(f"message: {text}")) from None
        raise _refusal(frames, InvalidArgument("message: not one MessagePack map with text keys")) from None
    if not isinstance(envelope, dict):
        raise Malformed("map")
    if _deeper_than(envelope, limits.depth):
        raise _refusal(frames, TooLarge(f"message: nested deeper than {limits.depth}"))
    return envelope


def _deeper_than(value: Any, depth: int) -> bool:
    """Walk level by level: the decoder has bounded how much there is to walk."""
    level = [value]
    for _ in range(depth):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _refusal(frames: Sequence[bytes], error: BusError) -> Exception:
    """Answer under the id if one can be read, else drop."""
    identifier = _peek_id(frames[1]) if len(frames) > 1 else ""
    return Refused(identifier, error) if identifier else Malformed(error.message)


def _peek_id(frame: bytes) -> str:
    """Find the id near the start of a map that is not to be decoded whole; empty if it is not there."""
    unpacker = msgpack.Unpacker(max_buffer_size=_PEEK_BYTES, max_str_len=_PEEK_BYTES)
    unpacker.feed(frame[:_PEEK_BYTES])
    try:
        for _ in range(min(unpacker.read_map_header(), _PEEK_KEYS)):
            key = unpacker.unpack()
            if key == "id":
                value = unpacker.unpack()
                return value if isinstance(value, str) and 1 <= len(value) <= ID_CHARACTERS else ""
            unpacker.skip()
    except (ValueError, msgpack.UnpackException, OverflowError, TypeError):
        pass
    return ""


def encode_reply(request_id: str, instance: str, result: bytes, elapsed: float, *, cached: bool) -> bytes:
    """Write a reply around a result that is MessagePack already, so that the loop never decodes it."""
    head = {"type": "reply", "id": request_id, "instance": instance, "elapsed": elapsed, "cached": cached}
    # A map is its header and its pairs one after the other: count one more pair and append it.
    body: bytes = msgpack.packb(head)
    return bytes([body[0] + 1]) + body[1:] + _RESULT_KEY + result


_RESULT_KEY: bytes = msgpack.packb("result")


def encode_error(request_id: str, instance: str, error: BusError) -> bytes:
    """Write the error a request ends with."""
    body: dict[str, Any] = {"type": "error", "id": request_id, "instance": instance, **error_fields(error)}
    return pack(body)


def error_fields(error: BusError) -> dict[str, Any]:
    """Return what every transport says of an error; absent facts are left out."""
    fields: dict[str, Any] = {"code": error.code, "message": error.message, "retryable": error.retryable}
    if error.retry_after is not None:
        fields["retry_after"] = error.retry_after
    if error.details:
        fields["details"] = error.details
    return fields


def encode_progress(request_id: str, seq: int, fraction: float, stage: str) -> bytes:
    """Write one progress message."""
    body = {"type": "progress", "id": request_id, "seq": seq, "fraction": fraction, "stage": stage}
    return pack(body)


def pack(value: Any) -> bytes:
    """Encode a plain value; text that is no Unicode, as a file may be named on some disks, is escaped."""
    return bytes(msgpack.packb(value, unicode_errors="backslashreplace"))


def canonical(params: Mapping[str, Any]) -> bytes:
    """Encode params so that equal ones are equal bytes, whatever the order of their keys.

    Raises
    ------
    InvalidArgument
        If a number is larger than MessagePack can hold: JSON, too, brings params.
    """
    try:
        return pack(_sorted(params))
    except OverflowError:
        raise InvalidArgument("params: a whole number must fit into 64 bits") from None


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    return value
