"""No guessing: what a client sends is taken as it is, or refused.

pydantic's own strict mode would also refuse a map for a dataclass and a list for a tuple, which is how they
travel; its lax mode reads the text "120" as a number and 1 as true. So values are validated laxly, and then
each that has become another kind of value is refused.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import InitErrorDetails

_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "bool_type"),  # before numbers, of which Python holds it to be one
    ((int, float), "float_type"),
    (str, "string_type"),
    (bytes, "bytes_type"),
)


def refuse_conversions(title: str, came: Mapping[str, Any], became: Mapping[str, Any]) -> None:
    """Refuse the first value that validation has made another kind of.

    Raises
    ------
    ValidationError
        Naming its place, as pydantic would have.
    """
    found = _first_converted(came, became, ())
    if found is not None:
        raise ValidationError.from_exception_data(title, [found])


def _first_converted(came: Any, became: Any, place: tuple[int | str, ...]) -> InitErrorDetails | None:
    if isinstance(came, Mapping):
        pairs = [
            (key, came[key], became[key]) for key in came if isinstance(became, Mapping) and key in became
        ]
    elif isinstance(came, list | tuple):
        both = zip(came, became, strict=False) if isinstance(became, list | tuple) else ()
        pairs = [(index, *pair) for index, pair in enumerate(both)]
    else:
        kind = _kind(became)
        if kind is None or came is None or _kind(came) == kind:
            return None
        return InitErrorDetails(type=kind, loc=place, input=came)
    inner = (_first_converted(one, other, (*place, key)) for key, one, other in pairs)
    return next((found for found in inner if found is not None), None)


def _kind(value: Any) -> str | None:
    return next((kind for types, kind in _KINDS if isinstance(value, types)), None)
