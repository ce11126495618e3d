"""Seconds and quarter notes, there and back."""

from pathlib import Path

import numpy as np
import pytest

from engines import _notes
from engines._units import silent
from engines.transcribe import timeline
from tests import signals


def test_a_steady_tempo_is_one_tempo_from_the_start() -> None:
    line = timeline.steady(90.0)
    assert line.tempi == ((0.0, 90.0),)
    assert line.to_quarters(2.0) == pytest.approx(3.0)
    assert line.to_seconds(3.0) == pytest.approx(2.0)


def test_even_beats_are_a_steady_tempo() -> None:
    line = timeline.following(np.arange(0.3, 20, 0.5), 120.0)
    assert line.tempi == ((0.0, 120.0),)
    assert line.grid_offset([], 0.25) == pytest.approx(0.1, abs=1e-6)  # 0.3 s is 0.6 quarters


def test_drifting_beats_become_quarter_notes_that_sound_where_they_were() -> None:
    beats = 0.4 + np.cumsum(np.linspace(0.5, 0.6, 30))
    line = timeline.following(beats, 60 / 0.55)
    score = _notes.Score((), tempi=line.tempi)
    quarters = line.to_quarters(beats)
    assert quarters == pytest.approx(np.round(quarters))
    assert [score.seconds(float(q)) for q in quarters] == pytest.approx(beats.tolist())
    assert line.to_seconds(line.to_quarters(40.0)) == pytest.approx(40.0)


def test_the_grid_lies_where_most_notes_start() -> None:
    starts = [0.05, 0.55, 1.05, 1.56, 2.04, 2.7]
    assert timeline.steady(60.0).grid_offset(starts, 0.5) == pytest.approx(0.05, abs=0.02)


def test_the_tempo_of_a_click_is_found(tmp_path: Path) -> None:
    path = signals.write(tmp_path / "click.wav", signals.click_track(120, 12))
    line = timeline.find(path, silent, 1.0)
    assert line is not None
    assert line.tempo == pytest.approx(120, rel=0.005)


def test_silence_has_no_tempo(tmp_path: Path) -> None:
    assert timeline.find(signals.write(tmp_path / "none.wav", signals.silence(3)), silent, 1.0) is None
