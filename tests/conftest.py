"""Fixtures for tests that need a bus: `bus` runs in the test's own loop, with the dummy engine behind it.

`dealer` and `subscriber` make clients of it: `await dealer().ask("bus.ping")`. What they are made of is in
`tests/bus/running.py`, for tests that need another bus.
"""

import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from bus import logs
from tests.bus.running import Dealer, RunningBus, Subscriber, running_bus

# A shell that starts the tests in the background lets them, and all that they start, ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples each time, and no clock: the machine may be busy.
hypothesis.settings.register_profile("dawg", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("dawg")


@pytest.fixture(scope="session", autouse=True)
def _light_workers() -> Iterator[None]:
    """Keep workers from importing pytest: a spawned process imports its parent's main module."""
    main = sys.modules["__main__"]
    before = dict(vars(main))
    main.__spec__ = None
    main.__file__ = None
    yield
    vars(main).update(before)


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> None:
    logs.configure("error", json=True)


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[RunningBus]:
    """Run a bus with one dummy worker, which warms up meanwhile."""
    async with running_bus(tmp_path) as running:
        yield running


@pytest.fixture
def dealer(bus: RunningBus) -> Iterator[Callable[[], Dealer]]:
    """Make clients of `bus`."""
    with contextlib.ExitStack() as stack:

        def make() -> Dealer:
            client = Dealer(bus.router)
            stack.callback(client.close)
            return client

        yield make


@pytest.fixture
def subscriber(bus: RunningBus) -> Iterator[Callable[..., Subscriber]]:
    """Make subscribers to `bus`."""
    with contextlib.ExitStack() as stack:

        def make(*topics: str) -> Subscriber:
            client = Subscriber(bus.publisher, *topics)
            stack.callback(client.close)
            return client

        yield make
