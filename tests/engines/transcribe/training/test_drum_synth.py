"""Presets become one-shots by their names; a program in LMMS's place plays what the project says."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from engines._audio import load
from engines.transcribe.training import drum_synth

# Plays a tone that starts with each clip, and may fall over when all is written.
LMMS = """#!{python}
import sys, xml.etree.ElementTree as tree
import numpy as np, soundfile
clips = tree.parse(sys.argv[3]).findall(".//sampletco")
y = np.zeros((88200 * (len(clips) + {more}), 2))
for clip in clips:
    at = int(clip.get("pos")) * 88200 // 192
    y[at : at + 4410] = 0.5 if "silent" not in clip.get("src") else 0.0
soundfile.write(sys.argv[5], y, 44100, subtype="FLOAT")
sys.exit({code})
"""


def presets(folder: Path) -> Path:
    for name in (
        "tr808/Kick",
        "tr808/Hat_o",
        "misc/Tom & 'Jerry'",
        "misc/silent_snare",
        "misc/tone",
        "misc_fx/kick",
    ):
        file = folder / f"{name}.ds"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("[General]")
    return folder


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, code: int, more: int) -> None:
    folder.mkdir()
    program = folder / "lmms"
    program.write_text(LMMS.format(python=sys.executable, code=code, more=more))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_a_project_plays_the_drums_two_seconds_apart(tmp_path: Path) -> None:
    files = drum_synth.drums(presets(tmp_path))
    assert [file.stem for file in files] == ["Tom & 'Jerry'", "silent_snare", "Hat_o", "Kick"]
    clips = ElementTree.fromstring(drum_synth.project(files)).findall(".//sampletco")  # noqa: S314 - our own
    assert [clip.get("src") for clip in clips] == [str(file) for file in files]
    assert [clip.get("pos") for clip in clips] == ["0", "192", "384", "576"]


@pytest.mark.parametrize("code", [0, 139])
def test_each_drum_that_sounds_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    install(tmp_path / "bin", monkeypatch, code, more=0)
    assert drum_synth.render(presets(tmp_path / "presets"), tmp_path / "out") == 3
    written = sorted((tmp_path / "out").iterdir())
    assert [file.name for file in written] == ["000 Tom & 'Jerry'.wav", "002 Hat_o.wav", "003 Kick.wav"]
    assert load(written[0])[0].shape[1] == 4410


def test_a_rendering_that_breaks_off_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path / "bin", monkeypatch, 139, more=-1)
    with pytest.raises(subprocess.CalledProcessError):
        drum_synth.render(presets(tmp_path / "presets"), tmp_path / "out")
