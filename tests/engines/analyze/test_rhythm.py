"""Tempo and beats on clicks and drums, where the truth is known to the sample."""

from pathlib import Path

import numpy as np
import pytest

from engines import analyze
from engines.analyze import beat_tracking
from engines.analyze.bands import FRAME_RATE
from engines.analyze.results import Beats
from tests import signals


def beats_of(path: Path, y: signals.FloatArray, sr: int = signals.SR) -> Beats:
    return analyze.beats(signals.write(path / "a.wav", y, sr))


def worst_distance(found: list[float], truth: signals.FloatArray) -> float:
    return float(max(np.abs(np.array(found) - t).min() for t in truth))


@pytest.mark.parametrize("bpm", [55, 60, 75.5, 90, 101.3, 120, 127.27, 140, 174])
def test_a_click_track_has_its_tempo_and_beats(tmp_path: Path, bpm: float) -> None:
    start = 0.31
    found = beats_of(tmp_path, signals.click_track(bpm, 30, start=start))
    assert found.tempo == pytest.approx(bpm, rel=1e-3)
    truth = signals.beat_times(bpm, 30, start)
    assert abs(found.beats - len(truth)) <= 1
    assert found.beats == len(found.beat_times)
    assert worst_distance(found.beat_times, truth) < 0.01


@pytest.mark.parametrize("bpm", [85, 110, 133.7, 170])
def test_drums_have_their_tempo_and_beats(tmp_path: Path, bpm: float) -> None:
    found = beats_of(tmp_path, signals.drum_loop(bpm, 8))
    assert found.tempo == pytest.approx(bpm, rel=1e-3)
    assert worst_distance(found.beat_times, np.arange(32) * 60 / bpm) < 0.01


@pytest.mark.parametrize("sr", [8000, 22050, 48000, 96000])
def test_a_sample_rate_does_not_move_beats(tmp_path: Path, sr: int) -> None:
    found = beats_of(tmp_path, signals.click_track(100, 20, sr, start=0.2), sr)
    assert found.tempo == pytest.approx(100, rel=1e-3)
    assert worst_distance(found.beat_times, signals.beat_times(100, 20, 0.2)) < 0.01


def test_beats_follow_a_tempo_that_drifts(tmp_path: Path) -> None:
    times = np.cumsum(60 / np.linspace(100, 112, 60))
    y = signals.mix_at(((t, signals.click()) for t in times), times[-1] + 0.5)
    found = beats_of(tmp_path, y)
    assert worst_distance(found.beat_times, times[2:-2]) < 0.03
    curve = [point.tempo for point in found.tempo_curve]
    assert len(curve) > 10
    assert curve[0] < 103
    assert curve[-1] > 110
    assert curve[1:-1] == sorted(curve[1:-1])


def test_a_steady_tempo_has_no_curve(tmp_path: Path) -> None:
    assert beats_of(tmp_path, signals.drum_loop(105, 10)).tempo_curve == []


def test_beat_times_increase_and_lie_in_the_recording(tmp_path: Path) -> None:
    found = beats_of(tmp_path, signals.drum_loop(97, 4))
    times = np.array(found.beat_times)
    assert (np.diff(times) > 0).all()
    assert times[0] >= 0
    assert times[-1] < found.duration


@pytest.mark.parametrize("y", [signals.drum_loop(120, 8), signals.noise(10)], ids=["drums", "noise"])
def test_no_alternative_is_likelier_than_the_tempo(tmp_path: Path, y: signals.FloatArray) -> None:
    found = beats_of(tmp_path, y)
    weights = [found.tempo_confidence, *(other.weight for other in found.tempo_alternatives)]
    assert weights == sorted(weights, reverse=True)
    assert sum(weights) <= 1


@pytest.mark.parametrize("at", [0.0, 2.5])
@pytest.mark.parametrize("seconds", [5.0, 20.0])
@pytest.mark.parametrize(
    "y",
    [signals.click(), signals.kick(), signals.snare(), signals.note(48, 2.0)],
    ids=["click", "kick", "snare", "note"],
)
def test_one_stroke_or_note_has_no_tempo(
    tmp_path: Path, y: signals.FloatArray, at: float, seconds: float
) -> None:
    found = beats_of(tmp_path, signals.mix_at([(at, y)], seconds))
    assert (found.tempo, found.beats, found.meter, found.loop_beats) == (0, 0, None, 0)


def test_half_the_tempo_is_an_alternative(tmp_path: Path) -> None:
    found = beats_of(tmp_path, signals.drum_loop(120, 8))
    assert any(other.tempo == pytest.approx(60, rel=0.02) for other in found.tempo_alternatives)


@pytest.mark.parametrize("y", [signals.silence(5), signals.tone(440, 5), signals.silence(1 / 44100)])
def test_what_has_no_onsets_has_no_beats(tmp_path: Path, y: signals.FloatArray) -> None:
    found = beats_of(tmp_path, y)
    assert (found.tempo, found.tempo_confidence, found.beats, found.beat_times) == (0, 0, 0, [])
    assert found.tempo_alternatives == []


def test_noise_has_a_lower_confidence_than_clicks(tmp_path: Path) -> None:
    hiss = beats_of(tmp_path, signals.noise(20))
    assert hiss.meter_confidence < 0.1
    noise = hiss.tempo_confidence
    clicks = beats_of(tmp_path, signals.click_track(120, 20)).tempo_confidence
    assert noise < 0.3 < clicks


def test_level_does_not_matter(tmp_path: Path) -> None:
    loud = beats_of(tmp_path, signals.drum_loop(120, 4))
    quiet = beats_of(tmp_path, signals.drum_loop(120, 4) * 0.03)
    assert quiet.tempo == pytest.approx(loud.tempo, rel=1e-3)


@pytest.mark.parametrize(("bpm", "seconds"), [(120, 60), (100, 30), (128, 45)])
def test_no_beat_stands_at_the_very_end(tmp_path: Path, bpm: float, seconds: float) -> None:
    found = beats_of(tmp_path, signals.click_track(bpm, seconds))
    assert found.beats == len(signals.beat_times(bpm, seconds))


@pytest.mark.parametrize("later", [0.85, 1.2])
def test_beats_follow_a_tempo_that_changes_at_once(tmp_path: Path, later: float) -> None:
    periods = np.repeat([0.5, 0.5 / later], 50)
    times = np.concatenate([[0.3], 0.3 + np.cumsum(periods)])
    y = signals.mix_at(((t, signals.click()) for t in times), times[-1] + 0.5)
    found = beats_of(tmp_path, y)
    assert np.mean([np.abs(np.array(found.beat_times) - t).min() < 0.05 for t in times]) > 0.9
    tempi = [point.tempo for point in found.tempo_curve]
    assert tempi[1] == pytest.approx(120, rel=0.02)
    assert tempi[-2] == pytest.approx(120 * later, rel=0.02)


def test_a_steady_tempo_is_followed_as_one() -> None:
    curve = np.zeros(8000)
    curve[::50] = 1.0
    bpm = 60 * FRAME_RATE / 50
    assert beat_tracking.local_period(curve, bpm) == pytest.approx(np.full(8000, 50))
    assert beat_tracking.local_period(curve[:500], bpm) == pytest.approx(np.full(500, 50))
    assert beat_tracking.local_period(np.zeros(8000), bpm) == pytest.approx(np.full(8000, 50))
