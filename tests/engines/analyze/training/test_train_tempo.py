"""How much a rendered piece counts in teaching tempi."""

import numpy as np
import pytest

from engines.analyze.bands import SR
from engines.analyze.listening import RHYTHM
from engines.analyze.training.clicks import listen_to
from engines.analyze.training.rendered import RenderedPiece
from engines.analyze.training.train_tempo import CLICKS, PREFERRED, TempoExample, is_compound
from tests.engines.analyze.training.conftest import Stored

BEAT_S, SECONDS = 0.8, 8.0


def piece(stored: Stored, parts: int, meter: int) -> RenderedPiece:
    """Store a click on each beat and softer ones at the parts of it, in bars of `meter` beats."""
    since = np.mod(np.arange(round(SECONDS * SR)) / SR, BEAT_S / parts)
    stroke = np.exp(-60 * since) * np.cos(2 * np.pi * 1000 * since)
    on_beat = np.mod(np.arange(len(since)) / SR, BEAT_S) < BEAT_S / parts
    bands = listen_to(np.where(on_beat, 0.8, 0.4) * stroke, {RHYTHM}).bands
    beats = np.arange(0, SECONDS - 0.1, BEAT_S)
    return RenderedPiece.load(stored(bands=bands, duration=SECONDS, beats=beats, meter=meter))


@pytest.mark.parametrize(
    ("parts", "meter", "compound"), [(3, 2, True), (2, 2, False), (3, 3, False), (3, 4, False)]
)
def test_bars_of_two_beats_of_three_parts_are_compound(
    stored: Stored, parts: int, meter: int, compound: bool
) -> None:
    assert is_compound(piece(stored, parts, meter)) == compound


def weight(tempo: float, group: str = "g", *, compound: bool = False) -> float:
    """Say how much an example of a tempo in BPM counts."""
    return TempoExample("a", group, np.zeros((1, 1)), np.ones(1), tempo, np.array([tempo]), compound).weight


def test_tempi_count_as_they_are_liked() -> None:
    assert weight(PREFERRED) == 1 > weight(PREFERRED / 1.5) > weight(PREFERRED / 2)
    assert weight(PREFERRED * 2) == pytest.approx(weight(PREFERRED / 2))


def test_slow_clicks_and_slow_compound_beats_count_whole() -> None:
    assert weight(60, CLICKS) == weight(60, compound=True) == 1
