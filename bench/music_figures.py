"""Figures of generated music, after muspy's definitions, and beside them what drummers count.

muspy 0.5.0 (Dong et al., "MusPy: A Toolkit for Symbolic Music Generation", ISMIR 2020) is not a dependency:
it brings music21 along. Its formulas are here, on pieces whose length is known: where muspy guesses the
length from the last note (one bar or beat more when that ends on a bar line, one less when the end is
silent), these take the bars asked for. `python -m bench.music_figures` holds them to muspy, where that is
installed, on pieces whose last note leaves it no choice.

References
----------
S.-L. Wu and Y.-H. Yang, "The Jazz Transformer on the Front Line", ISMIR 2020 (pitch-class entropy, groove
consistency); O. Mogren, "C-RNN-GAN", 2016 (scale consistency); H.-W. Dong et al., "MuseGAN", AAAI 2018
(empty-beat rate, of beats here).
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from engines._notes import Note

Ints = npt.NDArray[np.int64]
Figures = dict[str, float]

STEPS_PER_QUARTER = 4
STEPS_PER_BAR = 16
_MAJOR = (0, 2, 4, 5, 7, 9, 11)  # a minor scale has the tones of its relative major


def pitch_class_entropy(notes: Sequence[Note]) -> float:
    """Entropy of the pitch classes, in bits: 0 for one, 3.58 for all twelve alike; NaN without notes."""
    counts = np.bincount([n.pitch % 12 for n in notes], minlength=12).astype(float)
    if not counts.sum():
        return math.nan
    p = counts[counts > 0] / counts.sum()
    return float(-(p * np.log2(p)).sum())


def scale_consistency(notes: Sequence[Note]) -> float:
    """Share of notes in the scale, major or minor, that holds most of them; NaN without notes."""
    counts = np.bincount([n.pitch % 12 for n in notes], minlength=12).astype(float)
    if not counts.sum():
        return math.nan
    return float(
        max(counts[[(root + tone) % 12 for tone in _MAJOR]].sum() for root in range(12)) / counts.sum()
    )


def groove_consistency(notes: Sequence[Note], bars: int) -> float:
    """1 less the share of sixteenths on which one bar has an onset and the next has none, or the reverse."""
    if bars < 2:
        return math.nan
    onsets = np.zeros(bars * STEPS_PER_BAR, bool)
    steps = [round(n.start * STEPS_PER_QUARTER) for n in notes]
    onsets[[step for step in steps if step < len(onsets)]] = True
    here = onsets.reshape(bars, STEPS_PER_BAR)
    return float(1 - (here[1:] != here[:-1]).mean())


def empty_beat_rate(notes: Sequence[Note], bars: int) -> float:
    """Share of beats in which nothing sounds."""
    empty = np.ones(bars * 4, bool)
    for note in notes:
        # muspy counts the beat on which a note stops as sounding too
        empty[int(note.start) : max(int(note.start) + 1, math.ceil(note.end - 1e-9))] = False
    return float(empty.mean())


def of_line(notes: Sequence[Note], bars: int) -> Figures:
    """Figures of a melody or bass."""
    return {
        "notes a bar": len(notes) / bars,
        "pitch-class entropy": pitch_class_entropy(notes),
        "scale consistency": scale_consistency(notes),
        "groove consistency": groove_consistency(notes, bars),
        "empty-beat rate": empty_beat_rate(notes, bars),
    }


def of_drums(events: Ints) -> Figures:
    """Figures of drums as bit masks of nine drums, shape (16 * bars,)."""
    hits = ((events[:, None] >> np.arange(9)) & 1).reshape(-1, STEPS_PER_BAR, 9)
    sounding: npt.NDArray[np.bool_] = np.asarray(hits.any(axis=2))
    return {
        "hits a bar": hits.sum() / len(hits),
        "kick on one": float(hits[:, 0, 0].mean()),
        "backbeat": float((hits[:, 4, 1].mean() + hits[:, 12, 1].mean()) / 2),
        "snare elsewhere": float(np.delete(hits[:, :, 1], [4, 12], axis=1).mean()),
        "hats on eighths": float(hits[:, ::2, 2].mean()),
        "groove consistency": float(1 - (sounding[1:] != sounding[:-1]).mean())
        if len(hits) > 1
        else math.nan,
        "empty-beat rate": float((~sounding.reshape(-1, 4).any(axis=1)).mean()),
    }


def table(title: str, rows: dict[str, list[Figures]]) -> None:
    """Print the mean and spread of each figure, a row for each kind of music."""
    print(f"\n{title}")
    names = list(next(iter(rows.values()))[0])
    print(" " * 26 + "".join(f"{name:>21}" for name in names))
    for label, found in rows.items():
        cells = (
            f"{np.nanmean([f[n] for f in found]):.3f} +-{np.nanstd([f[n] for f in found]):.2f}" for n in names
        )
        print(f"{label + f' ({len(found)})':26}" + "".join(f"{cell:>21}" for cell in cells))


def beside_muspy() -> None:
    """Compute every figure by muspy and here, on random lines, and print the largest difference."""
    import muspy  # type: ignore[import-not-found]  # noqa: PLC0415  not a dependency

    worst = dict.fromkeys(
        ("pitch-class entropy", "scale consistency", "groove consistency", "empty-beat rate"), 0.0
    )
    for seed in range(100):
        rng = np.random.default_rng(seed)
        bars = 8
        starts = np.flatnonzero(rng.random(bars * STEPS_PER_BAR - 1) < rng.uniform(0.05, 0.6)).tolist()
        # The last sixteenth ends within the last bar and beat, so that muspy guesses the length right; and no
        # note ends on a beat, which muspy counts as sounding in the next.
        notes = [Note(s / 4, int(rng.integers(40, 80)), 0.2) for s in [*starts, bars * STEPS_PER_BAR - 1]]
        music = muspy.Music(resolution=20, tracks=[muspy.Track()])
        for note in notes:
            music.tracks[0].append(
                muspy.Note(int(note.start * 20), note.pitch, int(note.duration * 20), note.velocity)
            )
        ours = of_line(notes, bars)
        theirs = {
            "pitch-class entropy": muspy.pitch_class_entropy(music),
            "scale consistency": muspy.scale_consistency(music),
            # counted on ticks there, of which five lie in a sixteenth
            "groove consistency": 1 - 5 * (1 - muspy.groove_consistency(music, 80)),
            "empty-beat rate": muspy.empty_beat_rate(music),
        }
        for name, value in theirs.items():
            worst[name] = max(worst[name], abs(value - ours[name]))
    for name, difference in worst.items():
        print(f"{name:22} differs from muspy {muspy.__version__} by at most {difference:.2e}")


if __name__ == "__main__":
    beside_muspy()
