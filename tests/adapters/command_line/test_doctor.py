import json
import shutil
import socket
from collections import namedtuple
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import zmq

from adapters.command_line import checks
from tests.bus_process import BusProcess, free_endpoint, free_port

Run = Callable[..., Any]
Found = dict[str, dict[str, str]]


def looked(run: Run, *words: str, bus: BusProcess | None = None) -> tuple[int, Found]:
    ran = run("doctor", "--json", "--set", f"http.port={free_port()}", *words, bus=bus)
    answer = json.loads(ran.out)
    assert answer["ok"] == (ran.code == 0)
    return ran.code, {check["name"]: check for check in answer["checks"]}


def nowhere() -> list[str]:
    return ["--set", f"bus.router={free_endpoint()}", "--set", f"bus.publisher={free_endpoint()}"]


def test_all_is_well_with_a_daemon_that_runs(run: Run, bus: BusProcess) -> None:
    code, found = looked(run, "--set", "http.enabled=false", bus=bus)
    faults = [check for check in found.values() if check["state"] == "fault"]
    assert (code, faults) == (0, [])
    assert "version" in found["daemon"]["said"]
    assert found["engine dummy"]["said"].startswith("serving")
    assert "heartbeat" in found["events"]["said"]


def test_a_daemon_that_does_not_run_is_a_fault_with_its_remedy(run: Run) -> None:
    code, found = looked(run, *nowhere())
    assert code == 1
    assert "not running" in found["daemon"]["said"]
    assert "dawg-ai serve" in found["daemon"]["remedy"]
    assert found["events"]["state"] == "fine"
    assert found["http"]["said"].endswith("free")


@pytest.mark.slow
def test_who_took_the_ports_is_said(run: Run) -> None:
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as one,
        closing(socket.create_server(("127.0.0.1", 0))) as two,
    ):
        _, found = looked(
            run,
            "--set",
            f"bus.router=tcp://127.0.0.1:{one.getsockname()[1]}",
            "--set",
            f"bus.publisher=tcp://127.0.0.1:{two.getsockname()[1]}",
            "--set",
            f"http.port={two.getsockname()[1]}",
        )
    for name in ("daemon", "events"):
        assert found[name]["state"] == "fault"
        assert "pytest" in found[name]["said"]
    assert found["http"]["state"] == "fault"


def test_a_wrong_key_is_no_other_program(run: Run, bus: BusProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAWG_SERVER_KEY", zmq.curve_keypair()[0].decode())
    code, found = looked(run, bus=bus)
    assert code == 1
    for name in ("daemon", "events"):
        assert found[name]["state"] == "fault"
        assert "taken" not in found[name]["said"]
        assert "bus.curve" in found[name]["remedy"]


def test_a_wrong_configuration_is_a_fault_and_the_rest_is_looked_at(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[bus]\nroutr = 1\n")
    code, found = looked(run, *nowhere())
    assert code == 1
    assert "did you mean router?" in found["configuration"]["said"]
    assert "paths.state" in found


def test_folders_that_cannot_serve_are_faults(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    _, found = looked(
        run,
        *nowhere(),
        "--set",
        f"paths.state={tmp_path}/file/state",
        "--set",
        f"paths.cache={tmp_path}",
        "--set",
        f"paths.audio_roots=['{tmp_path}/none']",
    )
    assert found["paths.state"]["state"] == "fault"
    assert found["paths.cache"]["state"] == "fine"
    assert found["paths.audio_roots[0]"]["state"] == "fault"
    assert found["paths.projects"]["state"] == "note"


def test_a_full_disk_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1, 1, 1_000_000))
    assert checks._written("paths.cache", tmp_path).said.endswith("the disk has 1 MB left")


def test_missing_and_other_packages_are_named(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    assert checks.packages(tmp_path).state == "note"
    lock.write_text(
        "no-such-package==1.0 \\\n    --hash=sha256:00\nelsewhere==1 ; sys_platform == 'win32' \\\n"
    )
    found = checks.packages(tmp_path)
    assert (found.state, found.said) == ("fault", "not installed: no-such-package")
    lock.write_text("pyzmq==0.1 \\\n    --hash=sha256:00\n")
    assert "pyzmq" in checks.packages(tmp_path).said
    assert checks.packages(tmp_path).state == "note"


def test_people_are_told_in_lines(run: Run) -> None:
    ran = run("doctor", *nowhere())
    assert ran.code == 1
    assert "FAULT  daemon:" in ran.out
    assert "-> start it: dawg-ai serve" in ran.out
    assert ran.out.splitlines()[-1].endswith(("fault", "faults"))
