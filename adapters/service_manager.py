"""What the service manager is told: ready, healthy, stopping (systemd's notification protocol).

The daemon says `READY=1` when it can be used, feeds the watchdog only while its event loop is healthy, and
says `STOPPING=1` before it drains. Where nobody listens (no `NOTIFY_SOCKET`: a terminal, launchd, Windows),
all of it does nothing. Nothing here blocks or raises for what the other side does.

Source: sd_notify(3). It is a few lines, so no dependency is taken for it.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, MutableMapping

import structlog

# Longer text would not be shown; the whole datagram must stay below 4096 bytes.
LONGEST_TEXT = 500

log = structlog.get_logger(__name__)


class ServiceManager:
    """The service manager's end of the notification socket.

    Attributes
    ----------
    address
        Path of the socket, abstract where it begins with a null byte; None where there is none.
    watchdog_s
        Seconds without `WATCHDOG=1` after which the manager kills the daemon; None where it does not watch.
    """

    def __init__(self, address: str | None = None, watchdog_s: float | None = None) -> None:
        self.address = address
        self.watchdog_s = watchdog_s if address else None
        self._socket: socket.socket | None = None
        # What must arrive, and could not be sent yet.
        self._owed: list[str] = []
        self._lost = False
        if address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.setblocking(False)

    @classmethod
    def from_environment(cls, environ: MutableMapping[str, str] | None = None) -> "ServiceManager":
        """Read where the manager listens, and remove it from the environment.

        Workers inherit the environment, and must not speak for the daemon. `environ` None is `os.environ`.
        """
        environ = os.environ if environ is None else environ
        address = environ.pop("NOTIFY_SOCKET", "")
        interval = environ.pop("WATCHDOG_USEC", "")
        watched = environ.pop("WATCHDOG_PID", "")
        if not address.startswith(("/", "@")) or not hasattr(socket, "AF_UNIX"):
            if address:
                log.warning("service_manager.address_not_a_path", address=address)
            return cls()
        if address.startswith("@"):
            address = "\0" + address[1:]
        return cls(address, _watchdog_s(interval, watched))

    def ready(self, status: str) -> None:
        """Say that the daemon can be used; `status` is a sentence for `systemctl status`."""
        self._send(f"READY=1\nSTATUS={_one_line(status)}", must_arrive=True)

    def status(self, text: str) -> None:
        """Say in a sentence what the daemon is doing."""
        self._send(f"STATUS={_one_line(text)}")

    def stopping(self, text: str) -> None:
        """Say that the daemon ends, from the first step of it on."""
        self._send(f"STOPPING=1\nSTATUS={_one_line(text)}", must_arrive=True)

    async def feed_watchdog(self, healthy: Callable[[], bool]) -> None:
        """Say `WATCHDOG=1` at half the interval, but only while `healthy()`; until cancelled.

        It runs in the event loop that it vouches for: a loop that stands still feeds nobody. On the way it
        sends what must arrive and could not be sent before. Without a manager it only waits.
        """
        pause_s = self.watchdog_s / 2 if self.watchdog_s is not None else 1.0
        while self._socket is not None:
            self._send("WATCHDOG=1" if self.watchdog_s is not None and _is(healthy) else "")
            await asyncio.sleep(pause_s)
        await asyncio.Event().wait()

    def close(self) -> None:
        """Say no more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, message: str, *, must_arrive: bool = False) -> None:
        if self._socket is None or self.address is None:
            return
        waiting, self._owed = self._owed, []
        for text in [*waiting, message]:
            if not text:
                continue
            try:
                # With the address each time: the manager may have been restarted under the same one.
                self._socket.sendto(text.encode(), self.address)
                self._lost = False
            except OSError as error:
                if text in waiting or must_arrive:
                    self._owed.append(text)
                if not self._lost:
                    log.warning("service_manager.not_heard", why=str(error))
                self._lost = True


def _watchdog_s(interval: str, watched: str) -> float | None:
    """Return the watchdog's interval in seconds; None where there is none, or it is another process's."""
    with contextlib.suppress(ValueError):
        if int(interval) > 0 and (not watched or int(watched) == os.getpid()):
            return int(interval) / 1e6
    return None


def _is(healthy: Callable[[], bool]) -> bool:
    try:
        return healthy()
    except Exception:
        # Who cannot say that it is well is not well; without this line the task would end in silence.
        log.exception("service_manager.health_check_failed")
        return False


def _one_line(text: str) -> str:
    """Return text that is one value of the protocol: a line break in it would begin another assignment."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line.encode("utf-8", "replace")[:LONGEST_TEXT].decode("utf-8", "ignore")
