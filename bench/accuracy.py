"""Score the analyze engine on recordings with truth, by the field's own metrics (mir_eval).

    python bench/accuracy.py --data DIR [--rendered DIR] [--network FILE] [--bootstrap 2000]
        [--chords FILE] [--anchors [--essentia PYTHON]]
    python bench/accuracy.py --made 12 [--soundfont FILE ...] [--jsb FILE] [--openewld DIR]

`--data` holds `truth.csv` (file, group, tempo, key, beats, chords), `audio/` and `truth/`. As shipped, the
tempo and bar models have learned from these recordings; with `--rendered` (what
`engines.analyze.training.beat_pieces` wrote) each group is also scored with models trained without it, which
is the honest table. Networks and key model have learned from none of them, but from other music of MMA's:
`--network` takes one that `train_beats --without chart` made, `--chords` one of `train_chords`. Intervals are
95 %, by bootstrap over recordings, seed 0. `--anchors` adds what phase 1's method, and Essentia where an
interpreter has it, say of the same recordings, and a paired bootstrap of ours against each. `--made` scores
recordings that the bench makes itself (`bench/made_truth.py`): other meters, swing, tempo changes, players
who are not exact, noise, speech.
"""

import argparse
import csv
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import mir_eval
import numpy as np

from bench import anchors, bootstrap, made_truth, reliability
from engines.analyze import bars, beat_network, chord_network, key_finding, pulse
from engines.analyze.chord_finding import find_chords
from engines.analyze.key_finding import find_key
from engines.analyze.listening import RHYTHM, TONAL, Heard, listen
from engines.analyze.ranking import Ranker
from engines.analyze.rhythm import Rhythm, find_rhythm
from engines.analyze.rhythm_cues import Cues, cues
from engines.analyze.training import rank, train_bars, train_keys, train_tempo
from engines.analyze.training.tempo_accuracy import accuracy_1, accuracy_2


@dataclass
class Recording:
    row: dict[str, str]
    heard: Heard
    cues: Cues = field(init=False)

    def __post_init__(self) -> None:
        self.cues = cues(self.heard.bands, self.heard.duration)

    @property
    def group(self) -> str:
        return self.row["group"]


@dataclass(frozen=True)
class Models:
    """What chooses tempo, bars and key."""

    tempo: Ranker
    bars: Ranker
    key: Ranker


@dataclass
class Scores:
    """One number a recording under each measure, and the group it is from."""

    values: dict[str, list[tuple[str, float]]] = field(default_factory=dict)

    def add(self, measure: str, group: str, value: float) -> None:
        self.values.setdefault(measure, []).append((group, float(value)))

    def without_loops(self) -> dict[str, list[float]]:
        """Return what can be paired: without raw loops, and without what counts only where tempo is right."""
        return {
            measure: [value for group, value in values if group != "loop"]
            for measure, values in self.values.items()
            if "of those" not in measure
        }


def score(recording: Recording, rhythm: Rhythm, data: Path, scores: Scores) -> None:
    heard, row, group = recording.heard, recording.row, recording.group
    key = find_key(heard.pitches) if row["key"] else None
    score_answer(
        recording, anchors.Answer(rhythm.tempo, rhythm.beats, key.name if key else None), data, scores
    )
    if row["chords"]:
        for measure, value in chord_scores(recording, rhythm, data).items():
            scores.add(f"chords, {measure}", group, value)
    if row["beats"]:
        beats = true_beats(recording, data)
        trim = mir_eval.beat.trim_beats
        if (beats[:, 1] == 1).any():
            down = trim(beats[beats[:, 1] == 1, 0])
            scores.add("downbeats F", group, mir_eval.beat.f_measure(down, trim(rhythm.downbeats)))


def score_answer(recording: Recording, answer: anchors.Answer, data: Path, scores: Scores) -> None:
    """Score what every analyser answers."""
    row, group = recording.row, recording.group
    if row["tempo"]:
        truth = float(row["tempo"])
        right = accuracy_1(answer.tempo, truth)
        scores.add("tempo Acc1", group, right)
        scores.add("tempo Acc2", group, accuracy_2(answer.tempo, truth))
        if right:
            scores.add("within 0.1 %, of those right", group, abs(answer.tempo / truth - 1) < 0.001)
    if row["key"]:
        value = mir_eval.key.weighted_score(row["key"], answer.key) if answer.key else 0.0
        scores.add("key, MIREX", group, value)
    if row["beats"]:
        trim = mir_eval.beat.trim_beats
        reference, found = trim(true_beats(recording, data)[:, 0]), trim(answer.beats)
        scores.add("beats F", group, mir_eval.beat.f_measure(reference, found))
        scores.add("beats AMLt", group, mir_eval.beat.continuity(reference, found)[3])


def true_beats(recording: Recording, data: Path) -> np.ndarray:
    """Read the true beats that were recorded: seconds, and 1 for downbeats; shape (n, 2)."""
    beats = np.loadtxt(data / recording.row["beats"], ndmin=2)
    return beats[beats[:, 0] < recording.heard.duration]


def chord_scores(recording: Recording, rhythm: Rhythm, data: Path) -> dict[str, float]:
    """Share of the time that root and third are right (majmin), and the seventh too."""
    truth, labels = mir_eval.io.load_labeled_intervals(str(data / recording.row["chords"]))
    found = find_chords(rhythm.harmony, rhythm.downbeats)
    times = np.array([[c.start, c.end] for c in found])
    times, names = mir_eval.util.adjust_intervals(
        times, [c.label for c in found], truth.min(), truth.max(), "N", "N"
    )
    pieces, a, b = mir_eval.util.merge_labeled_intervals(truth, labels, times, names)
    lengths = mir_eval.util.intervals_to_durations(pieces)
    compared = {"majmin": mir_eval.chord.majmin(a, b), "sevenths": mir_eval.chord.sevenths(a, b)}
    return {name: float(mir_eval.chord.weighted_accuracy(right, lengths)) for name, right in compared.items()}


def against(ours: dict[str, Scores], recordings: list[Recording], arguments: argparse.Namespace) -> None:
    """Print the anchors' scores, and how each table of ours differs from them."""
    paths = [arguments.data / "audio" / recording.row["file"] for recording in recordings]
    for name, answers in anchors.ask(paths, arguments.essentia).items():
        theirs = Scores()
        for recording, answer in zip(recordings, answers, strict=True):
            score_answer(recording, answer, arguments.data, theirs)
        table(name, theirs, arguments.bootstrap)
        for title, scores in ours.items():
            print(f"\nours, {title}, minus {name}: paired bootstrap, 95 %")
            of_ours, of_theirs = scores.without_loops(), theirs.without_loops()
            for measure, mean, low, high in anchors.differences(of_ours, of_theirs, arguments.bootstrap):
                print(f"* {measure}: {mean:+.3f} [{low:+.3f}, {high:+.3f}]")


def table(title: str, scores: Scores, draws: int) -> None:
    groups = sorted({group for values in scores.values.values() for group, _ in values})
    print(f"\n## {title}")
    print("| measure | all | 95 % | " + " | ".join(groups) + " |")
    print("|---|---|---|" + "---|" * len(groups))
    for measure, values in scores.values.items():
        # Raw loops have a row of their own in the field's tables; they are not in `all`.
        counted = [v for group, v in values if group != "loop"]
        low, high = bootstrap.interval(counted, draws)
        cells = []
        for group in groups:
            own = [v for g, v in values if g == group]
            cells.append(f"{np.mean(own):.3f} [{len(own)}]" if own else "-")
        print(f"| {measure} | {np.mean(counted):.3f} | {low:.3f} to {high:.3f} | " + " | ".join(cells) + " |")


def run(recordings: list[Recording], data: Path, models: Callable[[str], Models]) -> Scores:
    scores = Scores()
    for recording in recordings:
        model = models(rank.FAMILIES.get(recording.group, recording.group))
        with (
            mock.patch.object(pulse, "ranker", lambda model=model: model.tempo),
            mock.patch.object(bars, "ranker", lambda model=model: model.bars),
            mock.patch.object(key_finding, "ranker", lambda model=model: model.key),
        ):
            heard = recording.heard
            score(recording, find_rhythm(recording.cues, heard.pitches, heard.duration), data, scores)
    return scores


def left_out(data: Path, rendered: Path) -> Callable[[str], Models]:
    tempo = [*train_tempo.recordings(data), *train_tempo.rendered(rendered), *train_tempo.clicks()]
    bar = [*train_bars.recordings(data), *train_bars.rendered(rendered), *train_bars.clicks()]
    key = train_keys.examples(rendered)
    trained: dict[str, Models] = {}

    def models(family: str) -> Models:
        if family not in trained:
            others = ([e for e in examples if e.family != family] for examples in (tempo, bar, key))
            # As many networks as each script trains.
            numbers = (rank.NETS, train_bars.N_NETS, rank.NETS)
            trained[family] = Models(*(rank.train(e, n_nets=n) for e, n in zip(others, numbers, strict=True)))
        return trained[family]

    return models


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path)
    parser.add_argument("--rendered", type=Path)
    parser.add_argument("--network", type=Path, default=beat_network.MODEL)
    parser.add_argument("--chords", type=Path, default=chord_network.MODEL)
    parser.add_argument("--bootstrap", type=int, default=bootstrap.DRAWS)
    parser.add_argument("--anchors", action="store_true", help="also phase 1's method (some minutes)")
    parser.add_argument("--essentia", metavar="PYTHON", help="an interpreter that can import essentia")
    made_truth.add_arguments(parser)
    arguments = parser.parse_args()
    if not (arguments.data or arguments.made):
        parser.error("give --data DIR, or --made N, or both")
    if arguments.essentia and not arguments.anchors:
        parser.error("--essentia: it is one of the anchors; give --anchors too")
    if arguments.anchors and not arguments.data:
        parser.error("--anchors: they are asked of recordings with truth; give --data DIR too")
    beat_network.MODEL, chord_network.MODEL = arguments.network, arguments.chords
    warnings.simplefilter("ignore")  # mir_eval warns of each recording without beats
    if arguments.data:
        published(arguments)
    if arguments.made:
        made_truth.table(arguments)


def published(arguments: argparse.Namespace) -> None:
    """Score recordings with published truth."""
    data = arguments.data
    with (data / "truth.csv").open() as file:
        recordings = [
            Recording(row, listen(data / "audio" / row["file"], {RHYTHM, TONAL}))
            for row in csv.DictReader(file)
        ]
    print(f"{len(recordings)} recordings; in brackets how many have that truth; `all` without raw loops")
    ours: dict[str, Scores] = {}
    if arguments.rendered:
        models = left_out(data, arguments.rendered)
        ours["each group left out of training"] = run(recordings, data, models)
    shipped = Models(pulse.ranker(), bars.ranker(), key_finding.ranker())
    ours["as shipped (has learned from these)"] = run(recordings, data, lambda _: shipped)
    for title, scores in ours.items():
        table(title, scores, arguments.bootstrap)
    reliability.table("key confidence", [claim for recording in recordings for claim in key_claim(recording)])
    if arguments.anchors:
        against(ours, recordings, arguments)


def key_claim(recording: Recording) -> list[tuple[float, bool]]:
    """Return how sure we are of the key, and whether it is right; nothing where nobody knows."""
    found = find_key(recording.heard.pitches) if recording.row["key"] else None
    if found is None:
        return []
    return [(found.confidence, mir_eval.key.weighted_score(recording.row["key"], found.name) == 1.0)]


if __name__ == "__main__":
    main()
