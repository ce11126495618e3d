"""How registers rise: for notes, not for vibrato; and whether something begins once only."""

from pathlib import Path

import numpy as np
import pytest

from engines.analyze.bands import N_BANDS
from engines.analyze.listening import RHYTHM, listen
from engines.analyze.onset_strength import REGISTERS_HZ, is_one_event, onset_envelope, rises
from tests import signals


def bands_of(folder: Path, y: signals.FloatArray) -> signals.FloatArray:
    return listen(signals.write(folder / "a.wav", y), {RHYTHM}).bands


def test_a_louder_band_rises_and_one_that_moves_up_does_not() -> None:
    L = np.zeros((6, N_BANDS), np.float32)
    L[3:, 10] = 1.0
    assert rises(L)[1, 10] == 1.0
    vibrato = np.zeros((6, N_BANDS), np.float32)
    vibrato[:3, 10] = vibrato[3:, 11] = 1.0
    assert not rises(vibrato).any()


def test_a_drum_rises_in_its_register(tmp_path: Path) -> None:
    kicks = signals.mix_at(((t, signals.kick()) for t in (0.5, 1.0, 1.5)), 2.0)
    envelope, scale = onset_envelope(bands_of(tmp_path, kicks))
    assert envelope.shape[1] == len(scale) == len(REGISTERS_HZ) + 1
    assert (envelope * scale).max(axis=0).argmax() == 0, "most in the bass"


def test_silence_rises_nowhere() -> None:
    envelope, scale = onset_envelope(np.zeros((100, N_BANDS), np.float32))
    assert not envelope.any()
    assert (scale > 0).all()


@pytest.mark.parametrize(("count", "once"), [(0, True), (1, True), (2, False), (5, False)])
def test_one_stroke_is_one_event(tmp_path: Path, count: int, once: bool) -> None:
    y = signals.mix_at(((0.3 + 0.4 * i, signals.kick()) for i in range(count)), 3.0)
    bands = bands_of(tmp_path, y)
    assert is_one_event(bands, *onset_envelope(bands)) is once
