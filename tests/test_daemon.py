"""The daemon as a whole: it starts as it says, refuses what it must, and ends with everybody answered."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import zmq

from tests import signals
from tests.running_daemon import ROOT, RunningDaemon, receive, running, send

# A busy machine takes a minute for what is done here in ten seconds.
pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """One daemon for the tests that leave it as it was."""
    with running(tmp_path_factory.mktemp("home")) as daemon:
        yield daemon


STATUS_FILE = "Development/status/DAWG-AI_status.json"


def write_song(path: Path) -> Path:
    return signals.write(path, signals.click_track(120.0, 8.0))


def test_importing_the_daemon_and_every_engine_loads_nothing_heavy() -> None:
    code = (
        "import sys, daemon; from adapters.table import everything; everything();"
        "heavy = {'numpy', 'scipy', 'librosa', 'tensorflow', 'numba', 'soundfile'} & set(sys.modules);"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# Light engines are waited for five seconds, in which a busy machine may not have loaded one.
PATIENT = (
    "import sys; sys.path.insert(0, {!r}); import bus.pool, daemon;"
    "bus.pool._HEAD_START_S = 60.0; sys.exit(daemon.main(sys.argv[1:]))"
)


def test_when_it_says_ready_music_is_written_at_once(tmp_path: Path) -> None:
    with running(tmp_path, program=(sys.executable, "-c", PATIENT.format(str(ROOT)))) as daemon:
        assert daemon.ready
        lanes = daemon.ask("bus.status")["result"]["lanes"]
    assert [worker["state"] for worker in lanes["generate"]["workers"]] == ["idle"]


def test_a_recording_is_analysed_over_the_bus_and_over_http_with_one_answer(daemon: RunningDaemon) -> None:
    song = write_song(daemon.home / "song.wav")
    over_bus = daemon.ask("analyze.audio", path=str(song))["result"]
    with song.open("rb") as file:
        reply = requests.post(
            f"{daemon.ready['http']}/api/v1/analyze/audio", files={"file": file}, timeout=100
        )
    assert reply.status_code == 200, reply.text
    assert reply.json() == over_bus
    assert over_bus["tempo"] == pytest.approx(120, rel=0.001)


@dataclass(frozen=True)
class Finished:
    """What a daemon said, and left behind."""

    home: Path
    song: Path
    answer: dict[str, Any]
    exit_code: int
    status_while_it_ran: dict[str, Any]
    status_in_the_end: dict[str, Any]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """One daemon from its start to its end, for the tests of what comes after."""
    home = tmp_path_factory.mktemp("finished")
    song = write_song(home / "song.wav")
    with running(home) as daemon:
        daemon.ask("bus.ping")
        until = time.monotonic() + 60
        while not (home / STATUS_FILE).exists() and time.monotonic() < until:
            time.sleep(0.05)
        running_status = json.loads((home / STATUS_FILE).read_text())
        answer = daemon.ask("analyze.beats", path=str(song))
        code = daemon.stop()
    return Finished(home, song, answer, code, running_status, json.loads((home / STATUS_FILE).read_text()))


def test_the_status_file_says_how_it_ended(finished: Finished) -> None:
    document = finished.status_while_it_ran
    assert document["instance"] == "DAWG-AI"
    assert "POST /api/v1/analyze/audio" in document["api_endpoints_ready"]
    assert document["dawg_core_connected"] is False
    document = finished.status_in_the_end
    assert document["phase"] == "stopped"
    assert document["completed_tasks"] == ["analyze.beats: 1"]


def test_the_cache_answers_after_a_restart(finished: Finished) -> None:
    fresh = finished.answer
    assert not fresh["cached"]
    assert finished.exit_code == 0
    with running(finished.home) as second:
        again = second.ask("analyze.beats", path=str(finished.song))
    assert again["cached"]
    assert again["result"] == fresh["result"]
    assert again["instance"] != fresh["instance"]


def test_sigterm_answers_everybody_and_exits_with_zero(tmp_path: Path) -> None:
    songs = [write_song(tmp_path / f"{number}.wav") for number in range(10)]
    with running(tmp_path) as daemon, daemon.socket() as socket:
        open_ids = {send(socket, "analyze.audio", path=str(song)) for song in songs}
        ping = send(socket, "bus.ping")  # answered when all before it has arrived
        endings = []
        while (answer := receive(socket))["id"] != ping:
            endings.append(answer)
        daemon.process.send_signal(signal.SIGTERM)
        endings += [receive(socket) for _ in songs[len(endings) :]]
        assert daemon.process.wait(60) == 0
    assert {ending["id"] for ending in endings} == open_ids
    assert {ending.get("code", "OK") for ending in endings} <= {"OK", "UNAVAILABLE", "CANCELLED"}


def test_a_folder_that_is_not_there_is_told_at_the_start(tmp_path: Path) -> None:
    missing = tmp_path / "unplugged"
    with running(tmp_path, f'paths.audio_roots=["{tmp_path}", "{missing}"]') as daemon:
        warning = daemon.wait_for("daemon.audio_root_missing")
        assert (warning["setting"], warning["path"]) == ("paths.audio_roots[1]", str(missing))
        assert daemon.ask("bus.ping")["type"] == "reply"


def test_a_second_daemon_says_who_holds_the_endpoint(daemon: RunningDaemon, tmp_path: Path) -> None:
    with running(tmp_path, f"bus.router={daemon.ready['router']}") as second:
        line = second.wait_for("daemon.not_started")
        assert f"process {daemon.process.pid}" in line["reason"]
        assert second.process.wait(60) == 1
    assert daemon.ask("bus.ping")["type"] == "reply"


@pytest.mark.parametrize(
    "setting",
    [
        "bus.router=tcp://0.0.0.0:*",
        "bus.publisher=tcp://0.0.0.0:*",
        "http.host=0.0.0.0",
        "bus.curve.secret_key=short",
    ],
)
def test_what_is_not_allowed_is_a_wrong_configuration(setting: str, tmp_path: Path) -> None:
    """Other machines are not let in without keys, and the service manager does not try it again."""
    with running(tmp_path, setting) as daemon:
        assert setting.partition("=")[0] in daemon.wait_for("daemon.not_started")["reason"]
        assert daemon.process.wait(60) == 2


def test_a_folder_that_cannot_be_made_is_named_by_its_key(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with running(tmp_path, f"paths.state={tmp_path}/file/state") as daemon:
        assert daemon.wait_for("daemon.not_started")["reason"].startswith(
            f"paths.state: {tmp_path}/file/state; "
        )
        assert daemon.process.wait(60) == 1


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("bus.routr=tcp://127.0.0.1:1", "bus.routr: unknown (did you mean router?)"),
        ("http.port=70000", "http.port: 70000; must be"),
        ("http.port=nine", "http.port: 'nine'; must be"),
        ("engines.analyse.workers=2", "engines.analyse"),
    ],
)
def test_a_wrong_key_stops_the_start_with_its_name_and_what_is_allowed(
    setting: str, words: str, tmp_path: Path
) -> None:
    with running(tmp_path, setting) as daemon:
        assert daemon.process.wait(60) == 2
        daemon._reader.join(60)
        assert words in "".join(daemon.other_output), daemon.log


def test_a_restart_with_fifty_requests_open_ends_each_once(tmp_path: Path) -> None:
    """The socket's own client: it sends again what is outstanding when the instance changes."""
    song = write_song(tmp_path / "song.wav")
    with running(tmp_path) as first, first.socket() as socket:
        router = first.ready["router"]
        ids = [send(socket, "analyze.loudness", path=str(song)) for _ in range(50)]
        ping = send(socket, "bus.ping")  # what is still here when the daemon dies goes to the next by itself
        ended = []
        while (answer := receive(socket))["id"] != ping:
            ended.append(answer["id"])
        with socket.get_monitor_socket(zmq.EVENT_DISCONNECTED) as monitor:
            first.process.kill()
            first.process.wait()
            assert monitor.poll(60_000), "the connection goes with the daemon"
            socket.disable_monitor()
        # All that it had said is here.
        while socket.poll(0):
            ended.append(receive(socket)["id"])
        with running(tmp_path, f"bus.router={router}") as second:
            second.wait_for("daemon.ready")
            for request_id in set(ids) - set(ended):
                send(socket, "analyze.loudness", request_id, path=str(song))
            while len(set(ended)) < len(ids):
                ended.append(receive(socket)["id"])
            assert not socket.poll(500)
    assert sorted(ended) == sorted(ids)
