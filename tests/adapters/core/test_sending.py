"""What is generated goes to DAWG-CORE where that is asked for, and is answered with whatever happens."""

import base64
import dataclasses
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgpack
import pytest

from adapters.core.client import Core
from adapters.core.sending import Sending, sending
from adapters.core.settings import CoreSettings
from adapters.table import core_operations
from bus.operations import Operation, declare, discover
from engines.generate.result import SentToCore
from tests import core_server
from tests.adapters.core.test_midi import smf
from tests.bus.running import Dealer, running_bus
from tests.core_server import IMPORT, CoreServer

# What comes is waited for as long as a busy machine takes to bring it.
SETTINGS = CoreSettings(health_timeout_s=60.0, import_timeout_s=60.0, check_interval_s=0.3)
MIDI = base64.b64encode(smf()).decode()


@pytest.fixture
def server() -> Iterator[CoreServer]:
    with CoreServer() as server:
        yield server


@pytest.fixture
async def core(server: CoreServer) -> AsyncIterator[Core]:
    core = Core(dataclasses.replace(SETTINGS, url=server.url))
    yield core
    core.close()


async def sent(core: Core, result: dict[str, Any], **params: Any) -> dict[str, Any]:
    encoded = await Sending(core)(params, msgpack.packb(result))
    answer: dict[str, Any] = msgpack.unpackb(encoded)
    return answer


async def test_a_result_is_imported_where_that_is_asked_for(core: Core, server: CoreServer) -> None:
    result = {"midi_base64": MIDI, "seed": 7, "sent_to_core": None}
    answer = await sent(core, result, send_to_core=True)
    assert server.imported == [smf()]
    assert answer.pop("sent_to_core") == dataclasses.asdict(SentToCore(True))
    assert answer == {"midi_base64": MIDI, "seed": 7}


async def test_nothing_is_imported_where_it_is_not_asked_for(core: Core, server: CoreServer) -> None:
    result = {"midi_base64": MIDI, "sent_to_core": None}
    assert await sent(core, result, send_to_core=False) == result
    assert server.requests == []


async def test_of_several_pieces_the_first_is_imported(core: Core, server: CoreServer) -> None:
    other = base64.b64encode(smf(1, 5)).decode()
    result = {"pieces": [{"midi_base64": MIDI}, {"midi_base64": other}]}
    assert (await sent(core, result, send_to_core=True))["sent_to_core"]["imported"]
    assert server.imported == [smf()]


async def test_a_dawg_core_that_is_down_costs_the_result_nothing() -> None:
    core = Core(dataclasses.replace(SETTINGS, url=core_server.unused_url()))
    answer = await sent(core, {"midi_base64": MIDI}, send_to_core=True)
    assert answer["midi_base64"] == MIDI
    note = answer["sent_to_core"]
    assert (note["imported"], note["code"]) == (False, "UNAVAILABLE")
    assert "connection refused" in note["message"]
    assert note["retry_after"] > 0
    SentToCore(**note)  # what the operation's schema says
    core.close()


@pytest.mark.parametrize(
    ("status", "code"), [(400, "INVALID_ARGUMENT"), (409, "FAILED_PRECONDITION"), (500, "UNAVAILABLE")]
)
async def test_a_refusal_is_told_by_its_code(core: Core, server: CoreServer, status: int, code: str) -> None:
    server.behave(IMPORT, core_server.answer({"error": "no project is open"}, status))
    note = (await sent(core, {"midi_base64": MIDI}, send_to_core=True))["sent_to_core"]
    assert (note["imported"], note["code"]) == (False, code)
    assert "no project is open" in note["message"]


async def test_a_result_without_midi_is_answered_all_the_same(core: Core) -> None:
    note = (await sent(core, {"midi_base64": "bm90aGluZw=="}, send_to_core=True))["sent_to_core"]
    assert note["code"] == "DATA_LOSS"


def test_every_operation_that_generates_can_send_and_no_other_is_touched() -> None:
    core = object.__new__(Core)
    operations = sending([*discover("engines"), *core_operations(core)], core)
    follow = {operation.name for operation in operations if operation.follow_up is not None}
    assert follow >= {
        operation.name
        for operation in operations
        if operation.lane == "generate" and operation.name.startswith("generate.")
    }
    for operation in operations:
        if operation.follow_up is not None:
            assert "sent_to_core" in operation.result_schema["properties"], operation.name


# --- through the bus


@dataclass(frozen=True)
class Made:
    """As an engine answers."""

    midi_base64: str
    sent_to_core: SentToCore | None = None


async def made(send_to_core: bool = False) -> Made:
    """Make some MIDI, in the loop: what follows is the same as for a worker."""
    del send_to_core
    return Made(MIDI)


def operations(core: Core) -> list[Operation]:
    return sending([declare("music.made", made)], core)


async def test_it_goes_through_the_bus(core: Core, server: CoreServer, tmp_path: Path) -> None:
    async with running_bus(tmp_path, operations=operations(core)) as bus, Dealer(bus.router) as client:
        answer = await client.result("music.made", {"send_to_core": True})
        assert (await client.result("music.made"))["sent_to_core"] is None
    assert answer["sent_to_core"]["imported"]
    assert server.imported == [smf()]


async def test_a_deadline_under_the_import_does_not_take_the_result_along(
    core: Core, server: CoreServer, tmp_path: Path
) -> None:
    server.behave(IMPORT, core_server.hang())
    async with running_bus(tmp_path, operations=operations(core)) as bus, Dealer(bus.router) as client:
        answer = await client.result("music.made", {"send_to_core": True}, timeout=0.5)
        assert answer["midi_base64"] == MIDI
        note = answer["sent_to_core"]
        assert (note["imported"], note["code"]) == (False, "DEADLINE_EXCEEDED")
        assert "may have imported" in note["message"]
        server.stop()  # which ends the exchange that nobody waits for
