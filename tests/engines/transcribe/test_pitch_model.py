"""The stream of windows, and the model that may not be there."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engines._errors import NotInstalledError
from engines.transcribe import pitch_model
from engines.transcribe.pitch_model import (
    FRAMES_A_WINDOW,
    HOP_LENGTH,
    HOP_WINDOW,
    SR,
    PitchListener,
    frame_times,
)
from tests import signals


def test_frame_times_increase_within_a_window_and_start_anew_with_the_next() -> None:
    t = frame_times(0, 3 * FRAMES_A_WINDOW)
    assert t[1] == pytest.approx(HOP_LENGTH / SR)
    assert t[FRAMES_A_WINDOW] == pytest.approx(HOP_WINDOW / SR)
    assert frame_times(100, 50) == pytest.approx(t[100:150])


def test_blocks_of_any_length_give_the_same_activations() -> None:
    y = signals.note(60, 4.0, sr=SR)
    whole, pieces = PitchListener(), PitchListener()
    together = [*whole.push(y), *whole.finish()]
    apart = [a for block in np.array_split(y, 7) for a in pieces.push(block)] + pieces.finish()
    assert np.concatenate([a.notes for a in together]).tobytes() == (
        np.concatenate([a.notes for a in apart]).tobytes()
    )


@pytest.mark.parametrize("n", [0, 1, 255, 257, SR, HOP_WINDOW, HOP_WINDOW + 1])
def test_there_is_a_frame_for_every_256_samples_begun(n: int) -> None:
    listener = PitchListener()
    heard = [*listener.push(np.zeros(n, np.float32)), *listener.finish()]
    n_frames = sum(len(a.notes) for a in heard)
    t = frame_times(0, n_frames)
    assert (t < max(n, 1) / SR).all()
    assert n - (float(t[-1]) * SR if n_frames else 0) <= HOP_LENGTH + 188


def test_the_key_that_sounds_is_the_likeliest() -> None:
    listener = PitchListener()
    heard = [*listener.push(signals.note(69, 2.0, sr=SR)), *listener.finish()]
    assert int(heard[0].notes[20:80].mean(axis=0).argmax()) == 69 - pitch_model.LOWEST_PITCH


def test_a_missing_model_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(NotInstalledError, match="pip install"):
        pitch_model.model_path()


def test_a_damaged_model_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    damaged = tmp_path / "nmp.onnx"
    damaged.write_bytes(b"not a model")
    monkeypatch.setattr(pitch_model, "model_path", lambda: damaged)
    pitch_model.session.cache_clear()
    try:
        with pytest.raises(NotInstalledError, match="pip install"):
            pitch_model.session()
    finally:
        pitch_model.session.cache_clear()


def test_the_runtime_reports_to_nobody(tmp_path: Path) -> None:
    code = "from engines.transcribe import pitch_model; pitch_model.session()"
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    subprocess.run([sys.executable, "-c", code], env={**environment, "HOME": str(tmp_path)}, check=True)
    assert list(tmp_path.rglob("*onnxruntime*")) == [], "an identity of this device, and a queue of events"
