"""Time generation through the bus, against stock Magenta's `generate` with the same bundle in the same run.

    python bench/generate.py [--rounds 60] [--clients 50]

Four bars of drums, and of melody and bass over chords, from a client of a daemon of its own. Stock Magenta
runs in this process, primed as its command line primes it, one thread. The machine may be shared: the rounds
of the two alternate, so that ratios hold where figures do not. The bench of how good the music is is
`bench/generate_quality.py`.
"""

# ruff: noqa: PLC0415, S101 - TensorFlow is loaded after the daemon has been timed

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ[_name] = "1"
os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import numpy as np  # noqa: E402 - after the thread counts are set

from engines.generate.inventory import SHIPPED  # noqa: E402 - after the thread counts are set
from tests import running_daemon as daemons  # noqa: E402
from tests import signals  # noqa: E402

CHORDS = "C Am F G"


def stock(role: str) -> Callable[[int], object]:
    """Return a call of Magenta's own generator for four bars at 120 BPM."""
    warnings.filterwarnings("ignore")
    import tensorflow.compat.v1 as tf
    from magenta.models.drums_rnn import drums_rnn_sequence_generator as drums
    from magenta.models.improv_rnn import improv_rnn_sequence_generator as improv
    from magenta.models.shared import sequence_generator_bundle
    from note_seq.protobuf import generator_pb2, music_pb2

    tf.logging.set_verbosity(tf.logging.ERROR)
    bundle = sequence_generator_bundle.read_bundle_file(str(SHIPPED / f"{role}.mag"))
    made = {**drums.get_generator_map(), **improv.get_generator_map()}[bundle.generator_details.id]
    generator = made(checkpoint=None, bundle=bundle)
    primer = music_pb2.NoteSequence()
    primer.tempos.add(qpm=120)
    if role == "drums":
        primer.notes.add(pitch=36, start_time=0, end_time=0.125, velocity=90, is_drum=True)
        primer.total_time = 0.125
    else:
        primer.notes.add(pitch=64, start_time=0, end_time=0.125, velocity=90)
        primer.total_time = 8.0
        for i, name in enumerate(CHORDS.split()):
            primer.text_annotations.add(text=name, time=i * 2.0, annotation_type=1)

    def call(seed: int) -> object:
        options = generator_pb2.GeneratorOptions()
        options.args["temperature"].float_value = 1.0
        options.generate_sections.add(start_time=0.25, end_time=8.0)
        np.random.seed(seed)
        return generator.generate(primer, options)

    call(0)
    return call


def timed(what: Callable[[], object]) -> float:
    start = time.perf_counter()
    what()
    return (time.perf_counter() - start) * 1e3


def spread(milliseconds: list[float]) -> str:
    ordered = sorted(milliseconds)
    late = ordered[int(len(ordered) * 0.95)]
    return f"min {ordered[0]:.1f}, p50 {statistics.median(ordered):.1f}, p95 {late:.1f} ms"


def through_the_bus(socket: Any, op: str, **params: Any) -> dict[str, Any]:
    daemons.send(socket, op, **params)
    answer = daemons.receive(socket)
    assert answer["type"] == "reply", answer
    return answer


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--clients", type=int, default=50)
    given = parser.parse_args()
    code = "import time; from engines import generate; generate.warm_up(); t = time.perf_counter(); "
    code += "generate.midi(); import psutil; rss = psutil.Process().memory_info().rss / 2**20; "
    code += "print((time.perf_counter() - t) * 1e3, rss)"
    answer = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()
    print(f"a worker alone: first request {float(answer[0]):.1f} ms, resident {float(answer[1]):.0f} MB")
    with tempfile.TemporaryDirectory() as home, daemons.running(Path(home)) as daemon:
        with daemon.socket() as socket:
            first = timed(lambda: through_the_bus(socket, "generate.drums", seed=0))
            print(f"first request after READY, through the bus: {first:.1f} ms")
            for role, op, params in (
                ("drums", "generate.drums", {"bars": 4}),
                ("melody", "generate.melody", {"bars": 4, "chords": CHORDS}),
                ("bass", "generate.bassline", {"bars": 4, "chords": CHORDS}),
            ):
                theirs = stock(role)
                ours_ms, theirs_ms, inside_ms = [], [], []
                for seed in range(given.rounds):
                    start = time.perf_counter()
                    reply = through_the_bus(socket, op, seed=seed, **params)
                    ours_ms.append((time.perf_counter() - start) * 1e3)
                    inside_ms.append(reply["elapsed"] * 1e3)
                    theirs_ms.append(timed(lambda theirs=theirs, seed=seed: theirs(seed)))  # type: ignore[misc]
                ratio = statistics.median(a / b for a, b in zip(theirs_ms, ours_ms, strict=True))
                print(
                    f"{role}: through the bus {spread(ours_ms)} (from arrival to reply {spread(inside_ms)})"
                )
                print(f"{role}: stock Magenta {spread(theirs_ms)}; ours is {ratio:.1f} times as fast")
        songs = [Path(home) / f"song{i}.wav" for i in range(2)]
        for song in songs:
            signals.write(song, np.resize(signals.drum_loop(120, 8), 180 * signals.SR))
        listeners = [daemon.socket() for _ in songs]
        sockets = [daemon.socket() for _ in range(given.clients)]
        for socket, song in zip(listeners, songs, strict=True):
            daemons.send(socket, "analyze.audio", path=str(song))
        start = time.perf_counter()
        for seed, socket in enumerate(sockets):
            daemons.send(socket, "generate.melody", bars=4, seed=seed)
        for socket in sockets:
            assert daemons.receive(socket)["type"] == "reply"
        taken = time.perf_counter() - start
        for socket in listeners:
            assert daemons.receive(socket, 300)["type"] == "reply"
        print(f"{given.clients} clients while two recordings are analysed: all answered in {taken:.2f} s")
        for socket in [*sockets, *listeners]:
            socket.close()


if __name__ == "__main__":
    main()
