"""Bring a virtual environment in line with the lock files: exactly the pinned packages, and this project.

    python .ci/install.py [.venv]

`make setup` calls it with a Python that fits; where there is no make (Windows) it is called by hand.
Standard library only, since nothing is installed yet. Does nothing when nothing changed; can be interrupted
anywhere and called again; repairs what an interruption left half installed; removes what no lock names.
"""

import csv
import hashlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock")
OLDEST, NEWEST = (3, 11), (3, 13)  # as requires-python in pyproject.toml says, which needs 3.11 to be read
PROJECT = "dawg-ai"


class SetupError(Exception):
    """Setting up cannot go on; the message says what the person at the machine can do."""


def main(arguments: list[str]) -> int:
    """Set up the environment named on the command line and return the exit status."""
    environment = ROOT / (arguments[0] if arguments else ".venv")
    try:
        refuse_other_pythons(sys.version_info[:2])
        hold_alone()
        set_up(environment)
    except SetupError as error:
        sys.stdout.flush()
        print(f"setup: {error}", file=sys.stderr)
        return 1
    return 0


def refuse_other_pythons(version: tuple[int, int]) -> None:
    """Say in a sentence what would otherwise be a page of errors from pip."""
    if not OLDEST <= version <= NEWEST:
        raise SetupError(f"Python {version[0]}.{version[1]} does not fit: DAWG-AI needs 3.11, 3.12 or 3.13.")


def hold_alone() -> None:
    """Wait until no other set-up works in this checkout; held until this process ends."""
    if sys.platform != "win32":
        import fcntl  # noqa: PLC0415  - not there on Windows

        # The directory itself is locked, so that no lock file is left lying about.
        fcntl.flock(os.open(ROOT, os.O_RDONLY), fcntl.LOCK_EX)


def set_up(environment: Path) -> None:
    """Make `environment` hold the pinned set, or find that it does."""
    stamp = environment / "dawg-ai.stamp"
    python = environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    wanted = fingerprint()
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    begun = time.monotonic()
    # First out, last in: an environment that was being changed is never taken for a finished one.
    stamp.unlink(missing_ok=True)
    if not usable(python):
        create(environment, python)
    site = Path(output(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"))
    for leftover in half_installed(site):
        shutil.rmtree(leftover)
    pinned = pins("".join((ROOT / name).read_text() for name in LOCKS))
    size = "" if PROJECT in installed(site) else " (0.6 GB to fetch, 2.6 GB on disk, some minutes)"
    print(f"setup: the pinned packages into {environment}{size}", flush=True)
    options = ["--no-deps", "--disable-pip-version-check", "--no-input", "--quiet"]
    locks = [part for name in LOCKS for part in ("-r", str(ROOT / name))]
    pip(python, "install", *options, "--require-hashes", "--only-binary", ":all:", *locks)
    unasked = sorted(installed(site) - pinned - {"pip", PROJECT})
    if unasked:
        print(f"setup: no lock names {', '.join(unasked)}: removed", flush=True)
        pip(python, "uninstall", "--quiet", "--yes", "--disable-pip-version-check", *unasked)
    # Built with the pinned hatchling that was just installed, from nothing but this folder.
    pip(python, "install", *options, "--no-index", "--no-build-isolation", "--editable", str(ROOT))
    temporary = stamp.with_suffix(".new")
    temporary.write_text(wanted)
    temporary.replace(stamp)
    print(f"setup: done in {time.monotonic() - begun:.0f} s", flush=True)


def fingerprint() -> str:
    """Digest whatever decides what has to be in the environment: place, Python, pins, project."""
    digest = hashlib.sha256()
    place = (
        f"{ROOT}\n{sys.version_info[:2]}\n"  # the place, since scripts in an environment hold its full path
    )
    digest.update(place.encode())
    for name in (*LOCKS, "pyproject.toml", ".ci/install.py"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def usable(python: Path) -> bool:
    """Tell whether the environment's Python runs, fits, has pip, and was not moved here."""
    fits = f"import sys; assert sys.version_info[:2] == {tuple(sys.version_info[:2])}"
    has_pip = f"{fits}; import pip._internal.cli.main"
    get_pip = f"{fits}; import ensurepip; ensurepip.bootstrap()"  # uv makes environments without it
    try:
        if not runs(python, has_pip) and not (runs(python, get_pip) and runs(python, has_pip)):
            return False
        # Every script in an environment begins with the full path of its Python.
        return str(python.parent).encode() in next(python.parent.glob("pip3*")).read_bytes()
    except (OSError, StopIteration):
        return False


def runs(python: Path, code: str) -> bool:
    """Tell whether `code` runs to its end in the environment's Python."""
    return subprocess.run([python, "-I", "-c", code], capture_output=True, check=False).returncode == 0


def create(environment: Path, python: Path) -> None:
    """Make a new environment, in place of whatever stands there."""
    # From inside an environment that is no good any more, the Python it was made from.
    base = str(getattr(sys, "_base_executable", None) or sys.executable)
    if environment.exists():
        print(f"setup: {environment} does not fit or is damaged; making it anew", flush=True)
    done = subprocess.run(
        [base, "-m", "venv", "--clear", environment], capture_output=True, text=True, check=False
    )
    if done.returncode or not usable(python):
        said = (done.stderr or done.stdout).strip()
        raise SetupError(
            f"{base} could not make {environment}: {said}\n"
            "Debian and Ubuntu keep the venv module apart: apt install python3-venv"
        )


def half_installed(site: Path) -> list[Path]:
    """List what an interrupted pip left in `site`: its temporary folders, records that do not hold.

    pip takes a package for installed once its METADATA is there; its RECORD, written last, names every file.
    Without its metadata a package is installed again, over what is there.
    """
    leftovers = list(site.glob("~*"))
    for folder in site.glob("*.dist-info"):
        record = folder / "RECORD"
        if not record.exists() or not (folder / "METADATA").exists():
            leftovers.append(folder)
            continue
        with record.open(newline="", encoding="utf-8") as lines:
            names = [row[0] for row in csv.reader(lines) if row]
        # Compiled files come and go with the Python that runs them.
        if any(not (site / name).exists() for name in names if not name.endswith(".pyc")):
            leftovers.append(folder)
    return [leftover for leftover in leftovers if leftover.is_dir()]


def pins(lock: str) -> set[str]:
    """Names in the text of a lock file, whatever platform their line is for."""
    return set(re.findall(r"^([a-z0-9-]+)==", lock, flags=re.MULTILINE))


def installed(site: Path) -> set[str]:
    """Names of what is installed in `site`, spelled as a lock spells them."""
    distributions = importlib.metadata.distributions(path=[str(site)])
    return {re.sub(r"[-_.]+", "-", distribution.metadata["Name"]).lower() for distribution in distributions}


def pip(python: Path, *arguments: str) -> None:
    """Run the environment's pip; what it says goes to the terminal."""
    # -I and PIP_USER: neither PYTHONPATH nor a user's own site-packages has a say in what goes where.
    done = subprocess.run(
        [python, "-I", "-m", "pip", *arguments], env={**os.environ, "PIP_USER": "0"}, check=False
    )
    if done.returncode:
        raise SetupError(
            f"pip {arguments[0]} failed (exit status {done.returncode}; what it said is above). "
            "Once the cause is mended, the same command goes on from here."
        )


def output(python: Path, *arguments: str) -> str:
    """Return what the environment's Python prints."""
    return subprocess.run([python, *arguments], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
