"""Velocities from how loud keys are."""

from pathlib import Path

import numpy as np

from engines import transcribe
from engines.transcribe.key_power import key_power, velocities
from tests import signals

SR = 22050


def test_the_key_that_is_struck_has_the_power() -> None:
    y = signals.note(60, 1.0, sr=SR, amplitude=0.5)
    powers = key_power(y, np.array([0, 5000]), SR, 21, 88)
    assert powers.shape == (2, 88)
    assert np.argmax(powers[0]) in (60 - 21, 60 - 12 - 21)  # an octave below shares all its partials


def test_what_lies_beyond_the_end_is_silent() -> None:
    assert not key_power(np.ones(100, np.float32), np.array([100]), SR, 21, 88).any()


def test_twice_the_velocity_is_15_decibels_and_the_median_is_80() -> None:
    assert velocities(10.0 ** np.array([-4.505, -3.0, -1.495])).tolist() == [40, 80, 127]
    assert velocities(np.zeros(0)).tolist() == []
    assert velocities(np.zeros(3)).tolist() == [80, 80, 80]


def test_soft_and_loud_notes_of_a_recording_differ(tmp_path: Path) -> None:
    events = [
        (0.2 + 0.5 * i, signals.note(60 + i, 0.4, amplitude=a)) for i, a in enumerate((0.1, 0.2, 0.4, 0.8))
    ]
    path = signals.write(tmp_path / "crescendo.wav", signals.mix_at(events, 2.5))
    notes = transcribe.audio(path, kind="pitched", tempo=120).notes
    heard = [next(n.velocity for n in notes if n.pitch == 60 + i) for i in range(4)]
    assert heard == sorted(set(heard))
    quieter = signals.write(tmp_path / "quieter.wav", 0.1 * signals.mix_at(events, 2.5))
    again = transcribe.audio(quieter, kind="pitched", tempo=120).notes
    assert abs(np.array([n.velocity for n in notes]) - [n.velocity for n in again]).max() <= 8
