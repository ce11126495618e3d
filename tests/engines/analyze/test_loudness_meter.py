"""The meter against the standards' own signals, at every sample rate it may meet."""

import numpy as np
import pytest

from engines.analyze.loudness_meter import LoudnessMeter, Measured, k_weighting
from tests import signals

RATES = [22050, 44100, 48000, 96000, 192000]
STEREO = ("L", "R")


def measure(y: signals.FloatArray, sr: int, positions: tuple[str, ...] = STEREO) -> Measured:
    meter = LoudnessMeter(sr, positions)
    for start in range(0, y.shape[1], 50_021):  # a prime, so that steps and runs straddle blocks
        meter.push(y[:, start : start + 50_021])
    return meter.read()


def test_the_filters_at_48_khz_are_the_standards() -> None:
    # BS.1770-4, tables 1 and 2.
    shelf = [1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241, 0.73248077421585]
    high_pass = [1.0, -2.0, 1.0, 1, -1.99004745483398, 0.99007225036621]
    assert np.allclose(k_weighting(48000), [shelf, high_pass], atol=1e-8)


@pytest.mark.parametrize(
    ("sr", "case"),
    [(48000, case) for case in signals.EBU_3341_INTEGRATED] + [(sr, "1") for sr in RATES] + [(44100, "5")],
)
def test_integrated_loudness_meets_ebu_tech_3341(sr: int, case: str) -> None:
    levels, expected = signals.EBU_3341_INTEGRATED[case]
    assert measure(signals.steps(levels, sr), sr).integrated_lufs == pytest.approx(expected, abs=0.1)


def test_surround_channels_count_as_tech_3341_case_6_says() -> None:
    t = signals.tone(1000, 20, 48000, amplitude=1.0)
    y = np.stack([t * 10 ** (level / 20) for level in (-28, -28, -24, -30, -30)]).astype(np.float32)
    assert measure(y, 48000, ("L", "R", "C", "Ls", "Rs")).integrated_lufs == pytest.approx(-23, abs=0.1)


def test_the_low_frequency_channel_does_not_count() -> None:
    y = np.stack([signals.tone(1000, 5, 48000), signals.tone(1000, 5, 48000, amplitude=0.9)])
    with_lfe = measure(y, 48000, ("L", "LFE"))
    assert with_lfe.integrated_lufs == measure(y[:1], 48000, ("M",)).integrated_lufs
    assert with_lfe.sample_peak_dbfs == pytest.approx(20 * np.log10(0.9), abs=0.01)


@pytest.mark.parametrize(
    ("sr", "case"), [(48000, case) for case in signals.EBU_3342_RANGE] + [(sr, "1") for sr in RATES]
)
def test_loudness_range_meets_ebu_tech_3342(sr: int, case: str) -> None:
    levels, expected = signals.EBU_3342_RANGE[case]
    assert measure(signals.steps(levels, sr), sr).range_lu == pytest.approx(expected, abs=1.0)


def test_short_term_loudness_meets_tech_3341_case_9() -> None:
    y = signals.steps([(1.34, -20), (1.66, -30)] * 5)
    assert measure(y, 48000).short_term_max_lufs == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize("i", range(0, 20, 3))
def test_the_largest_momentary_loudness_meets_tech_3341_case_13(i: int) -> None:
    silent = np.zeros((2, round(i * 0.02 * 48000)), np.float32)
    y = np.concatenate([silent, signals.steps([(0.4, -23)]), np.zeros((2, 48000), np.float32)], axis=1)
    assert measure(y, 48000).momentary_max_lufs == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize("sr", RATES)
@pytest.mark.parametrize("case", signals.EBU_3341_TRUE_PEAK)
def test_true_peak_meets_ebu_tech_3341(sr: int, case: str) -> None:
    divisor, amplitude, phase, expected = signals.EBU_3341_TRUE_PEAK[case]
    peak = measure(signals.true_peak_tone(divisor, amplitude, phase, sr), sr).true_peak_dbtp
    assert peak is not None
    assert expected - 0.4 <= peak <= expected + 0.2


def test_the_bands_a_burst_hides_between_samples_are_found() -> None:
    # Tech 3341, cases 20 to 23: one period at a quarter of 4 fs, taken at each of the four possible offsets.
    sr, times = 48000, 4
    steady = 0.5 * np.sin(2 * np.pi * np.arange(24 * 2000) / 24)
    fine = np.concatenate([steady, np.sin(2 * np.pi * np.arange(16) / 16), steady])
    ramp = np.minimum(1, np.arange(len(fine)) / (0.01 * times * sr))
    x = np.arange(-256, 257)
    low_pass = np.sinc(x / times) / times * np.kaiser(len(x), 8)
    fine = np.convolve(fine * ramp * ramp[::-1], low_pass, mode="same")
    for offset in range(times):
        peak = measure(signals.stereo(fine[offset::times].astype(np.float32)), sr).true_peak_dbtp
        assert peak is not None
        assert -0.4 <= peak <= 0.2


def test_a_gain_moves_every_reading_by_itself() -> None:
    y = signals.stereo(signals.noise(6, 48000, amplitude=0.05), signals.drum_loop(100, 4, 48000)[: 6 * 48000])
    plain, louder = measure(y, 48000), measure(y * 2, 48000)
    for name in ("integrated_lufs", "true_peak_dbtp", "momentary_max_lufs", "short_term_max_lufs"):
        assert getattr(louder, name) - getattr(plain, name) == pytest.approx(20 * np.log10(2), abs=0.01)
    assert louder.range_lu == pytest.approx(plain.range_lu or 0, abs=0.01)


def test_silence_has_no_loudness() -> None:
    assert measure(np.zeros((2, 5 * 48000), np.float32), 48000) == Measured(
        None, None, None, None, None, None
    )


def test_less_than_400_ms_has_peaks_but_no_loudness() -> None:
    short = measure(signals.stereo(signals.tone(1000, 0.3, 48000)), 48000)
    assert short.integrated_lufs is None
    assert short.momentary_max_lufs is None
    assert short.true_peak_dbtp == pytest.approx(-6.02, abs=0.1)


def test_a_peak_at_the_very_end_is_seen() -> None:
    y = np.zeros((1, 4801), np.float32)
    y[0, -1] = 0.5
    assert measure(y, 48000, ("M",)).sample_peak_dbfs == pytest.approx(-6.02, abs=0.01)
