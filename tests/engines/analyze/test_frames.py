"""Frames come out the same however a recording was cut into blocks."""

import numpy as np
import pytest

from engines.analyze.frames import Framer, Rows, hann, magnitudes
from tests import signals


@pytest.mark.parametrize("cuts", [[5000], [1, 2, 3000], [], [100] * 40])
def test_frames_do_not_depend_on_how_the_stream_is_cut(cuts: list[int]) -> None:
    y = signals.noise(0.2)
    framer = Framer(2048, 512)
    parts = [framer.push(block) for block in np.split(y, np.cumsum(cuts))]
    frames = np.concatenate([*parts, framer.finish()])
    assert len(frames) == 1 + len(y) // 512
    padded = np.pad(y, 1024)
    for i, frame in enumerate(frames):
        assert np.array_equal(frame, padded[i * 512 : i * 512 + 2048])


@pytest.mark.parametrize("n", [0, 1, 511, 512, 2047])
def test_a_recording_shorter_than_a_frame_has_frames(n: int) -> None:
    framer = Framer(2048, 512)
    count = len(framer.push(np.ones(n, np.float32))) + len(framer.finish())
    assert count == 1 + n // 512


def test_a_sine_stands_in_its_bin() -> None:
    framer = Framer(2048, 512)
    S = magnitudes(framer.push(signals.tone(43 * 44100 / 2048, 0.2)), hann(2048))
    # From the third frame on no zeros from before the start are in it. A Hann window halves the amplitude.
    assert np.allclose(S[3:, 43], 0.5 * 2048 / 4, rtol=1e-3)


def test_rows_join_to_what_was_added() -> None:
    parts = [signals.noise(n / signals.SR, seed=n).reshape(-1, 3) for n in (0, 3, 30, 9000)]
    rows = Rows(3)
    for part in parts:
        rows.add(part)
    assert np.array_equal(rows.take(), np.concatenate(parts))
    assert len(rows.take()) == 0
