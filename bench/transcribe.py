"""Measure `transcribe.audio`: notes beside basic-pitch's own `predict`, strokes on drums, speed, memory.

    python bench/transcribe.py [--seed 7] [--pieces 8] [--soundfont F.sf2]
        [--songs DIR] [--groove DIR] [--hydrogen DIR] [--stems DIR]

Needs fluidsynth and a General MIDI soundfont that the models were not trained on (Debian: `fluidsynth
timgm6mb-soundfont`). Scores are composed from the seed by the engine's own `training/scores.py`, whose
training runs use other seeds and other soundfonts. `--songs` adds a folder of MIDI files by others,
`--groove` the drummers of the Groove MIDI Dataset, `--hydrogen` the kits of Debian's hydrogen-drumkits
(/usr/share/hydrogen/data/drumkits), that training kept back; `--stems` is a song as a folder of FLAC stems,
one drum each, whose names say which. basic-pitch runs in a process of its own, on the same ONNX model, on one
thread.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

import mir_eval  # noqa: E402 - after the thread counts are set
import numpy as np  # noqa: E402

from bench import bootstrap  # noqa: E402
from engines import _audio, _notes, transcribe  # noqa: E402
from engines.transcribe.drum_model import CLASSES  # noqa: E402
from engines.transcribe.result import Transcription  # noqa: E402
from engines.transcribe.training import recordings, scores  # noqa: E402
from engines.transcribe.training.kits import (  # noqa: E402
    audible,
    hydrogen_kit,
    key_of,
    play,
    sampled_kits,
)
from engines.transcribe.training.stroke_scores import TOLERANCE_S, hits  # noqa: E402

SECONDS = 20.0
TIMGM = Path("/usr/share/sounds/sf2/TimGM6mb.sf2")
Notes = list[tuple[float, float, int]]

# basic-pitch as it is, but for what it imports and does not use here: TensorFlow, CoreML, TFLite, resampy.
BASIC_PITCH = """
import contextlib, io, json, logging, sys, time, types
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
from bench.peak_memory import peak_mb
model = inference.Model(ICASSP_2022_MODEL_PATH)
for i, path in enumerate(sys.argv[1:]):
    start = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        _, _, events = inference.predict(path, model)
    spent = time.process_time() - start
    notes = [(float(a), float(b), int(pitch), float(v)) for a, b, pitch, v, _ in events]
    print(json.dumps({"notes": notes, "seconds": spent, "rss_mb": peak_mb()}))
"""

# Ours in a fresh process, so that its memory is its own.
OURS = """
import json, sys, time
from pathlib import Path
from bench.peak_memory import peak_mb
from engines import transcribe
transcribe.warm_up()
for path in sys.argv[2:]:
    start = time.process_time()
    notes = len(transcribe.audio(Path(path), kind=sys.argv[1]).notes)
    spent = time.process_time() - start
    print(json.dumps({"notes": notes, "seconds": spent, "rss_mb": peak_mb()}))
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


def melodic(folder: Path, soundfont: Path, seed: int, count: int, songs: Path | None) -> None:
    rng = np.random.default_rng(seed)
    paths: list[tuple[str, Path, list[scores.Played]]] = []

    def render(role: str, i: int, notes: list[scores.Played], program: int) -> None:
        dynamics = _with_dynamics(notes, rng)
        y = scores.render(scores.midi(dynamics, program), soundfont, reverb=i % 2 == 1)
        path = folder / f"{role}{i}.wav"
        _audio.save(path, 0.7 * y[:, : round(22 * scores.SR)] / np.abs(y).max(), scores.SR)
        paths.append((role, path, dynamics))

    for role in ("piano", "bass", "guitar", "strings", "lead"):
        for i in range(count):
            render(role, i, scores.compose(role, rng, SECONDS), int(rng.choice(scores.PROGRAMS[role])))
    files = sorted(songs.rglob("*.mid")) if songs else []
    for i in range(count if files else 0):
        notes = excerpt_of(files[int(rng.integers(len(files)))])
        render("songs", i, notes, int(rng.choice(scores.PROGRAMS["piano"])))
    theirs = run(BASIC_PITCH, *(str(path) for _, path, _ in paths))
    table: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
    velocities: list[tuple[float, float, float]] = []
    for (role, path, notes), their in zip(paths, theirs, strict=True):
        result = transcribe.audio(path)
        events: list[list[float]] = their["notes"]  # type: ignore[assignment]
        known = [(a, b, int(pitch)) for a, b, pitch, _ in events]
        table[role].append((f_measure(notes, of(result)), f_measure(notes, known), result.kind))
        ours = [(n.start, n.pitch, n.velocity) for n in result.notes if not n.drums]
        velocities += _velocity_pairs(notes, ours, [(a, int(p), 127 * v) for a, _, p, v in events])
    print("| notes, onset 50 ms | pieces | F ours | F basic-pitch | told pitched |")
    print("|---|---|---|---|---|")
    for role, rows in table.items():
        told = sum(kind == "pitched" for *_, kind in rows)
        means = np.mean([row[:2] for row in rows], axis=0)
        print(f"| {role} | {len(rows)} | {means[0]:.3f} | {means[1]:.3f} | {told} |")
    everything = np.array([row[:2] for rows in table.values() for row in rows])
    differences = everything[:, 0] - everything[:, 1]
    low, high = bootstrap.interval(differences)
    print(
        f"\nours - basic-pitch: {differences.mean():+.3f} [{low:+.3f}, {high:+.3f}], paired bootstrap, 95 %"
    )
    true, our, theirs_ = np.array(velocities).T
    for name, v in (("ours", our), ("basic-pitch", theirs_)):
        error, r = np.abs(v - true).mean(), np.corrcoef(v, true)[0, 1]
        print(f"velocity of notes both found, {name}: mean error {error:.0f} of 127, correlation {r:.2f}")


def _with_dynamics(notes: list[scores.Played], rng: scores.Rng) -> list[scores.Played]:
    """Swell and fade over some seconds, and strike single notes harder and softer."""
    phase = rng.uniform(0, 2 * np.pi)
    return [
        replace(
            n, velocity=int(np.clip(75 + 20 * np.sin(0.7 * n.start + phase) + rng.normal(0, 12), 20, 127))
        )
        for n in notes
    ]


def excerpt_of(file: Path) -> list[scores.Played]:
    """Return the notes of all parts, from 10 s after the first on, for `SECONDS`."""
    score = _notes.read(file)
    notes = [n for part in score.parts if not part.drums for n in part.notes]
    first = min(score.seconds(n.start) for n in notes) + 10
    cut = [
        scores.Played(
            score.seconds(n.start) - first, n.pitch, min(SECONDS, score.seconds(n.end) - first), n.velocity
        )
        for n in notes
        if first <= score.seconds(n.start) < first + SECONDS - 1
    ]
    return scores.without_overlaps(cut)


def _velocity_pairs(
    truth: list[scores.Played],
    ours: Sequence[tuple[float, int, float]],
    theirs: Sequence[tuple[float, int, float]],
) -> list[tuple[float, float, float]]:
    found = []
    for note in truth:
        both = [
            [v for t, pitch, v in notes if pitch == note.pitch and abs(t - note.start) <= 0.05]
            for notes in (ours, theirs)
        ]
        if all(both):
            found.append((float(note.velocity), both[0][0], both[1][0]))
    return found


Strokes = list[tuple[list[scores.Played], Transcription]]


def drums(
    folder: Path, soundfont: Path, seed: int, count: int, *, groove: Path | None, hydrogen: Path | None
) -> None:
    rng = np.random.default_rng(seed)
    rows: dict[str, Strokes] = defaultdict(list)
    songs = recordings.performances(groove, held_back=True) if groove else []
    kits = {soundfont.stem: sampled_kits(soundfont, recordings.KIT_PROGRAMS)}
    if hydrogen:
        kits["Hydrogen"] = [hydrogen_kit(hydrogen / name) for name in recordings.HELD_BACK]
    # One piece that is heard as drums would decide a row alone, were there few.
    music = recordings.accompaniments([soundfont], 3 * count, rng)
    for i in range(6 * count):
        for name, some in kits.items():
            kit = some[i % len(some)]
            made = {"patterns": scores.compose_drums(rng, 12.0)}
            made["patterns in a mix"] = scores.compose_drums(rng, 12.0)
            if songs:
                made["drummers"] = recordings.excerpt(songs[int(rng.integers(len(songs)))], rng)
            for what, score in made.items():
                played = audible(score, kit)
                y = play(played, kit, 12.0)
                y = y / (np.abs(y).max() + 1e-9)
                if "mix" in what:
                    backing = music[i % len(music)]
                    y = y[: len(backing)] + 0.7 * backing[: len(y)] / np.abs(backing).max()
                rows[f"{what}, {name}"].append((played, _transcribed(folder, y)))
    _table(rows)
    print("\n(soft strokes count: velocities below 20 are a tenth of what drummers play)")
    matched = [pair for name in rows if "drummers" in name for pair in _velocities(rows[name])]
    if matched:
        true, ours = np.array(matched).T
        error, r = np.abs(true - ours).mean(), np.corrcoef(true, ours)[0, 1]
        print(f"velocity of drummers' strokes: mean error {error:.0f} of 127, correlation {r:.2f}")


def song(folder: Path, stems: Path) -> None:
    """Measure on a real song: its drums alone and its mix, where the stems are one drum each."""
    heard = {path: _audio.load_mono(path, scores.SR) for path in sorted(stems.glob("*.flac"))}
    keys = {path: key_of(path.stem) for path in heard}
    played = sorted(
        scores.Played(t, key, t + 0.1, 100)
        for path, key in keys.items()
        if key is not None
        for t in _starts(heard[path])
    )
    alone = np.sum([y for path, y in heard.items() if keys[path] is not None], axis=0)
    mix = np.sum(list(heard.values()), axis=0)
    both = {"drums alone": alone, "the mix": mix}
    _table({f"{stems.name}, {what}": [(played, _transcribed(folder, y))] for what, y in both.items()})


def _starts(y: _audio.FloatArray) -> list[float]:
    """Find when a stem of one drum begins to sound: twice as loud as in the 40 ms before."""
    size = scores.SR // 200
    e = np.abs(y[: len(y) // size * size]).reshape(-1, size).max(axis=1)
    before = np.array([e[max(0, i - 8) : i].max(initial=0) for i in range(len(e))])
    rises = np.flatnonzero((e > 2 * before) & (e > 0.02 * e.max()))
    return [float(i / 200) for k, i in enumerate(rises) if k == 0 or i - rises[k - 1] > 6]


def _transcribed(folder: Path, y: _audio.FloatArray) -> Transcription:
    path = folder / "drums.wav"
    _audio.save(path, 0.7 * y / (np.abs(y).max() + 1e-9), scores.SR)
    return transcribe.audio(path)


def _times(notes: Iterable[Any], c: int) -> _audio.FloatArray:
    return np.array(sorted(n.start for n in notes if scores.CLASS_OF.get(n.pitch) == c))


def _velocities(results: Strokes) -> list[tuple[int, int]]:
    pairs = []
    for played, result in results:
        for note in result.notes:
            near = [
                p
                for p in played
                if note.drums
                and scores.CLASS_OF[p.pitch] == scores.CLASS_OF[note.pitch]
                and abs(p.start - note.start) <= TOLERANCE_S
            ]
            if near:
                true = min(near, key=lambda p: abs(p.start - note.start))
                pairs.append((true.velocity, note.velocity))
    return pairs


def _table(rows: dict[str, Strokes]) -> None:
    print("\n| strokes, onset 50 ms | recordings | " + " | ".join(CLASSES) + " | told |")
    print("|---" * (len(CLASSES) + 3) + "|")
    table = []
    for name, results in rows.items():
        counts = np.zeros((len(CLASSES), 3))
        for played, result in results:
            struck = [note for note in result.notes if note.drums]
            for c in range(len(CLASSES)):
                truth, found = _times(played, c), _times(struck, c)
                counts[c] += hits(truth, found), len(truth), len(found)
        f = 2 * counts[:, 0] / np.maximum(1, counts[:, 1] + counts[:, 2])
        kinds = [result.kind for _, result in results]
        told = ", ".join(f"{kind} {kinds.count(kind)}" for kind in sorted(set(kinds)))
        table.append([x if n else np.nan for x, n in zip(f, counts[:, 1], strict=True)])
        print(f"| {name} | {len(results)} | {_cells(table[-1])} | {told} |")
    if len(table) > 1:
        print(f"| mean of the rows | | {_cells(np.nanmean(table, axis=0))} | |")


def _cells(values: Iterable[float]) -> str:
    return " | ".join("-" if np.isnan(x) else f"{x:.3f}" for x in values)


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
    parser.add_argument("--songs", type=Path, help="MIDI files, by whomever, to render as piano")
    parser.add_argument("--groove", type=Path)
    parser.add_argument("--hydrogen", type=Path)
    parser.add_argument("--stems", type=Path, action="append", default=[])
    parser.add_argument("--seconds", type=float, default=240.0, help="of the long file")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}, {arguments.soundfont.name}\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        melodic(folder, arguments.soundfont, arguments.seed, arguments.pieces, arguments.songs)
        drums(
            folder,
            arguments.soundfont,
            arguments.seed,
            arguments.pieces,
            groove=arguments.groove,
            hydrogen=arguments.hydrogen,
        )
        for stems in arguments.stems:
            song(folder, stems)
        speed(folder, arguments.soundfont, arguments.seed, arguments.seconds)


if __name__ == "__main__":
    main()
