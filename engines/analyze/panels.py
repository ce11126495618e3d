"""The panels of a recording's picture, each drawn into axes of its own that run from 0 to `end` seconds.

What would be too small to read is left out, never squeezed in. Values in time are joined to as many columns
as there are pixels, so that hours are drawn as fast as minutes.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import FixedLocator, FuncFormatter

from engines._audio import FloatArray
from engines.analyze import bands as band
from engines.analyze import headline
from engines.analyze import pitches as pitch
from engines.analyze.beat_tracking import LOCAL_BEATS, local_tempo
from engines.analyze.headline import number
from engines.analyze.keys import PITCH_CLASSES
from engines.analyze.listening import OVERVIEW_HOP, Heard
from engines.analyze.loudness_meter import (
    MOMENTARY_STEPS,
    SHORT_TERM_STEPS,
    STEPS_PER_S,
    sliding_mean,
    to_lufs,
)
from engines.analyze.results import Analysis

COLUMNS = 1400  # of the drawing, in pixels: more values than that are joined
INK, FAINT, PAPER, GRID = "#22303c", "#8594a1", "#ffffff", "#e4e9ee"
BLUE, DEEP_BLUE, ORANGE, RED = "#9cc3e0", "#2f6f9f", "#e08a2e", "#c8452f"
# Pale, so that letters stand on them; from Brewer's Set 3 and Pastel 1.
SECTION_COLOURS = (
    "#a6d5c9", "#fbd3a0", "#c3bfe0", "#f4a9a0", "#a9cbe4",
    "#d3e6a0", "#f7cfe4", "#e0d2bd", "#cfcfcf", "#f6ee9f",
)  # fmt: skip
CHROMA_COLOURS = LinearSegmentedColormap.from_list(
    "chroma", ["#ffffff", "#cfe3f1", "#6aa6cf", "#1f5f93", "#0b2b4a"]
)
FEWEST_PIXELS_A_BEAT, FEWEST_PIXELS_A_BAR = 9, 6
FEWEST_PIXELS_A_NUMBER = 34
PIXELS_A_LETTER = 7.5
CHROMA_COLUMNS = 480  # a pitch frame is 93 ms, and a chord much longer
LOWEST_LUFS = -60.0


def sections(axes: Axes, found: Analysis, end: float) -> None:
    """Draw the sections side by side, those that are the same music in one colour."""
    pieces = [(s.start, s.end, s.label) for s in found.sections]
    _strip(axes, "sections", end, pieces, _section_colours(found))


def chords(axes: Axes, found: Analysis, end: float) -> None:
    """Draw the chords side by side; where none sounds the paper is left white."""
    pieces = [(c.start, c.end, _chord_name(c.label)) for c in found.chords if c.label != "N"]
    _strip(axes, "chords", end, pieces, _lasting_colours(pieces))


def keys(axes: Axes, found: Analysis, end: float) -> None:
    """Draw the keys side by side; none where there is hardly any."""
    pieces = [(k.start, k.end, f"{k.key} {k.mode}") for k in headline.keys(found)]
    _strip(axes, "keys", end, pieces, _lasting_colours(pieces))


def waveform(axes: Axes, found: Analysis, heard: Heard, end: float) -> None:
    """Draw the samples from the least to the greatest, and their level within; beats and bars over them."""
    _bare(axes, end)
    colours = _section_colours(found)
    for section in found.sections if len(found.sections) > 1 else ():
        axes.axvspan(section.start, section.end, color=colours[section.label], alpha=0.25, lw=0)
    axes.set_ylabel("waveform, dBFS", color=FAINT, fontsize=9)
    most = max(0.02, float(np.abs(heard.overview).max(initial=0.0)))
    axes.set_ylim(-1.08 * most, 1.08 * most)
    if heard.overview.any():
        level_of_most = number(20 * np.log10(most))
        axes.set_yticks([-most, 0, most], [level_of_most, "\N{MINUS SIGN}\N{INFINITY}", level_of_most])
        _samples(axes, heard)
    else:
        axes.set_yticks([0], ["\N{MINUS SIGN}\N{INFINITY}"])
        # Resampled from 192 kHz, a sample or two are none.
        _say(axes, "silence" if found.loudness.sample_peak_dbfs is None else "too short to draw")
    _beats(axes, found, end)


def chroma(axes: Axes, found: Analysis, heard: Heard, end: float) -> None:
    """Draw how strong each pitch class is, with a line where the key changes."""
    _bare(axes, end)
    rows = pitch.chroma(heard.pitches)
    columns = np.zeros((12, 1))
    if len(rows):
        columns = np.stack([_joined(row, "mean", CHROMA_COLUMNS) for row in rows.T])
    loudest = np.percentile(columns.max(axis=0), 90) if columns.any() else 1.0
    # Each column by its own strongest, so that quiet passages are seen; next to silence fades out.
    strongest = np.maximum(columns.max(axis=0), 0.1 * loudest)
    frame = 1 / pitch.FRAME_RATE  # centred on its time
    first, last = (-0.5 * frame, (len(rows) - 0.5) * frame) if len(rows) else (0.0, end)
    axes.imshow(
        (columns / strongest) ** 1.4, origin="lower", aspect="auto", cmap=CHROMA_COLOURS, vmin=0, vmax=1,
        extent=(first, last, -0.5, 11.5), interpolation="nearest",
    )  # fmt: skip
    axes.set_xlim(0, end)
    axes.set_yticks(range(12), PITCH_CLASSES)
    axes.set_ylim(-0.5, 11.5)
    axes.set_ylabel("pitch classes", color=FAINT, fontsize=9)
    for key in headline.keys(found)[1:]:
        axes.axvline(key.start, color=RED, lw=1.2)


def loudness(axes: Axes, found: Analysis, heard: Heard, end: float) -> None:
    """Draw momentary and short-term loudness, and the integrated one across."""
    _bare(axes, end)
    axes.set_ylabel("loudness, LUFS", color=FAINT, fontsize=9)
    lowest, highest, drawn = LOWEST_LUFS / 2, LOWEST_LUFS, False
    for steps, name, colour, width in (
        (MOMENTARY_STEPS, "momentary, 0.4 s", BLUE, 0.9),
        (SHORT_TERM_STEPS, "short-term, 3 s", DEEP_BLUE, 1.8),
    ):
        values = to_lufs(sliding_mean(heard.loudness_energy, steps))
        if not np.isfinite(values).any():
            continue
        # A window is drawn at its middle.
        x = _joined((np.arange(len(values)) + steps / 2) / STEPS_PER_S, "mean")
        y = _joined(np.maximum(values, LOWEST_LUFS), "mean")
        axes.plot(x, y, color=colour, lw=width, label=name, marker="o" if len(x) == 1 else "", ms=5)
        lowest, highest = min(lowest, float(np.percentile(y, 2))), max(highest, float(y.max()))
        drawn = True
    whole = found.loudness.integrated_lufs
    if whole is not None:
        axes.axhline(whole, color=ORANGE, lw=1.2, ls=(0, (5, 3)), label=f"integrated {number(whole)} LUFS")
        highest = max(highest, whole)
    bottom = max(LOWEST_LUFS, 6 * np.floor((lowest - 3) / 6))
    top = max(0.0, 6 * np.ceil((highest + 0.5) / 6))  # recordings in floating point may be louder than 0
    axes.set_ylim(bottom, top)
    axes.yaxis.set_major_locator(
        FixedLocator(list(np.arange(LOWEST_LUFS, top + 1, 6 if top - bottom <= 42 else 12)))
    )
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value, 0)))
    axes.grid(color=GRID, lw=0.8)
    axes.set_axisbelow(True)
    if drawn:
        _legend(axes)
    else:
        _say(axes, "silence" if found.duration >= MOMENTARY_STEPS / STEPS_PER_S else "shorter than 0.4 s")


def tempo(axes: Axes, found: Analysis, end: float) -> None:
    """Draw how the tempo goes, and that of the whole across; no pulse only where none was found."""
    _bare(axes, end)
    axes.set_ylabel("tempo, BPM", color=FAINT, fontsize=9)
    axes.grid(color=GRID, lw=0.8)
    axes.set_axisbelow(True)
    if not found.tempo:
        axes.set_yticks([])
        _say(axes, "no pulse")
        return
    # A steady tempo is to look steady: the scale is never finer than 5 % to each side.
    reach = 0.05 * found.tempo
    beats = np.array(found.beat_times)
    if len(beats) > 1:
        x, local = local_tempo(beats)
        name = "over eight beats" if len(beats) > LOCAL_BEATS else "over all beats"
        axes.plot(x, local, color=DEEP_BLUE, lw=1.6, marker="o" if len(x) == 1 else "", ms=5, label=name)
        reach = max(reach, 1.15 * float(np.abs(local - found.tempo).max()))
    axes.axhline(found.tempo, color=ORANGE, lw=1.2, ls=(0, (5, 3)), label=headline.tempo(found))
    axes.set_ylim(found.tempo - reach, found.tempo + reach)
    axes.locator_params(axis="y", nbins=5)
    _legend(axes)


def _bare(axes: Axes, end: float) -> None:
    axes.set_xlim(0, end)
    axes.set_facecolor(PAPER)
    for spine in axes.spines.values():
        spine.set_color(GRID)
    axes.tick_params(colors=FAINT, labelsize=9, length=3)


def _section_colours(found: Analysis) -> dict[str, str]:
    names = list(dict.fromkeys(s.label for s in found.sections))
    return {name: SECTION_COLOURS[i % len(SECTION_COLOURS)] for i, name in enumerate(names)}


def _chord_name(label: str) -> str:
    root, _, quality = label.partition(":")
    return root + {"maj": "", "min": "m", "min7": "m7"}.get(quality, quality)


def _lasting_colours(pieces: Sequence[tuple[float, float, str]]) -> dict[str, str]:
    """Give each label a colour: the more of a recording it is, the sooner one of its own."""
    lasting: dict[str, float] = {}
    for start, stop, name in pieces:
        lasting[name] = lasting.get(name, 0.0) + stop - start
    names = sorted(lasting, key=lambda name: -lasting[name])
    return {
        name: SECTION_COLOURS[i] if i < len(SECTION_COLOURS) else "#e9edf0" for i, name in enumerate(names)
    }


def _strip(
    axes: Axes, name: str, end: float, pieces: Sequence[tuple[float, float, str]], colours: dict[str, str]
) -> None:
    """Draw labelled stretches side by side; a label only where it fits."""
    _bare(axes, end)
    axes.set_ylabel(name, rotation=0, ha="right", va="center", color=FAINT, fontsize=9)
    axes.set_yticks([])
    axes.set_ylim(0, 1)
    for start, stop, label in pieces:
        wide = (stop - start) / end * COLUMNS
        axes.axvspan(start, stop, color=colours[label], ec=PAPER if wide > 4 else "none", lw=1.0)
        if wide > PIXELS_A_LETTER * len(label) + 8:
            axes.text(
                (start + stop) / 2, 0.46, label,
                ha="center", va="center", color=INK, fontsize=10, clip_on=True,
            )  # fmt: skip


def _samples(axes: Axes, heard: Heard) -> None:
    # From zero on, since a column may be shorter than half a period of a bass, and of a single sample.
    low = np.minimum(_joined(heard.overview[:, 0], "min"), 0)
    high = np.maximum(_joined(heard.overview[:, 1], "max"), 0)
    n = len(heard.overview)
    edges = np.append(_starts(n, COLUMNS), n) * (OVERVIEW_HOP / band.SR)
    rms = heard.shape.rms
    level = np.interp(
        (edges[:-1] + edges[1:]) / 2,
        _joined(np.arange(len(rms)) / band.FRAME_RATE, "mean"),
        _joined(rms, "mean"),
    )
    axes.stairs(high, edges, baseline=low, fill=True, color=BLUE)
    # A level is over 46 ms: it begins before an attack and outlasts an end, and is cut to what sounds.
    axes.stairs(np.minimum(level, high), edges, baseline=np.maximum(-level, low), fill=True, color=DEEP_BLUE)


def _beats(axes: Axes, found: Analysis, end: float) -> None:
    """Mark beats by short lines, downbeats by long ones with the bar's number below, where there is room."""
    bottom, top = axes.get_ylim()
    short = 0.07 * (top - bottom)
    if _pixels_apart(found.beat_times, end) >= FEWEST_PIXELS_A_BEAT:
        axes.vlines(found.beat_times, top - short, top, color=FAINT, lw=0.9, alpha=0.9)
        axes.vlines(found.beat_times, bottom, bottom + short, color=FAINT, lw=0.9, alpha=0.9)
    bars = found.downbeat_times
    a_bar = _pixels_apart(bars, end)
    if a_bar < FEWEST_PIXELS_A_BAR:
        return
    axes.vlines(bars, bottom, top, color=ORANGE, lw=0.9, alpha=0.4)
    every = next(k for k in (1, 2, 4, 8) if k * a_bar >= FEWEST_PIXELS_A_NUMBER)
    for i in range(0, len(bars), every):
        axes.annotate(
            str(i + 1), (bars[i], 0), (0, -3), xycoords=("data", "axes fraction"),
            textcoords="offset points", ha="center", va="top", color=ORANGE, fontsize=8,
        )  # fmt: skip


def _pixels_apart(times: Sequence[float], end: float) -> float:
    """Return how far times lie apart as they are drawn: 0 for none, the whole width for one."""
    if len(times) < 2:
        return float(COLUMNS * len(times))
    return COLUMNS / end * float(np.median(np.diff(times)))


def _say(axes: Axes, what: str) -> None:
    axes.text(
        0.5, 0.5, what, transform=axes.transAxes, ha="center", va="center", color=FAINT, fontsize=12,
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 4.0},
    )  # fmt: skip


def _legend(axes: Axes) -> None:
    # Over the panel, where it covers nothing that is drawn.
    axes.legend(
        loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0.2, borderpad=0.2, fontsize=8, ncols=3,
        frameon=False, labelcolor=INK,
    )  # fmt: skip


def _starts(n: int, most: int) -> npt.NDArray[np.intp]:
    """Return where each of at most `most` columns begins among `n` values."""
    columns = min(n, most)
    return np.arange(columns) * n // max(1, columns)


def _joined(values: FloatArray, how: str, most: int = COLUMNS) -> FloatArray:
    """Join values in time to at most so many: their least, greatest or mean."""
    starts = _starts(len(values), most)
    joined: FloatArray = {"min": np.minimum, "max": np.maximum, "mean": np.add}[how].reduceat(values, starts)
    return joined / np.diff(np.append(starts, len(values))) if how == "mean" else joined
