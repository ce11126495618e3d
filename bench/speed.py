"""How fast and how large the analyze engine is, on one core, against phase 1's method and others.

A made recording of four minutes, everything in turn in one warm process on one thread, CPU seconds, the best
of some rounds (the machine may be shared: read the ratios). Then what a worker weighs, each in a process of
its own, and how soon a new one is ready.

    python bench/speed.py [--seconds 240] [--rounds 3] [--essentia PYTHON] [--long]

Essentia (AGPL) is no part of this project: `--essentia` names an interpreter that has it, to compare with.
`--long` also measures three hours of audio, which takes 2 GB of disk and some minutes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

import librosa  # noqa: E402 - after the thread counts are set
import numpy as np  # noqa: E402
import soundfile as sf  # noqa: E402

from engines import analyze  # noqa: E402
from engines.analyze.key_finding import find_key  # noqa: E402
from engines.analyze.listening import RHYTHM, SHAPE, TONAL, listen  # noqa: E402
from engines.analyze.rhythm import find_rhythm  # noqa: E402
from engines.analyze.rhythm_cues import cues  # noqa: E402
from tests import signals  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
PHASE_1, PHASE_1_FIELDS, EVERYTHING, ESSENTIA = (
    "phase 1's method (librosa)",
    "phase 1's fields, mode, beats, downbeats",
    "analyze.audio, everything",
    "Essentia: multifeature, bgate key, features",
)
# Rhythm, key and four features a frame: comparable to phase 1's method.
_ESSENTIA = """
import json, sys, time
import essentia
essentia.log.infoActive = essentia.log.warningActive = False
import essentia.standard as es
def run(path):
    y = es.MonoLoader(filename=path, sampleRate=44100)()
    es.RhythmExtractor2013(method="multifeature")(y)
    es.KeyExtractor(profileType="bgate")(y)
    window, spectrum, centroid = es.Windowing(type="hann"), es.Spectrum(), es.Centroid(range=22050)
    rolloff, crossings, rms = es.RollOff(), es.ZeroCrossingRate(), es.RMS()
    for frame in es.FrameGenerator(y, frameSize=2048, hopSize=512):
        S = spectrum(window(frame))
        centroid(S), rolloff(S), crossings(frame), rms(frame)
run(sys.argv[1])
best = 1e9
for _ in range(int(sys.argv[2])):
    start = time.process_time()
    run(sys.argv[1])
    best = min(best, time.process_time() - start)
print(json.dumps(best))
"""
# A worker, as the daemon has it: warmed up, one job, and its largest size.
_WEIGH = """
import json, sys, time
from pathlib import Path
from bench.peak_memory import peak_mb
from engines import analyze
analyze.warm_up()
warm = peak_mb()
start = time.process_time()
found = analyze.audio(Path(sys.argv[1]))
print(json.dumps([warm, peak_mb(), found.duration, time.process_time() - start]))
"""
_START = """
import json, multiprocessing, time
import psutil
from bus.pipe import Ready, decode
from bus.worker import WorkerSettings, main
if __name__ == "__main__":
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    cancels, _ = spawn.Pipe(duplex=False)
    start = time.monotonic()
    worker = spawn.Process(
        target=main,
        args=(WorkerSettings(("engines.analyze",), 1000000, "error", True, light=True), there, cancels),
        daemon=True,
    )
    worker.start()
    assert isinstance(decode(here.recv_bytes()), Ready)
    spent = psutil.Process(worker.pid).cpu_times()
    print(json.dumps([time.monotonic() - start, spent.user + spent.system]))
    worker.kill()
"""


def phase_1(path: Path) -> None:
    """Do what phase 1 of the product did."""
    y, sr = librosa.load(path, sr=44100)
    librosa.beat.beat_track(y=y, sr=sr)
    librosa.feature.chroma_cqt(y=y, sr=sr)
    librosa.feature.spectral_centroid(y=y, sr=sr).mean()
    librosa.feature.spectral_rolloff(y=y, sr=sr).mean()
    librosa.feature.rms(y=y).mean()
    librosa.feature.zero_crossing_rate(y).mean()


def phase_1_fields(path: Path) -> None:
    """Answer phase 1's eight fields, and the mode, beat times and downbeats, which it did not have."""
    heard = listen(path, {RHYTHM, TONAL, SHAPE})
    found = find_rhythm(cues(heard.bands, heard.duration), heard.pitches, heard.duration)
    key, shape = find_key(heard.pitches), heard.shape
    means = [shape.centroid.mean(), shape.rolloff.mean(), shape.rms.mean(), shape.zero_crossing_rate.mean()]
    assert key  # noqa: S101
    assert len(found.beats)  # noqa: S101
    assert len(found.downbeats)  # noqa: S101
    assert np.isfinite(means).all()  # noqa: S101


def recording(seconds: float) -> signals.FloatArray:
    """Make drums and chords at 120 BPM, in stereo, with a little noise: something for every stage to find."""
    drums = signals.drum_loop(120, 8)
    music = signals.cadence("A minor", seconds_each=2.0, times=2)
    n = round(seconds * signals.SR)
    left = np.resize(drums, n) + np.resize(music, n) + signals.noise(seconds, amplitude=0.003)
    right = np.resize(drums, n) + np.resize(music, n) * 0.7 + signals.noise(seconds, amplitude=0.003, seed=1)
    return (0.6 * signals.stereo(left, right)).astype(np.float32)


def cpu_seconds(what: Callable[[], object]) -> float:
    start = time.process_time()
    what()
    return time.process_time() - start


def speeds(path: Path, rounds: int) -> dict[str, float]:
    """Return the least CPU seconds of each way."""
    runs: dict[str, Callable[[], object]] = {
        PHASE_1: lambda: phase_1(path),
        PHASE_1_FIELDS: lambda: phase_1_fields(path),
        EVERYTHING: lambda: analyze.audio(path),
    }
    for operation in analyze.CACHED:
        if operation is not analyze.audio:
            runs[f"analyze.{operation.__name__}"] = partial(operation, path)
    for run in runs.values():
        run()  # librosa compiles on its first call
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(rounds):
        for name, run in runs.items():
            best[name] = min(best[name], cpu_seconds(run))
    return best


def child(code: str, *arguments: object, python: str = sys.executable, **environment: str) -> list[float]:
    """Run code in a process of its own; what it prints last is JSON."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "child.py"
        script.write_text(code)
        done = subprocess.run(
            [python, str(script), *map(str, arguments)],
            env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    value = json.loads(done.stdout.splitlines()[-1])
    return value if isinstance(value, list) else [value]


def three_hours(path: Path, y: signals.FloatArray) -> Path:
    """Write a recording of three hours, its first piece again and again."""
    with sf.SoundFile(path, "w", signals.SR, 2, "PCM_16") as file:
        while file.frames < 3 * 3600 * signals.SR:
            file.write(y.T)
    return path


def row(name: str, measured: str, wanted: str) -> None:
    print(f"| {name} | {measured} | {wanted} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=240.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--essentia", metavar="PYTHON", help="an interpreter that can import essentia")
    parser.add_argument("--long", action="store_true", help="also three hours of audio")
    arguments = parser.parse_args()
    seconds = arguments.seconds
    with tempfile.TemporaryDirectory() as folder:
        y = recording(seconds)
        path = signals.write(Path(folder) / "song.wav", y)
        spent = speeds(path, arguments.rounds)
        if arguments.essentia:
            spent[ESSENTIA] = child(_ESSENTIA, path, arguments.rounds, python=arguments.essentia)[0]
        print(
            f"{seconds:.0f} s of stereo at 44.1 kHz, best of {arguments.rounds}, CPU seconds on one thread\n"
        )
        print("| what | s | x real time | x phase 1 |")
        print("|---|---|---|---|")
        for name, best in spent.items():
            print(f"| {name} | {best:.3f} | {seconds / best:.0f} | {spent[PHASE_1] / best:.2f} |")
        print("\n| | measured | wanted |\n|---|---|---|")
        fields, everything = spent[PHASE_1_FIELDS], spent[EVERYTHING]
        row(PHASE_1_FIELDS, f"{seconds / fields:.0f} x real time", "300")
        row("the same, against phase 1's method", f"{spent[PHASE_1] / fields:.1f}", "3.5")
        row(EVERYTHING, f"{seconds / everything:.0f} x real time", "150")
        against = (
            f"{spent[ESSENTIA] / everything:.1f}" if ESSENTIA in spent else "not compared: no --essentia"
        )
        row("the same, against Essentia", against, "2")
        warm, largest, _, _ = child(_WEIGH, path)
        row("a worker, warm", f"{warm:.0f} MB", "")
        row("the worker at its largest, with everything", f"{largest:.0f} MB", "400 MB")
        caches = {name: f"{folder}/{name}" for name in ("XDG_CACHE_HOME", "NUMBA_CACHE_DIR")}
        ready, cpu = np.median([child(_START, **caches) for _ in range(5)], axis=0)
        row(
            "a new worker is ready, with empty caches, median of 5",
            f"{ready:.2f} s, {cpu:.2f} s of CPU",
            "2 s",
        )
        ready, cpu = child(_START, **caches, PYTHONPYCACHEPREFIX=f"{folder}/bytecode")
        row("the same with no module compiled to bytecode", f"{ready:.2f} s, {cpu:.2f} s of CPU", "")
        if arguments.long:
            _, largest, duration, cpu = child(_WEIGH, three_hours(Path(folder) / "long.wav", y))
            hours = f"{duration / 3600:.1f} hours"
            row(f"a worker at its largest, {hours}", f"{largest:.0f} MB", "600 MB")
            row(f"everything, {hours}", f"{duration / cpu:.0f} x real time", "")


if __name__ == "__main__":
    main()
