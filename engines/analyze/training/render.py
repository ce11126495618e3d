"""Scores whose beats, chords and keys are known, and `fluidsynth`, which plays them with soundfonts."""

import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pretty_midi

from engines._audio import FloatArray

TOGETHER_S = 0.03  # notes that no one hears one after the other begin together
LONGEST_SYNTHESIS_S = 60.0  # for what takes a second: what never ends is written without end
FLUID, TIM, MUSESCORE, OPL = SOUNDFONTS = tuple(
    Path("/usr/share/sounds") / name
    for name in (
        "sf2/FluidR3_GM.sf2",
        "sf2/TimGM6mb.sf2",
        "sf3/MuseScore_General_Lite.sf3",
        "sf2/OPL-3_FM_128M.sf2",
    )
)


@dataclass
class Piece:
    """A score and its truth; times in seconds, chords as (start, end, root 0-11, quality)."""

    name: str
    group: str
    beats: FloatArray
    downbeats: FloatArray
    meter: int
    midi: pretty_midi.PrettyMIDI = field(default_factory=pretty_midi.PrettyMIDI)
    key: str = ""
    chords: list[tuple[float, float, int, str]] = field(default_factory=list)


def apart(starts: Iterable[float]) -> FloatArray:
    """Return when notes begin, in seconds, increasing; those within 30 ms of the one before begin with it."""
    times = np.unique(np.fromiter(starts, float))
    return times[np.diff(times, prepend=-1.0) > TOGETHER_S]


def onsets(midi: pretty_midi.PrettyMIDI) -> FloatArray:
    """Return when notes of a score begin, as `apart` has them."""
    return apart(note.start for part in midi.instruments for note in part.notes)


def synthesize(
    midi: pretty_midi.PrettyMIDI,
    sound: Path,
    fonts: Sequence[Path],
    rng: np.random.Generator,
    sr: int = 44100,
) -> None:
    """Play a score with one of some soundfonts into a WAV file, now and then with reverberation."""
    score = sound.with_suffix(".mid")
    midi.write(str(score))
    font = fonts[int(rng.integers(len(fonts)))]
    options = ["-R", str(int(rng.random() < 0.6)), "-g", f"{rng.uniform(0.2, 0.6):.2f}", "-r", str(sr)]
    quick = ["-o", "synth.dynamic-sample-loading=1"]  # reads of a soundfont only what the score needs
    command = ["fluidsynth", "-ni", "-q", *quick, *options, "-F", str(sound), str(font), str(score)]
    subprocess.run(command, check=True, capture_output=True, timeout=LONGEST_SYNTHESIS_S)  # noqa: S603
