"""Plots of generated music beside real: each figure's distribution, and runs shared with training songs."""

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bench.music_figures import Figures

_COLOURS = ("tab:gray", "tab:blue", "tab:orange")


def distributions(title: str, rows: dict[str, list[Figures]], path: Path) -> None:
    """Draw a histogram of each figure, the kinds of music over each other, means as lines."""
    names = list(next(iter(rows.values()))[0])
    figure = Figure(figsize=(3.2 * len(names), 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    for name, ax in zip(names, figure.subplots(1, len(names), squeeze=False)[0], strict=True):
        values = {label: np.array([f[name] for f in found]) for label, found in rows.items()}
        every = np.concatenate(list(values.values()))
        edges = np.histogram_bin_edges(every[np.isfinite(every)], bins=20)
        for (label, here), colour in zip(values.items(), _COLOURS, strict=False):
            finite = here[np.isfinite(here)]
            weights = np.full(len(finite), 1 / len(finite))
            ax.hist(finite, edges, weights=weights, alpha=0.45, color=colour, label=label)
            ax.axvline(finite.mean(), color=colour, linewidth=1.5)
        ax.set_title(name, fontsize=9)
        ax.tick_params(labelsize=7)
    figure.axes[0].legend(fontsize=7)
    figure.axes[0].set_ylabel("share of pieces", fontsize=8)
    figure.savefig(path, dpi=110)
    print(f"drawn: {path}")


def shared_runs(found: dict[str, tuple[list[int], list[int]]], path: Path) -> None:
    """Draw how many phrases share a run at least as long with a training song: (generated, real) by part."""
    figure = Figure(figsize=(4.2 * len(found), 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    for (part, (made, real)), ax in zip(
        found.items(), figure.subplots(1, len(found), squeeze=False)[0], strict=True
    ):
        for label, lengths, colour in (("held-out real", real, "tab:gray"), ("generated", made, "tab:blue")):
            values = np.array(lengths)
            at = np.arange(values.max() + 2)
            ax.step(at, [(values >= length).mean() for length in at], color=colour, label=label, where="post")
        ax.set_yscale("log")
        ax.set_title(part, fontsize=9)
        ax.set_xlabel("sixteenths in a row" if part == "drums" else "notes in a row", fontsize=8)
        ax.legend(fontsize=7)
    figure.axes[0].set_ylabel("share of phrases with such a run", fontsize=8)
    figure.savefig(path, dpi=110)
    print(f"drawn: {path}")
