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


@pytest.mark.parametrize(
    ("parts", "ternary"),
    [
        ((1 / 3, 2 / 3), True),
        ((2 / 3,), True),
        ((1 / 2,), False),
        ((1 / 4, 1 / 2, 3 / 4), False),
        ((), False),
    ],
)
def test_beats_in_three_parts_are_told_from_those_in_two(parts: tuple[float, ...], ternary: bool) -> None:
    beats = np.arange(0.5, 20, 0.6)
    envelope = np.zeros((round(21 * FRAME_RATE), 4))
    for times in (beats, *(beats + 0.6 * part for part in parts)):
        envelope[np.round(times * FRAME_RATE).astype(int)] = 5
    assert (bars.thirds(envelope, beats)[1] > bars.TERNARY) == ternary
    assert bars.Bars(2, 1.0, 0, ternary).name == ("6/8" if ternary else "2/4")
    assert bars.Bars(4, 1.0, 0, ternary).name == "4/4", "a swing is no compound meter"
    assert bars.Bars(0, 0.0, 0).name is None


EIGHTHS = {n: tuple(np.arange(0, n, 0.5)) for n in (2, 3, 4)}
SIXTHS = tuple(k / 3 for k in range(6))


@pytest.mark.parametrize(
    ("meter", "bpm", "kicks", "snares", "hats", "chords"),
    [
        ("6/8", 66, (0,), (1,), SIXTHS, False),
        ("6/8", 76, (0,), (1,), SIXTHS, True),
        ("6/8", 92, (0, 5 / 3), (1,), SIXTHS, False),
        ("3/4", 120, (0,), (1, 2), EIGHTHS[3], False),
        ("3/4", 92, (0,), (1, 2), (0, 1, 2), True),
        ("4/4", 120, (0, 2.5), (1, 3), EIGHTHS[4], False),
        ("4/4", 92, (0, 2), (1, 3), EIGHTHS[4], True),
        ("4/4", 80, (0, 2), (1, 3), EIGHTHS[4], False),
        ("4/4", 124, (0, 1, 2, 3), (1, 3), (0.5, 1.5, 2.5, 3.5), False),
    ],
)
def test_a_plainly_drummed_meter_is_heard(  # noqa: PLR0917 - columns of a table
    tmp_path: Path,
    meter: str,
    bpm: float,
    kicks: tuple[float, ...],
    snares: tuple[float, ...],
    hats: tuple[float, ...],
    chords: bool,
) -> None:
    per_bar, beat = 2 if meter == "6/8" else int(meter[0]), 60 / bpm
    n_bars = int(30 / beat / per_bar)
    drums = ((kicks, signals.kick()), (snares, signals.snare()), (hats, signals.hat()))
    strokes = [
        ((bar * per_bar + place) * beat, sound)
        for bar in range(n_bars)
        for places, sound in drums
        for place in places
    ]
    y = signals.mix_at(strokes, n_bars * per_bar * beat)
    if chords:
        harmony = signals.progression([CHORDS[bar % 4] for bar in range(n_bars)], per_bar * beat)
        n = min(len(y), len(harmony))
        y = 0.5 * (y[:n] + harmony[:n])
    found = analyze.beats(signals.write(tmp_path / "a.wav", y))
    assert found.tempo == pytest.approx(bpm, rel=0.01)
    assert found.meter == meter


@pytest.mark.parametrize("beats_per_bar", [2, 3, 4])
@pytest.mark.parametrize("bpm", [72, 120])
def test_accents_alone_tell_a_meter(tmp_path: Path, beats_per_bar: int, bpm: float) -> None:
    beats = signals.beat_times(bpm, 24, start=0.3)
    clicks = [(t, (0.4 if k % beats_per_bar else 0.9) * signals.click()) for k, t in enumerate(beats)]
    found = analyze.beats(signals.write(tmp_path / "a.wav", signals.mix_at(clicks, 25)))
    assert found.meter == f"{beats_per_bar}/4"
    assert found.downbeat_times[1:8] == pytest.approx(beats[beats_per_bar::beats_per_bar][:7], abs=0.05)


def test_a_beat_louder_than_all_others_does_not_tell_where_bars_begin() -> None:
    at_beats = np.random.default_rng(0).normal(1, 0.05, (33, bars.N_MOMENT))
    at_beats[::4] += 1
    at_beats[1] *= 100
    readings, features = bars.bar_features(at_beats, np.zeros(2), 0.5)
    accents = features[:4, 4 * bars.N_MOMENT : 5 * bars.N_MOMENT]
    assert [readings[i] for i in accents.argmax(axis=0)] == [(4, 0)] * bars.N_MOMENT


def test_other_meters_are_given_with_weights() -> None:
    found = bars.Bars(4, 0.6, 0, True, ((2, 0.3), (3, 0.1)))
    assert found.alternatives == [("6/8", 0.3), ("3/4", 0.1)]
    faint = found.given(0.5)
    assert faint.confidence == pytest.approx(0.3)
    assert [weight for _, weight in faint.alternatives] == pytest.approx([0.15, 0.05])


def test_the_meter_and_the_others_are_one_together(tmp_path: Path) -> None:
    found = analyze.beats(signals.write(tmp_path / "a.wav", signals.drum_loop(110, 10)[:-9000]))
    meters = [found.meter, *(other.meter for other in found.meter_alternatives)]
    assert sorted(map(str, meters)) == ["2/4", "3/4", "4/4"]
    weights = [other.weight for other in found.meter_alternatives]
    assert weights == sorted(weights, reverse=True)
    assert found.meter_confidence + sum(weights) == pytest.approx(1, abs=1e-6)


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


def test_a_loop_of_one_bar_begins_with_it(tmp_path: Path) -> None:
    found = analyze.beats(signals.write(tmp_path / "a.wav", signals.drum_loop(128, 1)))
    assert (found.loop_beats, found.loop_bars, found.meter) == (4, 1.0, "4/4")
    assert len(found.beat_times) == 4
    assert found.downbeat_times == found.beat_times[:1]


def test_bars_of_a_loop_begin_with_it_though_its_accents_lie_elsewhere(tmp_path: Path) -> None:
    shifted = np.roll(signals.drum_loop(120, 4), round(0.75 * signals.SR))
    found = analyze.beats(signals.write(tmp_path / "a.wav", shifted))
    assert (found.loop_beats, found.meter) == (16, "4/4")
    assert found.downbeat_times == pytest.approx([0.0, 2.0, 4.0, 6.0], abs=0.06)


def test_a_song_is_no_loop(tmp_path: Path) -> None:
    assert analyze.beats(signals.write(tmp_path / "a.wav", signals.drum_loop(120, 12))).loop_beats == 0


def test_every_reading_is_described() -> None:
    at_beats = np.random.default_rng(0).random((16, bars.N_MOMENT))
    readings, features = bars.bar_features(at_beats, np.zeros(2), 0.5)
    assert readings == [(4, 0), (4, 1), (4, 2), (4, 3), (3, 0), (3, 1), (3, 2), (2, 0), (2, 1)]
    assert features.shape == (9, bars.N_BAR_FEATURES)


def test_a_metronome_without_accents_tells_no_meter(tmp_path: Path) -> None:
    found = analyze.beats(signals.write(tmp_path / "a.wav", signals.click_track(100, 20)))
    assert found.tempo == pytest.approx(100, rel=1e-3)
    assert found.meter == "4/4"
    assert found.meter_confidence < 0.7
