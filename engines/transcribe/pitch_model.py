"""Which pitches sound: Spotify's Basic Pitch network on onnxruntime, over a stream of samples.

The model is the file `nmp.onnx` inside the installed package `basic-pitch`; the package itself is never
imported, since that loads TensorFlow. Windows and overlap are its own (its `inference.py`, version 0.4.0):
43,844 samples at 22050 Hz, 30 frames of 256 samples shared by neighbours, of which each gives up half.

What the network says has 88 columns, one for each key of a piano import os
from A0, and 264 for its contour, three to
a semitone, from 0 to 1, about 86 times a second.

References
----------
R. M. Bittner, J. J. Bosch, D. Rubinstein, G. Meseguer-Brocal, S. Ewert, "A Lightweight Instrument-Agnostic
Model for Polyphonic Note Transcription and Multipitch Estimation", ICASSP 2022.
"""

import importlib.util
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from engines._audio import FloatArray
from engines._errors import NotInstalledError
from engines.transcribe.key_power import key_power

if TYPE_CHECKING:
    import onnxruntime  # type: ignore[import-untyped]

SR: Final = 22050
HOP_LENGTH: Final = 256
WINDOW: Final = 2 * SR - HOP_LENGTH
OVERLAP_FRAMES: Final = 30
HOP_WINDOW: Final = WINDOW - OVERLAP_FRAMES * HOP_LENGTH
LEAD: Final = OVERLAP_FRAMES // 2 * HOP_LENGTH  # zeros before the first sample
FRAMES_A_WINDOW: Final = 172 - OVERLAP_FRAMES
N_PITCHES: Final = 88
LOWEST_PITCH: Final = 21  # A0
BINS_A_SEMITONE: Final = 3

_INPUT = "serving_default_input_2:0"
_NOTE, _ONSET, _CONTOUR = (f"StatefulPartitionedCall:{i}" for i in (1, 2, 0))
_REMEDY = "install it with: pip install --no-deps basic-pitch==0.4.0"


@dataclass(frozen=True)
class Activations:
    """What the network says of successive frames.

    Attributes
    ----------
    notes, onsets
        How likely each key sounds, and begins to: shape (n_frames, 88).
    contours
        How likely each third of a semitone sounds, shape (n_frames, 264); None unless asked for.
    powers
        How loud each key's partials are just after the frame, as `key_power` has them: shape (n_frames, 88).
    """

    notes: FloatArray
    onsets: FloatArray
    contours: FloatArray | None
    powers: FloatArray


def model_path() -> Path:
    """Find the model in the installed package.

    Raises
    ------
    NotInstalledError
        If the package or the file is not there.
    """
    spec = importlib.util.find_spec("basic_pitch")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in folders:
        path = Path(folder) / "saved_models" / "icassp_2022" / "nmp.onnx"
        if path.is_file():
            return path
    raise NotInstalledError(f"model: basic-pitch's nmp.onnx is not installed; {_REMEDY}")


@cache
def session() -> "onnxruntime.InferenceSession":
    """Load the model, on one thread.

    Raises
    ------
    NotInstalledError
        If the model or onnxruntime is missing, or the model is damaged.
    """
    path = model_path()
    # Read on import: its official builds report to their maker otherwise, from the first session on.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime  # noqa: PLC0415 - so that its absence can be told
    except ImportError as error:
        raise NotInstalledError("library: onnxruntime is not installed; pip install onnxruntime") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors: its warnings go to stderr past our log
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exception classes are private
        raise NotInstalledError(f"model: {path.name} cannot be loaded ({error}); {_REMEDY}") from error


def frame_times(first: int, count: int) -> FloatArray:
    """Return the seconds of frames counted from the recording's first, shape (count,).

    142 frames of 256 samples are kept of each window, but windows are 36,164 samples apart: the last of a
    window overlap the first of the next by 188 samples, which the package evens out on average and this does
    exactly.
    """
    window, frame = np.divmod(np.arange(first, first + count), FRAMES_A_WINDOW)
    result: FloatArray = (window * HOP_WINDOW + frame * HOP_LENGTH) / SR
    return result


class PitchListener:
    """Turns a stream of mono samples at 22050 Hz into activations, one window at a time.

    Parameters
    ----------
    with_contours
        Whether contours are wanted too.
    """

    def __init__(self, with_contours: bool = False) -> None:
        self._outputs = [_NOTE, _ONSET, *([_CONTOUR] if with_contours else [])]
        self._waiting: FloatArray = np.zeros(LEAD, np.float32)
        self._n_samples = 0
        self._n_frames = 0

    def push(self, y: FloatArray) -> list[Activations]:
        """Add samples, shape (n,); return what is now complete, one window's frames each."""
        self._n_samples += len(y)
        self._waiting = np.concatenate([self._waiting, y])
        done = []
        while len(self._waiting) >= WINDOW:
            done.append(self._run(self._waiting[:WINDOW], FRAMES_A_WINDOW))
            self._waiting = self._waiting[HOP_WINDOW:]
        return done

    def finish(self) -> list[Activations]:
        """Return the frames up to the last sample, which zeros complete."""
        done = []
        while self._waiting.size:
            start = self._n_frames // FRAMES_A_WINDOW * HOP_WINDOW
            left = min(FRAMES_A_WINDOW, -(-(self._n_samples - start) // HOP_LENGTH))
            if left <= 0:
                break
            window = self._waiting[:WINDOW]
            done.append(self._run(np.pad(window, (0, WINDOW - len(window))), left))
            self._waiting = self._waiting[HOP_WINDOW:]
        return done

    def _run(self, window: FloatArray, n_frames: int) -> Activations:
        said = session().run(self._outputs, {_INPUT: window[None, :, None].astype(np.float32)})
        first = OVERLAP_FRAMES // 2
        kept = [a[0, first : first + n_frames] for a in said]
        self._n_frames += n_frames
        starts = LEAD + HOP_LENGTH * np.arange(n_frames)
        powers = key_power(window, starts, SR, LOWEST_PITCH, N_PITCHES)
        return Activations(kept[0], kept[1], kept[2] if len(kept) > 2 else None, powers)
