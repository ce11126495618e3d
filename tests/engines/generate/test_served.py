"""Generation as clients meet it: through the daemon, beside other work, and on to DAWG-CORE."""

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from bus.errors import InvalidArgument
from bus.operations import Operation, engine_operations
from engines import generate
from engines._notes import read
from tests import signals
from tests.core_server import IMPORT, CoreServer, answer
from tests.running_daemon import RunningDaemon, receive, running, send

pytestmark = pytest.mark.timeout(300)

OPERATIONS = {operation.name: operation for operation in engine_operations(generate)}
WITH_TEMPO = [operation for operation in OPERATIONS.values() if "tempo" in operation.params.model_fields]


@pytest.mark.parametrize("operation", WITH_TEMPO, ids=lambda operation: str(operation.name))
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"tempo": 0}, "tempo: 0; must be between 20 and 400 BPM"),
        ({"tempo": -1}, "tempo: -1; must be between 20 and 400 BPM"),
        ({"tempo": 1e9}, "tempo: 1000000000.0; must be between 20 and 400 BPM"),
        ({"tempo": float("nan")}, "tempo: nan; must be"),
        ({"tempo": "120"}, "tempo: '120'; must be"),
        ({"bars": 0}, "bars: 0; must be a whole number between 1 and 256 bar"),
        ({"bars": 10_000}, "bars: 10000; must be a whole number between 1 and 256 bar"),
        ({"seed": -1}, "seed: -1; must be"),
        ({"count": 17}, "count: 17; must be"),
        ({"tempoo": 120}, "tempoo: unknown (did you mean tempo?)"),
    ],
)
def test_what_cannot_be_is_refused_before_it_is_queued(
    operation: Operation, given: dict[str, Any], said: str
) -> None:
    required = {"first_bar": 1, "last_bar": 1} if operation.name == "generate.infill" else {}
    with pytest.raises(InvalidArgument) as caught:
        operation.validate({**required, **given})
    assert caught.value.message.startswith(said), caught.value.message


@pytest.fixture(scope="module")
def core() -> Iterator[CoreServer]:
    with CoreServer() as server:
        yield server


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, core: CoreServer) -> Iterator[RunningDaemon]:
    # Fifty pieces in a minute, which is a request's own deadline, are too many for a busy machine.
    settings = (f"core.url={core.url}", "engines.generate.timeout_s=300")
    with running(tmp_path_factory.mktemp("home"), *settings) as daemon:
        yield daemon


@pytest.mark.slow
def test_what_is_generated_goes_on_to_dawg_core(daemon: RunningDaemon, core: CoreServer) -> None:
    reply = daemon.ask("generate.drums", 60, bars=2, seed=1, send_to_core=True)
    result = reply["result"]
    assert result["sent_to_core"]["imported"]
    assert core.imported == [base64.b64decode(result["midi_base64"])]
    assert read(core.imported[0]).quarters == 8
    core.behave(IMPORT, answer({"error": "no project is open"}, 409))
    reply = daemon.ask("generate.melody", 60, bars=2, seed=1, count=2, send_to_core=True)
    note = reply["result"]["sent_to_core"]
    assert (note["imported"], note["code"]) == (False, "FAILED_PRECONDITION")
    assert reply["result"]["midi_base64"]
    assert len(reply["result"]["alternatives"]) == 1
    OPERATIONS["generate.melody"].result.validate_python(reply["result"])


@pytest.mark.slow
def test_models_are_told_of_by_the_worker_that_plays_them(daemon: RunningDaemon) -> None:
    daemon.ask("generate.drums", 60, bars=1)
    loaded = {model["name"] for model in daemon.ask("models.list", 60)["result"]["models"] if model["loaded"]}
    assert loaded >= {"drums"}
    assert "drums" in daemon.ask("models.unload", 60)["result"]["names"]
    assert daemon.ask("models.list", 60)["result"]["memory"] == 0
    assert daemon.ask("models.load", 60, name="bass")["result"]["loaded"]


@pytest.mark.slow
def test_fifty_clients_are_all_answered_while_two_recordings_are_analysed(daemon: RunningDaemon) -> None:
    songs = [daemon.home / f"song{number}.wav" for number in range(2)]
    for song in songs:
        signals.write(song, np.resize(signals.drum_loop(120, 8), 60 * signals.SR))
    listeners = [daemon.socket() for _ in songs]
    clients = [daemon.socket() for _ in range(50)]
    for socket, song in zip(listeners, songs, strict=True):
        send(socket, "analyze.audio", path=str(song))
    ids = [
        send(socket, ("generate.melody", "generate.drums")[seed % 2], bars=4, seed=seed)
        for seed, socket in enumerate(clients)
    ]
    answers = [receive(socket, 120) for socket in clients]
    assert [(reply["id"], reply["type"]) for reply in answers] == [(id_, "reply") for id_ in ids]
    assert len({reply["result"]["midi_base64"] for reply in answers}) == 50
    assert all(receive(socket, 240)["type"] == "reply" for socket in listeners)
    for socket in [*clients, *listeners]:
        socket.close()
