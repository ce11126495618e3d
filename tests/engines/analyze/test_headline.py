"""What is written over a picture: every fact, and doubt wherever the command line's summary has it."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from adapters.command_line.analyze import summary
from engines.analyze import headline
from engines.analyze.headline import Fact
from engines.analyze.results import Analysis, KeySection
from tests import signals
from tests.engines.analyze import drawn


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    y = signals.cadence("C major", times=2, sr=drawn.SR)
    found, _ = drawn.heard_of(tmp_path_factory.mktemp("headline"), y)
    loudness = replace(found.loudness, integrated_lufs=-14.04, true_peak_dbtp=-0.01)
    return replace(
        found, duration=75.2, loudness=loudness, tempo=87.0, tempo_confidence=0.7, meter="4/4",
        meter_confidence=0.98, key="C", mode="major", key_confidence=0.61,
        key_changes=[KeySection(0.0, 75.2, "C", "major")],
    )  # fmt: skip


def test_it_tells_length_tempo_key_and_loudness_and_how_sure_they_are(song: Analysis) -> None:
    assert headline.facts(song) == [
        Fact("1:15"),
        Fact("87.00 BPM, 4/4", "70 % sure, of the meter 98 %"),
        Fact("C major", "61 % sure"),
        Fact("\N{MINUS SIGN}14.0 LUFS"),
        Fact("peak 0.0 dBTP"),
    ]


def test_a_tempo_without_a_meter_stands_alone(song: Analysis) -> None:
    assert headline.facts(replace(song, meter=None))[1] == Fact("87.00 BPM", "70 % sure")


def test_what_is_hardly_sure_is_told_as_a_guess(song: Analysis) -> None:
    noise = replace(song, tempo_confidence=0.0, key_confidence=0.004)
    assert headline.facts(noise)[1:3] == [
        Fact("hardly a pulse, perhaps 87.00 BPM", "0 % sure", doubtful=True),
        Fact("hardly a key, perhaps C major", "0 % sure", doubtful=True),
    ]
    meter = headline.facts(replace(song, meter_confidence=0.02))[1]
    assert meter == Fact("87.00 BPM, perhaps 4/4", "70 % sure, of the meter 2 %")


@pytest.mark.parametrize("confidence", [0.0, 0.099, 0.101, 1.0])
def test_what_the_command_line_doubts_is_doubted(song: Analysis, confidence: float) -> None:
    found = replace(song, key_confidence=confidence, tempo_confidence=confidence)
    said = {name: texts[0] for name, texts in summary(asdict(found))}
    pulse, key = headline.facts(found)[1:3]
    assert key.doubtful == said["key"].startswith("hardly any, perhaps C major")
    assert pulse.doubtful == said["tempo"].startswith("hardly any, perhaps 87.00 BPM")
    assert len(headline.keys(found)) == (not key.doubtful)


@pytest.mark.parametrize(
    ("tonics", "text"),
    [
        ("CD", "C major to D major"),
        ("CDE", "C major to D major to E major"),
        ("CDEC", "C major, 3 key changes"),
    ],
)
def test_keys_that_follow_each_other_are_named_while_they_are_few(
    song: Analysis, tonics: str, text: str
) -> None:
    changes = [KeySection(10.0 * i, 10.0 * (i + 1), tonic, "major") for i, tonic in enumerate(tonics)]  # type: ignore[arg-type]
    assert headline.facts(replace(song, key_changes=changes))[2].text == text


def test_silence_has_no_pulse_no_key_and_no_loudness(tmp_path: Path) -> None:
    found, _ = drawn.heard_of(tmp_path, signals.silence(1, drawn.SR))
    assert headline.facts(found) == [Fact("0:01.0"), Fact("no pulse"), Fact("nothing tonal")]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1 / 44100, "0.0227 ms"), (0.05, "50 ms"), (0.25, "0:00.2"), (59.94, "0:59.9"), (75, "1:15")],
)
def test_a_length_is_told_as_exactly_as_it_is_worth(seconds: float, text: str) -> None:
    assert headline.length(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (754, "12:34"), (3723, "1:02:03")]
)
def test_times_are_written_as_clocks(seconds: float, text: str) -> None:
    assert headline.clock(seconds) == text


def test_nothing_is_minus_nought() -> None:
    assert headline.number(-0.04) == "0.0"
    assert headline.number(np.float64(-12.0), 0) == "\N{MINUS SIGN}12"
