"""Pictures of recordings: that there is one of everything, under its headline and over its clock."""

import struct
import subprocess
import sys
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.offsetbox import AnchoredOffsetbox
from matplotlib.text import Text

from engines import analyze
from engines.analyze import headline, panels, picture
from engines.analyze.results import KeySection
from tests import signals
from tests.engines.analyze import drawn

SR = drawn.SR


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


def test_the_headline_says_what_was_found_and_dims_what_is_in_doubt(tmp_path: Path) -> None:
    found, heard = drawn.heard_of(tmp_path, signals.drum_loop(120, 2, SR))
    told = {text.get_text(): text for text in picture.figure_of(found, heard).findobj(Text)}
    for fact in headline.facts(found):
        assert fact.text in told
        assert fact.sure in told
        assert (told[fact.text].get_fontweight() == "bold") != fact.doubtful
    assert told[f"hardly a key, perhaps {found.key} {found.mode}"].get_color() == panels.FAINT
    assert "11.025 kHz, 1 channel" in told


def test_the_longest_headline_has_room(tmp_path: Path) -> None:
    found, heard = drawn.heard_of(tmp_path, signals.noise(1, SR))
    keys = [
        KeySection(0.0, 1.0, "C#", "minor"),
        KeySection(1.0, 2.0, "G#", "minor"),
        KeySection(2.0, 3.0, "D#", "minor"),
    ]
    loud = replace(found.loudness, integrated_lufs=-69.9, true_peak_dbtp=-69.9)
    figure = picture.figure_of(
        replace(
            found, duration=36000.0, tempo=188.88, tempo_confidence=0.0, key="C#", mode="minor",
            key_confidence=0.5, key_changes=keys, loudness=loud, sample_rate=11025.0, channels=16,
        ),
        heard,
    )  # fmt: skip
    figure.draw_without_rendering()
    (box,) = figure.findobj(AnchoredOffsetbox, include_self=False)
    (rate,) = figure.texts
    assert rate.get_text() == "11.025 kHz, 16 channels"
    assert not box.get_window_extent().overlaps(rate.get_window_extent())
    assert box.get_window_extent().y0 > figure.axes[0].get_window_extent().y1


@pytest.mark.parametrize(
    ("seconds", "labels"),
    [
        (0.05, ["0 ms", "8 ms", "16 ms"]),
        (0.5, ["0:00.0", "0:00.1", "0:00.2"]),
        (10.0, ["0:00", "0:01", "0:02"]),
        (600.0, ["0:00", "1:00", "2:00"]),
        (43200.0, ["0:00", "1:00:00", "2:00:00"]),
    ],
)
def test_time_is_told_below_the_last_panel_alone(tmp_path: Path, seconds: float, labels: list[str]) -> None:
    found, heard = drawn.heard_of(tmp_path, signals.silence(0.1, SR))
    figure = picture.figure_of(replace(found, duration=seconds), heard)
    figure.draw_without_rendering()
    told = [label.get_text() for label in figure.axes[-1].get_xticklabels() if label.get_visible()]
    assert told[:3] == labels
    assert len(told) <= picture.MOST_TICKS + 1
    for axes in figure.axes[:-1]:
        assert not any(tick.label1.get_visible() for tick in axes.xaxis.get_major_ticks())
