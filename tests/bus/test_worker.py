"""A worker by itself: a process at the end of two pipes."""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil
import pytest

from bus.pipe import Accepted, Failed, Finished, Message, Progressed, Ready, Run, decode, encode
from bus.worker import NICE, WorkerSettings, main

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = WorkerSettings(("tests.bus.engines.dummy",), 1_000_000, "error", log_json=True)


class Worker:
    """The daemon's end of a worker."""

    def __init__(self, settings: WorkerSettings = SETTINGS) -> None:
        spawn = multiprocessing.get_context("spawn")
        self.jobs: Connection
        self.jobs, jobs_child = spawn.Pipe()
        cancels_child, self.cancels = spawn.Pipe(duplex=False)
        self.process = spawn.Process(target=main, args=(settings, jobs_child, cancels_child), daemon=True)
        self.process.start()
        jobs_child.close()
        cancels_child.close()
        self.number = 0

    def receive(self) -> Message:
        assert self.jobs.poll(60), "nothing comes"
        return decode(self.jobs.recv_bytes())

    def start(self, op: str, **params: Any) -> int:
        self.number += 1
        self.jobs.send_bytes(encode(Run(self.number, f"id {self.number}", op, params)))
        assert self.receive() == Accepted(self.number)
        return self.number

    def ends(self) -> Finished | Failed:
        while True:
            message = self.receive()
            if isinstance(message, Finished | Failed):
                assert message.number == self.number
                return message
            assert isinstance(message, Progressed)

    def cancel(self, number: int) -> None:
        self.cancels.send_bytes(number.to_bytes(8, "big"))


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    worker = Worker()
    assert worker.receive() == Ready()
    yield worker
    worker.jobs.close()
    worker.process.join(60)
    assert worker.process.exitcode == 0, "it ends by itself when its pipe closes"
    worker.cancels.close()


def test_it_steps_back_for_others(worker: Worker) -> None:
    assert psutil.Process(worker.process.pid).nice() >= NICE


def test_one_that_is_waited_for_steps_back_when_it_is_warm() -> None:
    worker = Worker(replace(SETTINGS, light=True))
    assert worker.receive() == Ready()
    assert psutil.Process(worker.process.pid).nice() >= NICE
    worker.jobs.close()
    worker.process.join(10)
    worker.cancels.close()


def test_it_leaves_ctrl_c_to_the_daemon(worker: Worker) -> None:
    assert worker.process.pid is not None
    os.kill(worker.process.pid, signal.SIGINT)
    worker.start("dummy.echo", value="x")
    assert isinstance(worker.ends(), Finished)


def test_progress_is_passed_on_at_most_twenty_times_a_second_in_one_stage(worker: Worker) -> None:
    began_s = time.monotonic()
    worker.start("dummy.hold", file="/nowhere")
    number = worker.number
    reports = [worker.receive() for _ in range(10)]
    assert time.monotonic() - began_s > 0.4
    assert all(report == Progressed(number, 0.5, "holding") for report in reports)
    worker.cancel(number)
    assert worker.ends() == Failed(number, "CANCELLED", "cancelled")


def test_a_cancel_for_an_earlier_job_is_passed_over(worker: Worker) -> None:
    earlier = worker.start("dummy.echo", value="x")
    worker.ends()
    worker.cancel(earlier)
    worker.start("dummy.wait", seconds=0.05, steps=3)
    assert isinstance(worker.ends(), Finished)


def test_cancels_that_nobody_looks_for_do_not_fill_the_pipe(worker: Worker) -> None:
    # Twelve bytes each, in a pipe of 64 KiB.
    for _ in range(10):
        for _ in range(1000):
            worker.cancel(0)
        worker.start("dummy.echo", value="x")
        assert isinstance(worker.ends(), Finished)


def test_a_cancel_that_comes_before_the_job_begins_is_seen(worker: Worker) -> None:
    worker.cancel(worker.number + 1)
    number = worker.start("dummy.stubborn", seconds=30)
    assert worker.ends() == Failed(number, "CANCELLED", "cancelled")


def test_a_result_over_its_bound_is_refused_where_it_is_made(worker: Worker) -> None:
    number = worker.start("dummy.big", megabytes=2)
    failed = worker.ends()
    assert isinstance(failed, Failed)
    assert (failed.number, failed.code) == (number, "RESOURCE_EXHAUSTED")


def test_wrong_params_end_the_job_and_not_the_worker(worker: Worker) -> None:
    worker.start("dummy.echo", number="no")
    failed = worker.ends()
    assert isinstance(failed, Failed)
    assert failed.code == "INVALID_ARGUMENT"


def test_a_worker_ends_with_its_parent_also_in_the_middle_of_a_job(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, signal, time\n"
        "from tests.bus.test_worker import Worker\n"
        "if __name__ == '__main__':\n"
        "    worker = Worker(); worker.receive(); worker.start('dummy.stubborn', seconds=60)\n"
        "    print(worker.process.pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ran = subprocess.run(
        [sys.executable, str(script)],
        env={"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    assert ran.returncode == -signal.SIGKILL
    pid = int(ran.stdout)
    until_s = time.monotonic() + 60
    with contextlib.suppress(psutil.NoSuchProcess):
        while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < until_s, "it lives on"
            time.sleep(0.01)


@pytest.mark.parametrize(
    "message",
    [
        Run(1, "id", "a.b", {"path": "caf\udce9", "data": b"x", "list": [1, None, {"a": 2.5}]}),
        Ready(),
        Accepted(2**40),
        Progressed(1, 0.5, "ß"),
        Finished(1, b"\x80"),
        Failed(1, "INTERNAL", "text \udcff", {"ref": "x"}),
    ],
)
def test_a_message_comes_out_of_the_pipe_as_it_went_in(message: Message) -> None:
    assert decode(encode(message)) == message


@pytest.mark.parametrize(
    "data", [b"", b"\xc1", b"\x91\x01", b"\x92\xa5Ready\x90", b"\x92\xa4Nope\x80", b"\x80"]
)
def test_what_is_no_message_of_the_pipe_is_said_so(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a message of the pipe"):
        decode(data)
