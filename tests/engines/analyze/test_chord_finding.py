"""Chords whose names are known."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from engines import analyze
from engines.analyze.chord_finding import (
    CHANGE,
    CHANGE_AT_BAR,
    CHANGE_IN_BAR,
    best_chords,
    change_costs,
)
from tests import signals


def chords_of(path: Path, y: signals.FloatArray) -> list[tuple[float, float, str]]:
    found = analyze.chords(signals.write(path / "a.wav", y)).chords
    return [(c.start, c.end, c.label) for c in found]


def longest(found: list[tuple[float, float, str]]) -> str:
    return max(found, key=lambda c: c[1] - c[0])[2]


@pytest.mark.parametrize("quality", ["maj", "min"])
@pytest.mark.parametrize("root", signals.PITCH_CLASSES)
def test_a_triad_has_its_name(tmp_path: Path, root: str, quality: str) -> None:
    assert (
        longest(chords_of(tmp_path, signals.progression([f"{root}:{quality}"] * 3, 1.0)))
        == f"{root}:{quality}"
    )


@pytest.mark.parametrize("quality", ["7", "maj7", "min7"])
@pytest.mark.parametrize("root", signals.PITCH_CLASSES[::2])
def test_a_seventh_chord_has_its_name(tmp_path: Path, root: str, quality: str) -> None:
    found = chords_of(tmp_path, signals.progression([f"{root}:{quality}"] * 3, 1.0))
    assert longest(found) == f"{root}:{quality}"


def test_a_progression_is_followed_in_time(tmp_path: Path) -> None:
    labels = ["C:maj", "A:min", "F:maj", "G:maj", "E:min", "C:maj"]
    found = chords_of(tmp_path, signals.progression(labels, 2.0))
    for i, label in enumerate(labels):
        middle = 2.0 * i + 1.0
        assert next(name for a, b, name in found if a <= middle < b) == label


def test_chords_cover_the_recording_without_gaps(tmp_path: Path) -> None:
    y = signals.progression(["C:maj", "F:maj", "G:7", "C:maj"], 1.3)
    found = chords_of(tmp_path, y)
    assert found[0][0] == 0
    assert found[-1][1] == pytest.approx(len(y) / signals.SR)
    for (_, end, name), (start, _, after) in pairwise(found):
        assert end == start
        assert name != after


def test_silence_is_no_chord(tmp_path: Path) -> None:
    assert chords_of(tmp_path, signals.silence(3)) == [(0.0, 3.0, "N")]


def test_a_rest_is_no_chord(tmp_path: Path) -> None:
    y = np.concatenate([signals.chord("C:maj", 2.0), signals.silence(3), signals.chord("C:maj", 2.0)])
    assert "N" in {name for a, b, name in chords_of(tmp_path, y) if a < 4 < b or 3 < a < 4.5}


def test_a_change_costs_less_where_a_bar_begins() -> None:
    costs = change_costs(np.array([0.0, 0.5, 1.0, 1.51]), np.array([0.0, 1.5]))
    assert costs.tolist() == [CHANGE_AT_BAR, CHANGE_IN_BAR, CHANGE_IN_BAR, CHANGE_AT_BAR]
    assert change_costs(np.array([0.0, 0.5]), np.zeros(0)).tolist() == [CHANGE, CHANGE]


def test_a_chord_stays_unless_another_is_likelier_by_what_a_change_costs() -> None:
    likely = np.zeros((6, 3))
    likely[:3, 0] = likely[3:, 1] = 1.0
    likely[1, 2] = 1.5  # one beat of another chord is not worth two changes
    assert best_chords(likely, np.full(6, 1.0)) == [0, 0, 0, 1, 1, 1]
    assert best_chords(likely, np.full(6, 4.0)) == [0] * 6
    assert best_chords(likely, np.zeros(6)) == [0, 2, 0, 1, 1, 1]


@pytest.mark.parametrize(
    "y",
    [signals.noise(8), signals.drum_loop(120, 4), signals.tone(440, 4), 0.5 * signals.click_track(120, 8)],
    ids=["noise", "drums", "one tone", "clicks"],
)
def test_noise_drums_and_one_tone_are_no_chord(tmp_path: Path, y: signals.FloatArray) -> None:
    found = chords_of(tmp_path, y)
    assert sum(b - a for a, b, name in found if name == "N") > 0.9 * found[-1][1]


def test_two_notes_a_fifth_apart_are_a_chord(tmp_path: Path) -> None:
    y = signals.note(57, 4.0) + signals.note(64, 4.0)
    assert longest(chords_of(tmp_path, y)).startswith("A:")
