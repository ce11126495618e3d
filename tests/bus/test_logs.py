import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from bus import logs

ROOT = Path(__file__).resolve().parents[2]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    logs.configure("error", json=True)


def test_a_line_is_one_json_object_with_what_is_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream := io.StringIO())
    logs.configure("info")
    with structlog.contextvars.bound_contextvars(request_id="a", op="b.c"):
        structlog.get_logger().info("happened", path=Path("/x"), text="ß\udcff\n")
    line = json.loads(stream.getvalue())
    assert line["event"] == "happened"
    assert line["level"] == "info"
    assert (line["request_id"], line["op"]) == ("a", "b.c")
    assert line["path"] == "/x"
    assert line["timestamp"].endswith("Z")
    assert stream.getvalue().count("\n") == 1


def test_a_traceback_is_part_of_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream := io.StringIO())
    logs.configure("info")
    structlog.get_logger().error("bug", exc_info=KeyError("secret"))
    assert "KeyError" in json.loads(stream.getvalue())["exception"]


def test_what_is_below_the_level_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream := io.StringIO())
    logs.configure("warning")
    structlog.get_logger().info("quiet")
    assert stream.getvalue() == ""
    structlog.get_logger().warning("loud")
    assert stream.getvalue()


def test_a_terminal_is_written_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream := Terminal())
    logs.configure("info")
    structlog.get_logger().info("happened", number=1)
    assert "happened" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_log_that_cannot_be_written_stops_nothing() -> None:
    code = (
        "import structlog; from bus import logs; logs.configure('info', json=True)\n"
        "for _ in range(3000): structlog.get_logger().info('line', text='x' * 100)\n"
        "print('went on')"
    )
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=full, check=False
        )
    assert ran.stdout == b"went on\n"
