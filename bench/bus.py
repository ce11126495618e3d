"""How fast the bus answers, idle and under load, beside a bare asyncio ROUTER that echoes the same bytes.

    python bench/bus.py [--requests 5000] [--soak 100000]

Daemon, echo and client are processes of their own on this machine. Rates are taken in turn, A B A B, and the
ratio is of their medians: the machine is shared and noisy. What is random is seeded.
"""

import argparse
import asyncio
import multiprocessing
import os
import platform
import socket
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import msgpack
import numpy as np
import psutil
import soundfile
import zmq
import zmq.asyncio

from tests.running_daemon import RunningDaemon, receive, running, send

SEED = 20261122
ROUNDS = 5
IN_FLIGHT = 100
CLIENTS = 200
QUEUE = 8
LOAD_S = 12.0
PING = {"type": "request", "id": "0", "op": "bus.ping", "params": {"payload": "x" * 16}}
FRAMES = [b"DAWG1", msgpack.packb(PING)]


def echo(endpoint: str) -> None:
    """Serve the bare comparison: read, send back, nothing else."""

    async def serve() -> None:
        router = zmq.asyncio.Context().socket(zmq.ROUTER)
        router.bind(endpoint)
        while True:
            await router.send_multipart(await router.recv_multipart())

    asyncio.run(serve())


@contextmanager
def echo_process() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        endpoint = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    process = multiprocessing.get_context("spawn").Process(target=echo, args=(endpoint,), daemon=True)
    process.start()
    try:
        yield endpoint
    finally:
        process.kill()
        process.join()


@contextmanager
def dealer(endpoint: str) -> Iterator[zmq.Socket[bytes]]:
    context = zmq.Context()
    connected = context.socket(zmq.DEALER)
    connected.linger = 0
    connected.connect(endpoint)
    try:
        yield connected
    finally:
        context.destroy(0)


def rate(endpoint: str, requests: int, in_flight: int) -> float:
    """Measure requests answered a second with so many in flight."""
    with dealer(endpoint) as connected:
        connected.send_multipart(FRAMES)
        connected.recv_multipart()  # connected, and everything warm
        began = time.perf_counter()
        for _ in range(in_flight):
            connected.send_multipart(FRAMES)
        for done in range(requests):
            connected.recv_multipart()
            if done + in_flight < requests:
                connected.send_multipart(FRAMES)
        return requests / (time.perf_counter() - began)


def compare(daemon: str, bare: str, requests: int) -> None:
    print("| ping | daemon /s | bare echo /s | ratio (wanted: at least 0.5) |\n|---|---|---|---|")
    for in_flight in (1, IN_FLIGHT):
        pairs = [(rate(daemon, requests, in_flight), rate(bare, requests, in_flight)) for _ in range(ROUNDS)]
        ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"| {in_flight} in flight | {ours:.0f} | {theirs:.0f} | {ours / theirs:.2f} |")


def recordings(folder: Path) -> list[Path]:
    """Write enough different noise to keep the workers busy."""
    random = np.random.default_rng(SEED)
    paths = [folder / f"{number}.wav" for number in range(QUEUE)]
    for path in paths:
        soundfile.write(path, random.normal(0, 0.1, (180 * 44100, 2)).astype(np.float32), 44100)
    return paths


def under_load(daemon: RunningDaemon, songs: list[Path]) -> None:
    """Ping while every worker is busy and the queue full; watch the heartbeat; then come as many clients."""
    context = zmq.Context()
    beats = context.socket(zmq.SUB)
    beats.connect(daemon.ready["publisher"])
    beats.subscribe(b"heartbeat/")
    with daemon.socket() as work, daemon.socket() as pings:
        waiting = {send(work, "analyze.audio", path=str(song)): song for song in songs}
        latencies, arrivals, full, until = [], [], 0, time.perf_counter() + LOAD_S
        while time.perf_counter() < until:
            sent = time.perf_counter()
            send(pings, "bus.ping")
            receive(pings)
            latencies.append(time.perf_counter() - sent)
            while work.poll(0):
                song = waiting.pop(receive(work)["id"])
                waiting[send(work, "analyze.audio", path=str(song))] = song
            if len(latencies) % 100 == 0:
                send(pings, "analyze.audio", path=str(songs[0]))
                full += receive(pings).get("code") == "RESOURCE_EXHAUSTED"
            while beats.poll(0):
                _, body = beats.recv_multipart()
                event = msgpack.unpackb(body)
                if not event.get("replay"):
                    arrivals.append(event["time"])
            time.sleep(0.002)
        late = max((b - a - 1.0 for a, b in pairwise(arrivals)), default=float("nan"))
        p50, p99 = np.percentile(latencies, [50, 99])
        print("| every worker busy, queue full | | wanted |\n|---|---|---|")
        print(f"| bus.ping p50 / p99 | {1000 * p50:.2f} / {1000 * p99:.2f} ms | p99 at most 10 ms |")
        print(f"| latest heartbeat | {1000 * late:.0f} ms of {len(arrivals)} | at most 100 ms |")
        print(f"| refused for a full queue | {full} | |")
        crowd = [daemon.socket() for _ in range(CLIENTS)]
        for member in crowd:
            send(member, "bus.ping")
        answered = sum(receive(member)["type"] == "reply" for member in crowd)
        print(f"| {CLIENTS} clients at once, answered | {answered} | {CLIENTS} |")
        for member in crowd:
            member.close()
        ended = 0
        for _ in waiting:
            ended += receive(work, 120)["type"] in ("reply", "error")
        print(f"| jobs of the load that ended | {ended} of {len(waiting)} | all |")
    context.destroy(0)


def to_ready(home: Path) -> tuple[float, float]:
    """Start a daemon as a service manager does; returns seconds to READY=1, and megabytes then."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        address = str(home / "notify")
        manager.bind(address)
        manager.settimeout(60)
        began = time.perf_counter()
        with running(home, environ={"NOTIFY_SOCKET": address}) as daemon:
            while b"READY=1" not in manager.recv(4096):
                pass
            took = time.perf_counter() - began
            return took, psutil.Process(daemon.process.pid).memory_info().rss / 1e6


def start(home: Path) -> None:
    times, sizes = zip(*(to_ready(Path(tempfile.mkdtemp(dir=home))) for _ in range(ROUNDS)), strict=True)
    print("| start, warm disk | | wanted |\n|---|---|---|")
    print(f"| process to READY, median of {ROUNDS} | {statistics.median(times):.2f} s | at most 2 s |")
    print(f"| resident size at READY | {max(sizes):.0f} MB | at most 120 MB |")


def soak(daemon: RunningDaemon, requests: int) -> None:
    process = psutil.Process(daemon.process.pid)
    rate(daemon.ready["router"], requests // 10, IN_FLIGHT)
    before = process.memory_info().rss / 1e6
    rate(daemon.ready["router"], requests, IN_FLIGHT)
    after = process.memory_info().rss / 1e6
    print(f"| resident size after {requests // 10}, and {requests} requests more | |\n|---|---|")
    print(f"| MB (wanted: at most 120, and flat) | {before:.1f}, {after:.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=5000, help="in each turn of the comparison")
    parser.add_argument("--soak", type=int, default=100_000, help="requests over which memory is watched")
    arguments = parser.parse_args()
    print(f"seed {SEED}; {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        start(home)
        settings = (
            f"bus.limits.queue={QUEUE}",
            "cache.max_mb=0.001",
        )  # every analysis is work, none remembered
        with running(home, *settings) as daemon, echo_process() as bare:
            daemon.wait_for("daemon.ready")
            songs = recordings(home)
            print()
            compare(daemon.ready["router"], bare, arguments.requests)
            print()
            under_load(daemon, songs)
            print()
            soak(daemon, arguments.soak)


if __name__ == "__main__":
    main()
