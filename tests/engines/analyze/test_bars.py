"""Bars of drums and chords, whose first beats are known."""

from pathlib import Path

import numpy as np
import pytest

from engines import analyze
from engines.analyze import bars
from engines.analyze.bands import FRAME_RATE
from tests import signals

CHORDS = ["C:maj", "A:min", "F:maj", "G:maj"]


@pytest.mark.parametrize("beats_per_bar", [3, 4])
@pytest.mark.parametrize("upbeat", [0, 1, 2])
def test_bars_begin_where_drums_and_chords_say(tmp_path: Path, beats_per_bar: int, upbeat: int) -> None:
    bpm = 110
    beat = 60 / bpm
    music = signals.drum_loop(bpm, 12, beats_per_bar=beats_per_bar)
    chords = signals.progression(CHORDS * 3, beats_per_bar * beat)
    n = min(len(music), len(chords))
    y = 0.5 * (music[:n] + chords[:n])[round((beats_per_bar - upbeat) % beats_per_bar * beat * signals.SR) :]
    found = analyze.beats(signals.write(tmp_path / "a.wav", y))
    assert found.meter == f"{beats_per_bar}/4"
    truth = upbeat * beat + np.arange(1, 8) * beats_per_bar * beat
    distance = np.abs(np.array(found.downbeat_times)[:, None] - truth)
    assert distance.min(axis=0).max() < 0.07


@pytest.mark.parametrize("ternary", [True, False])
def test_beats_in_three_parts_are_told_from_those_in_two(ternary: bool) -> None:
    beats = np.arange(0.5, 20, 0.6)
    parts = (1 / 3, 2 / 3) if ternary else (1 / 2,)
    envelope = np.zeros((round(21 * FRAME_RATE), 4))
    for times in (beats, *(beats + 0.6 * part for part in parts)):
        envelope[np.round(times * FRAME_RATE).astype(int)] = 5
    assert (bars.thirds(envelope, beats) > bars.TERNARY) == ternary
    assert bars.Bars(2, 1.0, 0, ternary).name == ("6/8" if ternary else "2/4")
    assert bars.Bars(4, 1.0, 0, ternary).name == "4/4", "a swing is no compound meter"
    assert bars.Bars(0, 0.0, 0).name is None


def test_downbeats_are_beats(tmp_path: Path) -> None:
    found = analyze.beats(signals.write(tmp_path / "a.wav", signals.drum_loop(100, 8)))
    assert set(found.downbeat_times) <= set(found.beat_times)
    assert len(found.downbeat_times) >= len(found.beat_times) // 4


def test_a_few_beats_have_no_meter(tmp_path: Path) -> None:
    found = analyze.beats(signals.write(tmp_path / "a.wav", signals.click_track(120, 2.3)))
    assert found.meter is None
    assert found.downbeat_times == []


@pytest.mark.parametrize("n_bars", [1, 2, 4])
def test_a_loop_is_told_by_its_length(tmp_path: Path, n_bars: int) -> None:
    found = analyze.beats(signals.write(tmp_path / "a.wav", signals.drum_loop(128, n_bars)))
    assert found.tempo == pytest.approx(128, rel=1e-3)
    assert found.loop_beats == 4 * n_bars


def test_a_song_is_no_loop(tmp_path: Path) -> None:
    assert analyze.beats(signals.write(tmp_path / "a.wav", signals.drum_loop(120, 12))).loop_beats == 0


def test_every_reading_is_described() -> None:
    readings, features = bars.bar_features(np.random.default_rng(0).random((16, bars.N_MOMENT)), 0.0)
    assert readings == [(4, 0), (4, 1), (4, 2), (4, 3), (3, 0), (3, 1), (3, 2), (2, 0), (2, 1)]
    assert features.shape == (9, bars.N_BAR_FEATURES)
