"""A recording drawn: waveform with beats and sections, pitch classes with chords, loudness, tempo.

A PNG of 1600 x 1000 pixels, whatever the length: what would be too small to read is left out, never squeezed
in. matplotlib's figures are used without its global state; the module is imported only when a picture is
asked for.
"""

import io
from collections.abc import Sequence

import numpy as np
import scipy.ndimage
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from engines._audio import FloatArray
from engines.analyze import bands as band
from engines.analyze import pitches as pitch
from engines.analyze.beat_tracking import LOCAL_BEATS, local_tempo
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

WIDTH, HEIGHT, DPI = 16.0, 10.0, 100  # inches and pixels an inch
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
PIXELS_A_LETTER = 7.5
CHROMA_COLUMNS = 480  # a pitch frame is 93 ms, and a chord much longer
LOWEST_LUFS = -60.0
TICKS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
MOST_TICKS = 16


def draw(found: Analysis, heard: Heard) -> bytes:
    """Draw a recording from what was found and what one pass kept of it; returns a PNG."""
    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, facecolor=PAPER)
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        9, 1, left=0.062, right=0.975, top=0.925, bottom=0.055, hspace=0.0,
        height_ratios=(0.32, 2.4, 0.12, 0.32, 2.6, 0.14, 1.7, 0.14, 1.3),
    )  # fmt: skip
    strip, wave, chords, chroma, loudness, tempo = (figure.add_subplot(grid[i]) for i in (0, 1, 3, 4, 6, 8))
    _headline(figure, found)
    end = max(found.duration, 1e-3)
    _strip(strip, end, [(s.start, s.end, s.label) for s in found.sections], _section_colours(found))
    _waveform(wave, found, heard, end)
    _strip(chords, end, [(c.start, c.end, _chord_name(c.label)) for c in found.chords], _chord_colours(found))
    _chroma(chroma, found, heard, end)
    _loudness(loudness, found, heard, end)
    _tempo(tempo, found, end)
    for axes, name in ((strip, "sections"), (chords, "chords")):
        axes.set_ylabel(name, rotation=0, ha="right", va="center", color=FAINT, fontsize=9)
    for axes in (strip, wave, chords, chroma, loudness):
        axes.tick_params(labelbottom=False, bottom=False)
    _time_axis(tempo, end)
    for axes in (chroma, loudness):
        axes.xaxis.set_major_locator(tempo.xaxis.get_major_locator())
    written = io.BytesIO()
    figure.savefig(written, format="png", metadata={"Software": "DAWG-AI"})
    return written.getvalue()


def clock(seconds: float, *, tenths: bool = False) -> str:
    """Write a time as 0:07, 12:34 or 1:02:03, with tenths on request."""
    tens = round(seconds * 10) if tenths else round(seconds) * 10
    whole, tenth = divmod(tens, 10)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
    return f"{head}.{tenth}" if tenths else head


def _headline(figure: Figure, found: Analysis) -> None:
    facts = [clock(found.duration, tenths=found.duration < 60)]
    if found.tempo:
        facts.append(f"{found.tempo:.2f} BPM" + (f", {found.meter}" if found.meter else ""))
    else:
        facts.append("no pulse")
    if found.key:
        facts.append(f"{found.key} {found.mode}")
    else:
        facts.append("nothing tonal")
    changes = len(found.key_changes) - 1
    if changes in (1, 2):
        facts[-1] = " to ".join(f"{k.key} {k.mode}" for k in found.key_changes)
    elif changes > 2:
        facts[-1] += f", {changes} key changes"
    loud = found.loudness
    if loud.integrated_lufs is not None:
        facts.append(f"{_number(loud.integrated_lufs)} LUFS")
    if loud.true_peak_dbtp is not None:
        facts.append(f"peak {_number(loud.true_peak_dbtp)} dBTP")
    figure.text(0.062, 0.955, "    ".join(facts), color=INK, fontsize=15, fontweight="bold")
    rate = f"{found.sample_rate / 1000:g} kHz, {found.channels} channel{'s' if found.channels != 1 else ''}"
    figure.text(0.975, 0.955, rate, color=FAINT, fontsize=10, ha="right")


def _number(value: float) -> str:
    # Rounded first, so that nothing is -0.0.
    return f"{round(value, 1) + 0.0:.1f}".replace("-", "\N{MINUS SIGN}")


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
    return "" if label == "N" else root + {"maj": "", "min": "m", "min7": "m7"}.get(quality, quality)


def _chord_colours(found: Analysis) -> dict[str, str]:
    """Give each chord a colour: the more of a recording it is, the sooner one of its own."""
    lasting: dict[str, float] = {}
    for chord in found.chords:
        name = _chord_name(chord.label)
        lasting[name] = lasting.get(name, 0.0) + chord.end - chord.start
    names = sorted((name for name in lasting if name), key=lambda name: -lasting[name])
    return {
        name: SECTION_COLOURS[i] if i < len(SECTION_COLOURS) else "#e9edf0" for i, name in enumerate(names)
    }


def _strip(
    axes: Axes, end: float, pieces: Sequence[tuple[float, float, str]], colours: dict[str, str]
) -> None:
    """Draw labelled stretches side by side; a label only where it fits."""
    _bare(axes, end)
    axes.set_yticks([])
    axes.set_ylim(0, 1)
    a_pixel = end / COLUMNS
    for start, stop, label in pieces:
        if not label:
            continue
        wide = (stop - start) / a_pixel
        edge = PAPER if wide > 4 else "none"
        axes.axvspan(start, stop, color=colours[label], ec=edge, lw=1.0)
        if wide > PIXELS_A_LETTER * len(label) + 8:
            axes.text(
                (start + stop) / 2,
                0.46,
                label,
                ha="center",
                va="center",
                color=INK,
                fontsize=10,
                clip_on=True,
            )


def _waveform(axes: Axes, found: Analysis, heard: Heard, end: float) -> None:
    _bare(axes, end)
    colours = _section_colours(found)
    for section in found.sections if len(found.sections) > 1 else ():
        axes.axvspan(section.start, section.end, color=colours[section.label], alpha=0.25, lw=0)
    n = len(heard.overview)
    low, high = _joined(heard.overview[:, 0], "min"), _joined(heard.overview[:, 1], "max")
    x = (np.arange(len(low)) + 0.5) * (n * OVERVIEW_HOP / band.SR / max(1, len(low)))
    rms = _joined(heard.shape.rms, "mean")
    level = np.interp(x, np.linspace(0, len(heard.shape.rms) / band.FRAME_RATE, len(rms)), rms)
    most = max(0.02, float(np.abs(heard.overview).max()) if n else 0.0)
    # A level is over 46 ms: within a period of a low note it is above the samples, and is not cut to them.
    level = np.minimum(level, scipy.ndimage.maximum_filter1d(np.maximum(high, -low), _hops_a_level(x)))
    axes.fill_between(x, low, high, color=BLUE, lw=0, step="mid")
    axes.fill_between(x, -level, level, color=DEEP_BLUE, lw=0, step="mid")
    axes.set_ylim(-1.08 * most, 1.08 * most)
    level_of_most = _number(20 * np.log10(most)) if heard.overview.any() else ""
    axes.set_yticks([-most, 0, most], [level_of_most, "\N{MINUS SIGN}\N{INFINITY}", level_of_most])
    axes.set_ylabel("waveform, dBFS", color=FAINT, fontsize=9)
    if not heard.overview.any():
        _say(axes, "silence")
    _beats(axes, found, end)


def _hops_a_level(x: FloatArray) -> int:
    """Return how many columns of the waveform at times `x` a frame of the level spans, at least one."""
    return 1 if len(x) < 2 else max(1, round(band.N_FFT / band.SR / float(x[1] - x[0])))


def _say(axes: Axes, what: str) -> None:
    axes.text(0.5, 0.5, what, transform=axes.transAxes, ha="center", va="center", color=FAINT, fontsize=12)


def _beats(axes: Axes, found: Analysis, end: float) -> None:
    """Mark beats by short lines, downbeats by long ones with the bar's number, where there is room."""
    top, bottom = (axes.get_ylim()[1], axes.get_ylim()[0])
    for times, fewest, reach, colour in (
        (found.beat_times, FEWEST_PIXELS_A_BEAT, 0.07, FAINT),
        (found.downbeat_times, FEWEST_PIXELS_A_BAR, 1.0, ORANGE),
    ):
        if len(times) < 2 or COLUMNS / end * float(np.median(np.diff(times))) < fewest:
            continue
        span = (top - bottom) * reach
        axes.vlines(times, top - span, top, color=colour, lw=0.9, alpha=0.4 if reach == 1.0 else 0.9)
        if reach < 1.0:
            axes.vlines(times, bottom, bottom + span, color=colour, lw=0.9, alpha=0.9)
    bars = found.downbeat_times
    if len(bars) < 2:
        return
    a_bar = COLUMNS / end * float(np.median(np.diff(bars)))
    every = next((k for k in (1, 2, 4, 8, 16, 32, 64) if k * a_bar >= 34), 0)
    for i in range(0, len(bars) if every and a_bar >= FEWEST_PIXELS_A_BAR else 0, every or 1):
        if (end - bars[i]) / end * COLUMNS < 20:
            break
        axes.annotate(
            str(i + 1), (bars[i], 0), (2, 3), xycoords=("data", "axes fraction"), textcoords="offset points",
            color=ORANGE, fontsize=8, annotation_clip=True,
        )  # fmt: skip


def _chroma(axes: Axes, found: Analysis, heard: Heard, end: float) -> None:
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
    for change in found.key_changes[1:]:
        axes.axvline(change.start, color=RED, lw=1.2)
    for change in found.key_changes if len(found.key_changes) > 1 else ():
        if (change.end - change.start) / end * COLUMNS > 80:
            axes.annotate(
                f"{change.key} {change.mode}", (change.start, 1), (4, -12),
                xycoords=("data", "axes fraction"), textcoords="offset points",
                color=RED, fontsize=9, fontweight="bold", annotation_clip=True,
                bbox={"facecolor": PAPER, "edgecolor": "none", "alpha": 0.8, "pad": 1.0},
            )  # fmt: skip


def _loudness(axes: Axes, found: Analysis, heard: Heard, end: float) -> None:
    _bare(axes, end)
    curves = (
        (MOMENTARY_STEPS, "momentary, 0.4 s", BLUE, 0.9),
        (SHORT_TERM_STEPS, "short-term, 3 s", DEEP_BLUE, 1.8),
    )
    lowest, drawn = LOWEST_LUFS / 2, False
    for steps, name, colour, width in curves:
        values = to_lufs(sliding_mean(heard.loudness_energy, steps))
        if not np.isfinite(values).any():
            continue
        # A window is drawn at its middle.
        x = (np.arange(len(values)) + steps / 2) / STEPS_PER_S
        y = _joined(np.maximum(values, LOWEST_LUFS), "mean")
        axes.plot(np.linspace(x[0], x[-1], len(y)), y, color=colour, lw=width, label=name)
        lowest, drawn = min(lowest, float(np.percentile(y, 2))), True
    axes.set_ylim(max(LOWEST_LUFS, 6 * np.floor((lowest - 3) / 6)), 0)
    whole = found.loudness.integrated_lufs
    if whole is not None:
        axes.axhline(whole, color=ORANGE, lw=1.2, ls=(0, (5, 3)), label=f"integrated {_number(whole)} LUFS")
    axes.yaxis.set_major_locator(FixedLocator(list(np.arange(-60, 1, 6 if lowest > -36 else 12))))
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda value, _: "" if value == 0 else f"{value:.0f}".replace("-", "\N{MINUS SIGN}"))
    )
    axes.grid(color=GRID, lw=0.8)
    axes.set_axisbelow(True)
    axes.set_ylabel("loudness, LUFS", color=FAINT, fontsize=9)
    if drawn:
        _legend(axes)
    else:
        _say(axes, "silence" if found.duration >= MOMENTARY_STEPS / STEPS_PER_S else "shorter than 0.4 s")


def _tempo(axes: Axes, found: Analysis, end: float) -> None:
    _bare(axes, end)
    axes.set_ylabel("tempo, BPM", color=FAINT, fontsize=9)
    axes.grid(color=GRID, lw=0.8)
    axes.set_axisbelow(True)
    beats = np.array(found.beat_times)
    if len(beats) < 4:
        axes.set_yticks([])
        _say(axes, "no pulse")
        return
    x, local = local_tempo(beats)
    name = "over eight beats" if len(beats) > LOCAL_BEATS else "over all beats"
    axes.plot(x, local, color=DEEP_BLUE, lw=1.6, marker="o" if len(x) == 1 else "", ms=5, label=name)
    axes.axhline(found.tempo, color=ORANGE, lw=1.2, ls=(0, (5, 3)), label=f"{found.tempo:.2f} BPM")
    # A steady tempo is to look steady: the scale is never finer than 5 % to each side.
    reach = max(0.05 * found.tempo, 1.15 * float(np.abs(local - found.tempo).max()))
    axes.set_ylim(found.tempo - reach, found.tempo + reach)
    axes.locator_params(axis="y", nbins=5)
    _legend(axes)


def _legend(axes: Axes) -> None:
    axes.legend(
        loc="lower right",
        fontsize=8,
        ncols=3,
        frameon=True,
        framealpha=0.85,
        edgecolor="none",
        labelcolor=INK,
    )


def _time_axis(axes: Axes, end: float) -> None:
    step = next((s for s in TICKS_S if end / s <= MOST_TICKS), TICKS_S[-1])
    axes.xaxis.set_major_locator(FixedLocator(list(np.arange(0, end + step / 1000, step))))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: clock(value, tenths=step < 1)))
    axes.tick_params(axis="x", labelsize=10, labelcolor=INK)


def _joined(values: FloatArray, how: str, most: int = COLUMNS) -> FloatArray:
    """Join values in time to at most so many: their least, greatest or mean."""
    if len(values) <= most:
        return values
    starts = np.linspace(0, len(values), most, endpoint=False).astype(int)
    if how == "mean":
        counts = np.diff(np.append(starts, len(values)))
        means: FloatArray = np.add.reduceat(values, starts) / counts
        return means
    joined: FloatArray = (np.minimum if how == "min" else np.maximum).reduceat(values, starts)
    return joined
