"""Songs of chord charts of our own, played by MMA's styles, whose variants change with the part."""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pretty_midi

from engines.analyze.training.forms import (
    EDGE_BARS,
    FORMS,
    LENGTHS,
    Song,
    key_of,
    merged,
    modulated,
)

LIBRARY = Path("/usr/share/mma/lib/stdlib")
STYLES = [
    "8beat", "50srock", "basicrock", "bossanova", "folkrock", "softrock", "popballad",
    "swing", "rb", "ska", "samba", "countryblues", "pianoballad", "guitarballad",
    "bubblerock", "jazzrock", "chacha", "march", "trance", "dsoul",
]  # fmt: skip
NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
Progression = tuple[tuple[int, str], ...]
QUALITIES = {"": "maj", "m": "min", "7": "7", "M7": "maj7", "m7": "min7"}  # MMA's words, Harte's
# Four bars each: semitones above the tonic, and MMA's word for the quality.
PROGRESSIONS: dict[str, tuple[Progression, ...]] = {
    "major": (
        ((0, "M7"), (9, "m7"), (2, "m7"), (7, "7")),
        ((0, ""), (7, ""), (9, "m"), (5, "")),
        ((5, ""), (7, ""), (0, ""), (9, "m")),
        ((9, "m"), (5, ""), (0, ""), (7, "")),
        ((0, ""), (5, ""), (0, ""), (7, "7")),
        ((2, "m7"), (7, "7"), (0, "M7"), (0, "M7")),
        ((5, "M7"), (4, "m7"), (2, "m7"), (7, "7")),
        ((0, ""), (4, "m"), (5, ""), (7, "")),
        ((0, ""), (0, "7"), (5, ""), (7, "")),
    ),
    "minor": (
        ((0, "m"), (8, ""), (3, ""), (10, "")),
        ((0, "m"), (5, "m"), (7, "7"), (0, "m")),
        ((0, "m7"), (5, "m7"), (10, "7"), (3, "M7")),
        ((8, ""), (10, ""), (0, "m"), (0, "m")),
        ((0, "m"), (10, ""), (8, ""), (7, "7")),
        ((5, "m"), (0, "m"), (7, "7"), (0, "m")),
        ((3, ""), (10, ""), (0, "m"), (8, "")),
    ),
}


def chart_songs(count: int, rng: np.random.Generator) -> Iterator[Song]:
    """Make songs; those of MMA's styles that are not in bars of four are passed over."""
    made = 0
    while made < count:
        style = str(rng.choice(STYLES))
        text = (LIBRARY / f"{style}.mma").read_text()
        grooves = re.findall(r"^DefGroove\s+(\S+)", text, re.MULTILINE)
        if re.search(r"^\s*Time\s+(?!4)", text, re.MULTILINE):
            continue
        song = chart_song(f"mma_{made:02}_{style}", grooves, rng)
        if song is not None:
            made += 1
            yield song


def chart_song(
    name: str,
    grooves: list[str],
    rng: np.random.Generator,
    meter: int = 4,
    tempi: tuple[int, int] = (75, 165),
) -> Song | None:
    """Write a chart for a style's grooves, `meter` beats a bar, and have MMA play it; None if it won't."""
    mode, tonic = str(rng.choice(["major", "minor"])), int(rng.integers(12))
    form = str(rng.choice(FORMS))
    shifts, tempo = modulated(form, rng), int(rng.integers(*tempi))
    plain = [g for g in grooves if not re.search(r"Intro|End|Fill|Metronome", g, re.IGNORECASE)]
    if not plain:
        return None
    fills = [g for g in grooves if g.lower().endswith("fill")]
    at_the_edge = {
        "I": [g for g in grooves if "intro" in g.lower()] or plain,
        "O": [g for g in grooves if g.lower().endswith(("end", "ending"))] or plain,
    }
    order = rng.permutation(len(PROGRESSIONS[mode]))
    bars_of: dict[str, int] = {}
    groove_of: dict[str, str] = {}
    chords_of: dict[str, Progression] = {}
    for i, label in enumerate(sorted(set(form))):
        bars_of[label] = EDGE_BARS if label in "IO" else int(rng.choice(LENGTHS))
        # A style's variants differ little, and two parts may share one: then only the chords tell.
        groove_of[label] = str(rng.choice(at_the_edge.get(label, plain)))
        chords_of[label] = PROGRESSIONS[mode][order[i % len(order)]]
    lines, at, sections, keys = [f"Tempo {tempo}", "SeqRnd On"], 0, [], []
    chords = []
    for label, shift in zip(form, shifts, strict=True):
        lines.append(f"Groove {groove_of[label]}")
        for bar in range(bars_of[label]):
            if fills and bar == bars_of[label] - 1 and label not in "IO" and rng.random() < 0.5:
                lines.append(f"Groove {rng.choice(fills)}")
            step, quality = chords_of[label][bar % 4]
            root = (tonic + shift + step) % 12
            lines.append(f"{NAMES[root]}{quality}")
            begins, ends = (60 * meter * (at + bar + k) / tempo for k in (0, 1))
            chords.append((begins, ends, root, QUALITIES[quality]))
        start, end = (60 * meter * bar / tempo for bar in (at, at + bars_of[label]))
        sections.append((start, end, label))
        keys.append((start, end, key_of(tonic + shift, mode)))
        at += bars_of[label]
    with tempfile.TemporaryDirectory() as folder:
        chart, out = Path(folder) / "song.mma", Path(folder) / "song.mid"
        chart.write_text("\n".join(lines) + "\n")
        run = subprocess.run(["mma", "-f", str(out), str(chart)], capture_output=True, check=False)  # noqa: S603, S607
        if run.returncode or not out.exists():
            return None
        midi = pretty_midi.PrettyMIDI(str(out))
    grid = np.arange(meter * at + 1) * 60 / tempo
    return Song(name, midi, grid, grid[:-1:meter], merged(sections), merged(keys), chords)
