import json
from collections.abc import Callable
from typing import Any

from tests.bus_process import BusProcess

Run = Callable[..., Any]


def test_all_operations_are_listed_a_line_each(run: Run, bus: BusProcess) -> None:
    lines = run("describe", bus=bus).out.splitlines()
    assert lines[0].split()[:2] == ["operation", "deadline"]
    (echo,) = [line for line in lines if line.startswith("dummy.echo ")]
    assert echo.split(maxsplit=3) == ["dummy.echo", "60", "s", "Give back what came."]


def test_one_operation_is_explained_with_ranges_units_and_defaults(run: Run, bus: BusProcess) -> None:
    text = run("describe", "dummy.echo", bus=bus).out
    assert text.startswith("dummy.echo  (deadline 60 s, runs in dummy)\n\nGive back what came.\n")
    (number,) = [line for line in text.splitlines() if line.strip().startswith("number")]
    assert number.split(maxsplit=3) == ["number", "default", "120", "between 20 and 400 BPM"]
    assert "required" in run("describe", "dummy.wait", bus=bus).out


def test_json_has_the_schemas(run: Run, bus: BusProcess) -> None:
    (echo,) = json.loads(run("describe", "dummy.echo", "--json", bus=bus).out)["operations"]
    assert echo["params"]["properties"]["number"]["unit"] == "BPM"


def test_an_unknown_operation_names_the_near_ones(run: Run, bus: BusProcess) -> None:
    ran = run("describe", "dummy.ech", bus=bus)
    assert ran.code == 12
    assert "dummy.echo" in ran.err
