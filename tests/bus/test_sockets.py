"""What the sockets of both sides share."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PEER = """
import sys, time, zmq
socket = zmq.Context().socket(zmq.DEALER)
socket.setsockopt(zmq.SNDHWM, 0)
socket.setsockopt(zmq.RCVHWM, 1)
socket.connect(sys.argv[1])
for _ in range(4000):
    socket.send(b"x" * 1000)
time.sleep(600)
"""
SERVER = """
import subprocess, sys, time, zmq
from bus.sockets import common_options

socket = zmq.Context().socket(zmq.ROUTER)
common_options(socket, 1_000_000)
socket.setsockopt(zmq.RCVHWM, 20)
port = socket.bind_to_random_port("tcp://127.0.0.1")
peer = subprocess.Popen([sys.executable, "-c", sys.argv[1], f"tcp://127.0.0.1:{port}"])
name, _ = socket.recv_multipart()
for _ in range(200):
    socket.send_multipart([name, b"x" * 60_000])
time.sleep(0.5)
peer.kill()
peer.wait()
time.sleep(6)  # longer than any heartbeat
while socket.poll(100):
    socket.recv_multipart()
print("well")
"""


@pytest.mark.slow
def test_a_peer_that_dies_with_much_unread_on_both_sides_does_not_take_the_process_along() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", SERVER, PEER],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ran.stdout == "well\n", ran.stderr
