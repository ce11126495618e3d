"""The table of every operation of the daemon, and the page of it that stands in the READMEs.

`python -m adapters.table` writes the page between its marks in README.md and bus/README.md; a test holds them
to what it would write.
"""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from adapters.core.client import Core
from adapters.core.sending import sending
from bus.control import Control
from bus.explain import allowed_words
from bus.operations import Operation, declare, discover

PAGES = ("README.md", "bus/README.md")
_MARKS = re.compile(r"(<!-- operations:[^\n]*-->\n).*?(<!-- /operations -->)", re.DOTALL)


def core_operations(core: Core) -> list[Operation]:
    """Return the operations `core.*` of one connection to DAWG-CORE."""
    return [declare(f"core.{call.__name__}", call) for call in core.operations()]


def with_core(engine_operations: Iterable[Operation], core: Core) -> list[Operation]:
    """Return the engines' operations, those that can send to DAWG-CORE able to, and `core.*`."""
    return [*sending(engine_operations, core), *core_operations(core)]


def page(operations: Iterable[Operation]) -> str:
    """Write the table as Markdown: name, parameters with their units and defaults, what it does."""
    lines = ["| operation | parameters | |", "|---|---|---|"]
    lines += [
        f"| `{operation.name}` | {_parameters(operation)} | {operation.summary} |"
        for operation in sorted(operations, key=lambda operation: operation.name)
    ]
    return "\n".join(lines) + "\n"


def _parameters(operation: Operation) -> str:
    schema = operation.params_schema
    required = schema.get("required", ())
    words = []
    for name, rule in schema.get("properties", {}).items():
        default = "" if name in required else f" = {rule.get('default')!r}".replace("None", "none")
        words.append(f"`{name}{default}` {allowed_words(rule, schema)}".replace("|", "\\|"))
    return "<br>".join(words)


def everything() -> list[Operation]:
    """Return every operation, to be read: these of the bus and of DAWG-CORE are joined to neither."""
    control, core = object.__new__(Control), object.__new__(Core)
    return [*discover("engines"), *core_operations(core), *control.operations()]


def rewritten(text: str, table: str) -> str:
    """Put the table between the marks of a page."""
    return _MARKS.sub(lambda marks: f"{marks[1]}{table}{marks[2]}", text)


def main(root: Path) -> None:
    """Rewrite every page that has marks."""
    table = page(everything())
    for name in PAGES:
        path = root / name
        path.write_text(rewritten(path.read_text(encoding="utf-8"), table), encoding="utf-8")
        sys.stdout.write(f"{name}: {table.count(chr(10)) - 2} operations\n")


if __name__ == "__main__":
    main(Path(__file__).resolve().parent.parent)
