"""What is sent back: a result as JSON, or an error in the one shape that all of them have.

An error is `{"detail": sentence, "code", "retryable", "retry_after"?, "details"?}` with the HTTP status of
its code, and a `Retry-After` header where a time is known. JSON has no NaN and no bytes: a number that is
none becomes null, bytes become standard base64.
"""

import math
from base64 import b64encode
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import msgpack
from pydantic_core import to_json
from starlette.responses import Response

from bus.errors import (
    BusError,
    DeadlineExceeded,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    TooLarge,
    Unimplemented,
)
from bus.messages import error_fields

JSON: Final = "application/json"


class TooSlow(DeadlineExceeded):
    """A request that took too long to arrive."""

    http_status = 408


class HeadTooLarge(TooLarge):
    """A request whose headers are more than any client of ours sends."""

    http_status = 431


class UnsupportedMedia(InvalidArgument):
    """A body that is neither JSON nor a form."""

    http_status = 415


class MethodNotAllowed(Unimplemented):
    """A path that exists, asked with another method."""

    http_status = 405


def error_body(error: BusError) -> dict[str, Any]:
    """Return what a client is told of an error."""
    fields = error_fields(error)
    return {"detail": fields.pop("message"), **fields}


def error_answer(error: BusError) -> Response:
    """Write an error as a response."""
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(math.ceil(error.retry_after), 1))
    return json_answer(error_body(error), status=error.http_status, headers=headers)


def json_answer(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Write a plain value as a response."""
    return Response(as_json(value), status, headers, media_type=JSON)


def as_json(value: Any) -> bytes:
    """Write a plain value without bytes in it; NaN and infinity become null."""
    return to_json(value, inf_nan_mode="null")


def result_as_json(encoded: bytes) -> bytes:
    """Turn an operation's result, which is MessagePack, into JSON."""
    value = msgpack.unpackb(
        encoded, strict_map_key=False, object_hook=_without_bytes_in_map, list_hook=_without_bytes_in_list
    )
    return as_json(_text_for(value))


def _without_bytes_in_map(values: dict[Any, Any]) -> dict[Any, Any]:
    for name, value in values.items():
        if type(value) is bytes:
            values[name] = _text_for(value)
    return values


def _without_bytes_in_list(values: list[Any]) -> list[Any]:
    return [_text_for(value) for value in values] if bytes in map(type, values) else values


def _text_for(value: Any) -> Any:
    # The standard alphabet, which phase 1's clients decode.
    return b64encode(value).decode() if type(value) is bytes else value


def of_status(status: int, path: str) -> BusError:
    """Return the error for what the router of paths itself refuses."""
    if status == HTTPStatus.NOT_FOUND:
        return NotFound(f"path: {path[:200]!r}; there is nothing here, /openapi.json lists what there is")
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return MethodNotAllowed(f"method: not one that {path[:200]!r} answers; see the Allow header")
    if status == HTTPStatus.FORBIDDEN:
        return PermissionDenied(f"path: {path[:200]!r}; forbidden")
    return InvalidArgument(f"request: refused with HTTP status {status}")
