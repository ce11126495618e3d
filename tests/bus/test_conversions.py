"""What a client sends is taken as it is, or refused: lists and maps become what is wanted, scalars stay."""

import re
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from pydantic import Field

from bus.errors import InvalidArgument
from bus.operations import declare

Count = Annotated[int, Field(ge=0, json_schema_extra={"unit": "1"})]


@dataclass(frozen=True)
class Note:
    """A note."""

    pitch: Count
    name: str = ""


def play(
    notes: list[Note],
    span: tuple[float, float] = (0.0, 1.0),
    loud: bool = False,
    gains: dict[str, float] | None = None,
) -> Count:
    """Play notes."""
    del span, loud, gains
    return len(notes)


OPERATION = declare("test.play", play)


def test_maps_and_lists_become_what_the_signature_says() -> None:
    params = {"notes": [{"pitch": 60}, {"pitch": 62, "name": "D"}], "span": [0, 2.5], "gains": {"a": 1}}
    arguments = OPERATION.arguments(OPERATION.validate(params))
    assert arguments["notes"] == [Note(60), Note(62, "D")]
    assert arguments["span"] == (0.0, 2.5)
    assert arguments["gains"] == {"a": 1.0}


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"notes": [], "loud": 1}, "loud: 1; must be true or false"),
        ({"notes": [], "loud": "true"}, "loud: 'true'; must be true or false"),
        ({"notes": [{"pitch": "60"}]}, "notes.0.pitch: '60'; must be a number, at least 0"),
        ({"notes": [{"pitch": True}]}, "notes.0.pitch: true; must be a number, at least 0"),
        ({"notes": [{"pitch": 1, "name": b"D"}]}, "notes.0.name: 1 bytes; must be text"),
        ({"notes": [], "span": [0, "1"]}, "span.1: '1'; must be a number"),
        ({"notes": [], "gains": {"a": "1"}}, "gains.a: '1'; must be a number"),
        ({"notes": [{"pitch": 60.5}]}, "notes.0.pitch: 60.5; must be a whole number, at least 0"),
    ],
)
def test_a_scalar_of_another_kind_is_refused_with_its_place(params: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidArgument, match=re.escape(words)):
        OPERATION.validate(params)
