"""`dawg-ai`: run the daemon, ask it, watch it, and find out what is wrong with it.

One file a command (serve, call, analyze, generate, watch, describe, doctor), each with `add_arguments` and
`run`; its docstring is its help. A command that offers the options of an operation has `complete` too, which
adds them (schema_options.py) before the words are read. The answer goes to stdout and nothing else does;
progress, notices and errors go to stderr. An error is one sentence and an exit code (exit_codes.py).

Beside the commands: parser.py what may be written, house.py what every command is given, values.py
`name=value` read by the operation's schema, schema_options.py the same as options, asking.py a request with
its progress and its cancel, stopping.py signals that end a command, shown.py results for people, terminal.py
where output goes, connection.py the client that config.toml describes, piano_roll.py, picture_file.py and
player.py what is drawn and played of music, pulse.py, picture.py and live.py what `watch` knows and draws,
checks.py and neighbours.py what `doctor` looks at.
"""

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.command_line import exit_codes, stopping, terminal
from adapters.command_line.house import House
from adapters.command_line.parser import (
    COMMANDS,
    UsageError,
    command_parser,
    common_options,
    program_parser,
    suggest,
)

if TYPE_CHECKING:
    from adapters.settings import Config


def run(words: Sequence[str], *, beside: Path, serve: Callable[["Config"], int]) -> int:
    """Run the command that `words` say.

    Parameters
    ----------
    words
        What stands after the program's name. Without a command: `serve` if that name is daemon.py, else
        the help.
    beside
        The folder of daemon.py, where config.toml lies.
    serve
        Runs the daemon until it is stopped, and returns its exit code.

    Returns
    -------
    int
        The exit code, by the table in `exit_codes`.
    """
    try:
        code = _run(words, beside, serve)
        sys.stdout.flush()
    except SystemExit as error:  # argparse, after --help and --version
        return error.code if isinstance(error.code, int) else 0
    except BrokenPipeError:
        # Whoever read has enough. Nothing more may be written there, also not when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_codes.BROKEN_PIPE
    except stopping.Stopped as stopped:
        return stopped.exit_code
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED
    except Exception as error:
        known = exit_codes.of(error)
        if known is None:
            raise
        terminal.say_error(exit_codes.sentence(error))
        return known
    return code


def _run(words: Sequence[str], beside: Path, serve: Callable[["Config"], int]) -> int:
    called_as_daemon = Path(sys.argv[0]).name == "daemon.py"
    parser = program_parser("python daemon.py" if called_as_daemon else "dawg-ai")
    before = parser.parse_args(words)
    command = before.command or ("serve" if called_as_daemon else None)
    if command is None:
        if words:
            raise UsageError("no command (--help lists them)")
        terminal.answer(parser.format_help())
        return 0
    if command not in COMMANDS:
        raise UsageError(suggest(command))
    module = importlib.import_module(f"adapters.command_line.{command}")
    rest = command_parser(parser.prog, command, module)
    # Only a command whose options are those of an operation wants its words as they are.
    asks_first = hasattr(module, "complete")
    arguments, words = (
        common_options(before.rest) if asks_first else (rest.parse_intermixed_args(before.rest), [])
    )
    house = House(
        beside=beside,
        serve=serve,
        config_file=arguments.config or before.config,
        overrides=(*before.overrides, *arguments.overrides),
    )
    if asks_first:
        module.complete(rest, words, house)
        arguments = rest.parse_intermixed_args(words)
    code: int = module.run(arguments, house)
    return code
