"""Learn velocity and micro-timing from the Groove MIDI Dataset: the table that `feel` plays by.

Only the files of the `train` split are read. Cells with few hits lean on the drum's mean over all styles.
"""

import csv
from pathlib import Path
from typing import Final

import mido  # type: ignore[import-untyped]  # pretty_midi stands on it
import numpy as np
import numpy.typing as npt

from engines.generate.feel import GROUPS
from engines.generate.training.corpus import DRUM_PITCHES, STEPS_PER_QUARTER, groove

_PRIOR: Final = 20.0  # hits that the mean over all styles counts for in a cell
_MEMBERS: Final = {
    "rock": ("rock", "punk", "pop", "country", "highlife"),
    "funk": ("funk", "soul", "neworleans", "gospel"),
    "jazz": ("jazz", "blues"),
    "hiphop": ("hiphop",),
    "latin": ("latin", "afrocuban", "afrobeat", "reggae", "middleeastern"),
}
_GROUP: Final = {style: group for group, styles in _MEMBERS.items() for style in styles}


def learn(root: Path) -> dict[str, npt.NDArray[np.float64]]:
    """Return the arrays of `groove.npz`.

    Four tables of shape (groups, 9, 16), `carry` (groups, 2), `downbeats` (512,).
    """
    drums = {pitch: drum for drum, pitches in enumerate(DRUM_PITCHES) for pitch in pitches}
    hits: list[tuple[int, int, int, float, float]] = []  # group, drum, place, velocity, late
    pairs: list[tuple[int, int]] = []
    with (root / "info.csv").open() as table:
        rows = [r for r in csv.DictReader(table) if r["split"] == "train" and r["time_signature"] == "4-4"]
    for row in rows:
        group = GROUPS.index(_GROUP.get(row["style"].split("/")[0], "other"))
        midi = mido.MidiFile(root / row["midi_filename"])
        first = len(hits)
        for track in midi.tracks:
            now = 0
            for message in track:
                now += message.time
                if message.type == "note_on" and message.velocity and message.note in drums:
                    steps = now * STEPS_PER_QUARTER / midi.ticks_per_beat
                    step = int(steps + 0.5)
                    late = (steps - step) / STEPS_PER_QUARTER
                    hits.append((group, drums[message.note], step % 16, message.velocity, late))
        pairs += [(i, i + 1) for i in range(first, len(hits) - 1)]
    data = np.array(hits)
    groups, drum, place = (data[:, column].astype(np.int64) for column in range(3))
    out: dict[str, npt.NDArray[np.float64]] = {}
    z = {}
    for name, column in (("velocity", 3), ("late", 4)):
        mean, spread = _shrunk(groups, drum, place, data[:, column])
        out[name], out[name + "_spread"] = mean, spread
        z[name] = (data[:, column] - mean[groups, drum, place]) / spread[groups, drum, place]
    left, right = np.array(pairs).T
    out["carry"] = np.array(
        [
            [
                float(np.clip(np.corrcoef(z[n][left[here]], z[n][right[here]])[0, 1], 0, 0.95))
                for n in ("velocity", "late")
            ]
            for here in (
                groups[left] == g if g < len(GROUPS) - 1 else slice(None) for g in range(len(GROUPS))
            )
        ]
    )
    out["downbeats"] = np.zeros(512)
    for sequence in groove(root):
        if sequence.split == "train" and sequence.steps_per_bar == 16 and ":beat" in sequence.song:
            out["downbeats"] += np.bincount(sequence.events[::16], minlength=512)
    return out


def _shrunk(
    group: npt.NDArray[np.int64],
    drum: npt.NDArray[np.int64],
    place: npt.NDArray[np.int64],
    value: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return mean and spread of each cell; "other" is everybody."""
    shape = (len(GROUPS), 9, 16)
    mean, spread = np.zeros(shape), np.zeros(shape)
    for d in range(9):
        of_drum = drum == d
        drum_mean, drum_spread = (
            (value[of_drum].mean(), value[of_drum].std()) if of_drum.any() else (80.0, 10.0)
        )
        for p in range(16):
            here = of_drum & (place == p)
            n = here.sum()
            all_mean = (value[here].sum() + _PRIOR * drum_mean) / (n + _PRIOR)
            all_var = (((value[here] - all_mean) ** 2).sum() + _PRIOR * drum_spread**2) / (n + _PRIOR)
            for g in range(len(GROUPS)):
                mine = here & (group == g) if g < len(GROUPS) - 1 else here
                m = mine.sum()
                mean[g, d, p] = (value[mine].sum() + _PRIOR * all_mean) / (m + _PRIOR)
                spread[g, d, p] = np.sqrt(
                    (((value[mine] - mean[g, d, p]) ** 2).sum() + _PRIOR * all_var) / (m + _PRIOR)
                )
    return mean, spread
