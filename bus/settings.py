"""What can be set about the bus; `config.toml` gives the values, with the reason for each."""

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from bus.schema import documented

Count = Annotated[int, Field(ge=1, json_schema_extra={"unit": "1"})]
PositiveSeconds = Annotated[float, Field(gt=0, allow_inf_nan=False, json_schema_extra={"unit": "s"})]
Megabytes = Annotated[float, Field(gt=0, allow_inf_nan=False, json_schema_extra={"unit": "MB"})]

MEGABYTE = 1_000_000


@documented
@dataclass(frozen=True)
class Limits:
    """Bounds on what a client may send and what the daemon keeps for it."""

    message_mb: Megabytes = 32.0
    """Largest request, in megabytes; longer audio travels as a path."""
    items: Count = 20_000
    """Most values in one request, over all its lists and maps."""
    text_bytes: Count = 1_000_000
    """Longest single string in a request."""
    depth: Count = 16
    """Deepest nesting of lists and maps in a request."""
    queue: Count = 256
    """Most requests accepted and not yet ended, for each lane and for the loop."""
    spool_mb: Megabytes = 1024.0
    """Most bytes that files sent as bytes may take on disk at once."""
    outbox_messages: Count = 256
    """Most messages kept for a client that does not read."""
    outbox_mb: Megabytes = 16.0
    """Most megabytes kept for a client that does not read."""
    outboxes_mb: Megabytes = 128.0
    """Most megabytes kept for all such clients together."""
    remembered: Count = 1024
    """Most ended requests whose answer is kept for a client that asks again."""
    remembered_mb: Megabytes = 64.0
    """Most megabytes of such answers."""
    remembered_s: PositiveSeconds = 600.0
    """How long such an answer is kept."""
    result_mb: Megabytes = 32.0
    """Largest result of an operation."""
    timeout_s: PositiveSeconds = 86_400.0
    """Longest deadline a request may ask for."""

    @property
    def message_bytes(self) -> int:
        """Largest request, in bytes."""
        return int(self.message_mb * MEGABYTE)


@documented
@dataclass(frozen=True)
class Curve:
    """CURVE keys (RFC 26), Z85 text of 40 characters each; empty is no encryption."""

    secret_key: str = ""
    """The daemon's own; clients need the public key that belongs to it."""
    client_keys: list[str] = field(default_factory=list)
    """Public keys of the clients that may connect; empty admits every client that knows the daemon's key."""


@documented
@dataclass(frozen=True)
class LaneSettings:
    """Workers of one engine."""

    workers: Count = 1
    """Processes that serve the engine side by side."""
    timeout_s: PositiveSeconds | None = None
    """Deadline of the engine's operations where a request names none; None leaves each operation its own."""
    memory_mb: Megabytes = 2000.0
    """Resident size at which a worker is stopped."""


@documented
@dataclass(frozen=True)
class PoolSettings:
    """What holds for the workers of every engine."""

    cancel_grace_s: PositiveSeconds = 2.0
    """How long a cancelled job may take to notice before its worker is stopped."""
    accept_grace_s: PositiveSeconds = 5.0
    """How long a worker may take to accept a job before it is replaced and the job goes to another."""
    warm_up_timeout_s: PositiveSeconds = 120.0
    """How long a worker may take to load its engine."""
    deaths: Count = 5
    """Deaths in a row, without a finished job between, after which an engine is NOT_SERVING."""
    respawn_delay_s: PositiveSeconds = 0.1
    """Wait before a dead worker is replaced; doubles with each death in a row."""
    longest_respawn_delay_s: PositiveSeconds = 5.0
    """Longest such wait."""
    retry_s: PositiveSeconds = 15.0
    """How long an engine stays NOT_SERVING before one worker is tried again."""


@documented
@dataclass(frozen=True)
class BusSettings:
    """The two sockets and what holds for everything on them."""

    router: str = "tcp://127.0.0.1:9001"
    publisher: str = "tcp://127.0.0.1:9002"
    heartbeat_s: PositiveSeconds = 1.0
    status_s: PositiveSeconds = 30.0
    """Longest time between two status events."""
    drain_s: PositiveSeconds = 10.0
    """How long running jobs may take to end when the daemon is stopped."""
    limits: Limits = field(default_factory=Limits)
    pool: PoolSettings = field(default_factory=PoolSettings)
    curve: Curve = field(default_factory=Curve)
