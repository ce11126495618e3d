"""Pieces as they sound, and as the engine hears them."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile

from engines._audio import FloatArray
from engines.analyze.keys import PITCH_CLASSES
from engines.analyze.listening import RHYTHM, TONAL, listen
from engines.analyze.training.performing import Rng
from engines.analyze.training.render import FLUID, MUSESCORE, OPL, TIM, Piece, onsets, synthesize
from engines.analyze.training.rendered import RenderedPiece

DRAWN_FONTS = (FLUID, TIM, TIM, MUSESCORE, OPL)  # TIM is drawn twice as often as others
SYNTHESIS_SR = 22050  # every band of the engine lies below half of it, and it takes half the time
LONGEST_S = 46.0
CHOPPED = 0.7  # of the sounds of a piece that is chopped
SHORTEST_CHOPPED_S, BEFORE_ONSET_S = 0.1, 0.01


@dataclass(frozen=True)
class Studio:
    """The soundfonts that pieces are played with, what chooses among them, and what chops sounds, if any."""

    fonts: Sequence[Path]
    rng: Rng
    chopper: Rng | None = None


def chopped(y: FloatArray, sr: int, begun: FloatArray, rng: Rng) -> FloatArray:
    """Cut most sounds off before the next one begins, as gates and choppers do.

    A cut clicks, and yet nothing begins there. `y` has shape (n, channels), `begun` is when sounds do.
    """
    y = y.copy()
    for start, end in pairwise(begun):
        if end - start > SHORTEST_CHOPPED_S and rng.random() < CHOPPED:
            cut = rng.uniform(start + SHORTEST_CHOPPED_S / 2, end - BEFORE_ONSET_S)
            y[round(cut * sr) : round((end - BEFORE_ONSET_S) * sr)] = 0
    return y


def sounding(piece: Piece, length: float | None, studio: Studio) -> tuple[FloatArray, int]:
    """Play a piece, as a loop if it has a length; shape (n, channels), and the sample rate."""
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "sound.wav"
        synthesize(piece.midi, sound, studio.fonts, studio.rng, SYNTHESIS_SR)
        y, sr = soundfile.read(sound, dtype="float32", always_2d=True, frames=int(SYNTHESIS_SR * LONGEST_S))
    if length is not None:
        n = round(length * sr)
        tail = y[n : 2 * n].copy() if studio.rng.random() < 0.5 else y[:0]
        y = np.concatenate([y[:n], np.zeros((max(0, n - len(y)), y.shape[1]), y.dtype)])
        y[: len(tail)] += tail
    return y, sr


def hear(piece: Piece, length: float | None, name: str, studio: Studio) -> RenderedPiece:
    """Play a piece and listen to it as the engine does."""
    y, sr = sounding(piece, length, studio)
    begun = onsets(piece.midi)
    if studio.chopper is not None:
        y = chopped(y, sr, begun, studio.chopper)
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "sound.wav"
        soundfile.write(sound, y, sr, subtype="FLOAT")
        heard = listen(sound, {RHYTHM, TONAL})
    return RenderedPiece(
        name=name,
        bands=heard.bands,
        pitches=heard.pitches,
        duration=heard.duration,
        beats=piece.beats[piece.beats < heard.duration],
        downbeats=piece.downbeats[piece.downbeats < heard.duration],
        meter=piece.meter,
        tempo=float(60 / np.median(np.diff(piece.beats))) if len(piece.beats) > 1 else 0.0,
        key=piece.key,
        chords=[(start, end, f"{PITCH_CLASSES[root]}:{kind}") for start, end, root, kind in piece.chords],
        onsets=begun[begun < heard.duration],
        drums_alone=all(part.is_drum for part in piece.midi.instruments),
        loop=length is not None,
    )
