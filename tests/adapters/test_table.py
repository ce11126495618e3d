"""The table of operations: whole, with words for everything, and the same in the READMEs as in the code."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.table import PAGES, everything, page, rewritten
from bus.operations import Operation

ROOT = Path(__file__).resolve().parents[2]
OPERATIONS = everything()


@pytest.mark.parametrize("name", PAGES)
def test_a_readme_has_the_table_as_it_is(name: str) -> None:
    text = (ROOT / name).read_text()
    assert rewritten(text, page(OPERATIONS)) == text, "run `python -m adapters.table`"
    assert all(f"`{operation.name}`" in text for operation in OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: str(operation.name))
def test_an_operation_has_a_manual(operation: Operation) -> None:
    assert operation.summary.endswith(".")


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: str(operation.name))
def test_a_manual_has_the_parameters_that_callers_send(operation: Operation) -> None:
    section = operation.manual.partition("Parameters\n----------\n")[2].partition("\n\n")[0]
    lines = [line for line in section.splitlines() if not line.startswith(" ")]
    assert {name for line in lines for name in line.split(", ")} <= set(operation.params.model_fields)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: str(operation.name))
def test_every_number_of_an_operation_has_a_unit(operation: Operation) -> None:
    for schema in (operation.params_schema, operation.result_schema):
        missing = list(numbers_without_unit(schema, ""))
        assert not missing, missing


def numbers_without_unit(schema: Any, path: str) -> Iterator[str]:
    if isinstance(schema, dict):
        if "unit" in schema:
            return  # its own, or that of what it is a choice of
        if schema.get("type") in ("number", "integer"):
            yield path
        for key, inner in schema.items():
            yield from numbers_without_unit(inner, f"{path}/{key}")
    elif isinstance(schema, list):
        for index, inner in enumerate(schema):
            yield from numbers_without_unit(inner, f"{path}/{index}")
