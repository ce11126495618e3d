"""`dawg-ai generate`, against a real bus with the engine that writes music."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mido  # type: ignore[import-untyped]
import psutil
import pytest

from adapters.command_line import schema_options
from bus.operations import discover
from tests.adapters.command_line.conftest import PROGRAM, at, begun
from tests.bus_process import BusProcess, free_endpoint
from tests.core_server import wait_until

Run = Callable[..., Any]

OPERATIONS = sorted(op.name for op in discover("engines") if op.name.startswith("generate."))

# A player that says what it was given, and plays until it is stopped if the soundfont is called so.
PLAYER = """#!{python}
import pathlib, sys, time
soundfont, midi = sys.argv[-2:]
said = pathlib.Path(soundfont).with_name("played")
said.write_text(str(pathlib.Path(midi).stat().st_size) + " " + midi + "\\n")
until = time.monotonic() + 60
while pathlib.Path(soundfont).stem == "endless" and time.monotonic() < until:
    time.sleep(0.05)
if pathlib.Path(soundfont).stem == "broken":
    print("ALSA lib says much", file=sys.stderr)
    print("fluidsynth: error: no sound card", file=sys.stderr)
    sys.exit(255)
"""


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BusProcess]:
    with BusProcess(tmp_path_factory.mktemp("music"), engine="generate") as process:
        yield process


@pytest.fixture
def player(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder with a `fluidsynth` that is first on the PATH, and soundfonts."""
    program = tmp_path / "fluidsynth"
    program.write_text(PLAYER.format(python=sys.executable))
    program.chmod(0o755)
    for name in ("fine", "endless", "broken"):
        (tmp_path / f"{name}.sf2").write_bytes(b"RIFF")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def test_the_file_has_the_bars_the_key_and_the_seed_asked_for(
    run: Run, bus: BusProcess, tmp_path: Path
) -> None:
    words = ("generate", "bass", "--key", "D", "--bars", "3", "--seed", "7")
    ran = run(*words, "-o", str(tmp_path / "bass.mid"), bus=bus)
    assert ran.code == 0, ran.err
    assert f"{tmp_path / 'bass.mid'}: " in ran.err
    assert "key             D" in ran.out
    assert "midi_base64" not in ran.out
    assert mido.MidiFile(tmp_path / "bass.mid").length == pytest.approx(6.0)
    again = run(*words, "--json", bus=bus)
    assert b64decode(json.loads(again.out)["midi_base64"]) == (tmp_path / "bass.mid").read_bytes()
    assert again.out.count("\n") == 1


def test_a_file_that_is_there_is_kept_unless_forced(run: Run, bus: BusProcess, tmp_path: Path) -> None:
    target = tmp_path / "mine.mid"
    target.write_bytes(b"years of work")
    ran = run("generate", "drums", "-o", str(target), bus=bus)
    assert (ran.code, ran.out) == (18, "")
    assert "is there already; --force replaces it" in ran.err
    assert target.read_bytes() == b"years of work"
    assert run("generate", "drums", "-o", str(target), "--force", bus=bus).code == 0
    assert target.read_bytes().startswith(b"MThd")


@pytest.mark.parametrize("what", [("variations", "--part", "drums"), ("drums",)])
def test_several_are_numbered_and_none_may_be_there_already(
    run: Run, bus: BusProcess, tmp_path: Path, what: tuple[str, ...]
) -> None:
    words = ("generate", *what, "--bars", "1", "--count", "2", "--seed", "1")
    assert run(*words, "-o", str(tmp_path / "take.mid"), bus=bus).code == 0
    assert (tmp_path / "take-1.mid").read_bytes() != (tmp_path / "take-2.mid").read_bytes()
    assert not (tmp_path / "take.mid").exists()
    (tmp_path / "take-1.mid").unlink()
    ran = run(*words, "-o", str(tmp_path / "take.mid"), bus=bus)
    assert "take-2.mid: is there already" in ran.err
    assert not (tmp_path / "take-1.mid").exists()


def test_a_file_goes_in_by_its_name_or_through_a_pipe(
    run: Run, bus: BusProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(bus.folder)
    assert run("generate", "melody", "--bars", "2", "-o", "riff.mid", bus=bus).code == 0
    assert run("generate", "continue", "riff.mid", "--bars", "1", "-o", "next.mid", bus=bus).code == 0
    assert mido.MidiFile("next.mid").length == pytest.approx(2.0)

    class Piped:
        buffer = io.BytesIO(Path("riff.mid").read_bytes())

    monkeypatch.setattr(sys, "stdin", Piped)
    ran = run("generate", "humanize", "-", "--seed", "1", "--json", bus=bus)
    assert json.loads(ran.out)["bars"] == 2


def test_the_midi_file_alone_goes_to_stdout(bus: BusProcess) -> None:
    words = [*PROGRAM, "generate", "drums", "--bars", "1", "-o", "-", *at(bus)]
    ran = subprocess.run(words, capture_output=True, timeout=60, check=True)
    assert mido.MidiFile(file=io.BytesIO(ran.stdout)).length == pytest.approx(2.0)
    assert ran.stderr == b""


def test_the_roll_is_drawn_where_there_is_no_terminal_without_colour(run: Run, bus: BusProcess) -> None:
    ran = run(
        "generate", "melody", "--bars", "2", "--key", "C", "--chords", "C G", "--seed", "3", "--plot", bus=bus
    )
    assert ran.code == 0
    assert "\x1b" not in ran.out
    assert "melody, C major, 120 BPM, 4/4, seed 3" in ran.out
    assert "1 C              2 G" in ran.out
    assert "█" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 100


@pytest.mark.slow
def test_the_roll_is_drawn_as_a_picture(
    run: Run, bus: BusProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path / "matplotlib"))
    target = tmp_path / "roll.png"
    ran = run("generate", "drums", "--bars", "1", "--plot", str(target), bus=bus)
    assert ran.code == 0, ran.err
    assert target.read_bytes().startswith(b"\x89PNG\r\n")
    assert "is there already" in run("generate", "drums", "--plot", str(target), bus=bus).err


@pytest.mark.usefixtures("player")
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "what is to be generated comes first"),
        (["--key", "C"], 2, "what is to be generated comes first"),
        (["bas"], 2, "did you mean bass?"),
        (["bass", "--keyy", "C"], 2, "unrecognized arguments: --keyy"),
        (["bass", "--tempo", "0"], 2, "tempo: 0; must be between 20 and 400 BPM"),
        (["bass", "--bars", "two"], 2, "bars: 'two'"),
        (["bass", "--key", "H"], 2, "key: 'H'"),
        (["continue"], 2, "path, notes: neither; must be one of them"),
        (["continue", "/none/riff.mid"], 11, "/none/riff.mid"),
        (["bass", "-o", "/none/x.mid"], 18, "the folder /none does not exist"),
        (["bass", "--plot", "roll.txt"], 2, "must end in .png, .svg or .pdf"),
        (["bass", "--plot", "--json"], 2, "--json and --plot without a file: both go to stdout"),
        (["variations", "-o", "-"], 2, "there will be 4 files"),
        (["bass", "--soundfont", "x.sf2"], 2, "is for --play"),
        (["bass", "--play", "--soundfont", "/none.sf2"], 18, "/none.sf2: no such SoundFont"),
    ],
)
def test_each_error_is_one_sentence_with_its_exit_code(
    run: Run, bus: BusProcess, words: list[str], code: int, said: str
) -> None:
    ran = run("generate", *words, bus=bus)
    assert ran.code == code, ran.err
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1
    assert ran.out == ""


@pytest.mark.parametrize("op", OPERATIONS)
def test_every_operation_offers_each_of_its_parameters_also_without_a_daemon(run: Run, op: str) -> None:
    ran = run("generate", op.removeprefix("generate."), "--help", "--set", f"bus.router={free_endpoint()}")
    assert ran.code == 0, ran.err
    described = schema_options.locally("generate")[op]
    assert described["summary"].split()[0] in ran.out
    for name, rule in described["params"]["properties"].items():
        word = "FILE" if "contentMediaType" in json.dumps(rule) else f"--{name.replace('_', '-')}"
        assert word in ran.out


def test_the_help_lists_what_there_is_without_a_daemon(run: Run) -> None:
    out = run("generate", "--help", "--set", f"bus.router={free_endpoint()}").out
    assert all(op.removeprefix("generate.") in out for op in OPERATIONS)


def test_without_a_daemon_it_says_how_to_start_one(run: Run) -> None:
    ran = run("generate", "bass", "--set", f"bus.router={free_endpoint()}")
    assert ran.code == 3
    assert "dawg-ai serve" in ran.err


def test_it_is_played_to_its_end(run: Run, bus: BusProcess, player: Path) -> None:
    words = ("generate", "drums", "--bars", "1", "--play", "-o", str(player / "d.mid"))
    assert run(*words, "--soundfont", str(player / "fine.sf2"), bus=bus).code == 0
    size, midi = (player / "played").read_text().split()
    assert int(size) == (player / "d.mid").stat().st_size
    assert not Path(midi).exists()


def test_a_player_that_fails_is_told_of_and_the_file_stays(
    run: Run, bus: BusProcess, player: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAWG_SOUNDFONT", str(player / "broken.sf2"))
    ran = run("generate", "drums", "--bars", "1", "--play", "-o", str(player / "d.mid"), bus=bus)
    assert ran.code == 18
    assert ran.err.splitlines()[-1] == "dawg-ai: --play: fluidsynth: error: no sound card"
    assert (player / "d.mid").read_bytes().startswith(b"MThd")


def test_without_a_player_it_is_said_before_the_work(
    run: Run, bus: BusProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    ran = run("generate", "drums", "--play", bus=bus)
    assert (ran.code, ran.out) == (18, "")
    assert "fluidsynth is not installed" in ran.err


@pytest.mark.slow
def test_ctrl_c_stops_the_player(bus: BusProcess, player: Path) -> None:
    words = ("generate", "drums", "--bars", "1", "--play", "--soundfont", str(player / "endless.sf2"))
    with begun(*words, *at(bus)) as process:
        until_s = time.monotonic() + 60
        while not (player / "played").exists():
            assert time.monotonic() < until_s
            assert process.poll() is None
            time.sleep(0.05)
        # The player may be ahead of who started it, who has to wait for it before it can stop it.
        wait_until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_SLEEPING)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)  # which the player holds open while it lives
    assert process.returncode == 130
    assert err == "stopped\n"
