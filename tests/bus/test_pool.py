import asyncio
import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import bus.pool as pool_module
from bus.operations import Operation, engine_operations
from bus.settings import LaneSettings
from tests.bus.engines import dummy
from tests.bus.odd_engines import slow
from tests.bus.running import Dealer, running_bus, until


async def test_every_engine_has_a_lane_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(slow.WARM, str(tmp_path / "warm"))
    second = importlib.import_module("tests.bus.odd_engines.second")
    operations = [*engine_operations(dummy), *engine_operations(second), *engine_operations(slow)]
    async with (
        running_bus(
            tmp_path, operations=operations, lanes={"second": LaneSettings(workers=2), "none": LaneSettings()}
        ) as bus,
        Dealer(bus.router) as client,
    ):
        assert bus.bus.pool.status().keys() == {"dummy", "second", "slow"}
        assert not bus.bus.pool.warm
        assert (await client.result("bus.status"))["state"] == "starting"
        (tmp_path / "warm").touch()
        await until(lambda: bus.bus.pool.warm, 60)
        assert (await client.result("bus.status"))["state"] == "running"
        busy = await client.send("dummy.hold", {"file": str(tmp_path / "gate")})
        waiting = await client.send("dummy.echo")
        assert (await client.ask("second.echo", {"value": "meanwhile"}))["result"]["value"] == "meanwhile"
        assert not client.kept, "the other lane still waits"
        (tmp_path / "gate").touch()
        await client.terminal(busy)
        await client.terminal(waiting)
        await until(lambda: len(bus.worker_pids("second")) == 2)


def light(operations: list[Operation], **changes: Any) -> list[Operation]:
    return [replace(operation, light=True, **changes) for operation in operations]


async def test_light_engines_are_started_before_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bus.pool._HEAD_START_S", 60.0)  # a busy machine takes its time to start one
    second = importlib.import_module("tests.bus.odd_engines.second")
    operations = [*engine_operations(second), *light(engine_operations(dummy))]
    async with running_bus(tmp_path, operations=operations) as bus:
        pool = bus.bus.pool
        assert [len(pool.status()[name].workers) for name in ("dummy", "second")] == [1, 0]
        await until(lambda: pool.status()["second"].workers, 60)
        assert pool["dummy"].warm
        await until(lambda: pool.warm, 60)


async def test_a_light_engine_that_dies_holds_up_no_other(tmp_path: Path) -> None:
    second = importlib.import_module("tests.bus.odd_engines.second")
    broken = light(engine_operations(dummy), module="tests.bus.odd_engines.not_there")
    async with (
        running_bus(tmp_path, operations=[*broken, *engine_operations(second)]) as bus,
        Dealer(bus.router) as client,
    ):
        # Sent while its lane has no worker yet: it waits for one.
        assert (await client.ask("second.echo", {"value": "served"}, 60))["result"]["value"] == "served"
        assert not bus.bus.pool["dummy"].warm


async def test_the_others_are_started_one_after_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "_HEAD_START_S", 3600.0)
    (echo, *_) = engine_operations(importlib.import_module("tests.bus.odd_engines.second"))
    several = [replace(echo, name=f"{lane}.echo", lane=lane) for lane in ("second", "third", "fourth")]
    async with running_bus(tmp_path, operations=[*light(engine_operations(dummy)), *several]) as bus:
        pool = bus.bus.pool
        while not pool.warm:
            await asyncio.sleep(0.005)
            loading = [name for name, lane in pool.status().items() if lane.workers and not pool[name].warm]
            assert len(loading) <= 1


async def test_an_engine_that_is_asked_for_does_not_wait_for_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(slow.WARM, str(tmp_path / "warm"))
    monkeypatch.setattr(pool_module, "_HEAD_START_S", 3600.0)
    second = importlib.import_module("tests.bus.odd_engines.second")
    async with (
        running_bus(
            tmp_path, operations=[*light(engine_operations(slow)), *engine_operations(second)]
        ) as bus,
        Dealer(bus.router) as client,
    ):
        assert (await client.ask("second.echo", {"value": "served"}, 60))["result"]["value"] == "served"
        assert not bus.bus.pool["slow"].warm
        (tmp_path / "warm").touch()
        await until(lambda: bus.bus.pool.warm, 60)
        assert len(bus.worker_pids("second")) == 1


async def test_it_says_when_the_light_engines_serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(slow.WARM, str(tmp_path / "warm"))
    monkeypatch.setattr(pool_module, "_HEAD_START_S", 3600.0)
    told: list[bool] = []
    async with running_bus(tmp_path, operations=light(engine_operations(slow))) as bus:
        pool = bus.bus.pool
        pool.start(lambda: told.append(pool["slow"].warm))
        assert not told
        (tmp_path / "warm").touch()
        await until(lambda: told, 60)
    assert told == [True]


async def test_a_pool_can_be_closed_before_the_others_were_started(tmp_path: Path) -> None:
    second = importlib.import_module("tests.bus.odd_engines.second")
    operations = [*engine_operations(second), *light(engine_operations(dummy))]
    async with running_bus(tmp_path, operations=operations) as bus:
        pool = bus.bus.pool
    assert not pool.status()["second"].workers


async def test_an_engine_can_have_operations_in_another_s_lane(tmp_path: Path) -> None:
    second = importlib.import_module("tests.bus.odd_engines.second")
    guests = [replace(operation, lane="dummy") for operation in engine_operations(second)]
    async with (
        running_bus(tmp_path, operations=[*guests, *engine_operations(dummy)]) as bus,
        Dealer(bus.router) as client,
    ):
        assert bus.bus.pool.status().keys() == {"dummy"}
        host = await client.result("dummy.echo")
        assert (await client.result("second.echo"))["pid"] == host["pid"]
