import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.command_line import terminal
from bus.client import BlockingClient
from tests.adapters.command_line.conftest import PROGRAM, at, begun
from tests.bus_process import BusProcess, free_endpoint
from tests.core_server import wait_until

Run = Callable[..., Any]


def test_the_result_goes_to_stdout_and_nothing_else_does(run: Run, bus: BusProcess) -> None:
    ran = run("call", "dummy.echo", "value=hello world", "number=96", bus=bus)
    assert ran.code == 0
    assert ran.out.splitlines()[0] == "value  hello world"
    assert ran.err == ""


def test_json_is_one_line_that_pipes(run: Run, bus: BusProcess) -> None:
    ran = run("call", "dummy.echo", "--json", "value=üml", bus=bus)
    assert json.loads(ran.out)["value"] == "üml"
    assert ran.out.count("\n") == 1


def test_files_are_sent_by_absolute_path_or_as_bytes(
    run: Run, bus: BusProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bus.folder / "song.wav").write_bytes(b"12345")
    monkeypatch.chdir(bus.folder)
    for word in ("path=song.wav", "path=@song.wav"):
        assert json.loads(run("call", "dummy.size", word, "--json", bus=bus).out) == {"size": 5}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["dummy.ecko"], 12, "did you mean dummy.echo"),
        (["dummy.echo", "number=3"], 2, "must be between 20 and 400 BPM"),
        (["dummy.echo", "nummer=3"], 2, "did you mean number?"),
        (["dummy.wait", "seconds=30", "steps=300", "--timeout", "0.3"], 7, "timeout"),
        (["dummy.die"], 15, "SIGKILL"),
        (["dummy.fail", "kind=bug"], 1, "log has it under"),
        (["dummy.size", "path=/none.wav"], 11, "none.wav"),
        (["dummy.size", "path="], 2, "path: ''; must be a path"),
    ],
)
def test_each_error_is_one_sentence_with_its_exit_code(
    run: Run, bus: BusProcess, words: list[str], code: int, said: str
) -> None:
    ran = run("call", *words, bus=bus)
    assert ran.code == code, ran.err
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1
    assert ran.out == ""


def test_no_daemon_is_exit_code_three_and_says_how_to_start_it(run: Run) -> None:
    ran = run("call", "bus.ping", "--set", f"bus.router={free_endpoint()}")
    assert ran.code == 3
    assert "dawg-ai serve" in ran.err


def test_the_wrong_port_is_exit_code_four(run: Run, bus: BusProcess) -> None:
    ran = run("call", "bus.ping", "--set", f"bus.router={bus.publisher}")
    assert ran.code == 4
    assert "router and publisher mixed up?" in ran.err


def test_the_bytes_of_a_result_are_written_whole_to_a_file(run: Run, bus: BusProcess, tmp_path: Path) -> None:
    target = tmp_path / "out.bin"
    target.write_bytes(b"before")
    target.chmod(0o600)
    (tmp_path / "link.bin").symlink_to(target)
    asked = ("call", "dummy.big", "megabytes=2", "-o", str(tmp_path / "link.bin"), "--json")
    ran = run(*asked, bus=bus)
    assert (ran.code, target.read_bytes()) == (18, b"before")
    assert "is there already; --force replaces it" in ran.err
    ran = run(*asked, "--force", bus=bus)
    assert ran.code == 0
    assert (tmp_path / "link.bin").is_symlink(), "it is the link's file that is replaced"
    assert target.stat().st_mode & 0o777 == 0o600
    assert target.read_bytes() == b"x" * 2_000_000
    assert "data: 2000000 bytes written" in ran.err
    assert json.loads(ran.out) == {}
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_result_without_a_file_is_said_to_have_none(run: Run, bus: BusProcess, tmp_path: Path) -> None:
    ran = run("call", "dummy.echo", "-o", str(tmp_path / "x.mid"), bus=bus)
    assert (ran.code, ran.out) == (18, "")
    assert "the result has no file" in ran.err


def test_a_target_that_cannot_be_written_is_said_before_the_work(run: Run, tmp_path: Path) -> None:
    ran = run("call", "dummy.big", "-o", str(tmp_path / "none" / "x.mid"))
    assert ran.code == 18
    assert "does not exist" in ran.err


def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    terminal.check_writable(tmp_path / "pipe", force=False)
    terminal.write_file(tmp_path / "pipe", b"x" * 100)
    assert os.read(reader, 1000) == b"x" * 100
    os.close(reader)
    assert (tmp_path / "pipe").is_fifo()


def test_a_file_that_cannot_be_replaced_is_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(terminal.OutputError):
        terminal.write_file(tmp_path / "folder", b"x")
    assert [path.name for path in tmp_path.iterdir() if "folder" in path.name] == ["folder"]


def test_a_reader_that_has_enough_ends_it_quietly(bus: BusProcess) -> None:
    with begun("call", "dummy.big", "megabytes=3", "--json", *at(bus)) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.wait(60) == 141
        assert process.stderr.read() == ""


@pytest.mark.slow
def test_ctrl_c_cancels_the_request(bus: BusProcess) -> None:
    with (
        begun("call", "dummy.wait", "seconds=60", "steps=1200", *at(bus)) as process,
        BlockingClient(bus.router) as client,
    ):
        while client.call("bus.status")["running"] == 0:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 130
        assert (out, err) == ("", "cancelled\n")
        # It says that it was cancelled before the worker has noticed.
        wait_until(lambda: client.call("bus.status")["jobs"] == [])


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_that_ends_the_command_cancels_the_request(bus: BusProcess, number: int, code: int) -> None:
    with (
        begun("call", "dummy.wait", "seconds=60", "steps=1200", *at(bus)) as process,
        BlockingClient(bus.router) as client,
    ):
        wait_until(lambda: client.call("bus.status")["running"] == 1)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        assert process.returncode == code
        assert (out, err) == ("", "cancelled\n")
        wait_until(lambda: client.call("bus.status")["jobs"] == [])


@pytest.mark.slow
def test_a_terminal_that_is_closed_cancels_the_request(bus: BusProcess) -> None:
    words = [*PROGRAM, "call", "dummy.wait", "seconds=60", "steps=1200", *at(bus)]
    # Makes the terminal its own, as a shell's is, and becomes the program.
    begin = (
        "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY); "
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    ours, theirs = pty.openpty()
    with (
        subprocess.Popen(
            [sys.executable, "-c", begin, *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm-256color"},
            start_new_session=True,
        ) as process,
        BlockingClient(bus.router) as client,
    ):
        os.close(theirs)
        wait_until(lambda: client.call("bus.status")["running"] == 1)
        os.close(ours)
        assert process.wait(60) == 129
        wait_until(lambda: client.call("bus.status")["jobs"] == [])


@pytest.mark.slow
def test_a_signal_that_is_ignored_stays_ignored(bus: BusProcess) -> None:
    words = [*PROGRAM, "call", "dummy.wait", "seconds=3", "steps=60", "--json", *at(bus)]
    with (
        subprocess.Popen(["nohup", *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process,
        BlockingClient(bus.router) as client,
    ):
        wait_until(lambda: client.call("bus.status")["running"] == 1)
        process.send_signal(signal.SIGHUP)
        out, _ = process.communicate(timeout=60)
        assert (process.returncode, json.loads(out)["value"]) == (0, "waited")


def on_a_terminal(words: list[str], **environment: str) -> tuple[str, str]:
    """Run with stderr on a terminal; returns what went to stdout, and to the terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, *words],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", **environment},
    )
    os.close(theirs)
    drawn = bytearray()
    while True:
        ready, _, _ = select.select([ours], [], [], 30)
        try:
            chunk = os.read(ours, 4096) if ready else b""
        except OSError:  # Linux's word for the end
            chunk = b""
        if not chunk:
            break
        drawn += chunk
    os.close(ours)
    out, _ = process.communicate(timeout=60)
    return out.decode(), drawn.decode()


@pytest.mark.slow
def test_a_progress_bar_is_drawn_on_a_terminal_and_only_there(bus: BusProcess) -> None:
    words = ["call", "dummy.wait", "seconds=1", "--json", *at(bus)]
    out, drawn = on_a_terminal(words)
    assert json.loads(out)["value"] == "waited"
    assert "dummy.wait" in drawn
    assert "━" in drawn
    assert "\x1b[" in drawn
    out, drawn = on_a_terminal([*words, "--no-progress"])
    assert json.loads(out)["value"] == "waited"
    assert drawn == ""


@pytest.mark.slow
def test_no_color_is_respected(bus: BusProcess) -> None:
    _, drawn = on_a_terminal(["call", "dummy.wait", "seconds=0.5", *at(bus)], NO_COLOR="1")
    assert "dummy.wait" in drawn
    assert "\x1b[3" not in drawn.replace("\x1b[?25", "")
