"""What comes in from files: every format, by content, with faults counted or named."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest

from engines._audio import AudioReader, load, load_mono
from engines._errors import TooLongError, UndecodableError
from tests import signals

FORMATS = [
    ("WAV", "PCM_U8"),
    ("WAV", "PCM_16"),
    ("WAV", "PCM_24"),
    ("WAV", "PCM_32"),
    ("WAV", "FLOAT"),
    ("WAV", "DOUBLE"),
    ("AIFF", "PCM_16"),
    ("AIFF", "PCM_24"),
    ("FLAC", "PCM_16"),
    ("FLAC", "PCM_24"),
    ("OGG", "VORBIS"),
    ("MP3", "MPEG_LAYER_III"),
]


def read(path: Path) -> AudioReader:
    with AudioReader(path) as reader:
        for _ in reader.blocks():
            pass
    return reader


@pytest.mark.parametrize(("container", "encoding"), FORMATS)
@pytest.mark.parametrize("n_channels", [1, 2])
def test_a_format_is_read_by_its_content_under_any_name(
    tmp_path: Path, container: str, encoding: str, n_channels: int
) -> None:
    y = np.stack([signals.tone(440 * (c + 1), 1.0) for c in range(n_channels)])
    path = signals.write(tmp_path / "take.bin", y, encoding=encoding, container=container)
    got, sr = load(path)
    assert sr == signals.SR
    assert got.shape == y.shape
    assert got.dtype == np.float32
    middle = slice(10_000, 30_000)
    assert np.abs(got[:, middle] - y[:, middle]).max() < 0.02


@pytest.mark.parametrize("sr", [8000, 22050, 48000, 96000, 192000])
def test_a_sample_rate_is_taken_from_the_file(tmp_path: Path, sr: int) -> None:
    path = signals.write(tmp_path / "a.wav", signals.tone(440, 0.5, sr), sr)
    assert read(path).sr == sr
    assert len(load_mono(path, 22050)) == pytest.approx(11025, abs=2)


def test_vorbis_channels_come_out_in_wav_order(tmp_path: Path) -> None:
    vorbis = np.stack([signals.tone(f, 0.5, amplitude=0.2) for f in (200, 300, 400, 500, 600, 60)])
    path = signals.write(tmp_path / "surround.ogg", vorbis, encoding="VORBIS")
    y, sr = load(path)
    loudest = [round(np.argmax(np.abs(np.fft.rfft(c))) * sr / y.shape[1], -1) for c in y]
    # Vorbis has L C R Ls Rs LFE; WAV has L R C LFE Ls Rs.
    assert loudest == [200, 400, 300, 60, 500, 600]


def test_blocks_join_to_the_whole_however_long(tmp_path: Path) -> None:
    y = signals.noise(20.0)
    path = signals.write(tmp_path / "a.wav", y, encoding="FLOAT")
    with AudioReader(path) as reader:
        sizes = [block.shape[1] for block in reader.blocks()]
    assert len(sizes) > 3
    assert sum(sizes) == len(y) == reader.frames
    assert not reader.truncated


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_samples_that_are_no_amplitudes_become_silence_and_are_counted(tmp_path: Path, value: float) -> None:
    y = signals.tone(440, 0.5)
    y[100:107] = value
    path = signals.write(tmp_path / "a.wav", y, encoding="FLOAT")
    reader = read(path)
    assert reader.faulty_samples == 7
    got, _ = load(path)
    assert np.isfinite(got).all()
    assert not got[0, 100:107].any()


@pytest.mark.parametrize(("container", "encoding"), [f for f in FORMATS if f[1] != "DOUBLE"])
def test_a_cut_off_file_gives_what_is_there_and_says_so(
    tmp_path: Path, container: str, encoding: str
) -> None:
    path = signals.write(tmp_path / "whole", signals.noise(4.0), encoding=encoding, container=container)
    assert not read(path).truncated
    data = path.read_bytes()
    cut = tmp_path / "cut"
    cut.write_bytes(data[: len(data) // 2])
    reader = read(cut)
    assert reader.truncated
    assert 0.5 < reader.duration < 3.0


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF])
def test_a_wav_that_never_learnt_its_size_is_whole(tmp_path: Path, size: int) -> None:
    path = signals.write(tmp_path / "a.wav", signals.tone(440, 0.5))
    data = bytearray(path.read_bytes())
    data[40:44] = struct.pack("<I", size)
    path.write_bytes(data)
    reader = read(path)
    assert reader.frames == signals.SR // 2
    assert not reader.truncated


@pytest.mark.parametrize(
    "content",
    [b"", b"hello, this is no sound\n" * 500, b"\0" * 5000, b"\xff" * 5000, b"RIFF\x10\0\0\0WAVE", b"fLaC"],
    ids=["empty", "text", "zeros", "ones", "bare header", "bare flac"],
)
def test_what_is_no_audio_is_refused_with_the_reason(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "song.wav"
    path.write_bytes(content)
    with pytest.raises(UndecodableError, match="path: not audio that can be decoded"):
        read(path)


def test_a_recording_without_samples_is_refused(tmp_path: Path) -> None:
    path = signals.write(tmp_path / "a.wav", signals.silence(0))
    with pytest.raises(UndecodableError, match="no audio samples"):
        read(path)


def test_one_sample_is_a_recording(tmp_path: Path) -> None:
    assert read(signals.write(tmp_path / "a.wav", signals.silence(1 / signals.SR))).frames == 1


@pytest.mark.parametrize("sr", [1, 3999, 10_000_000])
def test_a_sample_rate_nobody_records_at_is_refused(tmp_path: Path, sr: int) -> None:
    path = signals.write(tmp_path / "a.wav", signals.tone(440, 0.1))
    data = bytearray(path.read_bytes())
    data[24:28] = struct.pack("<I", sr)
    path.write_bytes(data)
    with pytest.raises(UndecodableError, match="sample rate"):
        read(path)


def test_more_channels_than_anybody_records_are_refused(tmp_path: Path) -> None:
    path = signals.write(tmp_path / "a.wav", np.zeros((65, 10)))
    with pytest.raises(UndecodableError, match="path: 65 channels; must be at most 64"):
        read(path)


def test_more_than_twelve_hours_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    path = signals.write(tmp_path / "a.wav", signals.silence(13 * 3600, sr=4000), 4000, encoding="PCM_U8")
    with pytest.raises(TooLongError, match="path: longer than 12 hours"):
        AudioReader(path)


def flac_that_says(path: Path, frames: int) -> Path:
    """Write 4 s of noise as FLAC whose header has another number of samples."""
    signals.write(path, signals.noise(4.0), container="FLAC")
    data = bytearray(path.read_bytes())
    # STREAMINFO (RFC 9639, 8.2): the number of samples is the last 36 of these 64 bits, 0 where unknown.
    other = int.from_bytes(data[18:26], "big") >> 36 << 36
    data[18:26] = (other | frames).to_bytes(8, "big")
    path.write_bytes(data)
    return path


def test_a_length_that_the_header_does_not_tell_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = flac_that_says(tmp_path / "a.flac", 0)
    reader = read(path)
    assert reader.declared_duration == 0.0
    assert (reader.duration, reader.truncated) == (4.0, False)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    half = read(path)
    assert 1.5 < half.duration < 2.5
    assert half.truncated
    path.write_bytes(data)
    monkeypatch.setattr("engines._audio.MAX_DURATION_S", 2.0)
    with pytest.raises(TooLongError):
        read(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_a_fifo_is_refused_without_waiting(tmp_path: Path) -> None:
    path = tmp_path / "pipe.wav"
    os.mkfifo(path)
    with pytest.raises(ValueError, match="regular file"):
        AudioReader(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="regular file"):
        AudioReader(tmp_path)


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        AudioReader(tmp_path / "nope.wav")


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="this system does not list open files")
def test_a_refused_file_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    path.write_bytes(b"no sound")
    before = sum(1 for _ in Path("/proc/self/fd").iterdir())
    for _ in range(20):
        with pytest.raises(UndecodableError):
            AudioReader(path)
    assert sum(1 for _ in Path("/proc/self/fd").iterdir()) == before
