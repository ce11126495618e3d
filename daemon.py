"""DAWG-AI: builds the house from config.toml, keeps it lit, and takes it down in reverse.

`dawg-ai serve` (or `python daemon.py`) runs it; the other commands of `dawg-ai` talk to one that runs. Light
to import, since every worker process imports this file once more when it starts: what the daemon is built of
is imported where it is built.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
    from typing import Any

    from adapters.core.client import Core
    from adapters.settings import Config
    from bus.service import Bus

# When the drain is over, closing takes milliseconds; a thread or socket that hangs is left behind after this.
_CLOSE_S = 5.0


def main(words: Sequence[str] | None = None) -> int:
    """Run a command of `dawg-ai`; returns its exit code."""
    from adapters import command_line

    beside = Path(__file__).resolve().parent
    return command_line.run(sys.argv[1:] if words is None else words, beside=beside, serve=serve)


def serve(config: Config) -> int:
    """Run the daemon until SIGTERM or Ctrl-C.

    Returns
    -------
    int
        0 after a clean stop; 2 when an endpoint or a key is not allowed; 1 when it could not start for
        another reason, or when a part of it failed. What was wrong is logged.
    """
    import structlog

    from bus import logs
    from bus.endpoints import EndpointError, EndpointNotAllowed

    logs.configure(config.log.level, json=_as_json(config))
    # zmq.asyncio needs a loop that can watch sockets, which the default one of Windows cannot.
    factory = asyncio.SelectorEventLoop if sys.platform == "win32" else None
    try:
        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(_serve(config))
    except (EndpointError, OSError) as error:
        structlog.get_logger().error("daemon.not_started", reason=str(error))
        # The service manager does not try a wrong configuration again; what is taken may be free later.
        return 2 if isinstance(error, EndpointNotAllowed) else 1


def _as_json(config: Config) -> bool:
    return not sys.stderr.isatty() if config.log.format == "auto" else config.log.format == "json"


async def _serve(config: Config) -> int:
    """Build, run, drain, close: what is built last is closed first."""
    import structlog

    from adapters.core.client import Core
    from adapters.service_manager import ServiceManager
    from bus.publisher import STATUS

    log = structlog.get_logger()
    # Takes its variables out of the environment, which workers inherit.
    manager = ServiceManager.from_environment(os.environ)
    core = Core(config.core)
    _warn_of_missing(config.paths.audio_roots)
    async with contextlib.AsyncExitStack() as house:
        stopped = house.enter_context(_signals())
        house.callback(core.close)
        bus = _bus(config, core)
        house.callback(bus.close)
        house.push_async_callback(bus.pool.close)
        bus.start_light()
        # What takes longest to import comes while the first workers load.
        from adapters.http import HttpServer
        from adapters.status_file import StatusFile
        from adapters.status_report import Reporter

        http = HttpServer(config.http, bus) if config.http.enabled else None
        if http is not None:
            house.callback(http.close)
        tasks: list[asyncio.Task[None]] = []
        report = Reporter(
            bus, core, None if http is None else http.url, lambda: not any(task.done() for task in tasks)
        )
        status_file = StatusFile(config.paths.status_file.expanduser(), report.document)
        house.callback(status_file.close)

        bus.control.on_change.append(status_file.changed)
        # Not on every change, of which a busy daemon has thousands: status events gather them.
        bus.publisher.listen(STATUS, lambda *_: manager.status(report.sentence()))
        core.on_change = lambda _: bus.control.changed()
        parts: dict[str, Coroutine[Any, Any, None]] = {
            **bus.coroutines(),
            "core": core.watch(),
            "status_file": status_file.run(),
            "watchdog": manager.feed_watchdog(report.healthy),
        }
        if http is not None:
            parts["http"] = http.run()

        def announce() -> None:
            manager.ready(report.sentence())
            log.info("daemon.ready", instance=bus.instance, **report.endpoints())

        bus.start(announce)
        async with _running(parts, tasks):
            code = await _until_stopped(stopped, tasks)
            manager.stopping("finishing what runs")
            log.info("daemon.stopping", open_requests=len(bus.dispatcher.jobs))
            _exit_if_stuck(2 * config.bus.drain_s + _CLOSE_S)
            await bus.drain()
            report.stopped = True
            await status_file.write_now()
        log.info("daemon.stopped")
    return code


def _bus(config: Config, core: Core) -> Bus:
    """Bind the sockets, with the operations of every engine and of DAWG-CORE behind them."""
    from adapters.config_file import check_engines
    from adapters.table import with_core
    from bus import control
    from bus.operations import discover, installed_models
    from bus.service import Bus, Surroundings

    engine_operations = discover("engines")
    check_engines(config, {operation.lane for operation in engine_operations if operation.lane})
    paths = config.paths
    return Bus(
        config.bus,
        with_core(engine_operations, core),
        Surroundings(
            roots=paths.audio_roots,
            state=_made(paths.state.expanduser()),
            cache=paths.cache.expanduser(),
            cache_mb=config.cache.max_mb,
            lanes=config.engines,
            core=lambda: control.Core(core.connected, config.core.url),
            models=partial(installed_models, "engines"),
            log_level=config.log.level,
            log_json=_as_json(config),
        ),
    )


def _warn_of_missing(roots: list[Path]) -> None:
    """Say which audio folders are not there; no error, since a disk may be plugged in later."""
    import structlog

    for number, root in enumerate(roots):
        if not root.expanduser().is_dir():
            structlog.get_logger().warning(
                "daemon.audio_root_missing", setting=f"paths.audio_roots[{number}]", path=str(root)
            )


def _made(folder: Path) -> Path:
    """Make the state folder: nothing goes without it, while the others may be missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise OSError(f"paths.state: {folder}; {error.strerror}") from error
    return folder


@contextlib.contextmanager
def _signals() -> Iterator[asyncio.Event]:
    """Give an event that SIGTERM or Ctrl-C sets; a second one ends the process at once."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()

    def stop(*_: object) -> None:
        if stopped.is_set():
            os._exit(1)
        loop.call_soon_threadsafe(stopped.set)

    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.asynccontextmanager
async def _running(
    parts: Mapping[str, Coroutine[Any, Any, None]], tasks: list[asyncio.Task[None]]
) -> AsyncIterator[None]:
    """Run every part, as `tasks`, and cancel what is left in the end."""
    tasks += [asyncio.create_task(part, name=name) for name, part in parts.items()]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _until_stopped(stopped: asyncio.Event, tasks: Sequence[asyncio.Task[None]]) -> int:
    """Wait for the signal, or for a part that ends, which none should."""
    import structlog

    waiting = asyncio.create_task(stopped.wait())
    done, _ = await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
    if waiting in done:
        return 0
    waiting.cancel()
    for task in done:
        structlog.get_logger().critical("daemon.part_failed", part=task.get_name(), exc_info=task.exception())
    return 1


def _exit_if_stuck(after_s: float) -> None:
    timer = threading.Timer(after_s, os._exit, args=(1,))
    timer.daemon = True
    timer.start()


if __name__ == "__main__":
    sys.exit(main())
