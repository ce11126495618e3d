"""Turn a failed validation into a sentence: the field, what came, and what is allowed."""

import reprlib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

_SHOWN_CHARACTERS = 60

_TYPE_WORDS = {
    "number": "a number",
    "integer": "a whole number",
    "string": "text",
    "boolean": "true or false",
    "array": "a list",
    "object": "a map",
    "null": "nothing",
}
# pydantic's names of mistakes in the kind of a value, which a range alone does not tell.
_KINDS = {
    "float_type": "a number",
    "finite_number": "a finite number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
}
_NO_MAP = ("dataclass_type", "model_type", "dict_type")


def explain(error: ValidationError, schema: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Describe the first mistake in a set of named values.

    Parameters
    ----------
    error
        What pydantic found.
    schema
        JSON Schema of the whole set, from which ranges, units and choices are read.

    Returns
    -------
    tuple
        A sentence such as `tempo: 0; must be between 20 and 400 BPM`, and the facts in it for programs:
        `field` and, where there is one, `allowed` (the field's JSON Schema).
    """
    first = error.errors(include_url=False)[0]
    unknown = first["type"] in ("extra_forbidden", "unexpected_keyword_argument")
    rule, places = _at(schema, first["loc"][:-1] if unknown else first["loc"])
    if unknown:
        places.append(first["loc"][-1])
    path = ".".join(_cut(str(place)) for place in places) or "params"
    facts: dict[str, Any] = {"field": path}
    if unknown:
        siblings = rule.get("properties", {})
        near = get_close_matches(_cut(str(places[-1])), siblings, n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        return f"{path}: unknown{hint}; allowed: {', '.join(siblings) or 'none'}", facts
    came = "missing" if first["type"] == "missing" else shown(first["input"])
    if first["type"] in _NO_MAP:
        return f"{path}: {came}; must be a map", facts
    if not first["loc"] or "properties" in rule:
        return f"{path}: {came}; {first['msg']}", facts
    facts["allowed"] = dict(rule)
    if first["type"] in ("value_error", "assertion_error"):
        # A validator of ours says what came and what is allowed; pydantic puts "Value error, " before it.
        return f"{path}: {str(first['msg']).partition(', ')[2]}", facts
    kind, allowed = _KINDS.get(first["type"], ""), allowed_words(rule, schema)
    if kind and not allowed.startswith(("a ", "between ")):
        allowed = f"{kind}, {allowed}"
    return f"{path}: {came}; must be {allowed}", facts


def _at(
    schema: Mapping[str, Any], location: Sequence[int | str]
) -> tuple[Mapping[str, Any], list[int | str]]:
    """Find the part of a schema that speaks of one place in the data, and that place."""
    rule = _resolve(schema, schema)
    places: list[int | str] = []
    for part in location:
        choices = [_resolve(choice, schema) for choice in (rule, *rule.get("anyOf", ()))]
        inner = (_child(choice, part) for choice in choices)
        found = next((child for child in inner if child is not None), None)
        if found is None:
            # pydantic names the branch of a union it tried, which is no place in the data.
            continue
        rule = _resolve(found, schema)
        places.append(part)
    return rule, places


def _child(rule: Mapping[str, Any], part: int | str) -> Mapping[str, Any] | None:
    if isinstance(part, int):
        fixed = rule.get("prefixItems", ())
        items = fixed[part] if part < len(fixed) else rule.get("items")
        return items if isinstance(items, Mapping) else None
    found = rule.get("properties", {}).get(part, rule.get("additionalProperties"))
    return found if isinstance(found, Mapping) else None


class _Shown(reprlib.Repr):
    """Writes no more of a value than is shown of it, however large the rest."""

    def repr_bytes(self, value: bytes, level: int) -> str:
        del level
        return f"{len(value)} bytes"

    # A client may be written in any language: what it sent is called as JSON has it.
    def repr_NoneType(self, value: None, level: int) -> str:  # noqa: N802 - reprlib finds it by the type's name
        del value, level
        return "null"

    def repr_bool(self, value: bool, level: int) -> str:
        del level
        return "true" if value else "false"


_SHORT = _Shown()
_SHORT.maxstring = _SHORT.maxother = _SHOWN_CHARACTERS


def shown(value: Any) -> str:
    """Write a value as a client would recognise it, at most `_SHOWN_CHARACTERS` long."""
    return _cut(_SHORT.repr(value))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "..."


def allowed_words(rule: Mapping[str, Any], schema: Mapping[str, Any] | None = None) -> str:
    """Say in words what a JSON Schema allows: `between 20 and 400 BPM`, `one of major, minor`."""
    rule = _resolve(rule, schema or {})
    if "anyOf" in rule:
        parts = [part for part in rule["anyOf"] if part.get("type") != "null"]
        return " or ".join(dict.fromkeys(allowed_words(part, schema) for part in parts))
    if "const" in rule:
        return repr(rule["const"])
    if "enum" in rule:
        return "one of " + ", ".join(str(choice) for choice in rule["enum"])
    if "contentMediaType" in rule:
        return "the path of a file inside the readable roots, or its bytes"
    if rule.get("format") == "directory-path":
        return "the path of a folder inside the readable roots"
    words = _TYPE_WORDS.get(rule.get("type", ""), "a value of the right type")
    unit = rule.get("unit", "")
    unit = f" {unit}" if unit not in ("", "1") else ""
    return _range_words(rule, words, unit)


def _range_words(rule: Mapping[str, Any], words: str, unit: str) -> str:
    if rule.get("type") == "string":
        low, high = rule.get("minLength"), rule.get("maxLength")
        if low is not None and high is not None:
            return f"text of {low} to {high} characters"
        return f"text of at most {high} characters" if high is not None else words
    if rule.get("type") == "array" and rule.get("maxItems") is not None:
        return f"{words} of {rule.get('minItems', 0)} to {rule['maxItems']}"
    low, high = rule.get("minimum"), rule.get("maximum")
    above, below = rule.get("exclusiveMinimum"), rule.get("exclusiveMaximum")
    if low is not None and high is not None:
        return (
            f"{words} between {low:g} and {high:g}{unit}"
            if words == "a whole number"
            else f"between {low:g} and {high:g}{unit}"
        )
    bounds = [
        f"{text} {value:g}{unit}"
        for text, value in (("at least", low), ("above", above), ("at most", high), ("below", below))
        if value is not None
    ]
    return " and ".join(bounds) if bounds else f"{words}{unit and ' in' + unit}"


def _resolve(rule: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow one `$ref` into the schema's definitions."""
    reference = rule.get("$ref", "")
    if reference.startswith("#/$defs/"):
        return {**schema.get("$defs", {}).get(reference.removeprefix("#/$defs/"), {}), **rule}
    return rule
