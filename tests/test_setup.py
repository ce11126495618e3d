"""The set-up: what is pinned, under which licences, and that what runs is what is pinned.

`requirements.lock` is the required set, `requirements-dev.lock` what the checks need beside it.
"""

import importlib
import importlib.metadata
import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
REQUIRED = (ROOT / "requirements.lock").read_text()
DEVELOPMENT = (ROOT / "requirements-dev.lock").read_text()
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

# Packages that declare no licence in words a program can read, read by hand at these versions' own files.
READ_BY_HAND = {
    "basic-pitch": "Apache-2.0 (LICENSE)",
    "namex": "Apache-2.0 (licenses/LICENSE)",
}
# GPL and AGPL bind whoever passes the whole on. LGPL (soxr, libsndfile inside soundfile) and MPL (certifi,
# pathspec, the libzmq inside pyzmq) bind their own files only, which are used unchanged and can be exchanged.
# Compiled packages carry GCC's run-time libraries, whose GPL has the exception that lets anything be linked.
BINDING = re.compile(r"(?<![A-Za-z])A?GPL|(?<!Lesser )(?<!Library )General Public License", re.IGNORECASE)
EXEMPT = re.compile(
    r"A?GPL[-\w.+]* WITH GCC-exception[-\w.]*|GNU (Lesser|Library)[^;]*|LGPL[-\w.+]*", re.IGNORECASE
)


def entries(lock: str) -> list[Requirement]:
    """Parse the requirements of a lock, their hashes left out."""
    return [Requirement(line.rstrip(" \\")) for line in lock.splitlines() if line and line[0] not in "# "]


def wanted_here(lock: str) -> dict[str, str]:
    """Map name to version for what a lock wants on this platform and Python."""
    return {
        canonicalize_name(entry.name): str(entry.specifier).removeprefix("==")
        for entry in entries(lock)
        if entry.marker is None or entry.marker.evaluate()
    }


def declared_licence(name: str) -> str:
    """Join whatever a package says of its licence: expression, classifiers, the field's first line."""
    metadata = importlib.metadata.metadata(name)
    # Some put the whole text, with the licences of what they bundle, here: the first line is their own.
    fields = [text.strip().partition("\n")[0] for text in metadata.get_all("License") or []]
    classifiers = [text for text in metadata.get_all("Classifier") or [] if text.startswith("License ::")]
    said = [*(metadata.get_all("License-Expression") or []), *classifiers, *fields]
    return "; ".join(part for part in said if part not in {"", "UNKNOWN"})


def installer() -> ModuleType:
    """Load .ci/install.py, which is no package's module."""
    spec = importlib.util.spec_from_file_location("install", ROOT / ".ci" / "install.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("lock", [REQUIRED, DEVELOPMENT], ids=["required", "development"])
def test_every_line_of_a_lock_is_one_version_with_its_hashes(lock: str) -> None:
    blocks = re.split(r"\n(?=[a-z0-9])", lock)[1:]
    assert blocks
    for block in blocks:
        first, *rest = block.splitlines()
        assert re.fullmatch(r"[a-z0-9-]+==[\w.!+]+( ; .+)? \\", first), first
        hashes = [line for line in rest if "--hash" in line]
        assert hashes, first
        assert all(re.fullmatch(r" {4}--hash=sha256:[0-9a-f]{64}( \\)?", line) for line in hashes), first


@pytest.mark.parametrize("lock", [REQUIRED, DEVELOPMENT], ids=["required", "development"])
def test_a_lock_names_no_host(lock: str) -> None:
    assert "://" not in lock
    assert "@ " not in lock
    options = [line for line in lock.splitlines() if re.match(r"\s*--?(?!hash=)\w", line)]
    assert options == []


def test_every_dependency_of_the_project_is_locked() -> None:
    groups = PYPROJECT["dependency-groups"]
    required = {canonicalize_name(entry.name): entry for entry in entries(REQUIRED)}
    everything = required | {canonicalize_name(entry.name): entry for entry in entries(DEVELOPMENT)}
    for declared in [*PYPROJECT["project"]["dependencies"], *groups["models"], *groups["build"]]:
        assert canonicalize_name(Requirement(declared).name) in required, declared
    for declared in [*PYPROJECT["project"]["dependencies"], *(d for group in groups.values() for d in group)]:
        wanted = Requirement(declared)
        pinned = str(everything[canonicalize_name(wanted.name)].specifier).removeprefix("==")
        assert wanted.specifier.contains(pinned, prereleases=True), f"{declared} but {pinned}: make lock"


def test_what_is_installed_is_what_is_pinned() -> None:
    for name, version in (wanted_here(REQUIRED) | wanted_here(DEVELOPMENT)).items():
        assert importlib.metadata.version(name) == version, f"{name}: make setup"


def test_nothing_an_installed_package_needs_is_missing() -> None:
    pinned = wanted_here(REQUIRED) | wanted_here(DEVELOPMENT)
    # pyproject.toml says in their place what these need.
    excused = {entry["name"] for entry in PYPROJECT["tool"]["uv"]["dependency-metadata"]}
    for name in pinned.keys() - excused:
        for text in importlib.metadata.requires(name) or []:
            need = Requirement(text)
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                found = pinned.get(canonicalize_name(need.name))
                assert found is not None, f"{name} needs {need}"
                assert need.specifier.contains(found, prereleases=True), f"{name} needs {need}, not {found}"


@pytest.mark.parametrize("name", sorted(wanted_here(REQUIRED)))
def test_nothing_required_is_under_the_gpl(name: str) -> None:
    licence = READ_BY_HAND.get(name) or declared_licence(name)
    assert licence, f"{name} declares no licence: read its files, then add it to READ_BY_HAND"
    assert not BINDING.search(EXEMPT.sub("", licence)), f"{name}: {licence}"


@pytest.mark.parametrize(
    ("licence", "binds"),
    [
        ("GPL-3.0-or-later", True),
        ("AGPL-3.0-only", True),
        ("License :: OSI Approved :: GNU General Public License v3 (GPLv3)", True),
        ("License :: OSI Approved :: GNU Affero General Public License v3", True),
        ("MIT AND GPL-2.0-only", True),
        ("LGPL-2.1-or-later", False),
        ("License :: OSI Approved :: GNU Lesser General Public License v2 or later (LGPLv2+)", False),
        ("BSD-3-Clause AND GPL-3.0-or-later WITH GCC-exception-3.1", False),
        ("MIT", False),
    ],
)
def test_a_binding_licence_is_told_from_one_that_is_not(licence: str, binds: bool) -> None:
    assert bool(BINDING.search(EXEMPT.sub("", licence))) is binds


@pytest.mark.parametrize("name", ["daemon", "bus", "engines", "adapters"])
def test_the_modules_that_run_are_this_checkout_s(name: str) -> None:
    # Their names are common (python-daemon has a `daemon` too): what is imported must be what is edited.
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).is_relative_to(ROOT)
    assert ".venv" not in Path(spec.origin).relative_to(ROOT).parts


@pytest.mark.parametrize("version", [(3, 10), (3, 14), (2, 7)])
def test_another_python_is_refused_in_a_sentence(version: tuple[int, int]) -> None:
    install = installer()
    with pytest.raises(install.SetupError, match=r"does not fit: DAWG-AI needs 3\.11, 3\.12 or 3\.13"):
        install.refuse_other_pythons(version)


def test_the_pythons_set_up_takes_are_those_the_project_declares() -> None:
    install = installer()
    (oldest, newest) = install.OLDEST, install.NEWEST
    assert PYPROJECT["project"]["requires-python"] == f">=3.{oldest[1]},<3.{newest[1] + 1}"
    assert (
        f"(3, {oldest[1]}) <= sys.version_info[:2] < (3, {newest[1] + 1})" in (ROOT / "Makefile").read_text()
    )


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make, as setting up by hand does not")
def test_make_refuses_a_python_that_is_not_there() -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "setup", "PYTHON=/nowhere/python3.9"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "no usable Python at /nowhere/python3.9. DAWG-AI needs Python 3.11, 3.12 or 3.13" in done.stderr


def test_what_an_interruption_left_half_installed_is_found(tmp_path: Path) -> None:
    def package(name: str, *, record: str | None, metadata: bool = True) -> Path:
        folder = tmp_path / f"{name}-1.0.dist-info"
        folder.mkdir()
        if metadata:
            (folder / "METADATA").write_text(f"Name: {name}\n")
        if record is not None:
            (folder / "RECORD").write_text(record)
        return folder

    (tmp_path / "whole.py").touch()
    package("whole", record='whole.py,sha256=x,0\n"__pycache__/whole.cpython-311.pyc",,\n')
    broken = {
        package("no_record", record=None),
        package("no_metadata", record="", metadata=False),
        package("file_gone", record="file_gone.py,,\n"),
    }
    (tmp_path / "~umpy").mkdir()
    assert set(installer().half_installed(tmp_path)) == broken | {tmp_path / "~umpy"}


def test_what_no_lock_names_is_seen(tmp_path: Path) -> None:
    folder = tmp_path / "Some_Thing-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Name: Some_Thing\nVersion: 1.0\n")
    assert installer().installed(tmp_path) == {"some-thing"}
    assert installer().pins(REQUIRED) >= {"numpy", "magenta", "tensorflow"}


@pytest.mark.slow
@pytest.mark.timeout(400)  # tensorflow's first import on a cold disk
def test_magenta_and_what_it_stands_on_import_together() -> None:
    # In a process of its own: tensorflow stays out of this one, and reads its variables when it is imported.
    script = (
        "import os; os.environ.update(TF_USE_LEGACY_KERAS='1', TF_CPP_MIN_LOG_LEVEL='3');"
        "import magenta, note_seq, tensorflow, tf_keras;"
        "from magenta.models.drums_rnn import drums_rnn_sequence_generator;"
        "from magenta.models.improv_rnn import improv_rnn_sequence_generator;"
        "print(magenta.__version__)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == "2.1.4"
