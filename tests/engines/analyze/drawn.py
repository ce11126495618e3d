"""What a picture is drawn from, and finding things in it."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import same_color, to_hex
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from engines import analyze
from engines.analyze.listening import EVERYTHING, OVERVIEW, Heard, listen
from engines.analyze.results import Analysis
from tests import signals

SR = 11025


def heard_of(folder: Path, y: signals.FloatArray, sr: int = SR) -> tuple[Analysis, Heard]:
    """Write a recording and listen to it: what was found, and what a picture needs beside it."""
    path = signals.write(folder / "drawn.wav", y, sr, encoding="FLOAT")
    return analyze.audio(path), listen(path, EVERYTHING | {OVERVIEW})


def panel(figure: Figure, name: str) -> Axes:
    """Return the panel that is labelled so."""
    (axes,) = (axes for axes in figure.axes if axes.get_ylabel().split(",")[0] == name)
    return axes


def texts(axes: Axes) -> list[str]:
    """Return what stands in a panel, left to right as it was drawn."""
    return [text.get_text() for text in axes.texts]


def legend(axes: Axes) -> list[str]:
    """Return what a panel's legend says."""
    told = axes.get_legend()
    return [] if told is None else [text.get_text() for text in told.get_texts()]


def strokes(axes: Axes, colour: str) -> list[tuple[float, float]]:
    """Return when the upright strokes of a colour stand, and how long they are, in the panel's units."""
    return [
        (float(stroke[0][0]), float(stroke[1][1] - stroke[0][1]))
        for lines in axes.collections
        if isinstance(lines, LineCollection) and same_color(to_hex(np.asarray(lines.get_color())[0]), colour)
        for stroke in lines.get_segments()
    ]


def areas(axes: Axes) -> list[tuple[signals.FloatArray, signals.FloatArray, signals.FloatArray]]:
    """Return the upper edges, times and lower edges of what is in steps: the waveform, its level."""
    return [
        (np.asarray(high), np.asarray(times), np.asarray(low))
        for high, times, low in (patch.get_data() for patch in axes.patches if isinstance(patch, StepPatch))
    ]
