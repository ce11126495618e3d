"""Forms that were put together on purpose."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from engines import analyze
from engines.analyze import section_finding
from engines.analyze.bands import N_BANDS
from engines.analyze.pitches import N_BINS, Pitches
from tests import signals

SR = 11025  # nothing here is heard above it
PARTS = {
    "A": ["C:maj", "A:min", "F:maj", "G:maj"],
    "B": ["E:min", "D:maj", "E:min", "B:min"],
    "C": ["F:min", "C#:maj", "D#:maj", "G#:maj"],
}


def song(form: str, up: int = 0) -> signals.FloatArray:
    """Make eight bars of 2 s for each letter, drums throughout; the last letter's `up` semitones higher."""
    pieces = []
    for i, letter in enumerate(form):
        labels = PARTS[letter]
        if up and i == len(form) - 1:
            labels = [
                f"{signals.PITCH_CLASSES[(signals.PITCH_CLASSES.index(root) + up) % 12]}:{quality}"
                for root, quality in (label.split(":") for label in labels)
            ]
        pieces.append(signals.progression(labels * 2, 2.0, SR))
    y = np.concatenate(pieces)
    return 0.5 * (y + np.resize(signals.drum_loop(120, 2, SR), len(y)))


def found(path: Path, y: signals.FloatArray) -> list[tuple[float, float, str]]:
    result = analyze.sections(signals.write(path / "a.wav", y, SR))
    return [(s.start, s.end, s.label) for s in result.sections]


@pytest.mark.parametrize("form", ["ABAB", "ABCAB"])
def test_a_form_is_found_with_its_repeats(tmp_path: Path, form: str) -> None:
    parts = found(tmp_path, song(form))
    assert "".join(label for *_, label in parts) == form
    assert [start for start, *_ in parts] == pytest.approx([16.0 * i for i in range(len(form))], abs=0.3)


def test_a_repeat_in_another_key_keeps_its_label(tmp_path: Path) -> None:
    assert [label for *_, label in found(tmp_path, song("ABA", up=2))] == ["A", "B", "A"]


def test_sections_cover_the_recording_and_neighbours_differ(tmp_path: Path) -> None:
    y = song("ABC")
    parts = found(tmp_path, y)
    assert parts[0][0] == 0
    assert parts[-1][1] == pytest.approx(len(y) / SR)
    for (_, end, label), (start, _, after) in pairwise(parts):
        assert end == start
        assert label != after


@pytest.mark.parametrize("bars", [2, 8, 32])
def test_a_loop_is_one_section_however_often_it_comes(tmp_path: Path, bars: int) -> None:
    y = 0.5 * np.resize(song("A")[: 8 * SR], 2 * bars * SR)
    assert found(tmp_path, y) == [(0.0, 2.0 * bars, "A")]


def test_silence_has_no_sections(tmp_path: Path) -> None:
    assert found(tmp_path, signals.silence(30, SR)) == []


def test_noise_is_one_section(tmp_path: Path) -> None:
    assert [label for *_, label in found(tmp_path, signals.noise(60, sr=SR))] == ["A"]


@pytest.mark.parametrize(
    "y",
    [signals.tone(440, 20, SR), signals.chord("A:min", 20, SR), signals.click_track(100, 60, SR)],
    ids=["tone", "chord", "metronome"],
)
def test_what_sounds_the_same_throughout_is_one_section(tmp_path: Path, y: signals.FloatArray) -> None:
    assert [label for _, _, label in found(tmp_path, y)] == ["A"]


def test_without_bars_sections_are_still_found() -> None:
    # Two pads, and no beat in them.
    bands = np.ones((round(86.13 * 80), N_BANDS), np.float32)
    bands[len(bands) // 2 :, 18:] = 0.05
    strength = np.zeros((round(10.77 * 80), N_BINS), np.float32)
    strength[: len(strength) // 2, 40:60:7] = 1
    strength[len(strength) // 2 :, 43:70:7] = 1
    parts = section_finding.find_sections(Pitches(strength, 0.0, 1.0), bands, np.zeros(0), 80.0)
    assert [s.label for s in parts] == ["A", "B"]
    assert parts[1].start == pytest.approx(40, abs=2)


def test_a_day_of_bars_stays_a_bounded_number_of_cells() -> None:
    edges, bars = section_finding.cell_edges(np.arange(0, 86400, 2.0), 86400.0)
    assert len(edges) - 1 <= section_finding.MOST_CELLS
    assert np.diff(edges).min() > bars


def test_labels_go_on_after_z() -> None:
    assert [section_finding.letters(i) for i in (0, 25, 26, 27, 52, 702)] == [
        "A",
        "Z",
        "AA",
        "AB",
        "BA",
        "AAA",
    ]
