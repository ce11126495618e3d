"""Write music: dawg-ai generate WHAT, where WHAT is drums, bass, melody, harmony, continue, infill, ...

The options of each are those of its operation: `dawg-ai generate bass --help` lists them. The same seed gives
the same bytes; without one no two takes are alike. The summary goes to stdout, everything else to stderr.
Files that are there already are kept, unless --force says otherwise. Ctrl-C cancels, or stops the player.

Examples:
  dawg-ai generate bass --key C --bars 8 -o bass.mid --play
  dawg-ai generate drums --style house --bars 4 --plot
  dawg-ai generate melody --chords "Am F C G" --scale minor --key A -o tune.mid --plot tune.png
  dawg-ai generate continue riff.mid --bars 8 -o next.mid
  dawg-ai generate infill song.mid --first-bar 5 --last-bar 6 -o filled.mid
  dawg-ai generate variations --part bass --count 4 -o take.mid     take-1.mid to take-4.mid, the best first
  dawg-ai generate drums -o - | dawg-ai generate humanize - -o played.mid
"""

import argparse
import tempfile
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from adapters.command_line import (
    asking,
    piano_roll,
    picture_file,
    player,
    schema_options,
    shown,
    stopping,
    terminal,
)
from adapters.command_line.connection import blocking_client
from adapters.command_line.house import House
from adapters.command_line.parser import UsageError
from bus.client import NotRunning

_ENGINE: Final = "generate"
_OTHER_WORDS: Final = {"bass": "bassline", "chords": "harmony"}
_IN_TERMINAL: Final = ""  # what --plot without a file is
_STDOUT: Final = Path("-")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take what to generate, and what to do with it."""
    parser.add_argument(
        "what", metavar="WHAT", help="what to write: drums, bass, melody, harmony, continue, ..."
    )
    parser.add_argument(
        "-o", dest="output", type=Path, metavar="FILE", help="write the MIDI file; - for stdout"
    )
    parser.add_argument("--force", action="store_true", help="replace files that are there already")
    parser.add_argument(
        "--plot",
        nargs="?",
        const=_IN_TERMINAL,
        metavar="FILE.png",
        help="draw the piano roll, in the terminal or as a picture (png, svg, pdf)",
    )
    parser.add_argument("--play", action="store_true", help="play it with fluidsynth")
    parser.add_argument("--soundfont", type=Path, metavar="FILE.sf2", help="what it sounds like")
    parser.add_argument("--json", action="store_true", help="print the whole answer as one line of JSON")
    asking.add_arguments(parser)


def complete(parser: argparse.ArgumentParser, words: Sequence[str], house: House) -> None:
    """Add the options of what is wanted: those that the daemon tells, or for help those written here."""
    if not words or words[0].startswith("-"):
        if not {"-h", "--help"} & set(words):
            raise UsageError("what is to be generated comes first: dawg-ai generate bass --key C")
        parser.epilog = f"{_listed()}\n{parser.epilog}"
        return
    try:
        with blocking_client(house.config()) as client:
            described = {op["name"]: op for op in client.call("bus.describe")["operations"]}
    except NotRunning:
        if not {"-h", "--help"} & set(words):
            raise
        described = schema_options.locally(_ENGINE)
    offered = {name: op for name, op in described.items() if name.startswith(f"{_ENGINE}.")}
    chosen = offered[schema_options.choose(words[0], _ENGINE, offered, _OTHER_WORDS)]
    schema_options.add(parser, chosen)
    parser.description = chosen["summary"]
    parser.set_defaults(described=chosen)


def _listed() -> str:
    rows = [
        (name.partition(".")[2], operation["summary"])
        for name, operation in schema_options.locally(_ENGINE).items()
    ]
    return "What there is:\n" + terminal.columns(rows, indent="  ") + "\n"


def run(arguments: argparse.Namespace, house: House) -> int:
    """Ask, write, draw, print, play."""
    described = arguments.described
    params = schema_options.read(arguments, described)
    count = int(
        params.get("count") or described["params"].get("properties", {}).get("count", {}).get("default", 1)
    )
    _check(arguments, count)
    sound = player.ready(arguments.soundfont) if arguments.play else None
    with blocking_client(house.config()) as client:
        result = asking.ask(client, described, params, arguments)
    pieces: list[dict[str, Any]] = result.get(
        "pieces", [result, *({**result, **other} for other in result.get("alternatives", ()))]
    )
    files = [b64decode(piece["midi_base64"]) for piece in pieces]
    if arguments.output == _STDOUT:
        terminal.answer_bytes(files[0])
    elif arguments.output is not None:
        for target, data in zip(_targets(arguments.output, len(files)), files, strict=False):
            terminal.write_file(target, data)
            terminal.say(f"{target}: {len(data)} bytes written")
    rolls = (
        [roll for piece in pieces for roll in piano_roll.rolls(piece)] if arguments.plot is not None else []
    )
    if arguments.plot:
        target = Path(arguments.plot)
        data = picture_file.draw(rolls, target.suffix)
        terminal.write_file(target, data)
        terminal.say(f"{target}: {len(data)} bytes written")
    if arguments.json:
        terminal.answer_json(result)
    elif arguments.output != _STDOUT:
        for line in _said(result, described["result"]):
            terminal.answer(line)
    if arguments.plot == _IN_TERMINAL:
        for roll in rolls:
            terminal.answer("")
            for line in piano_roll.text(roll):
                terminal.answer(line)
    if sound is not None:
        _play(files, *sound)
    elif arguments.output is None and arguments.plot is None and not arguments.json:
        terminal.say(
            f"nothing was kept; --seed {result['seed']} writes it again: -o FILE keeps, --play plays it"
        )
    return 0


def _check(arguments: argparse.Namespace, count: int) -> None:
    """Find out what cannot be done with the answer before it is asked for."""
    output: Path | None = arguments.output
    printed = [word for word, here in (("-o -", output == _STDOUT), ("--json", arguments.json)) if here]
    printed += ["--plot without a file"] if arguments.plot == _IN_TERMINAL else []
    if len(printed) > 1:
        raise UsageError(f"{' and '.join(printed)}: both go to stdout")
    if output == _STDOUT and count > 1:
        raise UsageError(f"-o -: there will be {count} files; -o FILE numbers them, --count 1 asks for one")
    if arguments.soundfont is not None and not arguments.play:
        raise UsageError("--soundfont: is for --play")
    targets = [] if output in (None, _STDOUT) else list(_targets(output, count))
    if arguments.plot:
        picture_file.check(Path(arguments.plot))
        targets.append(Path(arguments.plot))
    for target in targets:
        terminal.check_writable(target, force=arguments.force)


def _targets(output: Path, count: int) -> Iterator[Path]:
    """Name the files of an answer: as asked, or numbered where there are several."""
    if count == 1:
        yield output
    else:
        yield from (output.with_name(f"{output.stem}-{n}{output.suffix}") for n in range(1, count + 1))


def _said(result: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """Write an answer without what is written, drawn or played of it: the file, and every note."""
    short: dict[str, Any] = {
        name: value for name, value in result.items() if name not in ("status", "midi_base64")
    }
    for several in ("pieces", "alternatives"):
        if several in short:
            short[several] = [_without_notes(piece) for piece in short[several]]
    yield from shown.lines(_without_notes(short), schema)


def _without_notes(piece: Mapping[str, Any]) -> dict[str, Any]:
    short = {name: value for name, value in piece.items() if name not in ("status", "midi_base64")}
    if "tracks" in short:
        short["tracks"] = [{**track, "notes": len(track["notes"])} for track in short["tracks"]]
    return short


def _play(files: Sequence[bytes], program: str, soundfont: Path) -> None:
    try:
        with stopping.as_ctrl_c(), tempfile.TemporaryDirectory(prefix="dawg-ai-") as folder:
            midi = Path(folder) / "piece.mid"
            for number, data in enumerate(files, 1):
                if len(files) > 1:
                    terminal.say(f"playing {number} of {len(files)} (Ctrl-C stops)")
                midi.write_bytes(data)
                player.play(program, soundfont, midi)
    except KeyboardInterrupt:
        terminal.say("stopped")
        raise
