"""Call an operation and print its result.

Parameters are written name=value. What the operation wants as text is taken as it is; numbers, true and
false, lists and maps are JSON; files and folders may be relative; name=@FILE sends the file's bytes (@- those
of stdin). The result goes to stdout, progress and errors to stderr. Ctrl-C cancels the request.

Examples:
  dawg-ai call analyze.audio path=song.wav
  dawg-ai call analyze.audio path=song.wav --json | jq .tempo
  dawg-ai call analyze.beats path=@song.ogg --timeout 60
  dawg-ai call transcribe.audio path=song.wav -o song.mid
  dawg-ai call bus.status
"""

import argparse
from base64 import b64decode
from pathlib import Path
from typing import Any

from adapters.command_line import asking, shown, terminal, values
from adapters.command_line.connection import blocking_client
from adapters.command_line.house import House
from adapters.command_line.parser import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the operation, its parameters, and how to run and print it."""
    parser.add_argument(
        "op", metavar="OP", help="operation, such as analyze.audio (`dawg-ai describe` lists them)"
    )
    parser.add_argument("params", nargs="*", metavar="NAME=VALUE", help="its parameters")
    parser.add_argument("--json", action="store_true", help="print one line of JSON; bytes become base64")
    parser.add_argument(
        "-o",
        dest="output",
        type=Path,
        metavar="FILE",
        help="write the file in the result (bytes, or a field such as midi_base64) here; - for stdout",
    )
    parser.add_argument("--force", action="store_true", help="replace the file of -o if it is there")
    asking.add_arguments(parser)


def run(arguments: argparse.Namespace, house: House) -> int:
    """Call, print, and say by the exit code how it went."""
    texts = values.split(arguments.params)
    output: Path | None = arguments.output
    if output is not None and str(output) != "-":
        terminal.check_writable(output, force=arguments.force)
    elif arguments.force:
        raise UsageError("--force: is for -o FILE")
    with blocking_client(house.config()) as client:
        described = client.call("bus.describe", {"op": arguments.op})["operations"][0]
        params = values.read(texts, described["params"])
        result = asking.ask(client, described, params, arguments)
    if output is not None:
        result = _write(result, output)
        if str(output) == "-":
            return 0
    if arguments.json:
        terminal.answer_json(result)
    else:
        for line in shown.lines(result, described["result"]):
            terminal.answer(line)
    return 0


def _write(result: dict[str, Any], output: Path) -> dict[str, Any]:
    """Write the one file in a result; returns what else there is in it."""
    found: dict[str, bytes | str] = {
        name: value for name, value in result.items() if isinstance(value, bytes)
    }
    found = found or {
        name: value for name, value in result.items() if name.endswith("_base64") and isinstance(value, str)
    }
    if len(found) != 1:
        what = f"has several: {', '.join(found)}; --json has them all" if found else "has no file"
        raise terminal.OutputError(f"-o {output}: the result {what}")
    ((name, value),) = found.items()
    data = value if isinstance(value, bytes) else b64decode(value)
    if str(output) == "-":
        terminal.answer_bytes(data)
    else:
        terminal.write_file(output, data)
        terminal.say(f"{name}: {len(data)} bytes written to {output}")
    return {key: inner for key, inner in result.items() if key != name}
