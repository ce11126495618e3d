"""Rows of `bench/accuracy.py` on recordings whose truth is known because the bench makes them.

Scores (the bench's own, Bach's chorales, lead sheets) are played by `fluidsynth`, noise and voices by numpy;
what is made depends on the seed alone. The same songs are played straight, with a swing, by players who are
not exact, out of tune, and so on, so that rows can be compared with the first. `seen` says what of it the
shipped models have learned from.
"""

import subprocess
import tempfile
import warnings
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import mir_eval
import numpy as np
import soundfile as sf

from bench import made_scores, made_sounds, reliability, score_collections
from bench.made_scores import Manner, Performance, Score
from engines import analyze
from engines._audio import FloatArray
from engines.analyze.results import Analysis
from engines.analyze.training.render import SOUNDFONTS, onsets
from engines.analyze.training.tempo_accuracy import accuracy_1, accuracy_2

SR = 44100
TRAINED_ON = {font.name for font in SOUNDFONTS}
STRAIGHT = Manner()
TAIL_S = 1.0  # how long the last note rings on


@dataclass(frozen=True)
class Truth:
    """What is true of one recording; None where there is no such thing, or no one knows."""

    tempo: float | None = None
    beats: FloatArray | None = None
    downbeats: FloatArray | None = None
    meter: str | None = None
    key: str | None = None
    tuning_cents: float | None = None
    onsets: FloatArray | None = None


@dataclass(frozen=True)
class Row:
    """One row of the table: `count` recordings, made from a seed."""

    name: str
    seen: str
    make: Callable[[Path, np.random.Generator, int], Truth]


@dataclass
class Means:
    """Numbers under each measure."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, measure: str, value: float | None) -> None:
        if value is not None:
            self.values.setdefault(measure, []).append(float(value))


def add_arguments(parser: ArgumentParser) -> None:
    """Add what these rows need to a command line."""
    parser.add_argument(
        "--made", type=int, default=0, metavar="N", help="N made recordings a row (12 takes 6 min)"
    )
    parser.add_argument("--only", default="", help="only the made rows whose name contains this")
    parser.add_argument(
        "--soundfont",
        type=Path,
        action="append",
        default=[],
        help="a General MIDI soundfont; may be repeated",
    )
    parser.add_argument("--jsb", type=Path, help="jsb-chorales-16th.json")
    parser.add_argument("--openewld", type=Path, help="folder of OpenEWLD")
    parser.add_argument("--seed", type=int, default=20261122)


def rows(arguments: Namespace) -> list[Row]:
    """List the rows that can be made with what this machine has."""
    fonts = arguments.soundfont or sorted(Path("/usr/share/sounds/sf2").glob("[FT]*.sf2"))
    seen_fonts = [font for font in fonts if font.name in TRAINED_ON]
    new_fonts = [font for font in fonts if font.name not in TRAINED_ON]
    any_fonts = seen_fonts or new_fonts
    found: list[Row] = []
    if any_fonts:
        found += _played(any_fonts)
        found += [Row(f"4/4 on {font.stem}", "nothing", _band(font)) for font in new_fonts]
        if arguments.jsb:
            songs = list(
                score_collections.chorales(arguments.jsb, arguments.made, _rng(arguments.seed, "jsb"))
            )
            found.append(Row("chorales, no drums", "other chorales", _collection(songs, any_fonts)))
        if arguments.openewld:
            sheets = list(
                score_collections.lead_sheets(
                    arguments.openewld, arguments.made, _rng(arguments.seed, "ewld")
                )
            )
            found.append(Row("lead sheets, no drums", "the tunes", _collection(sheets, any_fonts)))
    found += [
        Row("pads, no beat", "nothing", _pads),
        Row("atonal on a pulse", "nothing", _atonal),
        *(Row(f"accented clicks in {n}/4", "other clicks", partial(_clicks, n, False)) for n in (2, 3, 4)),
        Row("accented clicks in 4/4, half as much on the third", "other clicks", partial(_clicks, 4, True)),
        Row("one stroke or note", "nothing", partial(_sound, made_sounds.one_event)),
        Row("speech-like", "nothing", partial(_sound, made_sounds.speech_like)),
        Row("white noise", "nothing", partial(_sound, made_sounds.white_noise)),
        Row("pink noise", "nothing", partial(_sound, made_sounds.pink_noise)),
    ]
    return [row for row in found if arguments.only in row.name]


def _played(fonts: list[Path]) -> list[Row]:
    def four(manner: Manner = STRAIGHT, **options: Any) -> Callable[[Path, np.random.Generator, int], Truth]:
        return partial(_perform, partial(made_scores.band, meter="4/4"), manner, fonts, **options)

    def other(meter: str) -> Callable[[Path, np.random.Generator, int], Truth]:
        return partial(_perform, partial(made_scores.band, meter=meter), STRAIGHT, fonts)

    seen = "soundfonts"
    return [
        Row("4/4, steady", seen, four()),
        Row("4/4, MP3 at 96 kbit/s", seen, four(mp3=True)),
        Row("4/4, 40 cents sharp", seen, four(Manner(cents=40))),
        Row("4/4, swing 2:1", seen, four(Manner(swing=2 / 3))),
        *(Row(f"4/4, players off by {ms} ms", seen, four(Manner(jitter=ms / 1000))) for ms in (10, 20, 30)),
        Row("4/4, tempo steps by 1/4 up", seen, four(Manner(speed=lambda s: np.where(s < 0.6, 1.0, 1.25)))),
        Row("4/4, tempo rises by 1/5", seen, four(Manner(speed=lambda s: 0.9 + 0.2 * s), drifts=True)),
        Row("2/4", seen, other("2/4")),
        Row("3/4", seen, other("3/4")),
        Row("6/8, beat = dotted quarter", seen, other("6/8")),
        Row("key goes up 2 semitones", seen, partial(_perform, made_scores.modulating, STRAIGHT, fonts)),
        Row(
            "no drums",
            seen,
            partial(_perform, partial(made_scores.band, meter="4/4", drums=False), STRAIGHT, fonts),
        ),
        Row("sparse, 2 events a bar", seen, partial(_perform, made_scores.sparse, STRAIGHT, fonts)),
        Row("drums alone", seen, four(drums_alone=True)),
    ]


def _band(font: Path) -> Callable[[Path, np.random.Generator, int], Truth]:
    return partial(_perform, partial(made_scores.band, meter="4/4"), STRAIGHT, [font])


def _collection(songs: list[Score], fonts: list[Path]) -> Callable[[Path, np.random.Generator, int], Truth]:
    def make(path: Path, rng: np.random.Generator, number: int) -> Truth:
        played = made_scores.perform(songs[number % len(songs)], Manner(jitter=0.008), rng)
        render(played, fonts[number % len(fonts)], path)
        return truth(played)

    return make


def _perform(  # noqa: PLR0917 - the first three are what `partial` fixes
    write: Callable[..., Score],
    manner: Manner,
    fonts: list[Path],
    path: Path,
    rng: np.random.Generator,
    number: int,
    *,
    mp3: bool = False,
    drifts: bool = False,
    drums_alone: bool = False,
) -> Truth:
    played = made_scores.perform(write(name=str(number), rng=rng), manner, rng)
    if drums_alone:
        played.midi.instruments = [part for part in played.midi.instruments if part.is_drum]
    render(played, fonts[number % len(fonts)], path)
    if mp3:
        y, sr = sf.read(path)
        # libsndfile's scale from 0 to 1 is from 320 to 32 kbit/s at this sample rate.
        sf.write(path, y, sr, format="MP3", bitrate_mode="CONSTANT", compression_level=0.78)
        assert 90 < 8 * path.stat().st_size * sr / len(y) / 1000 < 102  # noqa: S101
    return truth(played, manner.cents, drifts, drums_alone)


def truth(played: Performance, cents: float = 0.0, drifts: bool = False, no_key: bool = False) -> Truth:
    """Say what is true of a performance; drums have no key, and what drifts has no one tempo."""
    score = played.score
    return Truth(
        tempo=None if drifts else played.tempo,
        beats=played.beats,
        downbeats=played.downbeats if score.beats_per_bar else None,
        meter=score.meter or None,
        key=None if no_key else score.key or None,
        tuning_cents=None if no_key else cents,
        onsets=onsets(played.midi),
    )


def render(played: Performance, font: Path, path: Path) -> None:
    """Play a performance with a soundfont into a WAV file."""
    with tempfile.TemporaryDirectory() as folder:
        midi = Path(folder) / "score.mid"
        played.midi.write(str(midi))
        sound = Path(folder) / "sound.wav"
        command = ["fluidsynth", "-ni", "-q", "-g", "0.4", "-r", str(SR), "-T", "wav", "-F", str(sound)]
        subprocess.run([*command, str(font), str(midi)], check=True, capture_output=True, timeout=300)
        y, sr = sf.read(sound, stop=round((played.end + TAIL_S) * SR))
    sf.write(path, y, sr, format="WAV")


def _pads(path: Path, rng: np.random.Generator, _: int) -> Truth:
    y, _tonic = made_sounds.pads(rng)
    sf.write(path, y, SR, format="WAV")
    return Truth(tuning_cents=0.0)


def _atonal(path: Path, rng: np.random.Generator, _: int) -> Truth:
    y, tempo = made_sounds.atonal(rng)
    sf.write(path, y, SR, format="WAV")
    return Truth(tempo=tempo)


def _clicks(beats_per_bar: int, middle: bool, path: Path, rng: np.random.Generator, _: int) -> Truth:
    y, tempo, beats = made_sounds.clicks(beats_per_bar, middle, rng)
    sf.write(path, y, SR, format="WAV")
    return Truth(tempo=tempo, beats=beats, downbeats=beats[::beats_per_bar], meter=f"{beats_per_bar}/4")


def _sound(
    make: Callable[[np.random.Generator], FloatArray], path: Path, rng: np.random.Generator, _: int
) -> Truth:
    sf.write(path, make(rng), SR, format="WAV")
    return Truth()


def _rng(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng([seed, *name.encode()])


# Every row of one family plays the same songs: its generators start alike.
def _song_rng(seed: int, number: int) -> np.random.Generator:
    return np.random.default_rng([seed, number])


def score(found: Analysis, true: Truth, means: Means) -> None:
    """Put one recording's scores to a row's."""
    trim = mir_eval.beat.trim_beats
    if true.tempo is not None:
        means.add("Acc1", accuracy_1(found.tempo, true.tempo))
        means.add("Acc2", accuracy_2(found.tempo, true.tempo))
    if true.beats is not None:
        # What is heard in the last notes' ringing is neither right nor wrong.
        end = true.beats[-1] + 0.5 * float(np.diff(true.beats[-2:])[0])
        beats, downbeats = (np.array(t) for t in (found.beat_times, found.downbeat_times))
        means.add("beats F", mir_eval.beat.f_measure(trim(true.beats), trim(beats[beats < end])))
        if true.downbeats is not None:
            down = trim(downbeats[downbeats < end])
            means.add("downbeats F", mir_eval.beat.f_measure(trim(true.downbeats), down))
    if true.meter is not None:
        means.add("meter", found.meter == true.meter)
    if true.key is not None:
        name = f"{found.key} {found.mode}"
        means.add("key", mir_eval.key.weighted_score(true.key, name) if found.key else 0.0)
    if true.tuning_cents is not None and found.tuning_cents is not None:
        means.add("tuning", abs((found.tuning_cents - true.tuning_cents + 50) % 100 - 50))
    if true.onsets is not None:
        means.add("onsets F", mir_eval.onset.f_measure(true.onsets, np.array(found.onset_times))[0])
    means.add("tempo confidence", found.tempo_confidence)
    means.add("meter confidence", found.meter_confidence)
    means.add("key confidence", found.key_confidence)


MEASURES = ("Acc1", "Acc2", "beats F", "downbeats F", "meter", "key", "onsets F")
CONFIDENCES = ("tempo confidence", "meter confidence", "key confidence")


def table(arguments: Namespace) -> None:
    """Make, listen and print."""
    warnings.simplefilter("ignore")  # mir_eval warns of each recording without beats
    print(f"\n## made recordings, {arguments.made} a row, seed {arguments.seed}")
    print("seen: what the shipped models have learned from; tuning: median error; confidences: medians")
    print(f"| made | seen | {' | '.join(MEASURES)} | tuning, cents | {' | '.join(CONFIDENCES)} |")
    print("|---" * (3 + len(MEASURES) + len(CONFIDENCES)) + "|")
    claims: dict[str, list[tuple[float, bool]]] = {"tempo": [], "meter": [], "key": []}
    with tempfile.TemporaryDirectory() as folder:
        for row in rows(arguments):
            means = Means()
            for number in range(arguments.made):
                path = Path(folder) / "made"
                true = row.make(path, _song_rng(arguments.seed, number), number)
                found = analyze.audio(path)
                score(found, true, means)
                _claim(found, true, claims)
            _print(row, means)
    for what, pairs in claims.items():
        reliability.table(f"{what} confidence, all made recordings", pairs)


def _claim(found: Analysis, true: Truth, claims: dict[str, list[tuple[float, bool]]]) -> None:
    # Where there is no beat or no key, whatever was said is wrong.
    if true.tempo is not None or true.beats is None:
        right = true.tempo is not None and accuracy_1(found.tempo, true.tempo)
        claims["tempo"].append((found.tempo_confidence, right))
    if true.meter is not None or (true.tempo is None and true.beats is None and found.meter is not None):
        claims["meter"].append((found.meter_confidence, found.meter == true.meter))
    if true.key is not None:
        claims["key"].append((found.key_confidence, f"{found.key} {found.mode}" == true.key))


def _print(row: Row, means: Means) -> None:
    cells = [f"{np.mean(means.values[m]):.2f}" if m in means.values else "-" for m in MEASURES]
    tuning = f"{np.median(means.values['tuning']):.1f}" if "tuning" in means.values else "-"
    medians = [f"{np.median(means.values[m]):.2f}" for m in CONFIDENCES]
    print(f"| {row.name} | {row.seen} | {' | '.join([*cells, tuning, *medians])} |", flush=True)
