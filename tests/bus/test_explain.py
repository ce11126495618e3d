from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, WithJsonSchema

from bus.errors import InvalidArgument
from bus.explain import shown
from bus.operations import declare

Bpm = Annotated[float, Field(ge=20, le=400, json_schema_extra={"unit": "BPM"})]
Seconds = Annotated[float, Field(ge=0, json_schema_extra={"unit": "s"})]
Above = Annotated[float, Field(gt=0, lt=1, json_schema_extra={"unit": "1"})]
Bars = Annotated[int, Field(ge=1, le=64, json_schema_extra={"unit": "bar"})]
AudioPath = Annotated[Path, Field(json_schema_extra={"contentMediaType": "audio/*"})]
Folder = Annotated[Path, WithJsonSchema({"type": "string", "format": "directory-path"})]


def everything(
    *,
    tempo: Bpm = 120,
    start: Seconds = 0,
    share: Above = 0.5,
    bars: Bars = 4,
    style: Literal["drums", "bass"] = "drums",
    name: Annotated[str, Field(max_length=8)] = "",
    tag: Annotated[str, Field(min_length=1, max_length=8)] = "x",
    loud: bool = False,
    count: int = 0,
    ratio: float = 0,
    times: list[Seconds] | None = None,
    pair: Annotated[list[int], Field(min_length=1, max_length=2)] | None = None,
    levels: dict[str, Bpm] | None = None,
    end: Seconds | None = None,
    file: AudioPath | None = None,
    folder: Folder | None = None,
) -> int:
    """Take everything."""
    raise NotImplementedError


OPERATION = declare("test.everything", everything)


def message(**params: Any) -> tuple[str, dict[str, Any]]:
    with pytest.raises(InvalidArgument) as caught:
        OPERATION.validate(params)
    assert caught.value.details is not None
    return caught.value.message, caught.value.details


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"tempo": 0}, "tempo: 0; must be between 20 and 400 BPM"),
        ({"tempo": 400.5}, "tempo: 400.5; must be between 20 and 400 BPM"),
        ({"tempo": "120"}, "tempo: '120'; must be between 20 and 400 BPM"),
        ({"tempo": None}, "tempo: null; must be between 20 and 400 BPM"),
        ({"tempo": float("nan")}, "tempo: nan; must be between 20 and 400 BPM"),
        ({"tempo": float("inf")}, "tempo: inf; must be between 20 and 400 BPM"),
        ({"start": -1}, "start: -1; must be at least 0 s"),
        ({"share": 1}, "share: 1; must be above 0 and below 1"),
        ({"bars": 65}, "bars: 65; must be a whole number between 1 and 64 bar"),
        ({"bars": 1.5}, "bars: 1.5; must be a whole number between 1 and 64 bar"),
        ({"bars": True}, "bars: true; must be a whole number between 1 and 64 bar"),
        ({"style": "jazz"}, "style: 'jazz'; must be one of drums, bass"),
        ({"name": "too long a name"}, "name: 'too long a name'; must be text of at most 8 characters"),
        ({"tag": ""}, "tag: ''; must be text of 1 to 8 characters"),
        ({"loud": "yes"}, "loud: 'yes'; must be true or false"),
        ({"count": "1"}, "count: '1'; must be a whole number"),
        ({"ratio": []}, "ratio: []; must be a number"),
        ({"times": [0, -1]}, "times.1: -1; must be at least 0 s"),
        ({"times": 3}, "times: 3; must be a list"),
        ({"pair": []}, "pair: []; must be a list of 1 to 2"),
        ({"levels": {"a": 1}}, "levels.a: 1; must be between 20 and 400 BPM"),
        ({"end": -2}, "end: -2; must be at least 0 s"),
        (
            {"file": 3},
            "file: 3; must be the path of a file inside the readable roots, or its bytes",
        ),
        (
            {"folder": b"x"},
            "folder: 1 bytes; must be the path of a folder inside the readable roots",
        ),
    ],
)
def test_a_mistake_is_told_by_field_what_came_and_what_is_allowed(params: dict[str, Any], words: str) -> None:
    told, details = message(**params)
    assert told == words
    assert details["field"] == words.partition(":")[0]
    assert "allowed" in details


def test_an_unknown_parameter_names_the_nearest() -> None:
    told, details = message(tmepo=120)
    assert told.startswith("tmepo: unknown (did you mean tempo?); allowed: tempo, start, share, ")
    assert details == {"field": "tmepo"}
    assert message(xyzzy=1)[0].startswith("xyzzy: unknown; allowed: tempo, ")


def test_an_operation_without_parameters_says_so() -> None:
    def nothing() -> int:
        """Take nothing."""
        raise NotImplementedError

    with pytest.raises(InvalidArgument, match="a: unknown; allowed: none"):
        declare("test.nothing", nothing).validate({"a": 1})


def test_what_allowed_means_comes_as_schema_too() -> None:
    assert message(tempo=0)[1]["allowed"]["maximum"] == 400


@pytest.mark.parametrize(
    "value",
    [
        "x" * 10**6,
        b"x" * 10**6,
        ["x" * 10**6] * 5,
        {"k" * 10**6: 1},
        list(range(10**5)),
        10**4000,
        [[[[[[]]]]]],
    ],
)
def test_only_so_much_of_a_value_is_shown(value: Any) -> None:
    assert len(shown(value)) <= 63


@pytest.mark.parametrize("value", ["short", 0, -1.5, [1, 2], {"a": 1}])
def test_what_is_short_is_shown_as_it_is(value: Any) -> None:
    assert shown(value) == repr(value)


def test_what_python_calls_otherwise_is_shown_as_json_has_it() -> None:
    assert shown([None, True, {"a": False}]) == "[null, true, {'a': false}]"


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=100) | st.binary(max_size=100),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
names = st.sampled_from([*OPERATION.params.model_fields, "unknown", "", "tempo.x"])


@given(st.dictionaries(names, plain, max_size=3))
def test_whatever_comes_is_taken_or_refused_in_few_words(params: dict[str, Any]) -> None:
    try:
        OPERATION.validate(params)
    except InvalidArgument as refused:
        assert len(refused.message) < 500
        assert refused.details is not None
        assert refused.details["field"]
