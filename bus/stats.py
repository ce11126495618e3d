"""What the daemon counts about itself: per operation, per socket, and of its event loop."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from bus.schema import documented

Milliseconds = Annotated[float, Field(ge=0, json_schema_extra={"unit": "ms"})]
Count = Annotated[int, Field(ge=0, json_schema_extra={"unit": "1"})]

# Quantiles are over the latest samples: what an operation does now, in bounded memory.
_SAMPLES = 512


@documented
@dataclass(frozen=True)
class Quantiles:
    """How a duration is distributed, over the latest samples; zeros before the first."""

    p50: Milliseconds
    p95: Milliseconds
    p99: Milliseconds


@documented
@dataclass(frozen=True)
class OperationStats:
    """What was counted of one operation since the daemon started."""

    count: Count
    cached: Count
    errors: dict[str, Count]
    queue_wait: Quantiles
    run_time: Quantiles


@dataclass
class _Tally:
    count: int = 0
    cached: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    waits_s: deque[float] = field(default_factory=lambda: deque(maxlen=_SAMPLES))
    runs_s: deque[float] = field(default_factory=lambda: deque(maxlen=_SAMPLES))


class Stats:
    """Counters that only grow and windows that only slide."""

    def __init__(self) -> None:
        self._operations: defaultdict[str, _Tally] = defaultdict(_Tally)
        self.counters: Counter[str] = Counter()
        self.loop_lag_s = 0.0
        self.worst_loop_lag_s = 0.0

    def ended(
        self, op: str, *, code: str | None, wait_s: float | None, run_s: float | None, cached: bool = False
    ) -> None:
        """Count one request that ended, with its error's code or None."""
        tally = self._operations[op]
        tally.count += 1
        tally.cached += cached
        if code is not None:
            tally.errors[code] += 1
        if wait_s is not None:
            tally.waits_s.append(wait_s)
        if run_s is not None:
            tally.runs_s.append(run_s)

    def lagged(self, lag_s: float) -> None:
        """Note how late the event loop came to a timer."""
        self.loop_lag_s = lag_s
        self.worst_loop_lag_s = max(self.worst_loop_lag_s, lag_s)

    def completed(self) -> dict[str, int]:
        """Return how often each operation has succeeded."""
        return {op: tally.count - tally.errors.total() for op, tally in self._operations.items()}

    def operations(self) -> dict[str, OperationStats]:
        """Return what was counted, by wire name."""
        return {
            op: OperationStats(
                count=tally.count,
                cached=tally.cached,
                errors=dict(tally.errors),
                queue_wait=_quantiles(tally.waits_s),
                run_time=_quantiles(tally.runs_s),
            )
            for op, tally in sorted(self._operations.items())
        }


def _quantiles(samples_s: Iterable[float]) -> Quantiles:
    ordered = sorted(samples_s)
    if not ordered:
        return Quantiles(0.0, 0.0, 0.0)
    last = len(ordered) - 1
    p50, p95, p99 = (1000 * ordered[round(share * last)] for share in (0.5, 0.95, 0.99))
    return Quantiles(p50, p95, p99)
