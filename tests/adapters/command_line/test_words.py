"""What may be written, and what is said of what may not."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.command_line import exit_codes
from adapters.command_line.parser import COMMANDS
from bus import client, errors
from tests.bus_process import ROOT

Run = Callable[..., Any]


def test_no_words_give_the_help(run: Run) -> None:
    ran = run()
    assert ran.code == 0
    assert "dawg-ai COMMAND" in ran.out
    assert all(command in ran.out for command in COMMANDS)


def test_no_words_to_daemon_py_serve(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/somewhere/daemon.py"])
    assert run().out == "serving tcp://127.0.0.1:9001\n"
    assert run("--set", "bus.router=tcp://127.0.0.1:9101").out == "serving tcp://127.0.0.1:9101\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(run: Run, command: str) -> None:
    ran = run(command, "--help")
    assert ran.code == 0
    assert f"dawg-ai {command}" in ran.out
    assert "Examples:" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 120


def test_help_has_every_exit_code(run: Run) -> None:
    text = run("--help").out
    assert "Exit codes:" in text
    for code in {*exit_codes._CODES.values(), 129, 130, 143}:
        assert f" {code} " in text


def test_every_error_has_its_exit_code() -> None:
    for error in errors.BusError.__subclasses__():
        assert exit_codes.of(error("x")) is not None
        assert error.__name__ in exit_codes._CODES
    codes = [exit_codes.of(kind("x")) for kind in (client.NotRunning, client.WrongEndpoint, client.WrongKey)]
    assert codes == [3, 4, 5]
    assert exit_codes.of(client.NotAnswering("x")) == 6
    assert exit_codes.of(KeyError()) is None


def test_a_misspelt_command_names_the_near_one(run: Run) -> None:
    ran = run("cal")
    assert (ran.code, ran.out) == (2, "")
    assert "did you mean call?" in ran.err


def test_version_is_that_of_the_package(run: Run) -> None:
    assert run("--version").out.startswith("dawg-ai 0.")


def test_common_options_may_stand_before_and_after_the_command(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text('[bus]\nrouter = "tcp://127.0.0.1:9301"\n')
    for words in (["--config", str(file), "serve"], ["serve", "--config", str(file)]):
        assert run(*words).out == "serving tcp://127.0.0.1:9301\n"
    ran = run("--set", "http.enabled=false", "serve", "--set", "bus.router=ipc:///tmp/x")
    assert ran.out == "serving ipc:///tmp/x\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["serve", "--set", "bus.routr=1"], "did you mean router?"),
        (
            ["--set", "http.port=99999", "serve"],
            "http.port: 99999; must be",
        ),
        (["serve", "--config", "/none.toml"], "/none.toml: no such configuration file"),
        (["serve", "--fast"], "unrecognized arguments: --fast"),
        (["call"], "required: OP"),
        (["call", "bus.ping", "x"], "x: must be name=value"),
        (["call", "bus.ping", "x=1", "x=2"], "x: given twice"),
        (["call", "bus.ping", "--timeout", "-1"], "must be above 0 s"),
        (["call", "bus.ping", "--set", "bus.router=tcp://127.0.0.1:*"], "names no port"),
    ],
)
def test_a_wrong_word_is_one_sentence_and_exit_code_two(run: Run, words: list[str], said: str) -> None:
    ran = run(*words)
    assert ran.code == 2
    assert said in ran.err
    assert ran.out == ""
    assert len(ran.err.splitlines()) == 1


def test_help_does_not_load_what_only_the_commands_need() -> None:
    code = (
        "import sys; sys.argv = ['dawg-ai']; from pathlib import Path; from adapters import command_line;"
        "command_line.run([], beside=Path('.'), serve=print); print(sorted(sys.modules), file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"'pydantic'", "'zmq'", "'rich'", "'requests'"} & set(ran.stderr.strip("[]\n").split(", "))
