"""Loops whose length is known, and recordings that are none."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engines import analyze
from engines.analyze import beat_tracking, loops
from engines.analyze.bands import FRAME_RATE
from engines.analyze.bars import Bars
from engines.analyze.rhythm import NO_RHYTHM, Rhythm
from tests import signals


def rhythm(tempo: float, first: float = 0.0, meter: int = 4) -> Rhythm:
    beats = np.arange(first, 60.0, 60 / tempo)
    return replace(NO_RHYTHM, tempo=tempo, confidence=0.9, beats=beats, bars=Bars(meter, 0.9, 0))


@pytest.mark.parametrize(("bars", "bpm"), [(1, 128), (2, 120), (4, 90), (8, 140), (8, 100)])
def test_a_loop_has_its_bars(tmp_path: Path, bars: int, bpm: float) -> None:
    path = signals.write(tmp_path / "a.wav", signals.drum_loop(bpm, bars))
    for found in (analyze.tempo(path), analyze.beats(path), analyze.audio(path)):
        assert (found.loop_beats, found.loop_bars) == (4 * bars, bars)


def test_a_recording_that_is_cut_elsewhere_is_no_loop(tmp_path: Path) -> None:
    y = signals.drum_loop(120, 10)
    for seconds in (16.7, 18.9):
        found = analyze.tempo(signals.write(tmp_path / "a.wav", y[: round(seconds * signals.SR)]))
        assert (found.loop_beats, found.loop_bars) == (0, 0)


def test_a_loop_begins_on_a_beat() -> None:
    assert loops.loop_beats(rhythm(120), 16.0) == 32
    assert loops.loop_beats(rhythm(120, first=0.25), 16.0) == 0


def test_a_loop_is_so_many_bars_of_its_meter() -> None:
    assert loops.loop_beats(rhythm(120, meter=3), 24.0) == 48
    assert loops.loop_beats(rhythm(120, meter=3), 16.0) == 0
    assert loops.loop_bars(48, 3) == 16
    assert loops.loop_bars(2, 0) == 0.5


def test_what_has_no_beats_is_no_loop() -> None:
    assert loops.loop_beats(NO_RHYTHM, 8.0) == 0


def test_what_has_a_guessed_tempo_is_no_loop() -> None:
    assert loops.loop_beats(replace(rhythm(120), confidence=0.05), 16.0) == 0


def beginnings(times: signals.FloatArray, strength: float) -> signals.FloatArray:
    curve = np.zeros(round(4 * FRAME_RATE) + 1)
    curve[np.round(times * FRAME_RATE).astype(int)] = strength
    return curve


def test_a_loop_tracked_beside_the_cut_begins_with_it_if_something_is_played_on_the_beats() -> None:
    on_the_beat, between = 0.5 * np.arange(8), 0.5 * np.arange(8) + 0.25
    answers = beginnings(between, 1.0)
    grid = beat_tracking.loop_grid(answers + beginnings(on_the_beat, 0.5), between, 120.0, 4.0)
    assert grid is not None
    assert np.allclose(grid, on_the_beat)
    assert beat_tracking.loop_grid(answers, between, 120.0, 4.0) is None
    cut = beginnings(np.zeros(1), 1.0)
    assert beat_tracking.loop_grid(answers + cut, between, 120.0, 4.0) is None, "that is the cut, no beat"


@pytest.mark.parametrize("late", [-0.03, 0.0, 0.03])
def test_a_loop_has_as_many_beats_as_it_is_long_where_they_were_heard(late: float) -> None:
    grid = beat_tracking.loop_grid(np.zeros(400), 0.5 * np.arange(1, 8) + late, 120.0, 4.0)
    assert grid is not None
    assert np.allclose(grid, np.maximum(0, 0.5 * np.arange(8) + late))
