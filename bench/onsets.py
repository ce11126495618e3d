"""Score the onsets of `analyze.onsets` beside librosa's SuperFlux and Essentia's `OnsetRate`.

    python bench/onsets.py [--pieces 16] [--seed 7] [--soundfont F.sf2] [--hydrogen DIR] [--essentia PYTHON]

Needs fluidsynth and a General MIDI soundfont that the network of onsets was not trained on (Debian:
`timgm6mb-soundfont`). Single parts are composed from the seed by `transcribe/training/scores.py`, bands by
`bench/made_scores.py`; nothing of either is in that network's training. `--hydrogen` adds drums on sampled
kits (/usr/share/hydrogen/data/drumkits). F-measure, onset within 50 ms (mir_eval); notes closer than 30 ms
begin together. A paired bootstrap over all recordings compares ours with each. Essentia (AGPL) is no part of
this project: `--essentia` names an interpreter that has it.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import mir_eval
import numpy as np

from bench import anchors, bootstrap, made_scores, made_truth
from engines import _audio, analyze
from engines._audio import FloatArray
from engines.analyze.training.render import TIM, apart, onsets
from engines.transcribe.training import scores
from engines.transcribe.training.kits import audible, hydrogen_kit, play
from engines.transcribe.training.recordings import HELD_BACK

SECONDS = 20.0
OURS = "ours"
# Each reads paths, one a line, and writes a line of JSON for each: onsets in seconds. Librosa's with the
# parameters of its own example of SuperFlux.
OTHERS = {
    "librosa": """
import json, sys
import librosa, numpy as np
for path in sys.stdin:
    y, sr = librosa.load(path.strip(), sr=44100)
    rate = {"sr": sr, "hop_length": librosa.time_to_samples(1 / 200, sr=sr)}
    S = librosa.feature.melspectrogram(y=y, n_fft=1024, fmin=27.5, fmax=16000, n_mels=138, **rate)
    rise = librosa.onset.onset_strength(S=librosa.power_to_db(S, ref=np.max), lag=2, max_size=3, **rate)
    print(json.dumps(librosa.onset.onset_detect(onset_envelope=rise, units="time", **rate).tolist()))
""",
    "Essentia": """
import json, sys
import essentia
essentia.log.infoActive = essentia.log.warningActive = False
import essentia.standard as es
for path in sys.stdin:
    y = es.MonoLoader(filename=path.strip(), sampleRate=44100)()
    print(json.dumps([float(t) for t in es.OnsetRate()(y)[0]]))
""",
}


def sampled_drums(
    folder: Path, kits: Path, pieces: int, rng: np.random.Generator
) -> Iterator[tuple[str, Path, FloatArray]]:
    """Make recordings of sampled kits, as `recordings` does."""
    for number in range(pieces):
        kit = hydrogen_kit(kits / HELD_BACK[number % len(HELD_BACK)])
        strokes = audible(scores.compose_drums(rng, SECONDS), kit)
        path = folder / f"sampled{number}.wav"
        yield _saved("drums, sampled", path, play(strokes, kit, SECONDS), strokes)


def recordings(
    folder: Path, font: Path, pieces: int, rng: np.random.Generator
) -> Iterator[tuple[str, Path, FloatArray]]:
    """Make recordings, and yield what each is of, where it is and when its onsets are."""
    for number in range(pieces):
        for role, programs in scores.PROGRAMS.items():
            notes = scores.compose(role, rng, SECONDS)
            midi = scores.midi(notes, int(rng.choice(programs)))
            yield _rendered(role, folder / f"{role}{number}.wav", midi, font, notes)
        strokes = scores.compose_drums(rng, SECONDS)
        midi = scores.midi(strokes, drums=True)
        yield _rendered("drums", folder / f"drums{number}.wav", midi, font, strokes)
        for name, drums in (("a band", True), ("a band without drums", False)):
            score = made_scores.band(name=str(number), rng=rng, meter="4/4", drums=drums)
            played = made_scores.perform(score, made_scores.Manner(jitter=0.008), rng)
            path = folder / f"{name}{number}.wav"
            made_truth.render(played, font, path)
            yield name, path, onsets(played.midi)


def _rendered(
    name: str, path: Path, midi: bytes, font: Path, notes: Sequence[scores.Played]
) -> tuple[str, Path, FloatArray]:
    y = scores.render(midi, font, reverb=True)[:, : round((SECONDS + 1) * scores.SR)]
    return _saved(name, path, y, notes)


def _saved(
    name: str, path: Path, y: FloatArray, notes: Sequence[scores.Played]
) -> tuple[str, Path, FloatArray]:
    _audio.save(path, 0.7 * y / np.abs(y).max(), scores.SR)
    return name, path, apart([note.start for note in notes])


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--pieces", type=int, default=16, help="a row")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--soundfont", type=Path, default=TIM)
    parser.add_argument("--hydrogen", type=Path, help="Hydrogen's drumkits")
    parser.add_argument("--essentia", help="a Python that has Essentia")
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        rows = list(recordings(Path(folder), arguments.soundfont, arguments.pieces, rng))
        if arguments.hydrogen:
            rows += sampled_drums(Path(folder), arguments.hydrogen, arguments.pieces, rng)
        paths = [path for _, path, _ in rows]
        answers = {OURS: [np.array(analyze.onsets(path).onset_times) for path in paths]}
        for who, python in (("librosa", sys.executable), ("Essentia", arguments.essentia)):
            if python:
                answers[who] = [np.array(times) for times in anchors.said(OTHERS[who], python, paths)]
    f = {
        who: np.array(
            [mir_eval.onset.f_measure(true, a)[0] for (_, _, true), a in zip(rows, found, strict=True)]
        )
        for who, found in answers.items()
    }
    print(f"{arguments.pieces} recordings a row on {arguments.soundfont.name}, seed {arguments.seed}\n")
    print(f"| onsets F, 50 ms | {' | '.join(f)} |")
    print("|---" * (1 + len(f)) + "|")
    names = [name for name, *_ in rows]
    for name in [*dict.fromkeys(names), "all"]:
        these = np.array([name in {"all", n} for n in names])
        print(f"| {name} | {' | '.join(f'{values[these].mean():.3f}' for values in f.values())} |")
    for who, theirs in f.items():
        if who != OURS:
            d = f[OURS] - theirs
            low, high = bootstrap.interval(d)
            print(f"ours - {who}: {d.mean():+.3f} [{low:+.3f}, {high:+.3f}], paired bootstrap, 95 %")


if __name__ == "__main__":
    main()
