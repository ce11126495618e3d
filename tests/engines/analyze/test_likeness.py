"""How well recordings fit each other."""

from dataclasses import replace

import pytest

from engines.analyze.library_results import Match, Recording
from engines.analyze.likeness import compare, rank
from engines.analyze.portrait import Portrait

LINE = Recording(
    path="/a.wav",
    duration=8.0,
    tempo=120.0,
    tempo_confidence=0.9,
    loop_beats=16,
    meter="4/4",
    key="C",
    mode="major",
    key_confidence=0.8,
    tuning_cents=0.0,
    integrated_lufs=-14.0,
    true_peak_dbtp=-1.0,
    sample_rate=44100.0,
    channels=2,
    truncated=False,
    faulty_samples=0,
)
SONG = Portrait(LINE, [])


def against(**changes: object) -> Match:
    return compare(SONG, Portrait(replace(LINE, **changes), []))  # type: ignore[arg-type]


def test_the_same_is_at_distance_0() -> None:
    match = against()
    assert (match.distance, match.tempo_distance, match.key_distance) == (0, 0, 0)
    assert (match.speed, match.transposition) == (1, 0)
    assert match.reason == "same tempo; same key; no sound to compare"


@pytest.mark.parametrize(
    ("tempo", "speed", "words"),
    [
        (120.2, 120 / 120.2, "same tempo"),
        (118.0, 120 / 118, "1.7 % faster to be in tempo"),
        (126.0, 120 / 126, "4.8 % slower to be in tempo"),
        (60.0, 1.0, "same tempo felt double"),
        (240.0, 1.0, "same tempo felt half"),
        (61.0, 60 / 61, "1.6 % slower to be in tempo felt double"),
    ],
)
def test_tempi_are_compared_whatever_their_octave(tempo: float, speed: float, words: str) -> None:
    match = against(tempo=tempo)
    assert match.speed == pytest.approx(speed)
    assert match.reason.startswith(words + ";")


def test_an_octave_costs_little_and_a_tritone_of_tempo_all() -> None:
    double, near, far = (against(tempo=tempo).tempo_distance for tempo in (60.0, 126.0, 160.0))
    assert double == pytest.approx(0.1)
    assert near == pytest.approx(0.28, abs=0.01)
    assert far == 1.0


@pytest.mark.parametrize(
    ("key", "mode", "distance", "semitones", "words"),
    [
        ("A", "minor", 0.5 / 6, 0, "relative key"),
        ("G", "major", 1 / 6, 5, "1 fifth apart (G major)"),
        ("F", "major", 1 / 6, -5, "1 fifth apart (F major)"),
        ("D", "major", 2 / 6, -2, "2 fifths apart (D major)"),
        ("C", "minor", 3.5 / 6, -3, "3 fifths apart (C minor)"),
        ("F#", "major", 1.0, 6, "6 fifths apart (F# major)"),
        ("D#", "minor", 1.0, 6, "6 fifths apart (D# minor)"),
    ],
)
def test_keys_are_compared_by_fifths_and_relatives(
    key: str, mode: str, distance: float, semitones: int, words: str
) -> None:
    match = against(key=key, mode=mode)
    assert match.key_distance == pytest.approx(distance)
    assert match.transposition == semitones
    assert words in match.reason


def test_what_one_of_them_does_not_have_does_not_count() -> None:
    drums = against(key=None, mode=None, tempo=126.0)
    assert drums.key_distance is None
    assert drums.transposition is None
    assert drums.distance == pytest.approx(drums.tempo_distance)
    assert "no key to compare" in drums.reason
    silence = against(key=None, mode=None, tempo=0.0)
    assert silence.distance == 1.0
    assert silence.reason == "no tempo to compare; no key to compare; no sound to compare"


@pytest.mark.parametrize("confidence", [0.0, 0.006, 0.04])
def test_a_key_that_is_all_but_a_guess_gives_no_advice(confidence: float) -> None:
    drums = Portrait(replace(LINE, key="G#", key_confidence=confidence), [])
    for match in (compare(SONG, drums), compare(drums, SONG)):
        assert (match.key_distance, match.transposition) == (None, None)
        assert match.reason == "same tempo; no key to compare; no sound to compare"


def test_an_unsure_key_counts_less() -> None:
    sure, unsure = against(key="F#", key_confidence=0.8), against(key="F#", key_confidence=0.1)
    assert unsure.distance < sure.distance


def test_the_best_come_first_and_no_more_than_asked_for() -> None:
    tempi = {"/far.wav": 150.0, "/near.wav": 121.0, "/b.wav": 120.0, "/a.wav": 120.0}
    others = [Portrait(replace(LINE, path=path, tempo=tempo), []) for path, tempo in tempi.items()]
    assert [match.path for match in rank(SONG, others, 3)] == ["/a.wav", "/b.wav", "/near.wav"]
    assert rank(SONG, [], 3) == []
