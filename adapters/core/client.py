"""The client: operations on DAWG-CORE that never block the loop, and a watch over its health.

DAWG-CORE being down, slow or wrong is an everyday state. Every call ends within its time-out with a result
or with one of `bus.errors`; while DAWG-CORE is known to be down, at once. All methods run in one event loop;
only `exchange` and `midi.read` run in threads.
"""

import asyncio
import concurrent.futures
import contextlib
import json
import random
import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import structlog
from pydantic import Field

from bus.errors import BusError, DeadlineExceeded, ResourceExhausted, Unavailable

from . import answers, midi
from .answers import CoreHealth, MidiImport, ProjectStatus, Transport
from .breaker import Breaker
from .exchange import Answer, BadAnswer, Exchanger, NoAnswer
from .settings import CoreSettings

HEALTH = "/api/v1/health"
PROJECT_STATUS = "/api/v1/project/status"
PLAY, STOP = "/api/v1/transport/play", "/api/v1/transport/stop"
MIDI_IMPORT = "/api/v1/midi/import"

# Calls to DAWG-CORE at one time, and callers that may wait for their turn. The watch has a thread of its own.
CALLS, WAITING = 4, 32
FAILURES_TO_OPEN = 3
# A failing DAWG-CORE is looked at this soon again, until the breaker opens.
RECHECK_S = 1.0
# Between two checks even when failing calls ask for one.
SHORTEST_PAUSE_S = 0.25
# A connection that broke under a GET is tried once more, after this pause and its jitter.
RETRY_PAUSE_S = 0.1
# The thread's own deadline comes first: it knows what it was waiting for.
GRACE_S = 0.1

MidiPath = Annotated[
    Path,
    Field(
        description="The Standard MIDI File to import, at most 8 MiB.",
        json_schema_extra={"contentMediaType": "audio/midi"},
    ),
]

log = structlog.get_logger(__name__)
T = TypeVar("T")


class Core:
    """DAWG-CORE as the daemon sees it.

    Attributes
    ----------
    on_change
        Called in the loop with the new value each time `connected` changes.
    why
        Why it is not connected, as a sentence; None while it is, and before the first look.
    """

    def __init__(
        self,
        settings: CoreSettings | None = None,
        on_change: Callable[[bool], None] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings or CoreSettings()
        self.on_change = on_change
        self.why: str | None = None
        self._connected = False
        self._exchanger = Exchanger(self.settings.url, CALLS + 1)
        self._breaker = Breaker(FAILURES_TO_OPEN, self.settings.check_interval_s, clock=clock)
        self._threads = concurrent.futures.ThreadPoolExecutor(CALLS + 1, thread_name_prefix="dawg-core")
        self._slots = asyncio.Semaphore(CALLS)
        self._waiting = 0
        self._look_again = asyncio.Event()

    @property
    def connected(self) -> bool:
        """Whether DAWG-CORE answered as it should when it was last asked."""
        return self._connected

    def operations(self) -> tuple[Callable[..., Any], ...]:
        """Return the operations `core.*`."""
        return (self.health, self.project_status, self.play, self.stop, self.import_midi)

    async def health(self) -> CoreHealth:
        """Ask DAWG-CORE whether it runs.

        Raises
        ------
        Unavailable
            If it does not: down, slow, or something else at its address.
        """
        return await self._ask_health()

    async def project_status(self) -> ProjectStatus:
        """Return the state of the project that is open in DAWG-CORE.

        Raises
        ------
        Unavailable
            If DAWG-CORE is down or slow, or its answer is not a project's status.
        FailedPrecondition
            If it refuses, for example because no project is open.
        """
        answer = await self._call("GET", PROJECT_STATUS, self._deadline(self.settings.status_timeout_s))
        try:
            return answers.project_status(answer.body)
        except BadAnswer as error:
            raise Unavailable(f"DAWG-CORE at {self.settings.url}: GET {PROJECT_STATUS}: {error}") from error

    async def play(self) -> Transport:
        """Start DAWG-CORE's transport.

        Raises
        ------
        Unavailable
            If DAWG-CORE is down or slow; when it was slow, the transport may have started.
        FailedPrecondition
            If it refuses.
        """
        answer = await self._call("POST", PLAY, self._deadline(self.settings.transport_timeout_s))
        return answers.transport(answer.body, told_to_play=True)

    async def stop(self) -> Transport:
        """Stop DAWG-CORE's transport.

        Raises
        ------
        Unavailable
            If DAWG-CORE is down or slow; when it was slow, the transport may have stopped.
        FailedPrecondition
            If it refuses.
        """
        answer = await self._call("POST", STOP, self._deadline(self.settings.transport_timeout_s))
        return answers.transport(answer.body, told_to_play=False)

    async def import_midi(self, path: MidiPath) -> MidiImport:
        """Import a MIDI file into the project that is open in DAWG-CORE.

        Raises
        ------
        DataLoss
            If the file is no Standard MIDI File.
        TooLarge
            If it is larger than 8 MiB.
        Unavailable
            If DAWG-CORE is down or slow; when it was slow, the file may have been imported.
        InvalidArgument
            If DAWG-CORE does not accept the file.
        FailedPrecondition
            If it refuses for another reason.
        """
        return await self.import_from(path)

    async def import_from(self, source: Path | bytes) -> MidiImport:
        """Import a MIDI file that lies on the disk or in memory; see `import_midi`."""
        if (wait_s := self._breaker.wait_s()) > 0:
            raise self._down(wait_s)
        deadline = self._deadline(self.settings.import_timeout_s)
        try:
            file, body = await self._in_thread(deadline, _midi_and_body, source)
        except NoAnswer as error:
            raise DeadlineExceeded("path: could not be read in time") from error
        answer = await self._call("POST", MIDI_IMPORT, deadline, body)
        return MidiImport(len(file.data), file.num_tracks, answers.document_or_none(answer.body))

    async def watch(self) -> None:
        """Keep `connected` true to life until cancelled: look at its health now and again.

        Each `check_interval_s` while it answers; sooner when a call has just failed; after a pause that
        doubles up to half a minute, with jitter, while it is down.
        """
        while True:
            with contextlib.suppress(BusError):
                await self._ask_health(reserved=True)
            self._look_again.clear()
            pause_s = self._pause_s()
            await asyncio.sleep(min(pause_s, SHORTEST_PAUSE_S))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, pause_s - SHORTEST_PAUSE_S)):
                    await self._look_again.wait()

    def close(self) -> None:
        """Break every connection and let the threads end; calls under way fail with `Unavailable`."""
        self._threads.shutdown(wait=False)
        self._exchanger.close()

    # --- one call, and what it says of DAWG-CORE

    async def _ask_health(self, *, reserved: bool = False) -> CoreHealth:
        began = time.monotonic()
        deadline = self._deadline(self.settings.health_timeout_s)
        answer = await self._call("GET", HEALTH, deadline, reserved=reserved)
        elapsed_s = time.monotonic() - began
        return CoreHealth(self.settings.url, elapsed_s, answers.document_or_none(answer.body))

    async def _call(
        self, method: str, path: str, deadline: float, body: bytes | None = None, *, reserved: bool = False
    ) -> Answer:
        """Make one call and return its answer, which is a success; otherwise raise the failure."""
        if (wait_s := self._breaker.admit()) is not None:
            raise self._down(wait_s)
        call = f"DAWG-CORE at {self.settings.url}: {method} {path}"
        failure: BusError
        try:
            answer = await self._exchange(method, path, deadline, body, reserved=reserved)
        except (NoAnswer, BadAnswer) as error:
            lost = isinstance(error, NoAnswer)
            failure = Unavailable(f"{call}: {error}", retry_after=RECHECK_S if lost else None)
            failure.__cause__ = error
        except BaseException:  # cancelled, or no turn came: nothing was learnt of DAWG-CORE
            self._breaker.inconclusive()
            raise
        else:
            if 200 <= answer.status < 300:
                self._breaker.succeeded()
                self._now(connected=True, why=None)
                return answer
            lost = False
            failure = answers.refusal(call, answer, has_argument=body is not None)
        self._note(failure, lost=lost, of_health=path == HEALTH)
        raise Unavailable(failure.message, details=failure.details) if path == HEALTH else failure

    async def _exchange(
        self, method: str, path: str, deadline: float, body: bytes | None, *, reserved: bool
    ) -> Answer:
        """Run one exchange in a thread; a GET whose connection broke, once more."""
        call = (self._exchanger.exchange, method, path, deadline, body)
        try:
            return await self._in_thread(deadline, *call, reserved=reserved)
        except NoAnswer as error:
            if method != "GET" or not error.broken:
                raise
        await asyncio.sleep(RETRY_PAUSE_S * (1 + random.random()))  # noqa: S311 - it spreads callers
        return await self._in_thread(deadline, *call, reserved=reserved)

    def _note(self, failure: BusError, *, lost: bool, of_health: bool) -> None:
        """Draw the conclusions from a failed call: `lost` if no answer came at all."""
        if lost or of_health:
            self._breaker.failed()
        else:  # it refused this call, which says nothing of the next
            self._breaker.inconclusive()
        if of_health or self._breaker.state == "open":
            self._now(connected=False, why=failure.message)
        elif lost:
            self._look_again.set()

    def _now(self, *, connected: bool, why: str | None) -> None:
        if (why is None) != (self.why is None) or connected != self._connected:
            if connected:
                log.info("core.connected", url=self.settings.url)
            else:
                log.warning("core.not_connected", why=why)
        self.why = why
        if connected == self._connected:
            return
        self._connected = connected
        if self.on_change is not None:
            try:
                self.on_change(connected)
            except Exception:
                log.exception("core.listener_failed")  # its fault must not fail a call that succeeded

    def _down(self, wait_s: float) -> Unavailable:
        return Unavailable(
            f"DAWG-CORE is known to be down ({self.why}); it is asked again in {wait_s:.1f} s",
            retry_after=round(wait_s, 3),
        )

    def _pause_s(self) -> float:
        """Return how long the watch waits before it looks again."""
        if self._breaker.state == "open":
            return self._breaker.wait_s()
        if self._connected:
            return self.settings.check_interval_s
        return min(RECHECK_S, self.settings.check_interval_s)

    # --- threads

    @staticmethod
    def _deadline(timeout_s: float) -> float:
        return time.monotonic() + timeout_s

    async def _in_thread(
        self, deadline: float, function: Callable[..., T], *arguments: object, reserved: bool = False
    ) -> T:
        """Run `function` in one of the `CALLS` threads, or in the watch's own, and wait until `deadline`.

        The turn is over when the thread is done, which may be after its caller gave up: what DAWG-CORE holds
        up is bounded by `CALLS`, however many callers come and go.
        """
        loop = asyncio.get_running_loop()
        began = time.monotonic()
        if not reserved:
            await self._turn(deadline)
            if (wait_s := self._breaker.wait_s()) > 0:  # it went down while this call waited for its turn
                self._slots.release()
                raise self._down(wait_s)
        try:
            future = self._threads.submit(function, *arguments)
        except RuntimeError as error:
            if not reserved:
                self._slots.release()
            raise Unavailable("the daemon no longer asks DAWG-CORE: it is stopping") from error
        if not reserved:
            future.add_done_callback(lambda _: _in_loop(loop, self._slots.release))
        try:
            async with asyncio.timeout(deadline + GRACE_S - time.monotonic()):
                return await asyncio.wrap_future(future)
        except TimeoutError as error:
            raise NoAnswer(f"no whole answer within {deadline - began:.3g} s") from error

    async def _turn(self, deadline: float) -> None:
        """Wait for one of the `CALLS` turns, but no longer than leaves half the time for the call itself."""
        if self._waiting >= WAITING:
            raise ResourceExhausted(
                f"{WAITING} calls to DAWG-CORE are waiting already", retry_after=RECHECK_S
            )
        self._waiting += 1
        try:
            async with asyncio.timeout((deadline - time.monotonic()) / 2):
                await self._slots.acquire()
        except TimeoutError as error:
            raise ResourceExhausted(
                f"{CALLS} calls to DAWG-CORE are under way, and none ended in time", retry_after=RECHECK_S
            ) from error
        finally:
            self._waiting -= 1


def _midi_and_body(source: Path | bytes) -> tuple[midi.MidiFile, bytes]:
    file = midi.parse(source) if isinstance(source, bytes) else midi.read(source)
    return file, json.dumps({"midi_data": b64encode(file.data).decode()}).encode()


def _in_loop(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits for a turn any more
        loop.call_soon_threadsafe(function)
