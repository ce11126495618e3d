"""The description of :9000: complete, true, and held against the server by schemathesis."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from adapters.http.arguments import from_text
from tests.adapters.http.conftest import Served

# Those of the dummy engine that end soon and leave their worker alive.
HARMLESS = r"^/(health)?$|^/api/v1/(bus/\w+|dummy/(echo|size|count))$"


@pytest.fixture(scope="session")
def document(served: Served) -> dict[str, Any]:
    answer = served.ask("GET", "/openapi.json")
    assert answer.status == 200
    described: dict[str, Any] = answer.json
    return described


def test_every_operation_is_described_and_nothing_else(served: Served, document: dict[str, Any]) -> None:
    fixed = {"GET /", "GET /health", "GET /api/v1/events"}
    described = {
        f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods
    }
    assert described == fixed | set(served.server.endpoints)


def test_parameters_say_their_range_and_unit(document: dict[str, Any]) -> None:
    parameters = document["paths"]["/api/v1/dummy/echo"]["post"]["parameters"]
    number = next(parameter for parameter in parameters if parameter["name"] == "number")
    assert (number["in"], number["required"]) == ("query", False)
    rule = number["schema"]
    assert (rule["type"], rule["unit"], rule["minimum"], rule["maximum"], rule["default"]) == (
        "number",
        "BPM",
        20,
        400,
        120,
    )


def test_an_upload_is_described_as_phase_1_named_it(document: dict[str, Any]) -> None:
    body = document["paths"]["/api/v1/dummy/size"]["post"]["requestBody"]
    form = body["content"]["multipart/form-data"]["schema"]
    assert (body["required"], form["required"], list(form["properties"])) == (True, ["file"], ["file"])
    assert form["properties"]["file"]["format"] == "binary"


def test_every_error_that_may_come_is_described(document: dict[str, Any]) -> None:
    responses = document["paths"]["/api/v1/dummy/echo"]["post"]["responses"]
    statuses = "200 400 403 404 408 409 412 413 415 422 429 431 499 500 501 503 504"
    assert sorted(responses) == statuses.split()
    for status, response in responses.items():
        schema = response["content"]["application/json"]["schema"]
        assert schema["$ref"].endswith("Error") is (status != "200")


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    names = re.findall(r"'#/components/schemas/([^']+)'", str(document))
    assert set(names) == set(document["components"]["schemas"])
    assert "$defs" not in str(document).replace("'properties': {'$defs'", "")


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        ("1", {"type": "number"}, 1.0),
        ("+.5e1", {"type": "number"}, 5.0),
        ("4", {"type": "integer"}, 4),
        ("4.0", {"type": "integer"}, 4),
        ("4.5", {"type": "integer"}, "4.5"),
        ("9" * 30, {"type": "integer"}, "9" * 30),
        ("true", {"type": "boolean"}, True),
        ("1", {"type": "boolean"}, "1"),
        ("1", {"type": "string"}, "1"),
        ("1", {"anyOf": [{"type": "string"}, {"type": "null"}]}, "1"),
        ("1", {"anyOf": [{"type": "number"}, {"type": "null"}]}, 1.0),
        ("1", {"enum": [1, 2]}, 1),
        ("a", {"enum": ["a", "b"]}, "a"),
        ("[1, 2]", {"type": "array"}, [1, 2]),
        ("[NaN]", {"type": "array"}, "[NaN]"),
        ('{"a": 1, "a": 2}', {"type": "object"}, '{"a": 1, "a": 2}'),
        ("[" * 50_000, {"type": "array"}, "[" * 50_000),
    ],
)
def test_text_is_read_as_the_schema_says(text: str, schema: dict[str, Any], value: object) -> None:
    read = from_text(text, schema)
    assert (read, type(read)) == (value, type(value))


TRUE = "content_type_conformance,response_schema_conformance,response_headers_conformance"


# Its coverage phase wants headers that it made up to be refused, which would refuse every browser.
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("phase", "checks"),
    [
        ("coverage", f"{TRUE},status_code_conformance,not_a_server_error,unsupported_method"),
        ("fuzzing", f"{TRUE},status_code_conformance,not_a_server_error,negative_data_rejection"),
    ],
)
def test_the_server_does_what_the_description_says(
    served: Served, tmp_path: Path, phase: str, checks: str
) -> None:
    config = tmp_path / "schemathesis.toml"
    # An unknown operation, a drained queue, a deadline of a nanosecond: errors, and none of the server's own.
    config.write_text('[checks]\nnot_a_server_error.expected-statuses = ["2xx", "4xx", 501, 503, 504]\n')
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run", "--no-color"]
    command += [served.server.url + "/openapi.json", "--include-path-regex", HARMLESS]
    command += ["--phases", phase, "--checks", checks, "--max-examples", "10", "--generation-deterministic"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "11 selected" in done.stdout
