"""`watch` on a terminal: the picture as tables that are drawn again and again."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from adapters.command_line.picture import JobSeen, Picture

_COLOURS = {
    "running": "green",
    "starting": "yellow",
    "queued": "yellow",
    "draining": "yellow",
    "done": "green",
    "failed": "red",
    "cancelled": "magenta",
    "SERVING": "green",
    "NOT_SERVING": "red",
}
_SHORT_ID = 8


def drawn(picture: Picture, notices: Sequence[str], now_s: float, *, silent: bool) -> RenderableType:
    """Draw everything that is known."""
    return Group(*_parts(picture, notices, now_s, silent))


def _parts(picture: Picture, notices: Sequence[str], now_s: float, silent: bool) -> Iterator[RenderableType]:
    yield _headline(picture, silent)
    yield _lanes(picture)
    yield _jobs(picture, now_s)
    for notice in notices:
        yield Text(notice, style="yellow")


def _headline(picture: Picture, silent: bool) -> Text:
    beat = picture.heartbeat
    if silent or not beat:
        return Text("DAWG-AI  no heartbeat", style="bold red")
    state = str(beat["state"])
    core = picture.status.get("core")
    connected = "" if core is None else f"  DAWG-CORE {'connected' if core['connected'] else 'not connected'}"
    return Text.assemble(
        ("DAWG-AI  ", "bold"),
        (state, f"bold {_COLOURS.get(state, '')}"),
        f"  up {_clock(beat['uptime'])}  queued {beat['queued']}  running {beat['running']}"
        f"  loop lag {1000 * beat['loop_lag']:.0f} ms{connected}",
    )


def _lanes(picture: Picture) -> RenderableType:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading in ("engine", "serving", "workers", "waiting", "deaths", "memory"):
        table.add_column(heading)
    for name, lane in picture.status.get("lanes", {}).items():
        workers = ", ".join(worker["state"] for worker in lane["workers"]) or "none"
        memory = sum(worker["resident"] for worker in lane["workers"])
        serving = Text(lane["serving"], style=_COLOURS.get(lane["serving"], ""))
        table.add_row(name, serving, workers, str(lane["waiting"]), str(lane["deaths"]), f"{memory:.0f} MB")
    return table


def _jobs(picture: Picture, now_s: float) -> RenderableType:
    if not picture.jobs:
        return Text("no jobs", style="dim")
    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading in ("operation", "id", "state", "", "stage", "time", "left"):
        table.add_column(heading)
    for job in picture.jobs.values():
        table.add_row(*_row(job, now_s))
    return table


def _row(job: JobSeen, now_s: float) -> tuple[RenderableType, ...]:
    state = Text(f"{job.state} {job.code}".rstrip(), style=_COLOURS.get(job.state, ""))
    left = "" if job.eta_s is None or job.ended_s is not None else _clock(job.eta_s)
    bar = ProgressBar(total=1.0, completed=job.fraction, width=20)
    return job.op, job.id[:_SHORT_ID], state, bar, job.stage, _clock(job.elapsed_s(now_s)), left


def _clock(seconds: float) -> str:
    whole = int(max(seconds, 0))
    if whole < 60:
        return f"{max(seconds, 0):.1f} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
