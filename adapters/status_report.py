"""What the daemon says of itself to those who do not ask on the bus: the status file, the service manager."""

from collections.abc import Callable, Sequence

from adapters.core.client import Core
from adapters.status_file import StatusDocument, status_document
from bus.lane import LaneStatus, Serving
from bus.service import Bus

# A loop that comes this late to its heartbeat is not healthy, and the service manager is not told that it is.
_HEALTHY_LAG_S = 1.0


class Reporter:
    """Puts what is true now into words. All methods are called in the event loop and cost little."""

    def __init__(self, bus: Bus, core: Core, http_url: str | None, running: Callable[[], bool]) -> None:
        """Learn whom to ask; `running` says whether every part of the daemon still runs."""
        self._bus = bus
        self._core = core
        self._http_url = http_url
        self._running = running
        self.stopped = False

    def endpoints(self) -> dict[str, str]:
        """Return where the daemon listens, by socket."""
        http = {} if self._http_url is None else {"http": self._http_url}
        return {**self._bus.endpoints, **http}

    def document(self) -> StatusDocument:
        """Return the status file's document."""
        bus = self._bus
        lanes = bus.pool.status()
        return status_document(
            phase="stopped" if self.stopped else bus.control.state,
            running=[job.operation.name for job in bus.dispatcher.jobs.values() if job.started_s is not None],
            # Looking at the daemon is no work of it.
            completed={op: n for op, n in bus.stats.completed().items() if not op.startswith("bus.")},
            endpoints=self._http_calls(),
            models=bus.control.models(),
            connected=self._core.connected,
            core_url=self._core.settings.url,
            core_asked=self._core.connected or self._core.why is not None,
            lanes_down={
                name: "its workers keep dying; see the log"
                for name, lane in lanes.items()
                if lane.serving == Serving.NOT_SERVING
            },
            models_missing={},
        )

    def _http_calls(self) -> Sequence[str]:
        if self._http_url is None or self.stopped:
            return []
        return [f"POST /api/v1/{name.replace('.', '/')}" for name in self._bus.operations]

    def sentence(self) -> str:
        """Return one line for `systemctl status`: where it listens, and what warms up or is down."""
        lanes = self._bus.pool.status()
        said = [f"{self._bus.control.state}: {', '.join(self.endpoints().values())}"]
        if self._core.why is not None:
            said.append("DAWG-CORE not reachable")
        said += [f"{words}: {', '.join(names)}" for words, names in _troubles(lanes).items() if names]
        return "; ".join(said)

    def healthy(self) -> bool:
        """Whether the loop keeps time and every part runs: what the service manager's watchdog asks."""
        return self._bus.stats.loop_lag_s < _HEALTHY_LAG_S and self._running()


def _troubles(lanes: dict[str, LaneStatus]) -> dict[str, list[str]]:
    down = [name for name, lane in lanes.items() if lane.serving == Serving.NOT_SERVING]
    warming = [
        name
        for name, lane in lanes.items()
        if name not in down and all(worker.state == "starting" for worker in lane.workers)
    ]
    return {"warming up": warming, "not serving": down}
