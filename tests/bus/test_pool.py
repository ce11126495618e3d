import importlib
from pathlib import Path

from bus.operations import engine_operations
from bus.settings import LaneSettings
from tests.bus.engines import dummy
from tests.bus.running import Dealer, running_bus, until


async def test_every_engine_has_a_lane_of_its_own(tmp_path: Path) -> None:
    second = importlib.import_module("tests.bus.odd_engines.second")
    operations = [*engine_operations(dummy), *engine_operations(second)]
    async with (
        running_bus(
            tmp_path, operations=operations, lanes={"second": LaneSettings(workers=2), "none": LaneSettings()}
        ) as bus,
        Dealer(bus.router) as client,
    ):
        assert bus.bus.pool.status().keys() == {"dummy", "second"}
        assert not bus.bus.pool.warm
        assert (await client.result("bus.status"))["state"] == "starting"
        await until(lambda: bus.bus.pool.warm, 60)
        assert (await client.result("bus.status"))["state"] == "running"
        busy = await client.send("dummy.hold", {"file": str(tmp_path / "gate")})
        waiting = await client.send("dummy.echo")
        assert (await client.ask("second.echo", {"value": "meanwhile"}))["result"]["value"] == "meanwhile"
        assert not client.kept, "the other lane still waits"
        (tmp_path / "gate").touch()
        await client.terminal(busy)
        await client.terminal(waiting)
        assert len(bus.worker_pids("second")) == 2
