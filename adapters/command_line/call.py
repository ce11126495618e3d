"""Call an operation and print its result.

Parameters are written name=value. What the operation wants as text is taken as it is; numbers, true and
false, lists and maps are JSON; files and folders may be relative; name=@FILE sends the file's bytes (@- those
of stdin). The result goes to stdout, progress and errors to stderr. Ctrl-C cancels the request.

Examples:
  dawg-ai call analyze.audio path=song.wav
  dawg-ai call analyze.audio path=song.wav --json | jq .tempo
  dawg-ai call analyze.beats path=@song.ogg --timeout 60
  dawg-ai call bus.status
"""

import argparse
import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adapters.command_line import exit_codes, shown, terminal, values
from adapters.command_line.connection import blocking_client
from adapters.command_line.house import House
from bus.client import BlockingClient, new_id
from bus.errors import BusError

_CANCEL_S = 4.0
_CANCEL_LOOK_S = 0.1


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
    parser.add_argument(
        "--timeout", type=_seconds, metavar="S", help="deadline in seconds; else the operation's own"
    )
    parser.add_argument(
        "--priority",
        choices=("interactive", "batch"),
        default="interactive",
        help="batch lets others go first",
    )
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError("must be above 0 s")
    return value


def run(arguments: argparse.Namespace, house: House) -> int:
    """Call, print, and say by the exit code how it went."""
    texts = values.split(arguments.params)
    output: Path | None = arguments.output
    if output is not None and str(output) != "-":
        terminal.check_writable(output)
    with blocking_client(house.config()) as client:
        described = client.call("bus.describe", {"op": arguments.op})["operations"][0]
        params = values.read(texts, described["params"])
        request_id = new_id()
        try:
            with _bar(arguments, described) as progress:
                result = client.call(
                    arguments.op,
                    params,
                    timeout=arguments.timeout,
                    priority=arguments.priority,
                    progress=progress,
                    request_id=request_id,
                )
        except KeyboardInterrupt:
            terminal.say(_after_interrupt(client, request_id))
            return exit_codes.INTERRUPTED
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


@contextmanager
def _bar(
    arguments: argparse.Namespace, described: Mapping[str, Any]
) -> Iterator[Callable[[float, str], None] | None]:
    """Draw a progress bar on the terminal; where there is none, nothing."""
    if arguments.no_progress or not terminal.is_watched() or not described["cancellable"]:
        yield None
        return
    from rich.console import Console  # noqa: PLC0415 - not for output that nobody watches
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    bar = Progress(
        TextColumn("{task.fields[op]}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[stage]}"),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task("", total=1.0, op=arguments.op, stage="waiting")
        yield lambda fraction, stage: bar.update(task, completed=fraction, stage=stage)


def _after_interrupt(client: BlockingClient, request_id: str) -> str:
    """See the request, which the interrupted call has cancelled, to its end, if that comes soon."""
    deadline_s = time.monotonic() + _CANCEL_S
    while time.monotonic() < deadline_s:
        try:
            if client.cancel(request_id) != "cancelling":
                return "cancelled"
        except BusError:
            break
        time.sleep(_CANCEL_LOOK_S)
    return "cancel was sent; the request has not ended yet"


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
