import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UNIT = ROOT / "systemd" / "dawg-ai.service"
# `systemd-analyze security` multiplies its exposure by ten here: 2.0.
THRESHOLD = 20

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here; .ci/run installs it"
)


def values(key: str) -> list[str]:
    """Return what a key of the unit is set to, each time it is."""
    return [
        value.strip()
        for name, _, value in (line.partition("=") for line in UNIT.read_text().splitlines())
        if name == key
    ]


@pytest.fixture
def rendered(tmp_path: Path) -> Path:
    """Install the unit as its first lines say, for this folder and this Python."""
    text = UNIT.read_text().replace("%h/Development/DAWG-AI/.venv/bin/python", sys.executable)
    path = tmp_path / UNIT.name
    path.write_text(text.replace("%h/Development/DAWG-AI", str(ROOT)))
    return path


def analyze(tmp_path: Path, *words: object) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    return subprocess.run(
        ["systemd-analyze", *map(str, words)],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@needs_systemd
def test_systemd_understands_every_line_of_it(rendered: Path, tmp_path: Path) -> None:
    done = analyze(tmp_path, "verify", "--user", "--man=no", rendered)
    # An unknown key is only a line on stderr: the status is 0.
    assert done.stderr == ""
    assert done.returncode == 0


@needs_systemd
def test_systemd_would_have_said_so_of_an_unknown_key(rendered: Path, tmp_path: Path) -> None:
    rendered.write_text(rendered.read_text().replace("UMask=", "Umask="))
    assert "Unknown key" in analyze(tmp_path, "verify", "--user", "--man=no", rendered).stderr


@needs_systemd
def test_its_exposure_is_2_or_better(rendered: Path, tmp_path: Path) -> None:
    done = analyze(tmp_path, "security", "--offline=true", "--no-pager", f"--threshold={THRESHOLD}", rendered)
    overall = done.stdout.splitlines()[-1] if done.stdout else done.stderr
    assert done.returncode == 0, overall
    found = re.search(r"Overall exposure level for dawg-ai.service: ([\d.]+)", done.stdout)
    assert found is not None
    assert float(found[1]) <= THRESHOLD / 10


def test_the_way_to_install_it_names_the_folder_it_replaces() -> None:
    head = UNIT.read_text().split("[Unit]")[0]
    assert 'sed "s|%h/Development/DAWG-AI|$PWD|g"' in head
    assert values("WorkingDirectory") == ["%h/Development/DAWG-AI"]


def test_it_starts_this_daemon_with_the_python_of_the_project() -> None:
    [command] = values("ExecStart")
    python, script = command.split()
    assert python == "%h/Development/DAWG-AI/.venv/bin/python"
    assert (ROOT / Path(script).name).is_file()


def test_the_manager_waits_for_ready_and_watches_the_loop() -> None:
    assert values("Type") == ["notify"]
    assert values("NotifyAccess") == ["main"]
    assert int(values("WatchdogSec")[0]) >= 5


def test_it_may_write_its_status_state_and_cache_and_nothing_else_at_home() -> None:
    assert values("ProtectHome") == ["read-only"]
    # The dash: a folder that is not there yet must not keep the service from starting.
    assert values("ReadWritePaths") == ["-%h/Development/status"]
    assert values("StateDirectory") == values("CacheDirectory") == ["dawg-ai"]
    hidden = values("InaccessiblePaths")[0].split()
    assert {"-%h/.ssh", "-%h/.gnupg"} <= set(hidden)
    assert not any("Music" in path for path in hidden)


def test_what_libzmq_and_numba_need_is_allowed() -> None:
    # libzmq aborts without AF_NETLINK (zeromq/libzmq#4737) and without the scheduling calls of @resources.
    assert "AF_NETLINK" in values("RestrictAddressFamilies")[0].split()
    assert values("SystemCallFilter") == ["@system-service", "~@privileged"]
    assert values("MemoryDenyWriteExecute") == []


def test_the_death_of_one_worker_does_not_stop_the_service() -> None:
    assert values("OOMPolicy") == ["continue"]
    assert values("KillMode") == ["mixed"]


def test_every_section_and_key_stands_once_where_lists_do_not_ask_for_more() -> None:
    lists = {"Environment", "SystemCallFilter"}
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNIT)
    assert parser.sections() == ["Unit", "Service", "Install"]
    keys = [line.partition("=")[0] for line in UNIT.read_text().splitlines() if re.match(r"[A-Z]\w+=", line)]
    assert [key for key in set(keys) if keys.count(key) > 1 and key not in lists] == []
