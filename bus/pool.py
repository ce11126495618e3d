"""All lanes: one for each engine, watched for memory, started and taken down together."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from bus.lane import Lane, LaneStatus, Serving
from bus.operations import Operation
from bus.settings import MEGABYTE, LaneSettings, Limits, PoolSettings
from bus.worker import WorkerSettings

_MEMORY_CHECK_S = 0.25
# What light engines are ahead of the others at most, should one of them not load at all.
_HEAD_START_S = 5.0


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
        operations = list(operations)
        modules: dict[str, set[str]] = {}
        for op in operations:
            if op.lane is not None and op.module is not None:
                modules.setdefault(op.lane, set()).add(op.module)
        self._light = {op.lane for op in operations if op.light}
        self._on_change = on_change
        self._head_start: asyncio.TimerHandle | None = None
        self._then: Callable[[], None] = lambda: None
        self._left: deque[Lane] = deque()
        self._loading: Lane | None = None
        self._lanes = {
            name: Lane(
                name,
                WorkerSettings(
                    _own_first(name, needed),
                    int(limits.result_mb * MEGABYTE),
                    log_level,
                    log_json,
                    cache,
                    cache_bytes,
                    light=name in self._light,
                ),
                lanes.get(name, LaneSettings()),
                settings,
                self._changed,
            )
            for name, needed in modules.items()
        }

    def start_light(self) -> None:
        """Start the workers of the light engines, which serve while the others are still loading."""
        for lane in self._light_lanes():
            lane.start()

    def start(self, then: Callable[[], None] = lambda: None) -> None:
        """Start every worker: the light engines' now, and when those are warm, one lane after another.

        All of them at once would load for seconds on two cores, in which nothing else is done quickly. A lane
        that is asked for something does not wait for its turn. `then` is called when the light engines serve;
        one that does not load is waited for no longer than five seconds.
        """
        self._then = then
        self.start_light()
        self._head_start = asyncio.get_running_loop().call_later(_HEAD_START_S, self._start_others)
        self._changed()

    def _light_lanes(self) -> list[Lane]:
        return [lane for name, lane in self._lanes.items() if name in self._light]

    def _changed(self) -> None:
        # A light engine whose worker died is no longer waited for.
        if self._head_start is not None and all(lane.warm or lane.deaths for lane in self._light_lanes()):
            self._start_others()
        self._start_next()
        self._on_change()

    def _start_others(self) -> None:
        if self._head_start is not None:
            self._head_start.cancel()
            self._head_start = None
            self._left += self._lanes.values()
            self._then()
            self._start_next()

    def _start_next(self) -> None:
        """Start the lane whose turn has come: the one before it is warm, or has died once."""
        while self._left and (self._loading is None or self._loading.warm or self._loading.deaths):
            self._loading = self._left.popleft()
            self._loading.start()

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
        if self._head_start is not None:
            self._head_start.cancel()
            self._head_start = None
        self._left.clear()
        await asyncio.gather(*(lane.close() for lane in self._lanes.values()))


def _own_first(lane: str, modules: Iterable[str]) -> tuple[str, ...]:
    """Order the modules of a lane: the engine it is named after, which is warmed, before its guests."""
    return tuple(sorted(modules, key=lambda module: (module.rpartition(".")[2] != lane, module)))
