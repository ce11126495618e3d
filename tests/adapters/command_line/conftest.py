import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters import command_line
from adapters.settings import Config
from tests.bus_process import ROOT, BusProcess

PROGRAM = [sys.executable, str(ROOT / "daemon.py")]


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BusProcess]:
    with BusProcess(tmp_path_factory.mktemp("bus"), workers=2) as process:
        yield process


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the machine's own configuration and home out of it."""
    monkeypatch.delenv("DAWG_CONFIG", raising=False)
    for name, folder in (("HOME", "home"), ("XDG_CONFIG_HOME", "config")):
        (tmp_path / folder).mkdir()
        monkeypatch.setenv(name, str(tmp_path / folder))
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "NO_COLOR", "DAWG_SERVER_KEY", "DAWG_CLIENT_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "argv", ["dawg-ai"])


@pytest.fixture(autouse=True)
def last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the daemon's word on a deadline as long as a busy machine takes to bring it."""
    monkeypatch.setattr("bus.client.client._LAST_WORD_S", 60.0)


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process; `serve` only says that it was called."""

    def run(*words: str, bus: BusProcess | None = None) -> Ran:
        capsys.readouterr()
        code = command_line.run([*words, *at(bus)], beside=tmp_path, serve=serve)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    def serve(config: Config) -> int:
        print("serving", config.bus.router)
        return 0

    return run


def at(bus: BusProcess | None) -> list[str]:
    """Words that lead to a daemon."""
    if bus is None:
        return []
    settings = (f"bus.router={bus.router}", f"bus.publisher={bus.publisher}", "bus.heartbeat_s=0.2")
    return [word for setting in settings for word in ("--set", setting)]


@contextmanager
def begun(*words: str) -> Iterator["subprocess.Popen[str]"]:
    """Start the program in a process of its own, which does not outlive the block."""
    with subprocess.Popen(
        [*PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()
