"""Analyse recordings and say what they are: tempo, key, chords, sections, loudness.

The daemon reads the file itself, by its path; - stands for stdin, whose bytes are sent. The summary goes to
stdout, everything else to stderr. A picture that is there already is kept, unless --force says otherwise.

Examples:
  dawg-ai analyze song.wav
  dawg-ai analyze song.wav --plot song.png    waveform, sections, chords, loudness, tempo
  dawg-ai analyze *.wav                       one after the other
  dawg-ai analyze song.wav --json | jq .sections
  dawg-ai call analyze.audio path=song.wav    every number there is
"""

import argparse
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from adapters.command_line import asking, exit_codes, terminal, values
from adapters.command_line.connection import blocking_client
from adapters.command_line.house import House
from adapters.command_line.parser import UsageError

_OPERATION: Final = "analyze.audio"
_MOST_CHORDS, _MOST_STRETCHES = 16, 24
_LIKELY_METER: Final = 0.2  # of another meter, to be named
_GUESS: Final = 0.1  # what the engine takes for one too


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the files, and what to do with what is found."""
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="recordings: WAV, AIFF, FLAC, OGG, MP3; - for stdin"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw it: a PNG of 1600 x 1000 pixels")
    parser.add_argument("--force", action="store_true", help="replace a picture that is there already")
    parser.add_argument("--json", action="store_true", help="print the whole answer, one line of JSON a file")
    asking.add_arguments(parser)


def run(arguments: argparse.Namespace, house: House) -> int:
    """Ask about each file, print, draw; the exit code is that of the first file that failed."""
    _check(arguments)
    code = 0
    given = False
    with blocking_client(house.config()) as client:
        described = client.call("bus.describe", {"op": _OPERATION})["operations"][0]
        for file in arguments.files:
            params: dict[str, Any] = {"path": values.file(file)}
            if arguments.plot is not None:
                params["image"] = True
            try:
                found = asking.ask(client, described, params, arguments)
            except Exception as error:
                known = exit_codes.of(error)
                if known is None or len(arguments.files) == 1:
                    raise
                terminal.say_error(f"{file}: {exit_codes.sentence(error)}")
                code = code or known
                continue
            _give(arguments, file, found, first=not given)
            given = True
    return code


def _check(arguments: argparse.Namespace) -> None:
    """Find out what cannot be done with the answer before it is asked for."""
    if arguments.files.count("-") > 1:
        raise UsageError("-: stdin can be read once")
    plot: Path | None = arguments.plot
    if plot is None:
        if arguments.force:
            raise UsageError("--force: is for --plot")
        return
    if len(arguments.files) > 1:
        raise UsageError(f"--plot {plot}: is for one recording, not {len(arguments.files)}")
    if plot.suffix.lower() != ".png":
        raise UsageError(f"--plot {plot}: must end in .png")
    terminal.check_writable(plot, force=arguments.force)


def _give(arguments: argparse.Namespace, file: str, found: dict[str, Any], *, first: bool) -> None:
    image = found.pop("image_base64", None)
    if arguments.plot is not None and image is not None:
        data = b64decode(image)
        terminal.write_file(arguments.plot, data)
        terminal.say(f"{arguments.plot}: {len(data)} bytes written")
    if arguments.json:
        terminal.answer_json(found)
        return
    if not first:
        terminal.answer("")
    if len(arguments.files) > 1:
        terminal.answer(file)
    rows = [(name, text) for name, texts in summary(found) for name, text in _rows(name, texts)]
    terminal.answer(terminal.columns(rows))


def _rows(name: str, texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    for i, text in enumerate(texts):
        yield ("" if i else name), text


def summary(found: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Say what an answer of `analyze.audio` holds: what of, and a line or more about it."""
    channels = {1: "mono", 2: "stereo"}.get(found["channels"], f"{found['channels']} channels")
    seconds = found["duration"]
    length = f"{_clock(seconds)} ({seconds:.1f} s), {found['sample_rate'] / 1000:g} kHz {channels}"
    yield "length", [length] + (["ends before its header says"] if found["truncated"] else [])
    yield "tempo", list(_tempo(found))
    yield "key", list(_key(found))
    if any(chord["label"] != "N" for chord in found["chords"]):
        yield "chords", [_chords(found["chords"])]
    if len(found["sections"]) > 1:
        yield "sections", list(_stretches((part["start"], part["label"]) for part in found["sections"]))
    yield "loudness", [_loudness(found)]
    if _sounds(found):
        yield (
            "sound",
            [
                f"spectrum centred at {found['spectral_centroid_mean']:.0f} Hz, 85 % below "
                f"{found['spectral_rolloff_mean']:.0f} Hz, {len(found['onset_times'])} onsets"
            ],
        )
    faults = list(_faults(found))
    if faults:
        yield "beware", faults


def _tempo(found: Mapping[str, Any]) -> Iterator[str]:
    if not found["tempo"]:
        yield "no pulse"
        return
    if found["tempo_confidence"] < _GUESS:
        yield f"hardly any, perhaps {found['tempo']:.2f} BPM  ({_sure(found['tempo_confidence'])})"
        return
    others = [f"{other['tempo']:.2f}" for other in found["tempo_alternatives"][:2]]
    likely = [other["meter"] for other in found["meter_alternatives"] if other["weight"] > _LIKELY_METER]
    meter = f", {found['meter']}{''.join(f' (or {name})' for name in likely)}" if found["meter"] else ""
    bars = f" in {terminal.count(len(found['downbeat_times']), 'bar')}" if found["meter"] else ""
    yield (
        f"{found['tempo']:.2f} BPM{meter}, {terminal.count(found['beats'], 'beat')}{bars}"
        f"  ({_sure(found['tempo_confidence'])}{'; or ' + ' or '.join(others) if others else ''})"
    )
    if curve := [point["tempo"] for point in found["tempo_curve"]]:
        yield f"drifts between {min(curve):.1f} and {max(curve):.1f} BPM"
    if found["loop_beats"]:
        length = terminal.count(found["loop_bars"], "bar"), terminal.count(found["loop_beats"], "beat")
        yield f"cut as a loop of {', '.join(length)}"


def _key(found: Mapping[str, Any]) -> Iterator[str]:
    if found["key"] is None:
        yield "nothing tonal"
        return
    if found["key_confidence"] < _GUESS:
        yield f"hardly any, perhaps {found['key']} {found['mode']}  ({_sure(found['key_confidence'])})"
        return
    other = f"; or {found['runner_up_key']} {found['runner_up_mode']}" if found["runner_up_key"] else ""
    tuning = found["tuning_cents"]
    off = f", tuned {tuning:+.0f} cent" if tuning is not None and abs(tuning) >= 5 else ""
    yield f"{found['key']} {found['mode']}{off}  ({_sure(found['key_confidence'])}{other})"
    if len(found["key_changes"]) > 1:
        yield from _stretches(
            (part["start"], f"{part['key']} {part['mode']}") for part in found["key_changes"]
        )


def _sure(confidence: float) -> str:
    return f"{100 * confidence:.0f} % sure"


def _chords(chords: Sequence[Mapping[str, Any]]) -> str:
    # One that sounds again after a rest has not changed.
    names = [name for name, _ in groupby(chord["label"] for chord in chords if chord["label"] != "N")]
    more = f" ... ({len(names)} in all)" if len(names) > _MOST_CHORDS else ""
    return "  ".join(names[:_MOST_CHORDS]) + more


def _stretches(stretches: Iterator[tuple[float, str]]) -> Iterator[str]:
    """Say what begins when, six to a line."""
    words = [f"{_clock(start)} {label}" for start, label in stretches]
    for i in range(0, min(len(words), _MOST_STRETCHES), 6):
        yield "   ".join(words[i : i + 6])
    if len(words) > _MOST_STRETCHES:
        yield f"... ({len(words)} in all)"


def _loudness(found: Mapping[str, Any]) -> str:
    loudness = found["loudness"]
    parts = [
        f"{value:.1f} {unit}"
        for value, unit in (
            (loudness["integrated_lufs"], "LUFS"),
            (loudness["range_lu"], "LU range"),
            (loudness["true_peak_dbtp"], "dBTP true peak"),
            (found["crest_factor"], "dB crest factor"),
        )
        if value is not None
    ]
    return ", ".join(parts) or "silence"


def _faults(found: Mapping[str, Any]) -> Iterator[str]:
    if found["clipped_runs"]:
        yield f"clipped in {terminal.count(found['clipped_runs'], 'place')}"
    if found["faulty_samples"]:
        yield f"{terminal.count(found['faulty_samples'], 'sample')} NaN, infinite or beyond +120 dBFS"
    ends = (("start", found["leading_silence"]), ("end", found["trailing_silence"]))
    silent = [f"{seconds:.1f} s at the {end}" for end, seconds in ends if seconds >= 0.5]
    if _sounds(found) and silent:
        yield f"silent for {' and '.join(silent)}"


def _sounds(found: Mapping[str, Any]) -> bool:
    return found["loudness"]["sample_peak_dbfs"] is not None


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
