"""Time `analyze.audio` against phase 1's method: librosa's load, beat_track, chroma_cqt and four features.

A made recording, both in one warm process on one thread, in turn, CPU seconds (the machine may be shared):

    python bench/analyze.py [--seconds 180] [--rounds 3]
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

import librosa  # noqa: E402 - after the thread counts are set
import numpy as np  # noqa: E402

from engines import analyze  # noqa: E402
from tests import signals  # noqa: E402


def phase_1(path: Path) -> None:
    y, sr = librosa.load(path, sr=44100)
    librosa.beat.beat_track(y=y, sr=sr)
    librosa.feature.chroma_cqt(y=y, sr=sr)
    librosa.feature.spectral_centroid(y=y, sr=sr).mean()
    librosa.feature.spectral_rolloff(y=y, sr=sr).mean()
    librosa.feature.rms(y=y).mean()
    librosa.feature.zero_crossing_rate(y).mean()


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


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    seconds = arguments.seconds
    with tempfile.TemporaryDirectory() as folder:
        path = signals.write(Path(folder) / "song.wav", recording(seconds))
        runs: dict[str, Callable[[], object]] = {
            "analyze.audio": lambda: analyze.audio(path),
            "analyze.beats": lambda: analyze.beats(path),
            "analyze.key": lambda: analyze.key(path),
            "analyze.loudness": lambda: analyze.loudness(path),
            "phase 1 (librosa)": lambda: phase_1(path),
        }
        for run in runs.values():
            run()  # librosa compiles on its first call
        best = dict.fromkeys(runs, float("inf"))
        for _ in range(arguments.rounds):
            for name, run in runs.items():
                best[name] = min(best[name], cpu_seconds(run))
    reference = best["phase 1 (librosa)"]
    print(f"{seconds:.0f} s of stereo at 44.1 kHz, best of {arguments.rounds}, CPU seconds on one thread")
    print("| what | s | x real time | x phase 1 |")
    print("|---|---|---|---|")
    for name, spent in best.items():
        print(f"| {name} | {spent:.3f} | {seconds / spent:.0f} | {reference / spent:.2f} |")


if __name__ == "__main__":
    main()
