"""Measure `transcribe.audio`: notes beside basic-pitch's own `predict`, strokes on drums, speed, memory.

    python bench/transcribe.py [--seed 7] [--pieces 8] [--soundfont F.sf2]
        [--groove DIR] [--hydrogen DIR]

Needs fluidsynth and a General MIDI soundfont that the models were not trained on (Debian: `fluidsynth
timgm6mb-soundfont`). Scores are composed from the seed by the engine's own `training/scores.py`, whose
training runs use other seeds and another soundfont. `--groove` adds drummers of the Groove MIDI Dataset's
validation split, `--hydrogen` the kits of Debian's hydrogen-drumkits (/usr/share/hydrogen/data/drumkits)
that training kept back. basic-pitch runs in a process of its own, on the same ONNX model, on one thread.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

import mir_eval  # noqa: E402 - after the thread counts are set
import numpy as np  # noqa: E402

from engines import _audio, transcribe  # noqa: E402
from engines.transcribe.drum_model import CLASSES, KEYS  # noqa: E402
from engines.transcribe.result import Transcription  # noqa: E402
from engines.transcribe.training import recordings, scores, train_drums  # noqa: E402
from engines.transcribe.training.kits import audible, hydrogen_kit, play, sampled_kit  # noqa: E402

SECONDS = 20.0
TIMGM = Path("/usr/share/sounds/sf2/TimGM6mb.sf2")
Notes = list[tuple[float, float, int]]

# basic-pitch as it is, but for what it imports and does not use here: TensorFlow, CoreML, TFLite, resampy.
BASIC_PITCH = """
import contextlib, io, json, logging, resource, sys, time, types
logging.disable(logging.CRITICAL)
for name in ("tensorflow", "coremltools", "tflite_runtime", "tflite_runtime.interpreter"):
    sys.modules[name] = None
sys.modules["resampy"] = types.ModuleType("resampy")
import scipy.signal.windows
import onnxruntime
make = onnxruntime.InferenceSession
def one_thread(path, **rest):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return make(path, options, **rest)
onnxruntime.InferenceSession = one_thread
from basic_pitch import ICASSP_2022_MODEL_PATH, inference
model = inference.Model(ICASSP_2022_MODEL_PATH)
for i, path in enumerate(sys.argv[1:]):
    start = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        _, _, events = inference.predict(path, model)
    spent = time.process_time() - start
    notes = [(float(a), float(b), int(pitch)) for a, b, pitch, *_ in events]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"notes": notes, "seconds": spent, "rss_mb": peak}))
"""

# Ours in a fresh process, so that its memory is its own.
OURS = """
import json, resource, sys, time
from pathlib import Path
from engines import transcribe
transcribe.warm_up()
for path in sys.argv[2:]:
    start = time.process_time()
    notes = len(transcribe.audio(Path(path), kind=sys.argv[1]).notes)
    spent = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"notes": notes, "seconds": spent, "rss_mb": peak}))
"""


def run(code: str, *arguments: str) -> list[dict[str, float]]:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def f_measure(truth: list[scores.Played], found: Notes) -> float:
    if not found:
        return 0.0
    true = np.array([(n.start, n.end) for n in truth])
    ours = np.array([(a, max(b, a + 0.01)) for a, b, _ in found])
    hz = [440 * 2 ** ((np.array(p) - 69) / 12) for p in ([n.pitch for n in truth], [p for *_, p in found])]
    measured = mir_eval.transcription.precision_recall_f1_overlap(
        true, hz[0], ours, hz[1], onset_tolerance=0.05, offset_ratio=None
    )
    return float(measured[2])


def of(result: Transcription) -> Notes:
    return [(n.start, n.end, n.pitch) for n in result.notes if not n.drums]


def melodic(folder: Path, soundfont: Path, seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    paths: list[tuple[str, Path, list[scores.Played]]] = []
    for role in ("piano", "bass", "guitar", "strings", "lead"):
        for i in range(count):
            notes = scores.compose(role, rng, SECONDS)
            program = int(rng.choice(scores.PROGRAMS[role]))
            y = scores.render(scores.midi(notes, program), soundfont, reverb=i % 2 == 1)
            path = folder / f"{role}{i}.wav"
            _audio.save(path, 0.7 * y[:, : round(22 * scores.SR)] / np.abs(y).max(), scores.SR)
            paths.append((role, path, notes))
    theirs = run(BASIC_PITCH, *(str(path) for _, path, _ in paths))
    table: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
    for (role, path, notes), their in zip(paths, theirs, strict=True):
        result = transcribe.audio(path)
        ours = f_measure(notes, of(result))
        table[role].append((ours, f_measure(notes, [tuple(n) for n in their["notes"]]), result.kind))  # type: ignore[attr-defined]
    print("| notes, onset 50 ms | pieces | F ours | F basic-pitch | told pitched |")
    print("|---|---|---|---|---|")
    for role, rows in table.items():
        told = sum(kind == "pitched" for *_, kind in rows)
        means = np.mean([row[:2] for row in rows], axis=0)
        print(f"| {role} | {len(rows)} | {means[0]:.3f} | {means[1]:.3f} | {told} |")
    everything = np.array([row[:2] for rows in table.values() for row in rows])
    draws = np.random.default_rng(seed).integers(len(everything), size=(2000, len(everything)))
    differences = (everything[:, 0] - everything[:, 1])[draws].mean(axis=1)
    low, high = np.percentile(differences, (2.5, 97.5))
    print(
        f"\nours - basic-pitch: {differences.mean():+.3f} [{low:+.3f}, {high:+.3f}], paired bootstrap, 95 %"
    )


def drums(
    folder: Path, soundfont: Path, seed: int, count: int, *, groove: Path | None, hydrogen: Path | None
) -> None:
    rng = np.random.default_rng(seed)
    rows: dict[str, list[tuple[list[scores.Played], Transcription]]] = defaultdict(list)
    songs = recordings.performances(groove, "validation") if groove else []
    kits = [sampled_kit(soundfont, program) for program in recordings.KIT_PROGRAMS]
    if hydrogen:
        kits += [hydrogen_kit(hydrogen / name) for name in recordings.HELD_BACK]
    music = recordings.accompaniments([soundfont], 4, rng)
    for i in range(3 * count):
        kit = kits[i % len(kits)]
        made = {"patterns": scores.compose_drums(rng, 12.0)}
        made["patterns in a mix"] = scores.compose_drums(rng, 12.0)
        if songs:
            made["drummers"] = recordings.excerpt(songs[int(rng.integers(len(songs)))], rng)
        for name, score in made.items():
            played = audible(score, kit)
            y = play(played, kit, 12.0)
            y = y / (np.abs(y).max() + 1e-9)
            if "mix" in name:
                backing = music[i % len(music)]
                y = y[: len(backing)] + 0.7 * backing[: len(y)] / np.abs(backing).max()
            path = folder / "drums.wav"
            _audio.save(path, 0.7 * y / np.abs(y).max(), scores.SR)
            rows[name].append((played, transcribe.audio(path)))
    print("\n| strokes, onset 50 ms | recordings | " + " | ".join(CLASSES) + " | told |")
    print("|---" * (len(CLASSES) + 3) + "|")
    for name, results in rows.items():
        counts = np.zeros((len(CLASSES), 3))
        for played, result in results:
            for c, key in enumerate(KEYS):
                truth = np.array(sorted(n.start for n in played if scores.CLASS_OF.get(n.pitch) == c))
                found = np.array(sorted(n.start for n in result.notes if n.drums and n.pitch == key))
                counts[c] += train_drums.hits(truth, found), len(truth), len(found)
        f = 2 * counts[:, 0] / np.maximum(1, counts[:, 1] + counts[:, 2])
        kinds = [result.kind for _, result in results]
        told = ", ".join(f"{kind} {kinds.count(kind)}" for kind in sorted(set(kinds)))
        print(f"| {name} | {len(results)} | " + " | ".join(f"{x:.3f}" for x in f) + f" | {told} |")


def speed(folder: Path, soundfont: Path, seed: int, seconds: float) -> None:
    rng = np.random.default_rng(seed)
    y = scores.render(scores.midi(scores.compose("piano", rng, 60.0)), soundfont)
    path = folder / "long.wav"
    _audio.save(path, np.resize(0.5 * y, (2, round(seconds * scores.SR))), scores.SR)
    print(f"\n| {seconds:.0f} s, one thread, warm | CPU s | x real time | peak RSS MB |\n|---|---|---|---|")
    for kind in ("pitched", "drums", "auto"):
        _row(f"transcribe.audio, {kind}", run(OURS, kind, str(path))[-1], seconds)
    _row("basic-pitch", run(BASIC_PITCH, str(path))[-1], seconds)
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "from engines import transcribe; transcribe.warm_up()"], check=True)
    print(f"\na worker's start, imports and warm_up: {time.perf_counter() - start:.2f} s")


def _row(name: str, measured: dict[str, float], seconds: float) -> None:
    spent = measured["seconds"]
    print(f"| {name} | {spent:.1f} | {seconds / spent:.0f} | {measured['rss_mb']:.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--pieces", type=int, default=8, help="of each instrument")
    parser.add_argument("--soundfont", type=Path, default=TIMGM)
    parser.add_argument("--groove", type=Path)
    parser.add_argument("--hydrogen", type=Path)
    parser.add_argument("--seconds", type=float, default=240.0, help="of the long file")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}, {arguments.soundfont.name}\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        melodic(folder, arguments.soundfont, arguments.seed, arguments.pieces)
        drums(
            folder,
            arguments.soundfont,
            arguments.seed,
            arguments.pieces,
            groove=arguments.groove,
            hydrogen=arguments.hydrogen,
        )
        speed(folder, arguments.soundfont, arguments.seed, arguments.seconds)
    print(f"this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB at most")


if __name__ == "__main__":
    main()
