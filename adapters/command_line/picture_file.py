"""A piano roll as a picture file, drawn by matplotlib without a screen."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from adapters.command_line.parser import UsageError
from adapters.command_line.piano_roll import Roll
from adapters.command_line.terminal import OutputError

FORMATS: Final = (".png", ".svg", ".pdf")
_INCHES_PER_BAR, _LEAST_INCHES, _MOST_INCHES = 1.0, 8.0, 100.0
_INCHES_PER_ROW, _INCHES_AROUND = 0.14, 1.1
_LEAST_ROWS: Final = 6
_EVERY_NAME_ROWS, _SPARSE_NAMES = 24, (0, 4, 7)  # in a wide range only C, E and G are named
_DOTS_PER_INCH: Final = 110


def check(target: Path) -> None:
    """Refuse a file name that says no format, before the work for it is done.

    Raises
    ------
    UsageError
        If it does not end in one of those that can be drawn.
    """
    if target.suffix.lower() not in FORMATS:
        raise UsageError(
            f"--plot {target}: must end in {', '.join(FORMATS[:-1])} or {FORMATS[-1]}; "
            "without a file it draws in the terminal"
        )


def draw(rolls: Sequence[Roll], suffix: str) -> bytes:
    """Draw rolls one under the other; returns the file.

    Parameters
    ----------
    rolls
        At least one.
    suffix
        Of the file, such as `.png`.

    Raises
    ------
    OutputError
        If matplotlib is not installed.
    """
    try:
        # The figure's own canvas: no screen is looked for, and no global state is touched.
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - a second, for a picture only
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise OutputError(f"--plot: {error}; `make setup` installs it") from error
    rows = [max(_LEAST_ROWS, len(roll.pitches)) for roll in rolls]
    bars = max(roll.bars for roll in rolls)
    figure = Figure(
        figsize=(
            min(_MOST_INCHES, max(_LEAST_INCHES, bars * _INCHES_PER_BAR)),
            min(_MOST_INCHES, sum(rows) * _INCHES_PER_ROW + len(rows) * _INCHES_AROUND),
        ),
        dpi=_DOTS_PER_INCH,
        layout="constrained",
    )
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(rolls), 1, squeeze=False, gridspec_kw={"height_ratios": rows})[:, 0]
    for roll, ax in zip(rolls, axes, strict=True):
        _draw(roll, ax)
    written = io.BytesIO()
    figure.savefig(written, format=suffix.lower().removeprefix("."))
    return written.getvalue()


def _draw(roll: Roll, ax: Any) -> None:
    pitches = roll.pitches
    ax.set_title(roll.title, fontsize=9, loc="left", pad=16 if roll.chords else 6)
    row_of = {pitch: row for row, pitch in enumerate(reversed(pitches))}
    for mark in roll.marks:
        # Drums have no length worth the name: a sixteenth shows where they are hit.
        length = min(mark.duration, 0.25) if roll.drums else mark.duration
        ax.broken_barh(
            [(mark.start / roll.quarters_per_bar, length / roll.quarters_per_bar)],
            (row_of[mark.pitch] - 0.42, 0.84),
            facecolors="tab:blue",
            alpha=0.25 + 0.75 * mark.velocity / 127,
            edgecolors="black",
            linewidth=0.4,
        )
    if not roll.drums:
        for pitch, row in row_of.items():
            if "#" in roll.label(pitch):  # the black keys
                ax.axhspan(row - 0.5, row + 0.5, color="0.95", zorder=0)
    every_name = roll.drums or len(pitches) <= _EVERY_NAME_ROWS
    named = [p for p in pitches if every_name or p % 12 in _SPARSE_NAMES]
    ax.set_yticks([row_of[p] for p in named], [roll.label(p) for p in named], fontsize=7)
    ax.set_ylim(-0.7, max(1, len(pitches)) - 0.3)
    every = max(1, roll.bars // 64)
    ax.set_xticks(
        range(0, roll.bars, every), [str(bar + 1) for bar in range(0, roll.bars, every)], fontsize=7
    )
    ax.set_xticks(
        [b / roll.quarters_per_bar for b in range(int(roll.bars * roll.quarters_per_bar))], minor=True
    )
    ax.set_xlim(0, roll.bars)
    ax.grid(axis="x", which="major", color="0.6", linewidth=0.8)
    ax.grid(axis="x", which="minor", color="0.88", linewidth=0.5)
    ax.set_axisbelow(True)
    ax.set_xlabel("bar", fontsize=7)
    for bar, chord in enumerate(roll.chords[: roll.bars]):
        if bar % every == 0:
            ax.annotate(
                chord,
                (bar, 1),
                (2, 3),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                fontsize=7,
            )
    if not roll.marks:
        ax.annotate("no notes", (0.5, 0.5), xycoords="axes fraction", ha="center", fontsize=9)
