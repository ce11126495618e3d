"""Options come from a schema, whatever it says."""

import argparse
import sys
from pathlib import Path
from typing import Any

import pytest

from adapters.command_line import schema_options
from adapters.command_line.parser import UsageError

FILE = {"type": "string", "contentMediaType": "audio/midi"}
DESCRIBED: dict[str, Any] = {
    "name": "made.up",
    "params": {
        "required": ["path", "bars"],
        "properties": {
            "path": FILE,
            "other_path": {"anyOf": [FILE, {"type": "null"}], "default": None},
            "bars": {"type": "integer", "minimum": 1, "maximum": 9, "unit": "bar"},
            "key": {
                "anyOf": [{"type": "string"}, {"type": "null"}],
                "default": None,
                "description": "100 %.",
            },
            "loud": {"type": "boolean", "default": True},
            "notes": {"anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "null"}]},
            "time_s": {"type": "number", "default": 0.5},
        },
    },
}


def parsed(*words: str) -> dict[str, Any]:
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("-o")
    schema_options.add(parser, DESCRIBED)
    return schema_options.read(parser.parse_intermixed_args(list(words)), DESCRIBED)


def test_what_is_given_is_read_as_the_schema_wants_it_and_nothing_else_is_sent() -> None:
    words = ("--key", "5", "in.mid", "--bars", "4", "--no-loud", "--notes", "[1, 2]", "--time-s", "-0.5")
    assert parsed(*words) == {
        "path": str(Path.cwd() / "in.mid"),
        "bars": 4,
        "key": "5",
        "loud": False,
        "notes": [1, 2],
        "time_s": -0.5,
    }
    assert parsed("a.mid", "--bars", "1", "--other-path", "~/b.mid") == {
        "path": str(Path.cwd() / "a.mid"),
        "bars": 1,
        "other_path": str(Path.home() / "b.mid"),
    }


def test_a_dash_is_what_comes_through_the_pipe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "piped").write_bytes(b"MThd")
    with (tmp_path / "piped").open() as piped:
        monkeypatch.setattr(sys, "stdin", piped)
        assert parsed("-", "--bars", "1")["path"] == b"MThd"


def test_a_file_s_name_may_begin_with_an_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.mid").write_bytes(b"MThd")
    assert parsed("@in.mid", "--bars", "1", "--other-path", "@in.mid") == {
        "path": str(tmp_path / "@in.mid"),
        "bars": 1,
        "other_path": b"MThd",
    }


def test_help_has_units_ranges_and_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed("--help")
    text = " ".join(capsys.readouterr().out.split())
    assert "--bars N a whole number between 1 and 9 bar" in text
    assert "100 %" in text
    assert "--loud, --no-loud" in text
    assert "default 0.5" in text


def test_a_parameter_never_takes_the_place_of_an_option_of_the_command() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bars")
    with pytest.raises(ValueError, match="bars is an option of the command already"):
        schema_options.add(parser, DESCRIBED)


def test_a_word_that_is_no_operation_names_the_near_one() -> None:
    known = {"generate.bassline": DESCRIBED}
    assert schema_options.choose("bass", "generate", known, {"bass": "bassline"}) == "generate.bassline"
    with pytest.raises(UsageError, match="did you mean bassline"):
        schema_options.choose("baseline", "generate", known, {})
