"""What other analysers say of the same recordings, each in a process of its own, and how ours differ.

Phase 1's method is librosa's, which is installed. Essentia (AGPL) is no part of this project: an interpreter
that has it is named on the command line.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench import bootstrap
from engines._audio import FloatArray

PHASE_1, ESSENTIA = "phase 1's method (librosa)", "Essentia (multifeature, bgate)"
# Each reads paths, one a line, and writes a line of JSON for each: tempo, beats, key as mir_eval has it.
_PHASE_1 = """
import json, sys
import librosa, numpy as np
names = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"]
for path in sys.stdin:
    y, sr = librosa.load(path.strip(), sr=44100)
    tempo, frames = librosa.beat.beat_track(y=y, sr=sr)
    loudest = int(librosa.feature.chroma_cqt(y=y, sr=sr).mean(axis=1).argmax())
    beats = librosa.frames_to_time(frames, sr=sr).tolist()
    # It has no mode: major, which is the better guess.
    print(json.dumps([float(np.atleast_1d(tempo)[0]), beats, names[loudest] + " major"]), flush=True)
"""
_ESSENTIA = """
import json, sys
import essentia
essentia.log.infoActive = essentia.log.warningActive = False
import essentia.standard as es
for path in sys.stdin:
    y = es.MonoLoader(filename=path.strip(), sampleRate=44100)()
    tempo, beats, *_ = es.RhythmExtractor2013(method="multifeature")(y)
    key, mode, _ = es.KeyExtractor(profileType="bgate")(y)
    print(json.dumps([float(tempo), [float(t) for t in beats], key + " " + mode]), flush=True)
"""


@dataclass(frozen=True)
class Answer:
    """Tempo in BPM, beats in seconds, and a key as mir_eval writes it; None for none."""

    tempo: float
    beats: FloatArray
    key: str | None


def ask(paths: Sequence[Path], essentia: str | None) -> dict[str, list[Answer]]:
    """Ask the analysers there are about recordings."""
    asked = {PHASE_1: _run(_PHASE_1, sys.executable, paths)}
    if essentia:
        asked[ESSENTIA] = _run(_ESSENTIA, essentia, paths)
    return asked


def _run(code: str, python: str, paths: Sequence[Path]) -> list[Answer]:
    return [Answer(tempo, np.array(beats), key) for tempo, beats, key in said(code, python, paths)]


def said(code: str, python: str, paths: Sequence[Path]) -> list[Any]:
    """Run a program that reads paths, one a line, and writes a JSON list for each; return the lists."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "anchor.py"
        script.write_text(code)
        lines = "".join(f"{path.resolve()}\n" for path in paths)
        done = subprocess.run(
            [python, "-W", "ignore", str(script)], input=lines, check=True, stdout=subprocess.PIPE, text=True
        )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]


def differences(
    ours: Mapping[str, Sequence[float]], theirs: Mapping[str, Sequence[float]], draws: int
) -> Iterable[tuple[str, float, float, float]]:
    """Yield measure, mean of ours - theirs and its 95 % interval, by paired bootstrap over recordings."""
    for measure, values in theirs.items():
        own = ours.get(measure, [])
        if len(own) == len(values) > 0:
            d = np.asarray(own, float) - np.asarray(values, float)
            yield measure, float(d.mean()), *bootstrap.interval(d, draws)
