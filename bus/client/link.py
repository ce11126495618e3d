"""One socket connected to one endpoint: its frames, whether it is connected, and why not.

ZeroMQ connects in the background and for ever, and tells nobody; the socket's monitor does. One task reads
the socket and one its monitor, both for as long as the link lives: a receive that is cancelled can lose a
message (pyzmq#1925).
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final

import zmq
import zmq.asyncio
import zmq.utils.z85
from zmq.utils.monitor import recv_monitor_message

from bus.client.diagnosis import Answer, look
from bus.client.failures import NotAnswering, NotRunning, WrongEndpoint, WrongKey
from bus.errors import BusError, InvalidArgument
from bus.sockets import keep_alive, receive_now, send_now

_RECONNECT_MS = 50
_LONGEST_RECONNECT_MS = 500
_HANDSHAKE_MS = 10_000
# A handshake takes about a millisecond; one that takes so long is looked into.
_SLOW_HANDSHAKE_S = 0.5
# libzmq 4.3.5 gives up for ever after a handshake that failed by protocol: then this connects again.
_CONNECT_AGAIN_S = 0.3
_BURST = 64
_KEY_CHARACTERS: Final = 40

_FAILURES = (
    zmq.Event.HANDSHAKE_FAILED_AUTH,
    zmq.Event.HANDSHAKE_FAILED_PROTOCOL,
    zmq.Event.HANDSHAKE_FAILED_NO_DETAIL,
)


@dataclass(frozen=True)
class Keys:
    """CURVE: the daemon's public key and the client's own secret one, Z85; without the one there is none."""

    server: str | None = None
    client_secret: str | None = None

    def apply(self, socket: zmq.asyncio.Socket) -> None:
        """Encrypt what the socket will say.

        Raises
        ------
        InvalidArgument
            If a key is not 40 characters of Z85; the message does not show it.
        """
        if self.server is None:
            return
        server = _checked("server_key", self.server)
        if self.client_secret is None:
            public, secret = zmq.curve_keypair()
        else:
            secret = _checked("client_key", self.client_secret)
            public = zmq.curve_public(secret)
        socket.curve_serverkey = server
        socket.curve_publickey = public
        socket.curve_secretkey = secret


def _checked(name: str, key: str) -> bytes:
    try:
        right = len(key) == _KEY_CHARACTERS and len(zmq.utils.z85.decode(key)) == 32
    except (ValueError, KeyError):
        right = False
    if not right:
        raise InvalidArgument(f"{name}: must be a CURVE key, {_KEY_CHARACTERS} characters of Z85")
    return key.encode()


class Link:
    """A connected socket. All methods and callbacks run in the event loop.

    Parameters
    ----------
    on_frames
        Called with each message.
    on_up
        Called when a connection stands, the first time and each time again.
    on_trouble
        Called with the reason when there is none, possibly several times, the best known last.
    """

    def __init__(
        self,
        socket: zmq.asyncio.Socket,
        endpoint: str,
        keys: Keys,
        *,
        on_frames: Callable[[Sequence[bytes]], None],
        on_up: Callable[[], None],
        on_trouble: Callable[[BusError], None],
    ) -> None:
        self.endpoint = endpoint.replace("//localhost:", "//127.0.0.1:")
        self.up = False
        self._socket = socket
        self._encrypted = keys.server is not None
        self._on_frames = on_frames
        self._on_up = on_up
        self._on_trouble = on_trouble
        self._failure: int | None = None
        self._connected = False
        self._tasks: list[asyncio.Task[None]] = []
        self._look: asyncio.Task[None] | None = None
        self._slow: asyncio.TimerHandle | None = None
        self._again: asyncio.TimerHandle | None = None
        socket.setsockopt(zmq.LINGER, 0)
        # What cannot leave now is not kept by ZeroMQ: the client knows better what is still wanted.
        socket.setsockopt(zmq.IMMEDIATE, 1)
        socket.setsockopt(zmq.SNDHWM, 0)
        socket.setsockopt(zmq.RECONNECT_IVL, _RECONNECT_MS)
        socket.setsockopt(zmq.RECONNECT_IVL_MAX, _LONGEST_RECONNECT_MS)
        socket.setsockopt(zmq.HANDSHAKE_IVL, _HANDSHAKE_MS)
        keep_alive(socket)
        socket.setsockopt(zmq.IPV6, self.endpoint.startswith("tcp://["))
        keys.apply(socket)

    def open(self) -> None:
        """Begin to connect.

        Raises
        ------
        InvalidArgument
            If the endpoint cannot be one.
        """
        monitor = self._socket.get_monitor_socket()
        try:
            self._socket.connect(self.endpoint)
        except zmq.ZMQError as error:
            raise InvalidArgument(
                f"endpoint: {self.endpoint}; must be like tcp://127.0.0.1:9001 or ipc:///run/dawg.sock"
            ) from error
        self._start(self._read())
        self._start(self._watch(monitor))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work, name=f"link {self.endpoint}"))

    def send(self, frames: Sequence[bytes]) -> bool:
        """Send now; False where no connection stands."""
        return send_now(self._socket, frames) is None

    async def close(self) -> None:
        """Close the socket; what was not sent is dropped."""
        for timer in filter(None, (self._slow, self._again)):
            timer.cancel()
        tasks = [*self._tasks, *filter(None, [self._look])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._socket.disable_monitor()
        self._socket.close(0)

    # --------------------------------------------------------------- reading

    async def _read(self) -> None:
        while True:
            self._on_frames(await self._socket.recv_multipart())
            for _ in range(_BURST):
                frames = receive_now(self._socket)
                if frames is None:
                    break
                self._on_frames(frames)
            await asyncio.sleep(0)

    async def _watch(self, monitor: zmq.asyncio.Socket) -> None:
        while True:
            message = await recv_monitor_message(monitor)
            self._happened(message["event"])

    def _happened(self, event: int) -> None:
        if event == zmq.Event.CONNECTED:
            self._connected, self._failure = True, None
            self._slow = self._timer(self._slow, _SLOW_HANDSHAKE_S, self._look_into)
            self._stop_timer("_again")
        elif event == zmq.Event.HANDSHAKE_SUCCEEDED:
            self._stop_timer("_slow")
            self.up = True
            self._on_up()
        elif event in _FAILURES:
            self._failure = event
        elif event == zmq.Event.DISCONNECTED:
            self._disconnected()
        elif event == zmq.Event.CONNECT_RETRIED:
            self._stop_timer("_again")
            if not self._connected:
                self._on_trouble(self._not_running())
            self._connected = False

    def _disconnected(self) -> None:
        self._stop_timer("_slow")
        self._again = self._timer(self._again, _CONNECT_AGAIN_S, self._connect_again)
        if self.up:
            self.up = False
            self._on_trouble(NotRunning(f"{self.endpoint}: the daemon closed the connection"))
        else:
            self._look_into()

    def _connect_again(self) -> None:
        self._connected = False
        with contextlib.suppress(zmq.ZMQError):
            self._socket.disconnect(self.endpoint)
        self._socket.connect(self.endpoint)

    @staticmethod
    def _timer(
        before: asyncio.TimerHandle | None, after_s: float, then: Callable[[], None]
    ) -> asyncio.TimerHandle:
        if before is not None:
            before.cancel()
        return asyncio.get_running_loop().call_later(after_s, then)

    def _stop_timer(self, name: str) -> None:
        timer: asyncio.TimerHandle | None = getattr(self, name)
        if timer is not None:
            timer.cancel()
            setattr(self, name, None)

    # ------------------------------------------------------------- diagnosis

    def _look_into(self) -> None:
        """Find out why no connection stands; one look at a time."""
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._diagnose(), name=f"look {self.endpoint}")

    async def _diagnose(self) -> None:
        failure = self._failure
        answer, mechanism = await look(self.endpoint)
        if not self.up:
            self._on_trouble(self._explanation(answer, mechanism, failure))

    def _explanation(self, answer: Answer, mechanism: str, failure: int | None) -> BusError:
        at = self.endpoint
        if answer is Answer.REFUSED:
            return self._not_running()
        if answer is Answer.FOREIGN:
            return WrongEndpoint(f"{at}: another program answers there, not DAWG-AI")
        if answer is Answer.SILENT:
            return NotAnswering(
                f"{at}: something listens there and says nothing; DAWG-AI is stuck, or it is another program"
            )
        return self._handshake_explanation(mechanism, failure)

    def _handshake_explanation(self, mechanism: str, failure: int | None) -> BusError:
        at = self.endpoint
        if failure == zmq.Event.HANDSHAKE_FAILED_AUTH:
            return WrongKey(f"{at}: the client's CURVE key is not admitted (bus.curve.client_keys)")
        if mechanism and mechanism != ("CURVE" if self._encrypted else "NULL"):
            need = "does not encrypt, the client does" if self._encrypted else "wants CURVE keys"
            return WrongKey(f"{at}: the other side {need} (server_key)")
        if self._encrypted:
            return WrongKey(f"{at}: the CURVE handshake failed; server_key is not the daemon's public key")
        return WrongEndpoint(f"{at}: a ZeroMQ socket of another kind; router and publisher mixed up?")

    def _not_running(self) -> NotRunning:
        return NotRunning(f"{self.endpoint}: nothing listens there; DAWG-AI is not running")
