"""What the training scripts read, made by hand."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

from engines.analyze.bands import N_BANDS
from engines.analyze.pitches import N_BINS, Pitches
from engines.analyze.training.rendered import RenderedPiece

Stored: TypeAlias = Callable[..., Path]


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    """Store a piece of 8 beats of half a second whose pitches are noise; what is given is otherwise."""
    noise = np.random.default_rng(0).random((44, N_BINS)).astype(np.float16).astype(np.float32)
    plain = RenderedPiece(
        name="sheet_a song@3",
        bands=np.zeros((0, N_BANDS), np.float32),
        pitches=Pitches(noise, 0.0, 1.0),
        duration=4.0,
        beats=np.arange(8) / 2,
        downbeats=np.arange(0, 4, 2.0),
        meter=4,
        tempo=120.0,
        key="",
        chords=[],
        onsets=np.zeros(0),
        drums_alone=False,
        loop=False,
    )

    def store(**given: Any) -> Path:
        return replace(plain, **given).save(tmp_path)

    return store
