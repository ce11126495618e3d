"""Keys of scales and cadences, all 24 of them."""

from pathlib import Path

import numpy as np
import pytest

from engines import analyze
from engines.analyze.key_finding import find_key, key_features
from engines.analyze.keys import correlations
from engines.analyze.pitches import BINS_PER_SEMITONE, LOWEST_PITCH, N_BINS, Pitches
from engines.analyze.results import Key
from tests import signals

SR = 11025  # nothing tonal is heard above it
KEYS = [f"{tonic} {mode}" for mode in ("major", "minor") for tonic in signals.PITCH_CLASSES]


def key_of(path: Path, y: signals.FloatArray, sr: int = signals.SR) -> Key:
    return analyze.key(signals.write(path / "a.wav", y, sr))


def pitches_of(*midi_notes: int) -> Pitches:
    """Let notes sound for a second, in tune."""
    strength = np.zeros((10, N_BINS), np.float32)
    strength[:, [(note - LOWEST_PITCH) * BINS_PER_SEMITONE + 1 for note in midi_notes]] = 1
    return Pitches(strength, 0.0, 1.0)


@pytest.mark.parametrize("key", KEYS)
def test_a_cadence_is_in_its_key(tmp_path: Path, key: str) -> None:
    found = key_of(tmp_path, signals.cadence(key, times=2))
    assert f"{found.key} {found.mode}" == key
    assert found.key_confidence > 0.5


@pytest.mark.parametrize("key", KEYS)
def test_a_scale_is_in_its_key(tmp_path: Path, key: str) -> None:
    found = key_of(tmp_path, signals.scale(key, times=2))
    assert f"{found.key} {found.mode}" == key


@pytest.mark.parametrize("cents", [-40, -15, 20, 45])
def test_an_instrument_tuned_otherwise_keeps_its_key(tmp_path: Path, cents: float) -> None:
    y = signals.progression(["D:min", "G:min", "A:7", "D:min"] * 2, 1.0, tuning_cents=cents)
    found = key_of(tmp_path, y)
    assert (found.key, found.mode) == ("D", "minor")
    assert found.tuning_cents == pytest.approx(cents, abs=4)


@pytest.mark.parametrize("sr", [8000, 22050, 48000, 96000])
def test_a_sample_rate_does_not_change_the_key(tmp_path: Path, sr: int) -> None:
    found = key_of(tmp_path, signals.cadence("F# minor", times=2, sr=sr), sr)
    assert (found.key, found.mode) == ("F#", "minor")


def test_the_second_key_is_a_neighbour(tmp_path: Path) -> None:
    found = key_of(tmp_path, signals.cadence("C major"))
    assert (found.runner_up_key, found.runner_up_mode) in {
        ("G", "major"),
        ("F", "major"),
        ("A", "minor"),
        ("C", "minor"),
    }


def test_silence_has_no_key(tmp_path: Path) -> None:
    assert key_of(tmp_path, signals.silence(3)) == Key(None, None, 0.0, None, None, [], None)


def test_noise_has_a_lower_confidence_than_music(tmp_path: Path) -> None:
    assert key_of(tmp_path, signals.noise(10)).key_confidence < 0.5


def test_channels_that_cancel_out_are_heard_one_by_one(tmp_path: Path) -> None:
    y = signals.cadence("E minor", times=2)
    found = key_of(tmp_path, signals.stereo(y, -y))
    assert (found.key, found.mode) == ("E", "minor")


def test_drums_have_a_lower_confidence_than_music(tmp_path: Path) -> None:
    assert key_of(tmp_path, signals.drum_loop(120, 4)).key_confidence < 0.5


def test_a_triad_is_its_own_tonic() -> None:
    found = find_key(pitches_of(60, 64, 67))
    assert found is not None
    assert found.name == "C major"


def test_no_key_is_a_reading_beside_all_24() -> None:
    features = key_features(pitches_of(60, 64, 67))
    assert len(features) == 25
    assert np.isfinite(features).all()
    assert not features[-1, :-3].any()
    assert len(key_features(pitches_of())) == 0
    assert find_key(pitches_of()) is None


def test_notes_at_random_have_a_lower_confidence_than_music(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    notes = [signals.chord(f"{signals.PITCH_CLASSES[k]}:min", 0.5) for k in rng.permutation(12)]
    assert key_of(tmp_path, np.concatenate(notes)).key_confidence < 0.5


def test_music_in_one_key_has_one_segment(tmp_path: Path) -> None:
    found = key_of(tmp_path, signals.cadence("F minor", times=8, sr=SR), SR)
    assert [(s.start, s.key, s.mode) for s in found.key_changes] == [(0.0, "F", "minor")]
    assert found.key_changes[0].end == pytest.approx(32)


@pytest.mark.parametrize("then", ["C# major", "D major", "D# minor", "A# major"])
def test_a_modulation_is_found_with_its_time(tmp_path: Path, then: str) -> None:
    y = np.concatenate([signals.cadence(key, times=7, sr=SR) for key in ("C major", then)])
    found = key_of(tmp_path, y, SR)
    assert [f"{s.key} {s.mode}" for s in found.key_changes] == ["C major", then]
    assert found.key_changes[1].start == pytest.approx(28, abs=3)
    assert found.key_changes[0].end == found.key_changes[1].start


def test_a_chord_of_another_key_is_no_modulation(tmp_path: Path) -> None:
    y = np.concatenate(
        [
            signals.cadence("C major", times=5, sr=SR),
            signals.chord("G#:maj", 4.0, SR),
            signals.cadence("C major", times=5, sr=SR),
        ]
    )
    assert len(key_of(tmp_path, y, SR).key_changes) == 1


def test_transposing_the_classes_transposes_the_fit() -> None:
    classes = np.random.default_rng(0).random(12)
    up = correlations(np.roll(classes, 5))
    assert np.allclose(up[:12], np.roll(correlations(classes)[:12], 5))
