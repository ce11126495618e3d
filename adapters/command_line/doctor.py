"""Say what is missing or wrong, and what to do about it.

Looks at Python and the packages, the configuration, the folders, the daemon and its engines, its events,
HTTP, and DAWG-CORE. `fault` keeps something from working, `note` is worth knowing. Exit code 0 without
faults, else 1.

Examples:
  dawg-ai doctor
  dawg-ai doctor --json | jq '.checks[] | select(.state == "fault")'
"""

import argparse
from collections.abc import Iterator
from dataclasses import asdict

from adapters.command_line import checks, terminal
from adapters.command_line.checks import Check
from adapters.command_line.house import House
from adapters.command_line.neighbours import daemon
from adapters.config_file import ConfigError
from adapters.settings import Config

_MARKS = {"fine": "  ok ", "note": "note ", "fault": "FAULT"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the form of the answer."""
    parser.add_argument("--json", action="store_true", help="print one line of JSON")


def run(arguments: argparse.Namespace, house: House) -> int:
    """Look, and say each thing as it is found."""
    found = []
    for check in _checks(house):
        found.append(check)
        if not arguments.json:
            terminal.answer(f"{_MARKS[check.state]}  {check.name}: {check.said}")
            if check.remedy:
                terminal.answer(f"         -> {check.remedy}")
    faults = sum(check.state == "fault" for check in found)
    if arguments.json:
        terminal.answer_json({"ok": not faults, "checks": [asdict(check) for check in found]})
    else:
        terminal.answer(terminal.count(faults, "fault") if faults else "nothing is wrong")
    return 1 if faults else 0


def _checks(house: House) -> Iterator[Check]:
    yield checks.python()
    yield checks.packages(house.beside)
    try:
        file = house.found_config()
        config = house.config()
    except ConfigError as error:
        yield Check("configuration", "fault", str(error), "mend it; what follows holds for the defaults")
        config = Config()
    else:
        yield Check("configuration", "fine", f"{file} is valid" if file else "no file, the defaults hold")
    yield from checks.folders(config)
    yield from daemon(config)
