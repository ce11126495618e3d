"""The operations as the daemon calls them: every kind of file, progress, cancel, and plain answers."""

import json
import math
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from pydantic import TypeAdapter

from engines import analyze
from engines._errors import UndecodableError
from engines.analyze.results import Analysis
from tests import signals

# The operations over a folder have their own tests, in test_collection.
OF_ONE_RECORDING = analyze.CACHED
PHASE_1 = {
    "tempo": float,
    "key": str,
    "duration": float,
    "beats": int,
    "spectral_centroid_mean": float,
    "spectral_rolloff_mean": float,
    "rms_mean": float,
    "zero_crossing_rate_mean": float,
}


@pytest.fixture
def song(tmp_path: Path) -> Path:
    y = signals.drum_loop(120, 8)
    y = y + np.resize(signals.cadence("A minor", seconds_each=2.0), len(y))
    return signals.write(tmp_path / "song.wav", 0.5 * signals.stereo(y))


def test_every_phase_1_field_is_there_and_right(song: Path) -> None:
    found = analyze.audio(song)
    for name, kind in PHASE_1.items():
        assert type(getattr(found, name)) is kind
    assert found.tempo == pytest.approx(120, rel=1e-3)
    assert (found.key, found.mode) == ("A", "minor")
    assert found.duration == pytest.approx(16.0)
    assert found.beats == len(found.beat_times) == pytest.approx(32, abs=1)
    assert found.sample_rate == 44100
    assert found.channels == 2
    assert not found.truncated


def test_the_parts_alone_say_what_the_whole_says(song: Path) -> None:
    whole = analyze.audio(song)
    alone = analyze.beats(song)
    assert (alone.tempo, alone.beat_times) == (whole.tempo, whole.beat_times)
    assert analyze.key(song).key == whole.key
    assert analyze.loudness(song) == whole.loudness


@pytest.mark.parametrize(
    ("container", "encoding"),
    [("AIFF", "PCM_24"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III"), ("WAV", "PCM_U8")],
)
def test_a_format_does_not_change_the_answer(tmp_path: Path, container: str, encoding: str) -> None:
    y = 0.5 * (signals.drum_loop(120, 8) + np.resize(signals.cadence("A minor", 2.0), 16 * signals.SR))
    found = analyze.audio(signals.write(tmp_path / "song", y, encoding=encoding, container=container))
    assert found.tempo == pytest.approx(120, rel=1e-3)
    assert (found.key, found.mode) == ("A", "minor")


@pytest.mark.parametrize(
    "y",
    [
        signals.silence(3),
        signals.silence(1 / 44100),
        signals.tone(440, 1 / 44100, phase=90),
        signals.noise(0.01),
        np.full(44100, np.nan, np.float32),
        np.full(44100, np.inf, np.float32),
        np.full(44100, 1e38, np.float32),
        np.full(44100, 1.0, np.float32),
        np.tile(np.array([1e6, -1e6], np.float32), 22050),
        np.full(44100, 1e-30, np.float32),
        (1e-40 * signals.drum_loop(120, 4)).astype(np.float32),
        (1e-11 * signals.drum_loop(120, 4)).astype(np.float32),
        np.tile(signals.noise(2), (9, 1)),
    ],
    ids=[
        "silence",
        "one_sample",
        "loud_sample",
        "10_ms",
        "nan",
        "inf",
        "huge",
        "dc",
        "too_loud",
        "denormal",
        "denormal_music",
        "quietest_music",
        "9_channels",
    ],
)
def test_whatever_holds_samples_has_an_answer_without_nan(tmp_path: Path, y: signals.FloatArray) -> None:
    found = analyze.audio(signals.write(tmp_path / "a.wav", y, encoding="FLOAT"))
    assert TypeAdapter(Analysis).validate_python(asdict(found))
    for number in walk(asdict(found)):
        assert math.isfinite(number)


def test_what_is_quieter_than_240_db_below_full_scale_is_silence(tmp_path: Path) -> None:
    y = (1e-13 * signals.drum_loop(120, 4)).astype(np.float32)
    found = analyze.audio(signals.write(tmp_path / "a.wav", y, encoding="FLOAT"))
    assert (found.tempo, found.key, found.loudness.sample_peak_dbfs) == (0, None, None)
    assert found.faulty_samples == 0


def walk(value: object) -> list[float]:
    if isinstance(value, dict):
        return [n for part in value.values() for n in walk(part)]
    if isinstance(value, list):
        return [n for part in value for n in walk(part)]
    return [value] if isinstance(value, int | float) else []


def test_silence_has_the_documented_answer(tmp_path: Path) -> None:
    found = analyze.audio(signals.write(tmp_path / "a.wav", signals.silence(3)))
    assert (found.tempo, found.tempo_confidence, found.beats, found.beat_times) == (0, 0, 0, [])
    assert (found.key, found.mode, found.key_confidence, found.tuning_cents) == (None, None, 0, None)
    assert set(asdict(found.loudness).values()) == {None}
    assert found.duration == 3.0


def test_samples_that_are_no_numbers_are_counted(tmp_path: Path) -> None:
    y = signals.drum_loop(120, 4)
    y[1000:1010] = np.nan
    found = analyze.audio(signals.write(tmp_path / "a.wav", y, encoding="FLOAT"))
    assert found.faulty_samples == 10
    assert found.tempo == pytest.approx(120, rel=1e-3)


def test_a_cut_off_file_is_analysed_as_far_as_it_goes(song: Path) -> None:
    data = song.read_bytes()
    song.write_bytes(data[: len(data) // 2])
    found = analyze.audio(song)
    assert found.truncated
    assert found.duration == pytest.approx(8.0, abs=0.01)
    assert found.tempo == pytest.approx(120, rel=1e-3)


def test_a_text_file_named_wav_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    path.write_text("this is no sound")
    with pytest.raises(UndecodableError, match="path: not audio"):
        analyze.audio(path)


def test_an_answer_is_plain_json(song: Path) -> None:
    assert json.loads(json.dumps(asdict(analyze.audio(song)), allow_nan=False))


def test_every_field_says_what_it_is() -> None:
    for operation in analyze.OPERATIONS:
        result = operation.__annotations__["return"]
        schema = TypeAdapter(result).json_schema()
        for name, field in schema["properties"].items():
            assert field.get("description"), f"{operation.__name__}.{name}"


@pytest.mark.parametrize("operation", OF_ONE_RECORDING)
def test_progress_never_falls_and_ends_at_one(song: Path, operation: object) -> None:
    seen: list[tuple[float, str]] = []
    operation(song, progress=lambda fraction, stage: seen.append((fraction, stage)))  # type: ignore[operator]
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert len(seen) > 8
    assert all(stage for _, stage in seen)


def test_progress_does_not_fall_where_channels_cancel_out_and_it_listens_again(tmp_path: Path) -> None:
    y = signals.tone(440, 30)
    seen: list[float] = []
    analyze.key(
        signals.write(tmp_path / "a.wav", np.stack([y, -y])),
        progress=lambda fraction, _: seen.append(fraction),
    )
    assert seen == sorted(seen)
    assert len(set(seen)) > 8
    assert seen.count(max(seen[:-1])) > 8, "the second time is told of too"


@pytest.mark.parametrize("operation", OF_ONE_RECORDING)
def test_a_cancel_in_progress_gets_through(song: Path, operation: object) -> None:
    class Cancelled(Exception):
        pass

    def cancel(fraction: float, stage: str) -> None:
        if fraction > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        operation(song, progress=cancel)  # type: ignore[operator]


def test_the_same_file_gives_the_same_answer(song: Path) -> None:
    assert analyze.audio(song) == analyze.audio(song)


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, engines.analyze; "
        "sys.exit(bool({'numpy', 'scipy', 'soundfile', 'librosa', 'numba'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_warming_up_loads_no_compiler_and_no_signal_package() -> None:
    code = (
        "import sys; from engines import analyze; analyze.warm_up(); "
        "sys.exit(bool({'librosa', 'numba', 'scipy.signal', 'scipy.stats'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_three_hours_take_less_than_600_mb(tmp_path: Path) -> None:
    second = (127 + 100 * signals.click_track(120, 1.0, 8000)).astype(np.uint8).tobytes()
    n_seconds = 3 * 3600
    path = signals.write(tmp_path / "long.wav", signals.silence(0), 8000, encoding="PCM_U8")
    header = bytearray(path.read_bytes()[:44])
    header[4:8] = (36 + 8000 * n_seconds).to_bytes(4, "little")
    header[40:44] = (8000 * n_seconds).to_bytes(4, "little")
    path.write_bytes(header + second * n_seconds)
    # Not ru_maxrss where it can be helped: on Linux a child begins with its parent's, which ran other tests.
    code = (
        "import sys, resource, pathlib; from engines import analyze; "
        "found = analyze.audio(pathlib.Path(sys.argv[1])); "
        "own = pathlib.Path('/proc/self/status'); "
        "peak_kb = own.read_text().split('VmHWM:')[1].split()[0] if own.exists() "
        "else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024; "
        "print(found.duration, found.tempo, peak_kb)"
    )
    run = subprocess.run([sys.executable, "-c", code, path], check=True, capture_output=True, text=True)
    duration, tempo, peak_kb = map(float, run.stdout.split())
    assert duration == n_seconds
    assert tempo == pytest.approx(120, rel=1e-3)
    assert peak_kb < 600e3
