import plistlib
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLIST = ROOT / "systemd" / "com.dawg.ai.plist"

# launchd.plist(5), as far as this file uses it: launchd itself ignores a key it does not know in silence.
KEYS: dict[str, type] = {
    "Label": str,
    "ProgramArguments": list,
    "WorkingDirectory": str,
    "EnvironmentVariables": dict,
    "RunAtLoad": bool,
    "KeepAlive": dict,
    "ThrottleInterval": int,
    "ExitTimeOut": int,
    "ProcessType": str,
    "Umask": int,
    "SoftResourceLimits": dict,
    "StandardOutPath": str,
    "StandardErrorPath": str,
}
KEEP_ALIVE = {"SuccessfulExit", "Crashed", "PathState", "OtherJobEnabled"}
LIMITS = {"Core", "CPU", "Data", "FileSize", "MemoryLock", "NumberOfFiles", "NumberOfProcesses", "Stack"}
PROCESS_TYPES = {"Background", "Standard", "Adaptive", "Interactive"}


def faults(data: bytes, name: str) -> list[str]:
    """Return what launchd would not understand in a property list."""
    plist = plistlib.loads(data, fmt=plistlib.FMT_XML)
    found = [f"unknown key {key}" for key in plist.keys() - KEYS.keys()]
    found += [
        f"{key} is a {type(value).__name__}"
        for key, value in plist.items()
        if key in KEYS and type(value) is not KEYS[key]
    ]
    if f"{plist.get('Label')}.plist" != name:
        found.append("the label is not the file's name")
    if plist.get("ProcessType") not in PROCESS_TYPES:
        found.append("unknown process type")
    found += [f"unknown KeepAlive {key}" for key in plist.get("KeepAlive", {}).keys() - KEEP_ALIVE]
    found += [f"unknown limit {key}" for key in plist.get("SoftResourceLimits", {}).keys() - LIMITS]
    found += [f"{text!r} is not a whole path" for text in paths(plist) if not re.fullmatch(r"/[^~$@]+", text)]
    return found


def paths(plist: dict[str, Any]) -> list[str]:
    keys = ("WorkingDirectory", "StandardOutPath", "StandardErrorPath")
    return [*plist.get("ProgramArguments", []), *(plist[key] for key in keys if key in plist)]


def rendered() -> bytes:
    """Fill the folders in, as the file's first lines say."""
    text = PLIST.read_text()
    return text.replace("@PROJECT@", str(ROOT)).replace("@HOME@", "/Users/somebody").encode()


def test_launchd_understands_every_key_of_it() -> None:
    assert faults(rendered(), PLIST.name) == []


def test_it_starts_this_daemon_with_the_python_of_the_project() -> None:
    python, script = plistlib.loads(rendered())["ProgramArguments"]
    assert python == str(ROOT / ".venv/bin/python")
    assert Path(script).is_file()


def test_it_is_started_again_after_a_failure_and_not_after_a_clean_stop() -> None:
    assert plistlib.loads(rendered())["KeepAlive"] == {"SuccessfulExit": False}


def test_its_files_are_the_users_alone() -> None:
    assert plistlib.loads(rendered())["Umask"] == 0o077


def test_the_way_to_install_it_fills_in_every_mark() -> None:
    head, body = PLIST.read_text().split("<plist", 1)
    marks = set(re.findall(r"@[A-Z]+@", body))
    assert marks == {"@PROJECT@", "@HOME@"}
    assert all(f"s|{mark}|" in head for mark in marks)
    assert " --" not in head.split("<!--")[1].split("-->")[0], (
        "a double hyphen may not stand in an XML comment"
    )


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (b"RunAtLoad", b"RunAtStart", "unknown key RunAtStart"),
        (b"<integer>10</integer>", b"<string>10</string>", "ThrottleInterval is a str"),
        (b"SuccessfulExit", b"Successful", "unknown KeepAlive Successful"),
        (b"<string>Adaptive</string>", b"<string>Nice</string>", "unknown process type"),
        (b"/Users/somebody/Library/Logs/DAWG-AI/daemon.log", b"~/daemon.log", "'~/daemon.log' is not a whole path"),  # noqa: E501
    ],
)  # fmt: skip
def test_what_it_would_not_understand_is_found(old: bytes, new: bytes, fault: str) -> None:
    assert faults(rendered().replace(old, new), PLIST.name) == [fault]


def test_as_it_lies_in_the_project_it_is_not_ready_to_be_loaded() -> None:
    assert any("@PROJECT@" in fault for fault in faults(PLIST.read_bytes(), PLIST.name))
