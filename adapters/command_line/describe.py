"""List the operations of the running daemon, or explain one: what it takes, what it gives, its manual.

Examples:
  dawg-ai describe
  dawg-ai describe analyze.audio
  dawg-ai describe --json | jq '.operations[].name'
"""

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from adapters.command_line import shown, terminal
from adapters.command_line.connection import blocking_client
from adapters.command_line.house import House
from bus.explain import allowed_words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take one operation, perhaps."""
    parser.add_argument("op", metavar="OP", nargs="?", help="operation to explain")
    parser.add_argument("--json", action="store_true", help="print one line of JSON, with the JSON Schemas")


def run(arguments: argparse.Namespace, house: House) -> int:
    """Ask the daemon, and print."""
    with blocking_client(house.config()) as client:
        found = client.call("bus.describe", {"op": arguments.op} if arguments.op else {})
    operations = found["operations"]
    if arguments.json:
        terminal.answer_json(found)
    elif arguments.op:
        for line in _explained(operations[0]):
            terminal.answer(line)
    else:
        rows = [("operation", "deadline", "what it does")]
        rows += [(op["name"], f"{op['timeout']:g} s", op["summary"]) for op in operations]
        terminal.answer(terminal.columns(rows))
    return 0


def _explained(operation: Mapping[str, Any]) -> Iterator[str]:
    facts = [
        f"deadline {operation['timeout']:g} s",
        f"runs in {operation['lane']}" if operation["lane"] else "answered by the bus itself",
        *(["kept by content"] if operation["cached"] else []),
    ]
    yield f"{operation['name']}  ({', '.join(facts)})"
    yield ""
    yield operation["manual"]
    yield ""
    yield "parameters"
    yield terminal.columns(_parameters(operation["params"]), indent="  ") or "  none"
    yield ""
    yield "result"
    yield terminal.columns(_results(operation["result"]), indent="  ") or "  a map"


def _parameters(schema: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    required = schema.get("required", ())
    for name, rule in schema.get("properties", {}).items():
        default = "required" if name in required else f"default {_default(rule.get('default'))}"
        yield name, default, allowed_words(rule, schema), str(rule.get("description", ""))


def _default(value: Any) -> str:
    if isinstance(value, float):
        return shown.number(value)
    return "none" if value is None else str(value)


def _results(schema: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, rule in schema.get("properties", {}).items():
        yield name, allowed_words(rule, schema), str(rule.get("description", ""))
