import asyncio
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, WithJsonSchema

from bus.control import Control, Facts
from bus.errors import InvalidArgument, Unimplemented
from bus.operations import (
    DEFAULT_TIMEOUT_S,
    Operation,
    Operations,
    declare,
    discover,
    engine_operations,
    installed_models,
)
from bus.settings import BusSettings
from engines._units import Memory, forgetful
from tests.bus.engines import dummy

Bpm = Annotated[float, Field(ge=20, le=400, json_schema_extra={"unit": "BPM"})]
AudioPath = Annotated[Path, Field(json_schema_extra={"contentMediaType": "audio/*"})]
Folder = Annotated[Path, WithJsonSchema({"type": "string", "format": "directory-path"})]


@dataclass(frozen=True)
class Beats:
    tempo: Bpm
    times: list[float]


def beats(
    path: AudioPath,
    *,
    tempo: Bpm = 120,
    style: Literal["a", "b"] = "a",
    progress: Callable[..., None] = print,
    memory: Memory = forgetful,
) -> Beats:
    """Place the beats.

    At length.

    Parameters
    ----------
    path
        The recording.
    progress
        Told how far it is,
        and what it does.
    tempo, style, progress, memory
        As they are.
    progress, memory
        As an operation has them.
    memory
        What earlier calls heard.
    """
    progress(1.0, str(path))
    return Beats(tempo, [1.0])


def optional(path: AudioPath | None = None, folder: Folder | None = None) -> int:
    """Take a file, a folder, or neither."""
    return 0 if path is None and folder is None else 1


OPERATION = declare("test.beats", beats, lane="test", module="tests", timeout_s=5.0, version="1")


def test_a_signature_is_the_schema() -> None:
    schema = OPERATION.params_schema
    assert list(schema["properties"]) == ["path", "tempo", "style"]
    assert schema["required"] == ["path"]
    assert schema["additionalProperties"] is False
    tempo = schema["properties"]["tempo"]
    assert (tempo["minimum"], tempo["maximum"], tempo["unit"], tempo["default"]) == (20, 400, "BPM", 120)
    assert schema["properties"]["path"]["contentMediaType"] == "audio/*"
    assert OPERATION.result_schema["properties"]["tempo"]["unit"] == "BPM"
    json.dumps([schema, OPERATION.result_schema])


def test_a_docstring_is_the_manual() -> None:
    assert OPERATION.summary == "Place the beats."
    assert OPERATION.manual.startswith("Place the beats.\n\nAt length.")


def test_the_manual_is_silent_on_what_no_caller_sends() -> None:
    _, _, parameters = OPERATION.manual.partition("----------\n")
    assert parameters == "path\n    The recording.\ntempo, style\n    As they are.\n"


def test_a_default_is_filled_in_and_what_is_given_is_kept() -> None:
    assert OPERATION.validate({"path": "/x"}) == {"path": "/x", "tempo": 120, "style": "a"}
    assert OPERATION.validate({"path": b"x", "tempo": 90}) == {"path": b"x", "tempo": 90, "style": "a"}


def test_progress_is_the_bus_s_own_parameter() -> None:
    assert OPERATION.takes_progress
    assert not declare("test.optional", optional).takes_progress
    with pytest.raises(InvalidArgument, match="progress: unknown"):
        OPERATION.validate({"path": "/x", "progress": 1})


def test_text_is_never_read_as_a_number() -> None:
    for text in ("90", "fast"):
        with pytest.raises(InvalidArgument, match=f"tempo: '{text}'; must be between 20 and 400 BPM"):
            OPERATION.validate({"path": "/x", "tempo": text})


def test_a_file_is_a_path_or_bytes_on_the_wire_and_a_path_for_the_function() -> None:
    assert OPERATION.files == {"path"}
    arguments = OPERATION.arguments({"path": "/x", "tempo": 90, "style": "b"})
    assert arguments == {"path": Path("/x"), "tempo": 90, "style": "b"}
    for wrong in (3, None, ["/x"], {"a": 1}):
        with pytest.raises(
            InvalidArgument, match=r"path: .*; must be the path of a file inside the readable roots"
        ):
            OPERATION.validate({"path": wrong})


def test_a_folder_is_a_path_alone() -> None:
    operation = declare("test.optional", optional)
    assert operation.files == {"path"}
    assert operation.folders == {"folder"}
    with pytest.raises(InvalidArgument, match="folder: 1 bytes; must be the path of a folder"):
        operation.validate({"folder": b"x"})


def test_files_may_be_left_out() -> None:
    operation = declare("test.optional", optional)
    assert operation.validate({}) == {"path": None, "folder": None}
    assert operation.validate({"path": None}) == {"path": None, "folder": None}
    assert operation.arguments({"path": None, "folder": "/x"}) == {"path": None, "folder": Path("/x")}


def _takes(annotation: Any) -> Callable[..., Any]:
    def function(value: Any) -> int:
        """Take a value."""
        raise NotImplementedError

    function.__annotations__["value"] = annotation
    return function


@pytest.mark.parametrize(
    "annotation",
    [
        Path,
        Path | None,
        list[Path],
        dict[str, Path],
        list[AudioPath],
        Annotated[Path, Field(description="x")],
    ],
)
def test_a_path_that_nobody_would_check_cannot_be_declared(annotation: Any) -> None:
    with pytest.raises(
        TypeError, match=r"test\.function: parameter value holds a path that nobody would check"
    ):
        declare("test.function", _takes(annotation))


def test_what_has_no_schema_cannot_be_declared() -> None:
    def bare(value) -> int:  # type: ignore[no-untyped-def]
        raise NotImplementedError

    def no_result(value: int):  # type: ignore[no-untyped-def]
        raise NotImplementedError

    with pytest.raises(TypeError, match=r"test\.bare: parameter value must be annotated"):
        declare("test.bare", bare)
    with pytest.raises(TypeError, match=r"test\.no_result: the result must be annotated"):
        declare("test.no_result", no_result)


def test_a_function_in_the_loop_is_at_once_or_a_task() -> None:
    async def slow() -> int:
        """Take a while."""
        await asyncio.sleep(0)
        return 1

    assert declare("test.optional", optional).immediate
    assert not declare("test.slow", slow).immediate
    assert not OPERATION.immediate


def test_an_engine_s_foot_is_its_operations() -> None:
    found = {operation.name: operation for operation in discover("tests.bus.engines")}
    assert list(found) == [f"dummy.{function.__name__}" for function in dummy.OPERATIONS]
    assert found["dummy.wait"].timeout_s == 30.0
    assert found["dummy.echo"].timeout_s == DEFAULT_TIMEOUT_S
    assert found["dummy.size"].version == "1"
    assert found["dummy.echo"].version is None
    assert found["dummy.count"].folders == {"folder"}
    assert {(operation.lane, operation.module) for operation in found.values()} == {("dummy", dummy.__name__)}


def test_a_table_is_looked_up_by_name() -> None:
    table = Operations([OPERATION])
    assert table["test.beats"] is OPERATION
    assert "test.beats" in table
    assert list(table) == ["test.beats"]
    assert len(table) == 1
    with pytest.raises(ValueError, match=r"test\.beats: declared twice"):
        table.add([OPERATION])


def test_a_name_that_is_not_there_names_the_nearest() -> None:
    table = Operations([OPERATION])
    with pytest.raises(Unimplemented, match=r"did you mean test\.beats\?") as caught:
        table["test.beat"]
    assert caught.value.details == {"nearest": ["test.beats"]}
    with pytest.raises(Unimplemented, match=r"bus\.describe lists what there is"):
        table["x" * 10_000]


def real_operations() -> list[Operation]:
    """Return every operation of this project that needs no neighbour."""
    settings = BusSettings()
    empty: Any = None
    control = Control(Facts(settings, "i", "v", {}), Operations([]), empty, empty, empty)
    return [*discover("engines"), *control.operations()]


@pytest.mark.parametrize("operation", real_operations(), ids=lambda operation: operation.name)
def test_every_operation_is_documented(operation: Operation) -> None:
    assert operation.summary.endswith(".")
    assert len(operation.summary) > 15
    assert operation.params_schema["type"] == "object"
    json.dumps([operation.params_schema, operation.result_schema], allow_nan=False)


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.binary(max_size=9)
)


@given(st.dictionaries(st.sampled_from(["path", "tempo", "style", "x"]), scalars))
def test_what_is_valid_once_is_valid_again(params: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            valid = OPERATION.validate(params)
        except InvalidArgument:
            return
        assert OPERATION.validate(valid) == valid
        assert set(valid) == {"path", "tempo", "style"}
        assert 20 <= valid["tempo"] <= 400
        assert isinstance(valid["path"], str | bytes)


def test_a_function_that_python_names_with_an_underscore_has_none_on_the_wire() -> None:
    def list_() -> int:
        """List."""
        return 0

    module = ModuleType("engines.models")
    module.__dict__.update(OPERATIONS=(list_,), VERSION="1", CACHED=(list_,), TIMEOUTS_S={"list": 5.0})
    (operation,) = engine_operations(module)
    assert (operation.name, operation.timeout_s, operation.version) == ("models.list", 5.0, "1")


def test_engines_say_which_models_they_have_installed() -> None:
    assert installed_models("tests.bus.engines") == {"dummy": "is no model"}
