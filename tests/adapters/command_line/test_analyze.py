"""`dawg-ai analyze`, against a real bus with the engine that listens."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.command_line import analyze
from tests import signals
from tests.bus_process import BusProcess

Run = Callable[..., Any]
SR = 11025


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BusProcess]:
    with BusProcess(tmp_path_factory.mktemp("listening"), engine="analyze") as process:
        yield process


@pytest.fixture(scope="module")
def song(bus: BusProcess) -> Path:
    y = np.concatenate([signals.cadence(key, times=5, sr=SR) for key in ("C major", "D major")])
    y = 0.5 * (y + np.resize(signals.drum_loop(120, 2, SR), len(y)))
    return signals.write(bus.folder / "song.wav", y, SR)


def test_the_summary_says_what_the_recording_is(run: Run, bus: BusProcess, song: Path) -> None:
    ran = run("analyze", str(song), bus=bus)
    assert ran.code == 0, ran.err
    said = {line.partition("  ")[0]: line for line in ran.out.splitlines()}
    assert "0:40 (40.0 s), 11.025 kHz mono" in said["length"]
    assert "120.00 BPM, 4/4" in said["tempo"]
    assert "% sure" in said["key"]
    assert "0:00 C major" in ran.out
    assert "D major" in ran.out
    assert "C:maj  F:maj  G:7" in said["chords"] or "C:maj  F:maj  G:maj" in said["chords"]
    assert "LUFS" in said["loudness"]
    assert ran.err == ""


def test_drums_alone_are_said_to_have_hardly_a_key(run: Run, bus: BusProcess) -> None:
    ran = run("analyze", str(signals.write(bus.folder / "drums.wav", signals.drum_loop(120, 2))), bus=bus)
    assert "key       hardly any, perhaps " in ran.out


def test_silence_is_said_of_the_end_that_has_some(run: Run, bus: BusProcess) -> None:
    y = np.concatenate([signals.cadence("C major", times=2, sr=SR), signals.silence(2, SR)])
    ran = run("analyze", str(signals.write(bus.folder / "ends.wav", y, SR)), bus=bus)
    assert "beware    silent for 2.0 s at the end\n" in ran.out


def test_silence_is_said_to_be_silent(run: Run, bus: BusProcess) -> None:
    path = signals.write(bus.folder / "silence.wav", signals.silence(2, SR), SR)
    ran = run("analyze", str(path), bus=bus)
    assert ran.code == 0
    assert "no pulse" in ran.out
    assert "nothing tonal" in ran.out
    assert "loudness  silence" in ran.out
    assert "sound" not in ran.out


def test_a_chord_that_sounds_again_after_a_rest_is_said_once() -> None:
    labels = ("N", "A:min", "N", "A:min", "F:maj", "A:min")
    assert analyze._chords([{"label": label} for label in labels]) == "A:min  F:maj  A:min"


def test_samples_that_are_no_amplitudes_are_said_to_be_what_they_are(run: Run, bus: BusProcess) -> None:
    y = signals.drum_loop(120, 2, SR)
    y[100:103] = 1e30
    ran = run("analyze", str(signals.write(bus.folder / "huge.wav", y, SR, encoding="FLOAT")), bus=bus)
    assert "beware    3 samples NaN, infinite or beyond +120 dBFS\n" in ran.out


def test_json_is_the_whole_answer_in_one_line(run: Run, bus: BusProcess, song: Path) -> None:
    ran = run("analyze", str(song), "--json", bus=bus)
    assert ran.out.count("\n") == 1
    assert json.loads(ran.out)["sections"][0]["start"] == 0


def test_the_picture_is_written_and_kept(run: Run, bus: BusProcess, song: Path, tmp_path: Path) -> None:
    target = tmp_path / "song.png"
    ran = run("analyze", str(song), "--plot", str(target), bus=bus)
    assert ran.code == 0, ran.err
    assert target.read_bytes().startswith(b"\x89PNG")
    assert "image_base64" not in ran.out
    assert f"{target}: {target.stat().st_size} bytes written" in ran.err
    target.write_bytes(b"mine")
    again = run("analyze", str(song), "--plot", str(target), bus=bus)
    assert again.code == 18
    assert "--force" in again.err
    assert target.read_bytes() == b"mine"
    assert run("analyze", str(song), "--plot", str(target), "--force", bus=bus).code == 0
    assert target.read_bytes().startswith(b"\x89PNG")


def test_several_files_are_told_apart_and_a_bad_one_is_passed_over(
    run: Run, bus: BusProcess, song: Path
) -> None:
    bad = bus.folder / "bad.wav"
    bad.write_bytes(b"no audio at all")
    ran = run("analyze", str(bad), str(song), bus=bus)
    assert ran.code == 16
    assert f"{bad}: " in ran.err
    assert ran.out.splitlines()[0] == str(song)
    assert "BPM" in ran.out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "FILE"),
        (["a.wav", "b.wav", "--plot", "x.png"], 2, "is for one recording, not 2"),
        (["a.wav", "--plot", "x.gif"], 2, "must end in .png"),
        (["a.wav", "--plot", "/no/such/folder/x.png"], 18, "does not exist"),
        (["a.wav", "--force"], 2, "is for --plot"),
        (["-", "-"], 2, "stdin can be read once"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is(
    run: Run, words: list[str], code: int, said: str
) -> None:
    ran = run("analyze", *words)
    assert ran.code == code
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1


def test_a_file_whose_name_begins_with_an_at_is_a_file(
    run: Run, bus: BusProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    signals.write(bus.folder / "@at.wav", signals.silence(1, SR), SR)
    monkeypatch.chdir(bus.folder)
    ran = run("analyze", "@at.wav", bus=bus)
    assert ran.code == 0, ran.err


def test_a_name_that_is_not_utf_8_is_one_sentence_that_has_it(run: Run, bus: BusProcess) -> None:
    ran = run("analyze", os.fsdecode(bytes(bus.folder) + b"/bad\xff\xfe.wav"), bus=bus)
    assert ran.code == 2
    assert ran.err == f"dawg-ai: path: '{bus.folder}/bad\\udcff\\udcfe.wav'; must be UTF-8\n"


def test_a_file_that_is_not_there_is_one_sentence(run: Run, bus: BusProcess) -> None:
    ran = run("analyze", str(bus.folder / "none.wav"), bus=bus)
    assert ran.code == 10
    assert "none.wav" in ran.err
    assert len(ran.err.splitlines()) == 1
