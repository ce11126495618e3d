"""All lanes: one for each engine, watched for memory, started and taken down together."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from bus.lane import Lane, LaneStatus, Serving
from bus.operations import Operation
from bus.settings import MEGABYTE, LaneSettings, Limits, PoolSettings
from bus.worker import WorkerSettings

_MEMORY_CHECK_S = 0.25


class Pool:
    """The lanes by name."""

    def __init__(
        self,
        operations: Iterable[Operation],
        lanes: Mapping[str, LaneSettings],
        settings: PoolSettings,
        limits: Limits,
        on_change: Callable[[], None],
        *,
        cache: Path | None = None,
        cache_bytes: int = 0,
        log_level: str = "info",
        log_json: bool = True,
    ) -> None:
        modules = {op.lane: op.module for op in operations if op.lane is not None and op.module is not None}
        self._lanes = {
            name: Lane(
                name,
                WorkerSettings(
                    module, int(limits.result_mb * MEGABYTE), log_level, log_json, cache, cache_bytes
                ),
                lanes.get(name, LaneSettings()),
                settings,
                on_change,
            )
            for name, module in modules.items()
        }

    def start(self) -> None:
        """Start every worker of every lane."""
        for lane in self._lanes.values():
            lane.start()

    def __getitem__(self, name: str) -> Lane:
        return self._lanes[name]

    @property
    def warm(self) -> bool:
        """Whether every lane has had a warm worker, or has been given up."""
        return all(lane.warm or lane.serving is Serving.NOT_SERVING for lane in self._lanes.values())

    def status(self) -> dict[str, LaneStatus]:
        """Say how each lane is."""
        return {name: lane.status() for name, lane in self._lanes.items()}

    async def watch_memory(self) -> None:
        """Hold every worker to its budget, until cancelled."""
        while True:
            await asyncio.sleep(_MEMORY_CHECK_S)
            for lane in self._lanes.values():
                lane.check_memory()

    async def close(self) -> None:
        """Stop every worker and wait until they have ended."""
        await asyncio.gather(*(lane.close() for lane in self._lanes.values()))
