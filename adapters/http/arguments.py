"""From query, JSON and forms to an operation's parameters: each by its name, once, wherever it stands.

Text becomes the number, truth value, list or map that the parameter's schema asks for, so that what is
validated after that is as strict for a query as for a message on the bus. `file` is another name for an
operation's first file, which is what phase 1 called it.
"""

import json
import re
from typing import Any, Final
from urllib.parse import parse_qsl

from bus.errors import InvalidArgument
from bus.files import Spooled
from bus.messages import pack
from bus.operations import Operation

FILE: Final = "file"
_MOST_FIELDS: Final = 100
# JSON's numbers, and a plus sign or a missing zero that people type.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z", re.ASCII)
_NUMBER_CHARACTERS: Final = 64
# What a message of the bus can carry.
_LARGEST_WHOLE: Final = 2**63


def file_alias(operation: Operation) -> str | None:
    """Return the parameter that `file` stands for; None where none is a file, or one has that name."""
    if FILE in operation.params.model_fields:
        return None
    return next((name for name in operation.params.model_fields if name in operation.files), None)


class Arguments:
    """What has come so far; `values` goes into a request."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        self._alias = file_alias(operation)
        self.values: dict[str, Any] = {}

    def add_text(self, name: str, text: str) -> None:
        """Take a parameter that came as text."""
        self._add(name, lambda schema: from_text(text, schema))

    def add_query(self, query: bytes, source: str) -> None:
        """Take every parameter of a query string, or of a form in the same coding.

        Raises
        ------
        InvalidArgument
            If it is not UTF-8, or has too many fields, or one that came already.
        """
        try:
            pairs = parse_qsl(
                query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
            )
        except UnicodeError:
            raise InvalidArgument(f"{source}: not percent-encoded UTF-8") from None
        except ValueError:
            raise InvalidArgument(f"{source}: more than {_MOST_FIELDS} fields") from None
        for name, text in pairs:
            self.add_text(name, text)

    def add_json(self, body: bytes) -> None:
        """Take every parameter of a JSON object.

        Raises
        ------
        InvalidArgument
            If it is no JSON object, names a field twice, or holds what the bus cannot carry.
        """
        try:
            values = json.loads(body.decode(), object_pairs_hook=_once, parse_constant=_refuse)
            pack(values)  # refuses what has no place in a message: long numbers, half characters
        except (ValueError, OverflowError, RecursionError) as error:
            reason = "nested too deeply" if isinstance(error, RecursionError) else error
            raise InvalidArgument(f"body: not JSON that can be read; {reason}") from None
        if not isinstance(values, dict):
            raise InvalidArgument("body: must be a JSON object of parameters")
        for name, value in values.items():
            self._add(name, lambda _, value=value: value)

    def expect_file(self, name: str) -> None:
        """Refuse a file that no parameter takes, before it is stored."""
        parameter = self._parameter(name)
        if parameter not in self._operation.files:
            files = ", ".join(sorted(self._operation.files)) or "none"
            raise InvalidArgument(
                f"{name}: a file; the parameters that are files: {files}", details={"field": name}
            )
        self._check_first(name, parameter)

    def add_file(self, name: str, file: Spooled) -> None:
        """Take a file that is in the spool."""
        self._add(name, lambda _: file)

    @property
    def files(self) -> list[Spooled]:
        """The files that came."""
        return [value for value in self.values.values() if isinstance(value, Spooled)]

    def _parameter(self, name: str) -> str:
        return self._alias if name == FILE and self._alias is not None else name

    def _check_first(self, name: str, parameter: str) -> None:
        if parameter in self.values:
            raise InvalidArgument(f"{name}: given twice; must be given once", details={"field": name})

    def _add(self, name: str, value: Any) -> None:
        parameter = self._parameter(name)
        self._check_first(name, parameter)
        schema = self._operation.params_schema
        self.values[parameter] = value(resolve(schema.get("properties", {}).get(parameter, {}), schema))


def text_of(data: bytes, name: str) -> str:
    """Read a field's text."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise InvalidArgument(f"{name[:80]}: not UTF-8; a file needs a file name beside it") from None


def types_of(schema: dict[str, Any]) -> set[str]:
    """Return the JSON types that a schema, whose references are resolved, allows; empty for any."""
    if "anyOf" in schema:
        return set().union(*(types_of(choice) for choice in schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        choices = schema.get("enum", [schema.get("const")])
        return {_TYPES.get(type(choice), "string") for choice in choices}
    kind = schema.get("type")
    return {kind} if isinstance(kind, str) else set(kind or ())


_TYPES: Final = {bool: "boolean", int: "integer", float: "number", type(None): "null"}


def resolve(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """Follow a schema's references into the definitions of the document it stands in."""
    reference = schema.get("$ref", "")
    if reference:
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        return {**resolve(root.get("$defs", {}).get(reference.rpartition("/")[2], {}), root), **rest}
    if "anyOf" in schema:
        return {**schema, "anyOf": [resolve(choice, root) for choice in schema["anyOf"]]}
    return schema


def from_text(text: str, schema: dict[str, Any]) -> Any:
    """Read text as what a schema asks for; text that cannot be that is left, for validation to name."""
    kinds = types_of(schema)
    if "string" in kinds:
        return text
    if kinds & {"number", "integer"} and len(text) <= _NUMBER_CHARACTERS and _NUMBER.match(text):
        return float(text) if "number" in kinds else _whole(text)
    if "boolean" in kinds and text in ("true", "false"):
        return text == "true"
    return _from_json(text) if kinds & {"array", "object"} or not kinds else text


def _whole(text: str) -> int | str:
    if text.lstrip("+-").isdecimal():
        return int(text) if abs(int(text)) < _LARGEST_WHOLE else text
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < 2**53 else text


def _from_json(text: str) -> Any:
    try:
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
        pack(value)
    except (ValueError, OverflowError, RecursionError):
        return text
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a name is given twice in one object")
    return values


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")
