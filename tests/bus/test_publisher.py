import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from itertools import pairwise

import msgpack
import psutil
import pytest
import pytest_asyncio
import zmq
import zmq.asyncio

from bus.publisher import Publisher, job_topic
from tests.bus.running import RunningBus, Subscriber, running_bus

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def bus(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningBus]:
    async with running_bus(tmp_path_factory.mktemp("bus"), operations=[]) as running:
        yield running


@pytest.fixture
def publisher(bus: RunningBus) -> Publisher:
    return bus.bus.publisher


Subscribe = Callable[..., Subscriber]


async def test_an_event_has_its_topic_and_its_numbers(
    bus: RunningBus, publisher: Publisher, subscriber: Subscribe
) -> None:
    watcher = subscriber("x/")
    await watcher.synchronised(bus)
    seq = publisher.seq
    publisher.publish("x/a/", {"value": 1})
    publisher.publish("y/", {})
    publisher.publish("x/b/", {"value": 2})
    publisher.publish("x/a/", {"value": 3})
    events = [await watcher.receive() for _ in range(3)]
    assert [(topic, event["value"]) for topic, event in events] == [("x/a/", 1), ("x/b/", 2), ("x/a/", 3)]
    assert [event["seq"] - seq for _, event in events] == [1, 3, 4]
    assert [event["topic_seq"] for _, event in events] == [1, 1, 2]
    for _, event in events:
        assert event["v"] == 1
        assert event["instance"] == bus.bus.instance
        assert abs(event["time"] - events[0][1]["time"]) < 1
        assert "replay" not in event
    for topic in ("x/a/", "x/b/", "y/"):
        publisher.forget(topic)


async def test_who_comes_late_is_sent_the_last_of_each_topic(
    publisher: Publisher, subscriber: Subscribe
) -> None:
    for value in range(3):
        publisher.publish("late/a/", {"value": value})
    publisher.publish("late/b/", {"value": 10})
    publisher.publish("late/gone/", {})
    publisher.forget("late/gone/")
    for _ in range(3):
        watcher = subscriber("late/")
        events = [await watcher.receive() for _ in range(2)]
        assert [(topic, event["value"], event["replay"]) for topic, event in events] == [
            ("late/a/", 2, True),
            ("late/b/", 10, True),
        ]
        assert events[0][1]["topic_seq"] == 3, "it is the event that was, not another"
        watcher.close()
    publisher.publish("late/a/", {"value": 3})
    for topic in ("late/a/", "late/b/"):
        publisher.forget(topic)


async def test_a_prefix_names_exactly_one_thing(publisher: Publisher, subscriber: Subscribe) -> None:
    topics = [job_topic("a.b", identifier, "state") for identifier in ("1", "12", "1/2", "é", "%31", "*")]
    assert len(set(topics)) == 6
    for topic in topics:
        assert topic.count("/") == 4
        publisher.publish(topic, {"topic": topic})
    watcher = subscriber("job/a.b/1/")
    events = [await watcher.receive(), *await watcher.rest()]
    assert [topic for topic, _ in events] == ["job/a.b/1/state/"]
    for topic in topics:
        publisher.forget(topic)


async def test_the_longest_topic_there_is_is_replayed_too(
    publisher: Publisher, subscriber: Subscribe
) -> None:
    topic = job_topic("generate.something_with_a_name", "\U0001f3b5" * 64, "progress")
    publisher.publish(topic, {})
    assert (await subscriber(topic).receive())[0] == topic
    publisher.forget(topic)


async def test_last_values_are_bounded_and_the_status_stays(
    bus: RunningBus, publisher: Publisher, subscriber: Subscribe
) -> None:
    for number in range(5000):
        publisher.publish(f"many/{number}/", {})
    assert len(publisher._last) <= 2048
    bus.bus.control.changed()
    assert (await subscriber("status/").receive())[0] == "status/"
    for number in range(5000):
        publisher.forget(f"many/{number}/")


async def test_subscriptions_are_not_replayed_to_who_only_unsubscribes(
    publisher: Publisher, subscriber: Subscribe
) -> None:
    publisher.publish("u/", {})
    watcher = subscriber("u/")
    assert (await watcher.receive())[1]["replay"] is True
    watcher.socket.unsubscribe("u/")
    assert await watcher.rest(0.2) == []
    publisher.forget("u/")


async def test_what_is_no_subscription_does_no_harm(bus: RunningBus, subscriber: Subscribe) -> None:
    with zmq.asyncio.Context() as context, context.socket(zmq.XSUB) as raw:
        raw.connect(bus.publisher)
        for message in (b"", b"\x02", b"\x01\xff\xfe", b"\x01" + b"x" * 1000, b"\x00never", b"\x07" * 50):
            await raw.send(message)
        await raw.send_multipart([b"\x01heart", b"more"])
    with socket.create_connection(("127.0.0.1", int(bus.publisher.rpartition(":")[2]))) as junk:
        junk.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert (await subscriber("heartbeat/").receive())[0] == "heartbeat/"


async def test_a_flood_of_subscriptions_does_not_hold_the_loop(
    bus: RunningBus, subscriber: Subscribe
) -> None:
    sent = 0
    with zmq.asyncio.Context() as context, context.socket(zmq.XSUB) as raw:
        raw.setsockopt(zmq.SNDHWM, 100_000)
        raw.setsockopt(zmq.LINGER, 0)
        raw.connect(bus.publisher)
        await raw.send(b"\x01x")
        await asyncio.sleep(0.1)
        for number in range(30_000):
            raw.send(b"%cflood/%d" % (number % 2, number // 2), zmq.DONTWAIT)
            sent += 1
        loop = asyncio.get_running_loop()
        worst_s = 0.0
        until_s = loop.time() + 0.7
        while loop.time() < until_s:
            # The work of this thread: how long others have the processor is the machine's business.
            began_s = time.thread_time()
            await asyncio.sleep(0)
            worst_s = max(worst_s, time.thread_time() - began_s)
    assert sent == 30_000
    assert worst_s < 2
    assert (await subscriber("heartbeat/").receive())[0] == "heartbeat/"


async def test_a_subscriber_that_does_not_read_costs_bounded_room(
    bus: RunningBus, publisher: Publisher, subscriber: Subscribe
) -> None:
    reading = subscriber("slow/end/")
    await reading.synchronised(bus)
    async with Subscriber(bus.publisher, "slow/", options={zmq.RCVHWM: 10}) as sleeping:
        await sleeping.synchronised(bus)
        before = psutil.Process().memory_info().rss
        for number in range(10_000):
            publisher.publish("slow/", {"text": "x" * 10_000})
            if number % 100 == 0:
                await asyncio.sleep(0)
        grown = psutil.Process().memory_info().rss - before
        # Of 100 MB at most the 1000 events that may wait, and what the two kernels hold.
        assert grown < 40_000_000, grown
        publisher.publish("slow/end/", {})
        assert (await reading.receive())[0] == "slow/end/", "who reads is told"
        # Until it has read all there is, the next may find no room.
        events = await sleeping.so_far(bus)
        numbers = [event["topic_seq"] for topic, event in events if topic == "slow/"]
        assert numbers == sorted(numbers)
        publisher.publish("slow/", {"last": True})
        _, last = (await sleeping.upto(lambda _, event: "last" in event))[-1]
        numbers.append(last["topic_seq"])
        lost = sum(later - earlier - 1 for earlier, later in pairwise([0, *numbers]))
        assert 0 < lost < 10_000, "the gaps tell how many it lost"
        assert len(numbers) + lost == 10_001
    for topic in ("slow/", "slow/end/"):
        publisher.forget(topic)


async def test_a_subscriber_that_leaves_is_forgotten(bus: RunningBus, publisher: Publisher) -> None:
    for _ in range(50):
        watcher = Subscriber(bus.publisher, "")
        watcher.close()
    publisher.publish("left/", {})
    publisher.forget("left/")


async def test_a_transport_of_this_process_is_told_the_same(publisher: Publisher) -> None:
    publisher.publish("own/", {"value": 1})
    heard: list[tuple[str, bool, int]] = []
    stop = publisher.listen(
        "own/", lambda topic, event: heard.append((topic, "replay" in event, event["value"]))
    )
    publisher.publish("own/", {"value": 2})
    publisher.publish("other/", {"value": 3})
    stop()
    stop()
    publisher.publish("own/", {"value": 4})
    assert heard == [("own/", True, 1), ("own/", False, 2)]
    publisher.forget("own/")
    publisher.forget("other/")


async def test_events_are_plain_messagepack(bus: RunningBus, subscriber: Subscribe) -> None:
    watcher = subscriber("")
    frames = await watcher.socket.recv_multipart()
    assert len(frames) == 2
    assert isinstance(msgpack.unpackb(frames[1]), dict)
