"""What a piano roll looks like in a terminal."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from adapters.command_line import piano_roll, picture_file
from adapters.command_line.parser import UsageError
from adapters.command_line.piano_roll import Mark, Roll


def roll(*marks: Mark, bars: int = 1, drums: bool = False, chords: Sequence[str] = ("C",)) -> Roll:
    return Roll("title", drums, marks, bars, 4.0, tuple(chords))


class Screen:
    """A stdout that says what it is."""

    def __init__(self, encoding: str, *, tty: bool) -> None:
        self.encoding, self._tty = encoding, tty

    def isatty(self) -> bool:
        return self._tty


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Any:
    def put(encoding: str = "utf-8", *, tty: bool = False, columns: int = 100) -> None:
        monkeypatch.setattr(sys, "stdout", Screen(encoding, tty=tty))
        monkeypatch.setattr(piano_roll, "width", lambda: columns)
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setenv("TERM", "xterm")

    return put


def test_notes_start_where_they_start_and_hold_as_long_as_they_hold(screen: Any) -> None:
    screen()
    lines = list(piano_roll.text(roll(Mark(0, 1, 60, 90), Mark(2, 0.5, 62, 90))))
    assert lines == [
        "title",
        "",
        "         1 C",
        "D4      │·   ·   █▒  ·   │",
        "C#4     │·   ·   ·   ·   │",
        "C4      │█▒▒▒·   ·   ·   │",
    ]


def test_a_part_without_a_name_is_called_what_it_is() -> None:
    notes = {"notes": [], "name": ""}
    piece = {"tempo": 120.0, "time_signature": "4/4", "seed": 1, "bars": 1}
    piece |= {"tracks": [{**notes, "drums": True}, {**notes, "drums": False}]}
    titles = [one.title for one in piano_roll.rolls(piece)]
    assert titles == ["drums, 120 BPM, 4/4, seed 1", "part, 120 BPM, 4/4, seed 1"]


def test_drums_are_named_and_soft_hits_are_lighter(screen: Any) -> None:
    screen()
    lines = list(piano_roll.text(roll(Mark(0, 1, 36, 110), Mark(1, 1, 38, 30), drums=True, chords=())))
    assert lines[3:] == ["snare   │·   ▓   ·   ·   │", "kick    │█   ·   ·   ·   │"]


def test_bars_wrap_at_the_width_of_the_terminal(screen: Any) -> None:
    screen(tty=True, columns=46)
    lines = list(piano_roll.text(roll(Mark(0, 1, 60, 90), bars=4, chords=())))
    assert sum(line.startswith("C4") for line in lines) == 2
    assert "\x1b[36m█▒▒▒\x1b[0m" in lines[3]
    screen(columns=46)
    assert max(len(line) for line in piano_roll.text(roll(Mark(0, 1, 60, 90), bars=4))) <= 100


def test_a_terminal_that_knows_no_blocks_gets_letters(screen: Any) -> None:
    screen("ascii")
    assert list(piano_roll.text(roll(Mark(0, 0.5, 60, 90))))[-1] == "C4      |#=  .   .   .   |"


def test_a_piece_without_notes_says_so(screen: Any) -> None:
    screen()
    assert list(piano_roll.text(roll())) == ["title", "(no notes)"]


@pytest.mark.parametrize("name", ["roll", "roll.txt", "riff.mid"])
def test_a_picture_must_be_of_a_kind_that_can_be_drawn(name: str) -> None:
    with pytest.raises(UsageError, match="must end in"):
        picture_file.check(Path(name))
