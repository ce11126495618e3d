"""Pictures of recordings: that there is one of everything, and that what it shows is there."""

import struct
import subprocess
import sys
from base64 import b64decode
from pathlib import Path

import numpy as np
import pytest

from engines import analyze
from engines.analyze import picture
from tests import signals

SR = 11025


def image_of(path: Path, y: signals.FloatArray) -> bytes:
    text = analyze.audio(signals.write(path / "a.wav", y, SR), True).image_base64
    assert text is not None
    return b64decode(text)


@pytest.mark.parametrize(
    "y",
    [
        np.zeros(1, np.float32),
        np.ones(1, np.float32),
        signals.silence(3, SR),
        signals.noise(0.2, SR),
        signals.tone(440, 5, SR),
        signals.drum_loop(120, 2, SR),
        signals.stereo(signals.cadence("A minor", times=1, sr=SR)),
        np.concatenate([signals.cadence(key, times=4, sr=SR) for key in ("C major", "D# major", "A major")]),
    ],
    ids=["one_zero", "one_sample", "silence", "short", "tone", "loop", "stereo", "keys"],
)
def test_everything_has_a_picture_of_the_documented_size(tmp_path: Path, y: signals.FloatArray) -> None:
    data = image_of(tmp_path, y)
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", data[16:24]) == (1600, 1000)


def test_the_same_recording_has_the_same_picture(tmp_path: Path) -> None:
    y = signals.drum_loop(120, 2, SR)
    assert image_of(tmp_path, y) == image_of(tmp_path, y)


def test_without_being_asked_for_nothing_is_drawn(tmp_path: Path) -> None:
    path = signals.write(tmp_path / "a.wav", signals.noise(0.2, SR), SR)
    code = (
        "import sys, pathlib; from engines import analyze; analyze.warm_up(); "
        "found = analyze.audio(pathlib.Path(sys.argv[1])); "
        "sys.exit(found.image_base64 is not None or 'matplotlib' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, path], check=True)


def test_drawing_leaves_no_figure_behind(tmp_path: Path) -> None:
    path = signals.write(tmp_path / "a.wav", signals.noise(0.2, SR), SR)
    code = (
        "import sys, pathlib; from engines import analyze; "
        "analyze.audio(pathlib.Path(sys.argv[1]), True); "
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, path], check=True)


def test_the_picture_changes_no_other_answer(tmp_path: Path) -> None:
    path = signals.write(tmp_path / "a.wav", signals.drum_loop(120, 2, SR), SR)
    plain, drawn = analyze.audio(path), analyze.audio(path, True)
    assert {**vars(drawn), "image_base64": None} == vars(plain)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (754, "12:34"), (3723, "1:02:03")]
)
def test_times_are_written_as_clocks(seconds: float, text: str) -> None:
    assert picture.clock(seconds) == text
