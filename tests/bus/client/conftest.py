from collections.abc import Iterator

import pytest

from tests.bus_process import BusProcess


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BusProcess]:
    """Start one daemon for the tests of a module that do it no harm."""
    with BusProcess(tmp_path_factory.mktemp("bus")) as process:
        yield process


@pytest.fixture(scope="module")
def mortal_bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BusProcess]:
    process = BusProcess(tmp_path_factory.mktemp("mortal"), workers=2)
    yield process
    process.kill()


@pytest.fixture
def own_bus(mortal_bus: BusProcess) -> BusProcess:
    """Give a daemon that runs, and may be killed, stopped and started again."""
    if not mortal_bus.running:
        mortal_bus.start()
    return mortal_bus


@pytest.fixture
def last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the daemon's word on a deadline as long as a busy machine takes to bring it."""
    monkeypatch.setattr("bus.client.client._LAST_WORD_S", 60.0)
