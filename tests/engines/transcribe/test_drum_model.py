"""Strokes from activations, and from made drums."""

from pathlib import Path

import numpy as np
import pytest

from engines._errors import NotInstalledError
from engines.transcribe import drum_model
from engines.transcribe.drum_model import CLASSES, activations, network, strokes
from engines.transcribe.drum_spectrum import FRAME_RATE, N_BANDS, DrumListener
from tests import signals


def heard(y: signals.FloatArray) -> signals.FloatArray:
    listener = DrumListener()
    listener.push(y)
    return listener.finish()


def test_blocks_of_any_length_give_the_same_spectrum() -> None:
    y = signals.drum_loop(120, 1)
    listener = DrumListener()
    for block in np.array_split(y, 5):
        listener.push(block)
    assert listener.finish().tobytes() == heard(y).tobytes()


def test_a_peak_above_its_threshold_is_a_stroke_between_frames() -> None:
    activation = np.zeros((200, 2 * len(CLASSES)), np.float32)
    activation[99:102, 1] = 0.2, 0.9, 0.6
    activation[100, len(CLASSES) + 1] = 0.5
    found = strokes(activation, np.full(len(CLASSES), 0.4))
    assert [len(s.times) for s in found] == [0, 1, 0, 0, 0]
    assert found[1].times[0] == pytest.approx((100 + 0.2) / FRAME_RATE)
    assert found[1].velocities.tolist() == [0.5]


def test_of_two_peaks_closer_than_50_ms_the_likelier_stays() -> None:
    activation = np.zeros((200, 2 * len(CLASSES)), np.float32)
    activation[100, 0], activation[104, 0] = 0.7, 0.9
    assert strokes(activation, np.full(len(CLASSES), 0.4))[0].times == pytest.approx([1.04])


@pytest.mark.parametrize("n", [0, 1, 100])
def test_silence_has_no_strokes(n: int) -> None:
    silence = np.full((n, N_BANDS), -8, np.float16)
    net = network()
    assert all(len(s.times) == 0 for s in strokes(activations(silence, net), net.thresholds))


def test_a_long_recording_tells_how_far_it_has_been_heard() -> None:
    told: list[float] = []
    bands = np.full((5000, N_BANDS), -8, np.float16)
    activations(bands, network(), lambda share, _: told.append(share))
    assert len(told) == 3
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_kick_snare_and_hat_of_a_pattern_are_told_apart() -> None:
    bands = heard(np.concatenate([signals.silence(0.3), signals.drum_loop(110, 4)]))
    net = network()
    found = strokes(activations(bands, net), net.thresholds)
    beat = 60 / 110
    kick = 0.3 + beat * np.arange(0, 16, 2)
    hats = 0.3 + beat * np.arange(0, 16, 0.5)
    for c, truth in ((0, kick), (1, kick + beat), (2, hats)):
        right = sum(bool(np.any(np.abs(found[c].times - t) < 0.03)) for t in truth)
        f = 2 * right / (len(truth) + len(found[c].times))
        assert f > 0.85, CLASSES[c]


def test_missing_weights_ask_for_a_new_installation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(drum_model, "WEIGHTS", tmp_path / "drums.npz")
    with pytest.raises(NotInstalledError, match="reinstall"):
        network.__wrapped__()
