"""One pass over a recording: it is decoded once, in blocks, and every transform is computed once and shared.

Only where the channels cancel each other out is it decoded again, for the loudest of them.
What is kept is small beside the audio: 36 bands and some 20 numbers 86 times a second, 192 pitch bins 11
times a second, one loudness each 10 ms. Three hours take about 300 MB.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np

from engines import _units
from engines._audio import AudioReader, FloatArray
from engines._streaming import Mixdown, Resampler
from engines.analyze import bands as band
from engines.analyze import pitches as pitch
from engines.analyze import spectral_shape, timbre
from engines.analyze.frames import Framer, Rows, hann, magnitudes
from engines.analyze.loudness_meter import LoudnessMeter, Measured
from engines.analyze.waveform import NO_WAVEFORM, Overview, Waveform, WaveformMeter

Part = Literal["rhythm", "tonal", "loudness", "waveform", "shape", "timbre", "overview"]
RHYTHM: Final = "rhythm"
TONAL: Final = "tonal"
LOUDNESS: Final = "loudness"
WAVEFORM: Final = "waveform"
# Of the spectrum's shape what phase 1 reported, and, beside it, what costs twice as much.
SHAPE: Final = "shape"
TIMBRE: Final = "timbre"
OVERVIEW: Final = "overview"  # for a picture only
OVERVIEW_HOP = 128  # samples, 3 ms: a second of them is not yet a pixel each
EVERYTHING: frozenset[Part] = frozenset({RHYTHM, TONAL, SHAPE, TIMBRE, LOUDNESS, WAVEFORM})


@dataclass(frozen=True)
class Shape:
    """Spectral shape and level, one number a frame of `bands.FRAME_RATE`, as librosa has them at 44.1 kHz.

    Contrast has one for each of its bands, shape (n_frames, timbre.N_CONTRASTS). Bandwidth, flatness and
    contrast are empty without `TIMBRE`.
    """

    centroid: FloatArray
    bandwidth: FloatArray
    rolloff: FloatArray
    flatness: FloatArray
    contrast: FloatArray
    rms: FloatArray
    zero_crossing_rate: FloatArray


NO_BANDS: FloatArray = np.zeros((0, band.N_BANDS), np.float32)
NO_PITCHES = pitch.Pitches(np.zeros((0, pitch.N_BINS), np.float32), 0.0, 0.0)
NO_VALUES: FloatArray = np.zeros(0, np.float32)
NO_OVERVIEW: FloatArray = np.zeros((0, 2), np.float32)
NO_CONTRAST: FloatArray = np.zeros((0, timbre.N_CONTRASTS), np.float32)
NO_SHAPE = Shape(NO_VALUES, NO_VALUES, NO_VALUES, NO_VALUES, NO_CONTRAST, NO_VALUES, NO_VALUES)
NO_LOUDNESS = Measured(None, None, None, None, None, None)


@dataclass(frozen=True)
class Heard:
    """What one pass kept of a recording; a part that was not asked for is empty, as silence's would be.

    `loudness_energy` is `LoudnessMeter.energy`, `overview` the least and greatest sample of each
    `OVERVIEW_HOP` at `bands.SR`.
    """

    duration: float
    sr: int
    n_channels: int
    truncated: bool
    faulty_samples: int
    bands: FloatArray
    pitches: pitch.Pitches
    shape: Shape
    loudness: Measured
    loudness_energy: FloatArray
    waveform: Waveform
    overview: FloatArray


def listen(
    path: Path,
    parts: AbstractSet[Part] = EVERYTHING,
    progress: _units.Progress = _units.silent,
    share: float = 0.8,
) -> Heard:
    """Decode a recording and keep what the stages of `parts` need.

    Reports progress from 0 to `share`, at least every 1.5 s of audio. Where the channels cancel each other
    out it listens again, to the loudest alone. Raises as `engines._audio.AudioReader` does.
    """
    progress = _units.rising(progress)
    heard, cancelled = _listen(path, parts, progress, share, channel=None)
    if cancelled is not None:
        heard, _ = _listen(path, parts, progress, share, channel=cancelled)
    return heard


def _listen(
    path: Path, parts: AbstractSet[Part], progress: _units.Progress, share: float, channel: int | None
) -> tuple[Heard, int | None]:
    with AudioReader(path) as reader:
        rhythm_and_shape = _ShapeListener(parts) if parts & {RHYTHM, SHAPE, TIMBRE} else None
        tonal = pitch.PitchListener() if TONAL in parts else None
        meter = LoudnessMeter(reader.sr, reader.positions) if LOUDNESS in parts else None
        waveform = WaveformMeter(reader.sr, reader.n_channels, reader.encoding) if WAVEFORM in parts else None
        overview = Overview(OVERVIEW_HOP) if OVERVIEW in parts else None
        to_shape, to_tonal = Resampler(reader.sr, band.SR), Resampler(reader.sr, pitch.SR)
        mixdown = Mixdown(reader.n_channels, channel)
        for block in reader.blocks():
            mono = mixdown.push(block)
            if meter:
                meter.push(block)
            if waveform:
                waveform.push(block)
            if rhythm_and_shape or overview:
                y = to_shape.push(mono)
                if rhythm_and_shape:
                    rhythm_and_shape.push(y)
                if overview:
                    overview.push(y)
            if tonal:
                tonal.push(to_tonal.push(mono))
            progress(share * reader.share_read, "listen")
        if mixdown.instead is not None:
            return _NOTHING, mixdown.instead
        bands, shape = NO_BANDS, NO_SHAPE
        rest = to_shape.finish()
        if overview:
            overview.push(rest)
        if rhythm_and_shape:
            rhythm_and_shape.push(rest)
            bands, shape = rhythm_and_shape.finish()
        if tonal:
            tonal.push(to_tonal.finish())
        return Heard(
            duration=reader.duration,
            sr=reader.sr,
            n_channels=reader.n_channels,
            truncated=reader.truncated,
            faulty_samples=reader.faulty_samples,
            bands=bands,
            pitches=tonal.finish() if tonal else NO_PITCHES,
            shape=shape,
            loudness=meter.read() if meter else NO_LOUDNESS,
            loudness_energy=meter.energy() if meter else NO_VALUES,
            waveform=waveform.read(mixdown.energy / reader.frames) if waveform else NO_WAVEFORM,
            overview=overview.finish() if overview else NO_OVERVIEW,
        ), None


_NOTHING = Heard(
    0.0, 0, 0, False, 0, NO_BANDS, NO_PITCHES, NO_SHAPE, NO_LOUDNESS, NO_VALUES, NO_WAVEFORM, NO_OVERVIEW
)


class _ShapeListener:
    """Bands and spectral shape from one spectrum; a product with one matrix gives bands, sums and moments."""

    def __init__(self, parts: AbstractSet[Part]) -> None:
        self._framer = Framer(band.N_FFT, band.HOP_LENGTH)
        self._window = hann(band.N_FFT)
        f = spectral_shape.frequencies()
        self._matrix = np.column_stack([band.band_matrix(), np.ones_like(f), f])
        self._with_timbre = TIMBRE in parts
        self._with_shape = SHAPE in parts or self._with_timbre
        self._levels = spectral_shape.Levels(band.HOP_LENGTH)
        self._bands = Rows(band.N_BANDS)
        self._frequencies = f
        self._shape = Rows(2)
        self._timbre = Rows(2 + 2 * timbre.N_CONTRASTS)

    def push(self, y: FloatArray) -> None:
        self._hear(self._framer.push(y))
        if self._with_shape:
            self._levels.push(y)

    def finish(self) -> tuple[FloatArray, Shape]:
        self._hear(self._framer.finish())
        bands = self._bands.take()
        if not self._with_shape:
            return bands, NO_SHAPE
        centroid, rolloff = self._shape.take().T.copy()
        described = self._timbre.take()
        bandwidth, flatness = described[:, :2].T.copy()
        contrast = timbre.contrast(described[:, 2:])
        return bands, Shape(centroid, bandwidth, rolloff, flatness, contrast, *self._levels.finish())

    def _hear(self, frames: FloatArray) -> None:
        for i in range(0, len(frames), 128):  # 128 spectra of 1025 bins fit a core's cache
            S = magnitudes(frames[i : i + 128], self._window)
            product = S @ self._matrix
            self._bands.add(product[:, : band.N_BANDS])
            if self._with_shape:
                self._describe(S, product[:, -2], product[:, -1])

    def _describe(self, S: FloatArray, sums: FloatArray, moments: FloatArray) -> None:
        centroid = spectral_shape.centroid(sums, moments)
        self._shape.add(np.column_stack([centroid, spectral_shape.rolloff(S, sums)]))
        if self._with_timbre:
            bandwidth = timbre.bandwidth(S, sums, centroid, self._frequencies)
            self._timbre.add(np.column_stack([bandwidth, timbre.flatness(S), timbre.peaks_and_valleys(S)]))
