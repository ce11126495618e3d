"""Seconds and quarter notes, there and back."""

from pathlib import Path

import numpy as np
import pytest

from engines import _notes
from engines._units import silent
from engines.analyze.results import Beats
from engines.transcribe import timeline
from tests import signals


def quarters_a_bar(line: timeline.Timeline) -> float:
    _, numerator, denominator = line.signatures[-1]
    return 4 * numerator / denominator


def test_a_steady_tempo_is_one_tempo_from_the_start() -> None:
    line = timeline.steady(90.0)
    assert line.tempi == ((0.0, 90.0),)
    assert line.to_quarters(2.0) == pytest.approx(3.0)
    assert line.to_seconds(3.0) == pytest.approx(2.0)


def test_even_beats_are_a_steady_tempo_behind_a_pick_up() -> None:
    line = timeline.following(np.arange(0.3, 20, 0.5), 120.0, "3/4", upbeats=1)
    assert line.tempi == ((0.0, 120.0),)
    assert line.signatures == ((0.0, 13, 32), (1.625, 3, 4))  # 0.8 s, 1.6 quarters, to a 64th
    assert abs(line.grid_offset([], 0.25)) == pytest.approx(0.125)


def test_music_that_begins_with_a_bar_needs_no_pick_up() -> None:
    assert timeline.following(np.arange(0.005, 20, 0.5), 120.0).signatures == ((0.0, 4, 4),)
    assert timeline.following(np.arange(2.0, 20, 0.5), 120.0).signatures == ((0.0, 4, 4),)
    assert timeline.following(np.arange(2.0, 20, 0.5), 120.0, "3/4").signatures == ((0.0, 1, 4), (1.0, 3, 4))


def test_beats_of_six_eighths_are_dotted_quarters() -> None:
    line = timeline.following(np.arange(0.0, 20, 0.75), 80.0, "6/8")
    assert (line.tempo, line.tempi, line.signatures) == (120.0, ((0.0, 120.0),), ((0.0, 6, 8),))
    assert line.to_quarters(0.75) == pytest.approx(1.5)


@pytest.mark.parametrize("start", [0.0, 0.0005, 0.004, 0.02, 0.1, 0.2, 0.37, 0.9, 5.1])
@pytest.mark.parametrize("meter", ["4/4", "6/8"])
def test_drifting_beats_lie_in_bars_and_sound_where_they_were(start: float, meter: str) -> None:
    beats = start + np.cumsum(np.linspace(0.5, 0.6, 30)) - 0.5
    line = timeline.following(beats, 60 / 0.55, meter, upbeats=2)
    assert line.first_bar is not None
    in_bars = (line.to_quarters(beats[1:]) - line.first_bar) / timeline.COUNTED[meter]
    assert in_bars == pytest.approx(np.arange(-1, 28), abs=0.01)
    assert all(40 < bpm < 400 for _, bpm in line.tempi)
    score = _notes.Score((), tempi=line.tempi, signatures=line.signatures, quarters=100)
    assert [score.seconds(float(line.to_quarters(t))) for t in beats] == pytest.approx(beats.tolist())
    assert line.to_seconds(line.to_quarters(40.0)) == pytest.approx(40.0)
    pickup = line.signatures[-1][0]
    assert (line.first_bar - pickup) % quarters_a_bar(line) == pytest.approx(0.0)
    assert _notes.read(_notes.write(score)).signatures == line.signatures


def test_what_beats_are_rounded_to_is_no_change_of_tempo() -> None:
    frame = 0.0116
    beats = np.round(np.cumsum(np.linspace(0.5, 0.49, 60)) / frame) * frame
    bpm = np.array([tempo for _, tempo in timeline.following(beats, 120.0).tempi[1:]])
    assert np.abs(np.diff(bpm)).max() < 1.5
    assert np.abs(np.diff(60 / np.diff(beats))).max() > 2.5


@pytest.mark.parametrize(("confidence", "is_found"), [(0.0, False), (0.05, False), (0.4, True)])
def test_a_tempo_that_is_a_guess_is_none(confidence: float, is_found: bool) -> None:
    beats = np.arange(0, 10, 0.5).tolist()
    found = Beats(120.0, confidence, [], [], len(beats), beats, beats[2::3], "3/4", 0.9, [], 0, 0.0, 10.0)
    line = timeline.of_beats(found)
    assert (line is not None) == is_found
    if line is not None:
        assert line.signatures == ((0.0, 2, 4), (2.0, 3, 4))


def test_the_grid_lies_on_the_lines_of_the_file_where_notes_nearly_do() -> None:
    assert timeline.steady(60.0).grid_offset([0.01, 0.51, 1.02, 1.49], 0.5) == 0.0


def test_the_grid_lies_where_most_notes_start() -> None:
    starts = [0.05, 0.55, 1.05, 1.56, 2.04, 2.7]
    assert timeline.steady(60.0).grid_offset(starts, 0.5) == pytest.approx(0.05, abs=0.02)


def test_the_tempo_of_a_click_is_found(tmp_path: Path) -> None:
    path = signals.write(tmp_path / "click.wav", signals.click_track(120, 12))
    line = timeline.find(path, silent, 1.0)
    assert line is not None
    assert line.tempo == pytest.approx(120, rel=0.005)
    assert line.meter == "4/4"


def test_silence_has_no_tempo(tmp_path: Path) -> None:
    assert timeline.find(signals.write(tmp_path / "none.wav", signals.silence(3)), silent, 1.0) is None
