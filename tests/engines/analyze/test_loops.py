"""Loops whose length is known, and recordings that are none."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engines import analyze
from engines.analyze import loops
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
