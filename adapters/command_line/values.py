"""`name=value` words read as an operation's schema wants them."""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from adapters.command_line.parser import UsageError

_TYPES: dict[str, tuple[type, ...]] = {
    "number": (int, float),
    "integer": (int,),
    "string": (str,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def split(words: Iterable[str]) -> dict[str, str]:
    """Take `name=value` words apart.

    Raises
    ------
    UsageError
        If a word is not one, or a name comes twice.
    """
    texts: dict[str, str] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name:
            raise UsageError(f"{word}: must be name=value, such as path=song.wav")
        if name in texts:
            raise UsageError(f"{name}: given twice")
        texts[name] = text
    return texts


def read(texts: Mapping[str, str], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Turn texts into parameters.

    Parameters
    ----------
    texts
        By name. `@FILE` is the file's bytes, `@-` those of stdin.
    schema
        JSON Schema of the operation's parameters; what is not in it is read as JSON where it is JSON.
    """
    properties = schema.get("properties", {})
    return {name: _read(name, text, properties.get(name), schema) for name, text in texts.items()}


def file(word: str) -> bytes | str:
    """Return what a word stands for that is a file's name and nothing else: its path; stdin's bytes for -."""
    return sys.stdin.buffer.read() if word == "-" else _absolute(word)


def _absolute(path: str) -> str:
    # The daemon's working folder is another. An empty text is no path, and not that folder either.
    return str(Path(path).expanduser().absolute()) if path else path


def _read(name: str, text: str, rule: Mapping[str, Any] | None, schema: Mapping[str, Any]) -> Any:
    if text.startswith("@"):
        return _bytes(name, text[1:])
    allowed = [] if rule is None else choices(rule, schema)
    if any("contentMediaType" in choice or choice.get("format") == "directory-path" for choice in allowed):
        return _absolute(text)
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if not allowed:
        return value
    wanted = {kind for choice in allowed for kind in _kinds(choice)}
    # true is an int in Python, and a number in no schema
    fits = any(
        isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
        for kind in wanted - {"string"}
    )
    return value if fits or "string" not in wanted else text


def choices(rule: Mapping[str, Any], schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what a parameter may be: its schema, or those it is any of, with references followed."""
    reference = str(rule.get("$ref", ""))
    if reference.startswith("#/$defs/"):
        return choices(schema.get("$defs", {}).get(reference.removeprefix("#/$defs/"), {}), schema)
    if "anyOf" in rule:
        return [choice for part in rule["anyOf"] for choice in choices(part, schema)]
    return [rule]


def _kinds(choice: Mapping[str, Any]) -> set[str]:
    """Return the JSON types a schema takes; those of its values where it lists them."""
    if "enum" in choice or "const" in choice:
        values = choice.get("enum", [choice.get("const")])
        return {kind for value in values for kind, types in _TYPES.items() if type(value) in types}
    kind = choice.get("type")
    return {kind} if isinstance(kind, str) and kind in _TYPES else set(_TYPES)


def _bytes(name: str, file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).expanduser().read_bytes()
    except OSError as error:
        raise UsageError(f"{name}: {file}: {error.strerror or error}") from error
