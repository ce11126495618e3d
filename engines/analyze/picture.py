"""A recording drawn: waveform with beats and sections, pitch classes with chords, loudness, tempo.

A PNG of 1600 x 1000 pixels, whatever the length. matplotlib's figures are used without its global state; the
module is imported only when a picture is asked for.
"""

import io

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnchoredOffsetbox, HPacker, TextArea, VPacker
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from engines.analyze import headline, panels
from engines.analyze.listening import Heard
from engines.analyze.panels import FAINT, INK, PAPER
from engines.analyze.results import Analysis

WIDTH, HEIGHT, DPI = 16.0, 10.0, 100  # inches and pixels an inch
LEFT, RIGHT, TOP, BOTTOM = 0.062, 0.975, 0.92, 0.045  # of the panels together, shares of the figure
# From top to bottom, where 1 is 96 pixels; the gaps hold the bars' numbers and the legends.
ROWS = {
    "sections": 0.3,
    "waveform": 2.3,
    "numbers": 0.2,
    "keys": 0.3,
    "chords": 0.3,
    "chroma": 2.3,
    "loudness legend": 0.26,
    "loudness": 1.7,
    "tempo legend": 0.26,
    "tempo": 1.3,
}
TICKS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
MOST_TICKS = 16


def draw(found: Analysis, heard: Heard) -> bytes:
    """Draw a recording from what was found and what one pass kept of it; returns a PNG."""
    written = io.BytesIO()
    figure_of(found, heard).savefig(written, format="png", metadata={"Software": "DAWG-AI"})
    return written.getvalue()


def figure_of(found: Analysis, heard: Heard) -> Figure:
    """Lay out the panels of a recording under its headline; `heard` is listened to with its overview."""
    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, facecolor=PAPER)
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        len(ROWS), 1, left=LEFT, right=RIGHT, top=TOP, bottom=BOTTOM, hspace=0.0,
        height_ratios=list(ROWS.values()),
    )  # fmt: skip
    row = {name: i for i, name in enumerate(ROWS)}
    sections, waveform, keys, chords, chroma, loudness, tempo = (
        figure.add_subplot(grid[row[name]])
        for name in ("sections", "waveform", "keys", "chords", "chroma", "loudness", "tempo")
    )
    end = found.duration
    _headline(figure, found)
    panels.sections(sections, found, end)
    panels.waveform(waveform, found, heard, end)
    panels.keys(keys, found, end)
    panels.chords(chords, found, end)
    panels.chroma(chroma, found, heard, end)
    panels.loudness(loudness, found, heard, end)
    panels.tempo(tempo, found, end)
    for axes in (sections, waveform, keys, chords, chroma, loudness):
        axes.tick_params(labelbottom=False, bottom=False)
    _time_axis(tempo, end)
    # For its grid alone: the others' labels would stand on what is below them.
    loudness.xaxis.set_major_locator(tempo.xaxis.get_major_locator())
    return figure


def _headline(figure: Figure, found: Analysis) -> None:
    columns: list[Artist] = [
        VPacker(
            children=[
                TextArea(
                    fact.text,
                    textprops={
                        "color": FAINT if fact.doubtful else INK,
                        "fontsize": 14,
                        "fontweight": "normal" if fact.doubtful else "bold",
                    },
                ),
                TextArea(fact.sure, textprops={"color": FAINT, "fontsize": 9}),
            ],
            pad=0,
            sep=1,
            align="left",
        )
        for fact in headline.facts(found)
    ]
    figure.add_artist(
        AnchoredOffsetbox(
            "upper left", child=HPacker(children=columns, pad=0, sep=22, align="top"), pad=0, borderpad=0,
            frameon=False, bbox_to_anchor=(LEFT, 0.985), bbox_transform=figure.transFigure,
        )
    )  # fmt: skip
    rate = f"{found.sample_rate / 1000:g} kHz, {found.channels} channel{'s' if found.channels != 1 else ''}"
    figure.text(RIGHT, 0.962, rate, color=FAINT, fontsize=10, ha="right")


def _time_axis(axes: Axes, end: float) -> None:
    axes.tick_params(axis="x", labelsize=10, labelcolor=INK)
    if end < headline.SHORT_S:
        axes.xaxis.set_major_locator(MaxNLocator(MOST_TICKS // 2))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{1000 * value:g} ms"))
        return
    step = next((s for s in TICKS_S if end / s <= MOST_TICKS), TICKS_S[-1])
    axes.xaxis.set_major_locator(FixedLocator(list(np.arange(0, end + step / 1000, step))))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: headline.clock(value, tenths=step < 1)))
