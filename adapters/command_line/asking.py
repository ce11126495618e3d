"""Ask the daemon for one operation: with a bar of progress, and a Ctrl-C or SIGTERM that cancels it."""

import argparse
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from adapters.command_line import stopping, terminal
from bus.client import BlockingClient, new_id
from bus.errors import BusError

_CANCEL_S = 4.0
_CANCEL_LOOK_S = 0.1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take how to ask: deadline, priority, progress."""
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


def ask(
    client: BlockingClient,
    described: Mapping[str, Any],
    params: Mapping[str, Any],
    arguments: argparse.Namespace,
) -> dict[str, Any]:
    """Call an operation and return its result.

    Parameters
    ----------
    client
        Connected.
    described
        The operation, as `bus.describe` has it.
    params
        What it is called with.
    arguments
        With what `add_arguments` takes.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C or a signal that ends the command (`stopping.Stopped`), once the request has been cancelled
        or the daemon was told to.
    """
    request_id = new_id()
    try:
        with stopping.as_ctrl_c(), _bar(arguments, described) as progress:
            return client.call(
                described["name"],
                params,
                timeout=arguments.timeout,
                priority=arguments.priority,
                progress=progress,
                request_id=request_id,
            )
    except KeyboardInterrupt:
        terminal.say(_after_interrupt(client, request_id))
        raise


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
        task = bar.add_task("", total=1.0, op=described["name"], stage="waiting")
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
