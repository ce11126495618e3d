"""What a recording sounds like, apart from what it plays."""

import numpy as np
import pytest

from engines._audio import FloatArray
from engines.analyze.sound_texture import N_NUMBERS, texture, texture_distance


def bands(seed: int, tilt: float, n: int = 400) -> FloatArray:
    rng = np.random.default_rng(seed)
    return (rng.gamma(2.0, 1.0, (n, 36)) * np.exp(tilt * np.linspace(-1, 1, 36))).astype(np.float32)


def test_the_same_sound_at_another_time_is_near_and_another_is_far() -> None:
    dark, dark_again, bright = texture(bands(1, -2)), texture(bands(2, -2)), texture(bands(3, 2))
    assert len(dark) == N_NUMBERS
    near, far = texture_distance(dark, dark_again), texture_distance(dark, bright)
    assert near is not None
    assert far is not None
    assert near < 0.1
    assert far > 0.5


def test_the_distance_is_none_to_oneself_and_the_same_from_both_sides() -> None:
    for seed in range(10):
        a = texture(bands(seed, 0, n=3))
        assert texture_distance(a, a) == 0
    a, b = texture(bands(1, -1)), texture(bands(2, 1))
    assert texture_distance(a, b) == pytest.approx(texture_distance(b, a))


def test_loudness_and_pauses_do_not_matter() -> None:
    y = bands(1, 1)
    quiet_with_pauses = np.concatenate([0.01 * y, np.zeros_like(y)])
    assert texture_distance(texture(y), texture(0.01 * y)) == pytest.approx(0, abs=1e-4)
    paused = texture_distance(texture(y), texture(quiet_with_pauses))
    assert paused is not None
    assert paused < 0.25


def test_silence_sounds_like_nothing() -> None:
    assert texture(np.zeros((100, 36), np.float32)) == []
    assert texture(np.zeros((0, 36), np.float32)) == []
    assert texture_distance([], texture(bands(1, 0))) is None


def test_one_frame_or_a_held_note_has_a_texture_too() -> None:
    one = texture(bands(1, 0, n=1))
    held = texture(np.tile(bands(1, 0, n=1), (50, 1)))
    assert texture_distance(one, held) == pytest.approx(0, abs=1e-6)
    assert all(np.isfinite(one))


def test_the_pieces_it_is_made_in_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    y = bands(1, 0, n=333)
    whole = texture(y)
    monkeypatch.setattr("engines.analyze.sound_texture.PIECE_FRAMES", 50)
    assert texture(y) == pytest.approx(whole, rel=1e-6, abs=1e-9)
