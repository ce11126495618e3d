"""What may be written on the command line, and what to say of what may not."""

import argparse
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Final, NoReturn

from adapters.command_line import exit_codes

COMMANDS: Final[Mapping[str, str]] = {
    "serve": "run the daemon",
    "call": "call an operation and print its result",
    "analyze": "say what a recording is: tempo, key, chords, sections, loudness; draw it",
    "generate": "write music: drums, bass, melody, harmony; continue, infill, humanize, vary",
    "watch": "follow what the daemon does, live",
    "describe": "list the operations, or explain one",
    "doctor": "say what is missing or wrong, and what to do",
}

_EXAMPLES = """\
Examples:
  dawg-ai serve                               start the daemon (Ctrl-C stops it)
  dawg-ai analyze song.wav --plot song.png    tempo, key, sections ..., and a picture
  dawg-ai generate bass --key C -o bass.mid   music, to a file or to hear
  dawg-ai describe analyze.audio              what it takes and gives
  dawg-ai watch                               jobs, workers and heartbeats
  dawg-ai doctor                              when something does not work

`dawg-ai COMMAND --help` has more of each.
"""


class UsageError(Exception):
    """Words that make no command; the message says what was meant, perhaps."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} ({self.prog} --help)")


def suggest(command: str) -> str:
    """Say that there is no such command, and which is near."""
    return suggest_among(command, COMMANDS, "no such command")


def suggest_among(word: str, known: Collection[str], verdict: str) -> str:
    """Say of a word that it is none of those known, and which is near."""
    near = get_close_matches(word, known, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"
    return f"{word}: {verdict}{hint}"


def program_parser(name: str) -> argparse.ArgumentParser:
    """Return the parser of what stands before the command, which leaves the rest alone."""
    commands = "\n".join(f"  {command:10} {summary}" for command, summary in COMMANDS.items())
    parser = _Parser(
        prog=name,
        usage=f"{name} [--config FILE] [--set KEY=VALUE] COMMAND ...",
        description=f"The intelligence beside an audio workstation.\n\ncommands:\n{commands}",
        epilog=f"{_EXAMPLES}\n{exit_codes.TABLE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"dawg-ai {metadata.version('dawg-ai')}")
    _add_common(parser)
    parser.add_argument("command", nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def common_options(words: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Take what every command takes out of a command's words, and leave the rest in its order.

    For a command whose own options are only known once the daemon was asked: where that is must come first.
    """
    parser = _Parser(prog="dawg-ai", add_help=False, allow_abbrev=False)
    _add_common(parser)
    return parser.parse_known_args(words)


def command_parser(name: str, command: str, module: ModuleType) -> argparse.ArgumentParser:
    """Return the parser of one command; its module's docstring is the help."""
    description, _, epilog = (module.__doc__ or "").partition("\n\n")
    parser = _Parser(
        prog=f"{name} {command}",
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.add_arguments(parser)
    _add_common(parser)
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="configuration file; else $DAWG_CONFIG, the user's, the one beside daemon.py",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="overrides",
        metavar="KEY=VALUE",
        help="change one key of it, such as bus.router=tcp://127.0.0.1:9101; may be repeated",
    )
