"""Results for people: a line a value, with its unit from the schema."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from adapters.command_line.terminal import width

_LONG_TEXT = 400
_LONG_LIST = 24
_FOR_PEOPLE = 100


def lines(result: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """Write a result; lists are wrapped, long ones and encoded text shortened (`--json` has them whole)."""
    yield from _map(result, schema, schema, "")


def _map(
    value: Mapping[str, Any], rule: Mapping[str, Any], schema: Mapping[str, Any], indent: str
) -> Iterator[str]:
    names = max((len(str(name)) for name in value), default=0)
    properties = rule.get("properties", {})
    for name, inner in value.items():
        part = _resolve(properties.get(name, rule.get("additionalProperties")), schema)
        label = f"{indent}{str(name).ljust(names)}  "
        yield from _value(inner, part, schema, label, indent)


def _value(
    value: Any, rule: Mapping[str, Any], schema: Mapping[str, Any], label: str, indent: str
) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        yield label.rstrip()
        yield from _map(value, rule, schema, indent + "  ")
    elif isinstance(value, list) and any(isinstance(item, Mapping | list) for item in value):
        yield label.rstrip()
        inner = _resolve(rule.get("items"), schema)
        for item in value[:_LONG_LIST]:
            yield from _item(item, inner, schema, indent + "  ")
        if len(value) > _LONG_LIST:
            yield f"{indent}  ... ({len(value)} in all)"
    else:
        unit = str(rule.get("unit") or _resolve(rule.get("items"), schema).get("unit") or "")
        yield from _wrapped(label, _plain(value), f" {unit}" if unit not in ("", "1") else "")


def _item(value: Any, rule: Mapping[str, Any], schema: Mapping[str, Any], indent: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield from _wrapped(f"{indent}- ", _plain(value), "")
        return
    inner = list(_map(value, rule, schema, indent + "  ")) or [indent + "  "]
    yield indent + "- " + inner[0][len(indent) + 2 :]
    yield from inner[1:]


def _wrapped(label: str, text: str, unit: str) -> Iterator[str]:
    columns = min(max(width(), len(label) + 20), _FOR_PEOPLE) if width() > _FOR_PEOPLE else width()
    filled = textwrap.wrap(
        text + unit,
        width=columns,
        initial_indent=label,
        subsequent_indent=" " * len(label),
        break_long_words=False,
        break_on_hyphens=False,
    )
    yield from filled or [label.rstrip()]


def _plain(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, bytes):
        return f"{len(value)} bytes (-o FILE writes them)"
    if isinstance(value, list) and len(value) > _LONG_LIST:
        return f"{', '.join(_plain(item) for item in value[:_LONG_LIST])}, ... ({len(value)} in all)"
    if isinstance(value, list | Mapping):
        return ", ".join(_plain(item) for item in value) or "none"
    if isinstance(value, bool):
        value = "yes" if value else "no"
    text = str(value)
    return text if len(text) <= _LONG_TEXT else f"{text[:40]}... ({len(text)} characters)"


def number(value: float) -> str:
    """Write a number with the digits a person reads: six that count; all of a large number's."""
    if abs(value) < 1e6:
        return f"{value:.6g}"
    return repr(value)


def _resolve(rule: Any, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow references, and look past `or null`; an empty map where the schema says nothing."""
    if not isinstance(rule, Mapping):
        return {}
    reference = str(rule.get("$ref", ""))
    if reference.startswith("#/$defs/"):
        return {**_resolve(schema.get("$defs", {}).get(reference.removeprefix("#/$defs/")), schema), **rule}
    if "anyOf" in rule:
        parts = [_resolve(part, schema) for part in rule["anyOf"]]
        return next((part for part in parts if part.get("type") != "null"), {})
    return rule
