"""The clients that bus/README.md begins with do what it says, in Python and in C++."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus import errors, publisher
from tests.running_daemon import ROOT, RunningDaemon, running

TEXT = (ROOT / "bus" / "README.md").read_text()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with running(tmp_path_factory.mktemp("home"), "http.enabled=false") as daemon:
        yield daemon


def code(language: str, daemon: RunningDaemon) -> str:
    found = re.search(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    assert found is not None
    return found[1].replace("tcp://127.0.0.1:9001", daemon.ready["router"])


def test_the_ten_lines_of_python_are_answered(daemon: RunningDaemon) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code("python", daemon)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "'payload': 'hello'" in done.stdout, done.stderr


@pytest.mark.timeout(400)
def test_the_cpp_client_compiles_and_is_answered(daemon: RunningDaemon, tmp_path: Path) -> None:
    if shutil.which("g++") is None or not Path("/usr/include/msgpack.hpp").exists():
        pytest.skip("needs g++, libzmq3-dev, cppzmq-dev and libmsgpack-cxx-dev; .ci/run installs them")
    source = tmp_path / "client.cpp"
    source.write_text(code("cpp", daemon))
    binary = tmp_path / "client"
    flags = ["-std=c++17", "-DMSGPACK_NO_BOOST", "-Wall", "-Wextra", "-Werror"]
    subprocess.run(["g++", *flags, str(source), "-lzmq", "-o", str(binary)], check=True, timeout=300)
    done = subprocess.run([str(binary)], capture_output=True, text=True, timeout=60, check=False)
    assert '"payload":"hello"' in done.stdout.replace(" ", ""), done.stdout + done.stderr


@pytest.mark.parametrize("error", errors.BusError.__subclasses__(), ids=lambda error: str(error.__name__))
def test_every_error_is_in_the_table_with_its_http_status(error: type[errors.BusError]) -> None:
    retryable = "yes" if error.retryable else "no"
    assert f"| `{error.code}` | {error.http_status} | {retryable} |" in TEXT


def test_every_topic_is_in_the_table() -> None:
    for topic in (publisher.HEARTBEAT, publisher.STATUS, "job/<op>/<id>/state/", "job/<op>/<id>/progress/"):
        assert f"| `{topic}` |" in TEXT
