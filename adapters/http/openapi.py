"""The OpenAPI 3.1 document, from the table of operations: parameters with units, bodies, results, errors.

It names one place for each parameter, the query as in phase 1 and the form for files, and JSON for what a
query cannot hold; that every parameter may also come in a JSON object or form is said in words.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import TypeAdapter

from adapters.http.answers import JSON, HeadTooLarge, MethodNotAllowed, TooSlow, UnsupportedMedia
from adapters.http.arguments import FILE, file_alias, resolve, types_of
from adapters.http.guard import CACHED, PRIORITY, REQUEST_ID, TIMEOUT
from bus.errors import BusError
from bus.messages import ID_CHARACTERS
from bus.operations import Operation

_REFERENCE: Final = "#/components/schemas/{model}"
_DESCRIPTION: Final = """\
Every operation of the DAWG AI bus, at `POST /api/v1/<engine>/<operation>`.

Parameters may come in the query, as fields of a form, or in a JSON object, each once. A file comes as a
form's file, under `file` or its parameter's name, or as the path of a file inside the readable folders.
A client that closes its connection cancels its request.
"""

_ERROR: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["detail", "code", "retryable"],
    "properties": {
        "detail": {"type": "string", "description": "A sentence: the field, what came and what is allowed."},
        "code": {"type": "string", "enum": sorted({error.code for error in BusError.__subclasses__()})},
        "retryable": {"type": "boolean", "description": "Whether the same request may succeed later."},
        "retry_after": {
            "type": "number",
            "minimum": 0,
            "unit": "s",
            "description": "When trying again is worthwhile.",
        },
        "details": {"type": "object", "description": "Facts a program can use."},
    },
}


def _json(schema: Mapping[str, Any], description: str) -> dict[str, Any]:
    return {"description": description, "content": {JSON: {"schema": schema}}}


def _errors(*kinds: type[BusError]) -> dict[str, Any]:
    """Describe errors by their HTTP status."""
    words: dict[int, list[str]] = {}
    for kind in kinds:
        words.setdefault(kind.http_status, []).append(f"{kind.code}: {(kind.__doc__ or '').splitlines()[0]}")
    return {
        str(status): _json({"$ref": _REFERENCE.format(model="Error")}, " ".join(words[status]))
        for status in sorted(words)
    }


_OPERATION_ERRORS: Final = _errors(
    *BusError.__subclasses__(),
    HeadTooLarge,
    TooSlow,
    UnsupportedMedia,
)

_HEADERS: Final[list[dict[str, Any]]] = [
    {
        "name": REQUEST_ID,
        "in": "header",
        "schema": {"type": "string", "minLength": 1, "maxLength": ID_CHARACTERS, "pattern": "^[!-~]+$"},
        "description": "Names the request; one that is under way is joined. Made up where it is absent.",
    },
    {
        "name": TIMEOUT,
        "in": "header",
        "schema": {"type": "number", "exclusiveMinimum": 0, "maximum": 86400, "unit": "s"},
        "description": "Deadline, seconds from arrival; the operation's own where it is absent.",
    },
    {
        "name": PRIORITY,
        "in": "header",
        "schema": {"type": "string", "enum": ["interactive", "batch"], "default": "interactive"},
        "description": "Whether somebody waits for it.",
    },
]

_ANSWER_HEADERS: Final = {
    REQUEST_ID: {
        "schema": {"type": "string"},
        "description": "The request's id, for `bus.cancel` and the log.",
    },
    CACHED: {"schema": {"type": "string", "enum": ["true", "false"]}},
    "Server-Timing": {"schema": {"type": "string"}, "description": "Milliseconds from arrival to the end."},
}


def document(operations: Iterable[Operation], version: str) -> dict[str, Any]:
    """Describe every path."""
    table = list(operations)
    adapters: list[tuple[Operation, Any, TypeAdapter[Any]]] = []
    for operation in table:
        adapters.append((operation, "validation", TypeAdapter(operation.params)))
        adapters.append((operation, "serialization", operation.result))
    keys = {operation.name: number for number, operation in enumerate(table)}
    schemas, shared = TypeAdapter.json_schemas(
        [(keys[operation.name], mode, adapter) for operation, mode, adapter in adapters],
        ref_template=_REFERENCE,
    )
    definitions: dict[str, Any] = shared.get("$defs", {})
    paths = _fixed_paths()
    for operation in table:
        key = keys[operation.name]
        params = _resolved(schemas[key, "validation"], definitions)
        described = _operation(operation, params, definitions, _as_text(schemas[key, "serialization"]))
        paths[f"/api/v1/{operation.name.replace('.', '/')}"] = {"post": described}
    used = _used(paths, {name: _as_text(schema) for name, schema in definitions.items()})
    return {
        "openapi": "3.1.0",
        "info": {"title": "DAWG AI Engine", "version": version, "description": _DESCRIPTION},
        "paths": paths,
        "components": {"schemas": {"Error": _ERROR, **used}},
    }


def _operation(
    operation: Operation, params: dict[str, Any], definitions: dict[str, Any], result: dict[str, Any]
) -> dict[str, Any]:
    properties: dict[str, Any] = params.get("properties", {})
    required = set(params.get("required", ()))
    flat = {name: resolve(schema, {"$defs": definitions}) for name, schema in properties.items()}
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": operation.manual,
        "tags": [operation.name.partition(".")[0]],
        "parameters": list(_HEADERS),
        "responses": {
            "200": {**_json(result, "The result."), "headers": _ANSWER_HEADERS},
            **_OPERATION_ERRORS,
        },
    }
    if operation.files:
        described["requestBody"] = _form(operation, flat, required)
        queried = [name for name in flat if name not in operation.files]
    elif all(_fits_query(schema) for schema in flat.values()):
        queried = list(flat)
    else:
        body = {"type": "object", "properties": properties, "additionalProperties": False}
        if required:
            body["required"] = sorted(required)
        described["requestBody"] = {"required": bool(required), "content": {JSON: {"schema": body}}}
        queried = []
    described["parameters"] += [_in_query(name, flat[name], name in required) for name in queried]
    return described


def _form(operation: Operation, flat: Mapping[str, Any], required: set[str]) -> dict[str, Any]:
    alias = file_alias(operation)
    parts, paths, needed, needed_paths = {}, {}, [], []
    for name in (name for name in flat if name in operation.files):
        schema = _without_null(flat[name])
        field = FILE if name == alias else name
        parts[field] = {
            "type": "string",
            "format": "binary",
            "contentMediaType": schema.get("contentMediaType", "application/octet-stream"),
            "description": "The file itself; its format is read from its content.",
        }
        paths[name] = {
            "type": "string",
            "description": "Absolute path of a file inside the readable folders.",
        }
        if name in required:
            needed.append(field)
            needed_paths.append(name)
    return {
        "required": bool(needed),
        "content": {
            "multipart/form-data": {"schema": {"type": "object", "properties": parts, "required": needed}},
            JSON: {"schema": {"type": "object", "properties": paths, "required": needed_paths}},
        },
    }


def _in_query(name: str, schema: dict[str, Any], required: bool) -> dict[str, Any]:
    schema = _without_null(schema)
    described = {"name": name, "in": "query", "required": required}
    if "description" in schema:
        described["description"] = schema["description"]
    if _fits_query(schema):
        return {**described, "schema": schema}
    return {**described, "content": {JSON: {"schema": schema}}}


def _fits_query(schema: dict[str, Any]) -> bool:
    return bool(types_of(schema)) and not types_of(schema) & {"array", "object"}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Leave out the null that a query and a form have no way to say, but by saying nothing."""
    if "anyOf" not in schema:
        return schema
    choices = [choice for choice in schema["anyOf"] if choice.get("type") != "null"]
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    if schema.get("default") is not None:
        rest["default"] = schema["default"]
    return {**choices[0], **rest} if len(choices) == 1 else {**rest, "anyOf": choices}


def _resolved(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    return resolve(schema, {"$defs": definitions})


def _as_text(schema: Any) -> Any:
    """Write bytes as JSON carries them, in base64."""
    if isinstance(schema, dict):
        written = {key: _as_text(value) for key, value in schema.items()}
        if written.get("format") == "binary" and written.get("type") == "string":
            del written["format"]
            written["contentEncoding"] = "base64"
        return written
    return [_as_text(item) for item in schema] if isinstance(schema, list) else schema


def _used(paths: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """Keep the definitions that something refers to."""
    used: dict[str, Any] = {}
    waiting = [paths]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            waiting += part.values()
            name = str(part.get("$ref", "")).rpartition("/")[2]
            if name in definitions and name not in used:
                used[name] = definitions[name]
                waiting.append(definitions[name])
    return used


def _fixed_paths() -> dict[str, Any]:
    running = {
        "type": "object",
        "required": ["service", "version", "status"],
        "properties": {
            "service": {"const": "DAWG AI Engine"},
            "version": {"type": "string"},
            "status": {"const": "running"},
        },
    }
    healthy = {
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"const": "healthy"}},
    }
    always = [error for error in BusError.__subclasses__() if error.http_status in (400, 403, 404)]
    refused = _errors(*always, HeadTooLarge, MethodNotAllowed)
    busy = _errors(*(error for error in BusError.__subclasses__() if error.http_status in (429, 503)))
    return {
        "/": {
            "get": {
                "operationId": "root",
                "summary": "Say who answers; a browser gets a page that shows what goes on.",
                "tags": ["service"],
                "responses": {
                    "200": {
                        "description": "The service runs.",
                        "content": {
                            JSON: {"schema": running},
                            "text/html": {"schema": {"type": "string"}},
                        },
                    },
                    **refused,
                },
            }
        },
        "/health": {
            "get": {
                "operationId": "health",
                "summary": "Say whether requests are taken.",
                "tags": ["service"],
                "responses": {"200": _json(healthy, "They are."), **refused, "503": busy["503"]},
            }
        },
        "/api/v1/events": {
            "get": {
                "operationId": "events",
                "summary": "Stream the bus's events as server-sent events, until the client closes.",
                "tags": ["service"],
                "parameters": [
                    {
                        "name": "topic",
                        "in": "query",
                        "required": False,
                        "schema": {"type": "string", "default": ""},
                        "description": "Beginning of the topics wanted, such as `job/` or `heartbeat/`.",
                    }
                ],
                "responses": {
                    "200": {
                        "description": "`event` is the topic's first level, `id` the seq, `data` JSON.",
                        "content": {"text/event-stream": {"schema": {"type": "string"}}},
                    },
                    **refused,
                    **busy,
                },
            }
        },
    }
