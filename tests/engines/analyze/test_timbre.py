"""The spectrum's numbers are librosa's own, and follow from what was made to sound."""

from pathlib import Path

import librosa
import numpy as np
import pytest

from bus.settings import MEGABYTE, Limits
from engines import analyze
from engines._audio import AudioReader
from engines._errors import TooLongError
from engines.analyze import answers, bands
from engines.analyze.frames import hann, magnitudes
from engines.analyze.listening import SHAPE, TIMBRE, Shape, listen
from engines.analyze.timbre import N_CONTRASTS, contrast, flatness, peaks_and_valleys
from tests import signals

TOLERANCES = {
    "centroid": 0.1,  # Hz
    "bandwidth": 0.1,  # Hz
    "rolloff": 22.0,  # Hz: one bin, where the sum falls on the edge of two
    "flatness": 1e-4,
    "contrast": 0.3,  # dB: a band's weakest bin can be weaker than float32 rounds; the means agree to 0.01 dB
    "zero_crossing_rate": 1 / 2048,  # one crossing: librosa counts none into a frame's first sample
}


def shape(folder: Path, y: signals.FloatArray) -> Shape:
    return listen(signals.write(folder / "a.wav", y, encoding="FLOAT"), {SHAPE, TIMBRE}).shape


def by_librosa(y: signals.FloatArray) -> dict[str, signals.FloatArray]:
    S = np.abs(librosa.stft(y))
    feature = librosa.feature
    return {
        "centroid": feature.spectral_centroid(S=S, sr=44100)[0],
        "bandwidth": feature.spectral_bandwidth(S=S, sr=44100)[0],
        "rolloff": feature.spectral_rolloff(S=S, sr=44100)[0],
        "flatness": feature.spectral_flatness(S=S)[0],
        "contrast": feature.spectral_contrast(S=S, sr=44100).T,
        "zero_crossing_rate": feature.zero_crossing_rate(y)[0],
    }


@pytest.mark.slow  # librosa compiles when first called
@pytest.mark.parametrize(
    "y",
    [
        signals.noise(1.5),
        signals.tone(1000, 1.5),
        signals.cadence("A minor", times=1),
        np.concatenate([signals.noise(0.7), signals.tone(200, 0.7) + 0.1 * signals.tone(9000, 0.7)]),
    ],
    ids=["noise", "tone", "chords", "halves"],
)
def test_every_frame_is_librosas(tmp_path: Path, y: signals.FloatArray) -> None:
    # A floor as 14 bits have it: without, the valleys between pure tones are the transforms' rounding.
    y = y + signals.noise(len(y) / signals.SR, amplitude=1e-4, seed=1)
    got, expected = shape(tmp_path, y), by_librosa(y)
    for name, tolerance in TOLERANCES.items():
        ours, theirs = getattr(got, name), expected[name]
        assert ours.shape == theirs.shape
        # Two frames at each end: librosa's zero crossings continue the edge where ours have silence.
        assert np.abs(ours[2:-2] - theirs[2:-2]).max() <= tolerance, name
    assert got.contrast.mean(axis=0) == pytest.approx(expected["contrast"].mean(axis=0), abs=0.01)


def test_a_pure_tone_is_narrow_and_uneven_and_noise_is_wide_and_flat(tmp_path: Path) -> None:
    tone = analyze.spectrum(signals.write(tmp_path / "tone.wav", signals.tone(5000, 2), encoding="FLOAT"))
    noise = analyze.spectrum(signals.write(tmp_path / "noise.wav", signals.noise(2), encoding="FLOAT"))
    assert tone.centroid_mean == pytest.approx(5000, rel=0.01)
    assert tone.flatness_mean < 0.01
    # White noise is even from 0 to 22050 Hz: mean half of it, deviation that over the root of 12.
    assert noise.centroid_mean == pytest.approx(11025, rel=0.01)
    assert noise.bandwidth_mean == pytest.approx(22050 / 12**0.5, rel=0.01)
    assert noise.rolloff_mean == pytest.approx(0.85 * 22050, rel=0.01)
    # Its power is exponentially distributed: geometric over arithmetic mean is e to minus Euler's constant.
    assert noise.flatness_mean == pytest.approx(np.exp(-np.euler_gamma), rel=0.02)
    assert noise.zero_crossing_rate_mean == pytest.approx(0.5, rel=0.02)
    assert tone.bandwidth_mean < 0.1 * noise.bandwidth_mean
    # 5 kHz lies in the sixth band; in the bands beside it nothing stands out as far.
    assert np.argmax(tone.contrast_means) == 5


def test_the_spread_is_the_standard_deviation_of_the_series(tmp_path: Path) -> None:
    y = np.concatenate([signals.tone(500, 1), signals.tone(4000, 1)])
    found = analyze.spectrum(signals.write(tmp_path / "a.wav", y), series=True)
    assert found.series is not None
    assert found.centroid_spread == pytest.approx(1750, rel=0.05)
    for name in ("centroid", "bandwidth", "rolloff", "flatness", "zero_crossing_rate"):
        values = getattr(found.series, name)
        assert getattr(found, f"{name}_mean") == pytest.approx(np.mean(values), rel=1e-5)
        assert getattr(found, f"{name}_spread") == pytest.approx(np.std(values), rel=1e-4)
        assert len(values) == 1 + 88200 // 512
    assert found.contrast_means == pytest.approx(np.mean(found.series.contrast, axis=1), rel=1e-5)
    assert len(found.series.contrast) == len(found.contrast_spreads) == N_CONTRASTS
    assert found.series.centroid[int(1.5 * found.series.frame_rate)] == pytest.approx(4000, rel=0.01)


def test_there_is_no_series_unless_asked_for(tmp_path: Path) -> None:
    assert analyze.spectrum(signals.write(tmp_path / "a.wav", signals.noise(0.1))).series is None


def test_the_whole_says_what_the_spectrum_alone_says(tmp_path: Path) -> None:
    path = signals.write(tmp_path / "a.wav", signals.cadence("C major", times=1))
    whole, alone = analyze.audio(path), analyze.spectrum(path)
    for name, value in vars(whole.spectrum).items():
        assert getattr(alone, name) == value
    assert whole.spectrum.centroid_mean == whole.spectral_centroid_mean
    assert whole.spectrum.zero_crossing_rate_mean == whole.zero_crossing_rate_mean


def test_silence_is_zero_everywhere_but_its_flatness(tmp_path: Path) -> None:
    silent = analyze.spectrum(signals.write(tmp_path / "a.wav", signals.silence(1)))
    assert silent.flatness_mean == pytest.approx(1)
    assert silent.flatness_spread == silent.centroid_mean == silent.bandwidth_mean == 0
    assert silent.contrast_means == silent.contrast_spreads == [0.0] * N_CONTRASTS


def test_spectra_are_left_as_they_were() -> None:
    S = magnitudes(signals.noise(0.1)[None, :2048], hann(2048))
    before = S.copy()
    flatness(S)
    peaks_and_valleys(S)
    assert np.array_equal(S, before)


def test_no_frames_have_no_contrast() -> None:
    assert contrast(np.zeros((0, 2 * N_CONTRASTS), np.float32)).shape == (0, N_CONTRASTS)


def test_a_series_too_long_for_an_answer_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "LONGEST_SERIES_S", 60.0)
    monkeypatch.setattr(AudioReader, "blocks", lambda _: pytest.fail("it was decoded"))
    path = signals.write(tmp_path / "a.wav", signals.silence(120, sr=4000), 4000)
    with pytest.raises(TooLongError, match=r"series: of 2\.0 minutes; must be of at most 1, or false"):
        analyze.spectrum(path, series=True)


def test_a_series_is_refused_too_where_the_header_says_too_little(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "LONGEST_SERIES_S", 1.0)
    monkeypatch.setattr(AudioReader, "declared_duration", 0.0)
    path = signals.write(tmp_path / "a.wav", signals.noise(1.1))
    with pytest.raises(TooLongError, match="series"):
        analyze.spectrum(path, series=True)
    assert analyze.spectrum(path).series is None


def test_the_longest_series_fits_into_an_answer() -> None:
    numbers = answers.LONGEST_SERIES_S * bands.FRAME_RATE * (5 + N_CONTRASTS)
    assert 9 * numbers < Limits().result_mb * MEGABYTE - 1e6
