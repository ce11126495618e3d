import dataclasses
import time
import tracemalloc
from collections.abc import Sequence
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.errors import BusError, FailedPrecondition, InvalidArgument, ResourceExhausted, TooLarge
from bus.messages import (
    MAGIC,
    Malformed,
    Refused,
    Request,
    canonical,
    decode_request,
    encode_error,
    encode_progress,
    encode_reply,
    pack,
)
from bus.settings import Limits

LIMITS = Limits()
SMALL = Limits(message_mb=0.01, items=40, text_bytes=200, depth=4)

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=20)
    | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
envelopes = st.fixed_dictionaries(
    {"id": st.text(min_size=1, max_size=64), "op": st.text(min_size=1, max_size=128)},
    optional={
        "type": st.just("request"),
        "params": st.dictionaries(st.text(max_size=8), plain, max_size=4),
        "timeout": st.floats(0.001, 1e6),
        "priority": st.sampled_from(["interactive", "batch"]),
        "progress": st.booleans(),
        "unheard of": plain,
    },
)


def outcome(frames: Sequence[bytes], limits: Limits = LIMITS) -> Request | Malformed | Refused:
    """Decode; nothing but these three may come of it."""
    try:
        return decode_request(frames, limits)
    except (Malformed, Refused) as failure:
        return failure


def refusal(envelope: Any, limits: Limits = LIMITS) -> BusError:
    """Decode what must be refused under its id."""
    body = envelope if isinstance(envelope, bytes) else msgpack.packb(envelope)
    failure = outcome([MAGIC, body], limits)
    assert isinstance(failure, Refused), failure
    assert failure.id == "a"
    return failure.error


def dropped(*frames: bytes, limits: Limits = LIMITS) -> bool:
    return isinstance(outcome(frames, limits), Malformed)


def request(**fields: Any) -> dict[str, Any]:
    return {"type": "request", "id": "a", "op": "x", **fields}


# ------------------------------------------------------------------ what is a request


@given(envelopes)
def test_a_request_within_the_bounds_is_read_as_it_was_written(envelope: dict[str, Any]) -> None:
    read = outcome([MAGIC, msgpack.packb(envelope)])
    assert isinstance(read, Request)
    assert read.id == envelope["id"]
    assert read.op == envelope["op"]
    assert msgpack.packb(read.params) == msgpack.packb(envelope.get("params", {}))
    assert read.priority == envelope.get("priority", "interactive")
    assert read.progress == envelope.get("progress", False)
    assert read.timeout == envelope.get("timeout")


def test_what_is_left_out_takes_its_default() -> None:
    read = outcome([MAGIC, msgpack.packb({"id": "a", "op": "x"})])
    assert isinstance(read, Request)
    assert (read.params, read.timeout, read.priority, read.progress) == ({}, None, "interactive", False)


def test_a_whole_number_is_a_timeout() -> None:
    read = outcome([MAGIC, msgpack.packb(request(timeout=2))])
    assert isinstance(read, Request)
    assert read.timeout == 2.0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"timeout": 0}, "timeout: 0; must be above 0 s"),
        ({"timeout": -1.5}, "timeout: -1.5; must be above 0 s"),
        ({"timeout": float("nan")}, "timeout: nan; must be a finite number, above 0 s"),
        ({"timeout": "1"}, "timeout: '1'; must be a number, above 0 s"),
        ({"timeout": True}, "timeout: true; must be a number, above 0 s"),
        ({"priority": "urgent"}, "priority: 'urgent'; must be one of interactive, batch"),
        ({"progress": 1}, "progress: 1; must be true or false"),
        ({"params": []}, "params: []; must be a map"),
        ({"params": None}, "params: null; must be a map"),
        ({"op": ""}, "op: ''; must be text of 1 to 128 characters"),
        ({"op": "x" * 129}, "op: "),
        ({"op": b"x"}, "op: 1 bytes; must be text of 1 to 128 characters"),
        ({"type": "reply"}, "type: 'reply'; must be 'request'"),
    ],
)
def test_a_field_of_the_wrong_kind_is_refused_by_name(fields: dict[str, Any], message: str) -> None:
    error = refusal(request(**fields))
    assert isinstance(error, InvalidArgument)
    assert error.message.startswith(message)
    assert error.details is not None
    assert error.details["field"] == message.partition(":")[0]


def test_a_request_without_an_operation_is_told_so() -> None:
    assert refusal({"id": "a"}).message == "op: missing; must be text of 1 to 128 characters"


@pytest.mark.parametrize("identifier", [None, 1, b"a", "", "a" * 65, ["a"], {}])
def test_without_an_id_there_is_nobody_to_answer(identifier: Any) -> None:
    assert dropped(MAGIC, msgpack.packb({"id": identifier, "op": "x"}))
    assert dropped(MAGIC, msgpack.packb({"op": "x"}))
    assert dropped(MAGIC, b"\x80")


def test_an_id_may_have_64_characters() -> None:
    assert isinstance(outcome([MAGIC, msgpack.packb({"id": "ß" * 64, "op": "x"})]), Request)


# ------------------------------------------------------------------ magic and frames


@pytest.mark.parametrize(
    "magic", [b"", b"DAWG", b"dawg1", b"DAWG1 ", b"DAWG1\n", b"DAWG12345", b"GET / HTTP/1.1"]
)
def test_another_magic_is_dropped_before_anything_is_decoded(magic: bytes) -> None:
    assert dropped(magic, msgpack.packb(request()))
    assert dropped(magic)
    assert dropped()


@pytest.mark.parametrize("magic", [b"DAWG2", b"DAWG0", b"DAWG10"])
def test_another_version_is_told_which_are_spoken(magic: bytes) -> None:
    failure = outcome([magic, msgpack.packb(request())])
    assert isinstance(failure, Refused)
    assert failure.id == "a"
    assert isinstance(failure.error, FailedPrecondition)
    assert failure.error.message == f"protocol: {magic.decode()}; this daemon speaks DAWG1"
    assert failure.error.details == {"versions": ["DAWG1"]}


@pytest.mark.parametrize("body", [b"", b"\xc1", b"\x90", b"not a map"])
def test_another_version_is_answered_even_where_its_id_cannot_be_read(body: bytes) -> None:
    failure = outcome([b"DAWG2", body])
    assert isinstance(failure, Refused)
    assert failure.id == ""


def test_there_are_two_frames() -> None:
    body = msgpack.packb(request())
    assert dropped(MAGIC)
    for frames in ([MAGIC, body, b""], [MAGIC, body, body, body]):
        failure = outcome(frames)
        assert isinstance(failure, Refused)
        assert failure.error.message == f"frames: {len(frames)}; must be 2, the magic and one map"


# ------------------------------------------------------------------ bounds


def test_a_message_may_be_as_long_as_its_bound_and_not_one_byte_longer() -> None:
    room = SMALL.message_bytes - len(msgpack.packb(request(params={"a": b"\0" * 1000})))
    fits = msgpack.packb(request(params={"a": b"\0" * (1000 + room)}))
    assert len(fits) == SMALL.message_bytes
    assert isinstance(outcome([MAGIC, fits], SMALL), Request)
    error = refusal(msgpack.packb(request(params={"a": b"\0" * (1001 + room)})), SMALL)
    assert isinstance(error, TooLarge)
    assert error.message == "message: 10001 bytes; must be at most 10000"
    assert error.details == {"limit": 10000}
    assert not error.retryable


def test_a_message_may_hold_as_many_values_as_its_bound() -> None:
    # The map itself and its four values, the params and their one value, the list.
    others = 8
    assert isinstance(
        outcome([MAGIC, msgpack.packb(request(params={"a": [1] * (40 - others)}))], SMALL), Request
    )
    error = refusal(request(params={"a": [1] * (41 - others)}), SMALL)
    assert isinstance(error, TooLarge)
    assert error.message == "message: more than 40 values"
    assert isinstance(refusal(request(params={"a": [1] * 41}), SMALL), TooLarge)
    assert isinstance(refusal(request(params={str(i): 1 for i in range(41)}), SMALL), TooLarge)
    assert isinstance(refusal(request(params={"a": [[]] * 21}), SMALL), TooLarge)


def test_a_text_may_be_as_long_as_its_bound() -> None:
    assert isinstance(outcome([MAGIC, msgpack.packb(request(params={"a": "x" * 200}))], SMALL), Request)
    assert isinstance(refusal(request(params={"a": "x" * 201}), SMALL), TooLarge)
    assert isinstance(refusal(request(params={"x" * 201: 1}), SMALL), TooLarge)


@pytest.mark.parametrize("over", [1, 10, 500, 2000, 30_000])
def test_nesting_has_its_bound(over: int) -> None:
    def nested(levels: int) -> bytes:
        # The envelope and the params are two levels.
        inside = b"\x91" * (levels - 2) + b"\xc0"
        body: bytes = msgpack.packb(request(params={"a": 0}))
        return body[:-1] + inside

    assert isinstance(outcome([MAGIC, nested(LIMITS.depth)]), Request)
    error = refusal(nested(LIMITS.depth + over))
    assert isinstance(error, TooLarge)
    assert error.message == "message: nested deeper than 16"


HEADERS = {
    "array 32": b"\xdd\xff\xff\xff\xff",
    "array 16": b"\xdc\xff\xff",
    "map 32": b"\xdf\xff\xff\xff\xff",
    "map 16": b"\xde\xff\xff",
    "str 32": b"\xdb\xff\xff\xff\xff",
    "str 16": b"\xda\xff\xff",
    "bin 32": b"\xc6\xff\xff\xff\xff",
    "ext 32": b"\xc9\xff\xff\xff\xff\x01",
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_a_header_that_promises_more_than_there_is_costs_nothing(header: bytes) -> None:
    body: bytes = msgpack.packb(request(params={"a": 0}))
    tracemalloc.start()
    try:
        refusal(body[:-1] + header)
        refusal(body[:-1] + header * 1000)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
    assert dropped(MAGIC, header)


def test_lists_in_lists_take_no_more_room_than_they_send() -> None:
    body: bytes = msgpack.packb(request(params={"a": 0}))
    header = b"\xdc" + LIMITS.items.to_bytes(2, "big")
    tracemalloc.start()
    try:
        refusal(body[:-1] + header * 1000)
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "value",
    [
        "x" * 1_000_000,
        [["x" * 1_000_000] * 25],
        [b"\0" * 25_000_000],
        list(range(19_000)),
        {"x" * 900_000: 1},
    ],
    ids=["text", "texts", "bytes", "list", "key"],
)
def test_a_wrong_value_is_shown_in_few_words_and_short_time(value: Any) -> None:
    body = msgpack.packb(request(timeout=value))
    began_s = time.process_time()
    error = refusal(body)
    assert time.process_time() - began_s < 1.5
    assert len(error.message) < 120


# ------------------------------------------------------------------ what is no request


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"\xc1", "not one MessagePack map"),
        (b"\xa1\xff", "not one MessagePack map"),
        (b"\x81\x01\x02", "text keys"),
        (b"\x81\xc4\x01k\x02", "the keys"),
        (b"\x81\x90\x02", "not one MessagePack map"),
        (b"\xc7\x00\x05", "extension types"),
        (b"\xd6\xff\x00\x00\x00\x01", "extension types"),
        (b"\xd4\x05\x00", "extension types"),
        (b"\xc0\xc0", "not one MessagePack map"),
        (b"", "not one MessagePack map"),
    ],
    ids=repr,
)
def test_bytes_that_are_not_of_this_protocol_are_refused_in_words(body: bytes, why: str) -> None:
    start: bytes = msgpack.packb(request(params={"a": 0}))
    error = refusal(start[:-1] + body)
    assert isinstance(error, InvalidArgument)
    assert why in error.message


def test_the_last_of_two_equal_keys_counts() -> None:
    read = outcome([MAGIC, b"\x83\xa2id\xa1a\xa2id\xa1b\xa2op\xa1x"])
    assert isinstance(read, Request)
    assert read.id == "b"


def test_an_id_behind_much_else_cannot_be_answered_where_the_whole_is_not_decoded() -> None:
    late = {"op": "x", "params": {"a": b"x" * 20_000}, "id": "a"}
    assert dropped(MAGIC, msgpack.packb(late), limits=SMALL)
    assert isinstance(refusal({"id": "a", **late}, SMALL), TooLarge)


@given(st.lists(st.binary(max_size=200), max_size=4))
def test_random_frames_do_no_harm(frames: list[bytes]) -> None:
    outcome(frames)
    outcome([MAGIC, *frames])
    outcome([b"DAWG2", *frames])


@given(envelopes, st.data())
def test_a_damaged_request_does_no_harm(envelope: dict[str, Any], data: st.DataObject) -> None:
    body = bytearray(msgpack.packb(envelope))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(body) - 1))
        match data.draw(st.sampled_from(["change", "cut", "insert", "header"])):
            case "change":
                body[place] = data.draw(st.integers(0, 255))
            case "cut":
                del body[place + 1 :]
            case "insert":
                body[place:place] = data.draw(st.binary(max_size=9))
            case "header":
                body[place : place + 1] = data.draw(st.sampled_from(list(HEADERS.values())))
    outcome([MAGIC, bytes(body)], SMALL)
    outcome([MAGIC, bytes(body)])


keys = st.text(max_size=3) | st.binary(max_size=3) | st.integers(-1, 300)


@given(st.dictionaries(keys, plain, max_size=5))
def test_only_maps_with_text_keys_are_read(params: dict[Any, Any]) -> None:
    read = outcome([MAGIC, msgpack.packb(request(params=params))])
    if all(isinstance(key, str) for key in params):
        assert isinstance(read, Request)
    else:
        assert isinstance(read, Refused)


# ------------------------------------------------------------------ what is sent


def test_a_reply_is_written_around_its_result() -> None:
    body = encode_reply("a", "i", msgpack.packb({"x": [1, None]}), 0.5, cached=True)
    assert msgpack.unpackb(body) == {
        "type": "reply",
        "id": "a",
        "instance": "i",
        "result": {"x": [1, None]},
        "elapsed": 0.5,
        "cached": True,
    }


def test_an_error_leaves_out_what_it_has_not() -> None:
    assert msgpack.unpackb(encode_error("a", "i", InvalidArgument("no"))) == {
        "type": "error",
        "id": "a",
        "instance": "i",
        "code": "INVALID_ARGUMENT",
        "message": "no",
        "retryable": False,
    }
    full = msgpack.unpackb(
        encode_error("a", "i", ResourceExhausted("later", retry_after=2.5, details={"n": 1}))
    )
    assert full["retryable"] is True
    assert full["retry_after"] == 2.5
    assert full["details"] == {"n": 1}


def test_progress_has_its_number_fraction_and_stage() -> None:
    assert msgpack.unpackb(encode_progress("a", 3, 0.25, "beats")) == {
        "type": "progress",
        "id": "a",
        "seq": 3,
        "fraction": 0.25,
        "stage": "beats",
    }


def test_text_that_is_no_unicode_can_still_be_told() -> None:
    assert msgpack.unpackb(pack({"path": "a\udcffb"})) == {"path": "a\\udcffb"}
    assert "\\udcff" in msgpack.unpackb(encode_error("a", "i", InvalidArgument("path: a\udcff")))["message"]


@given(plain)
def test_equal_params_are_equal_bytes_whatever_their_order(value: Any) -> None:
    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: turned(value[key]) for key in reversed(value)}
        return [turned(item) for item in value] if isinstance(value, list) else value

    assert canonical({"v": value}) == canonical({"v": turned(value)})


def test_different_params_are_different_bytes() -> None:
    seen = {
        canonical(params)
        for params in ({}, {"a": 1}, {"a": 1.0}, {"a": "1"}, {"a": b"1"}, {"a": [1]}, {"a": True})
    }
    assert len(seen) == 7


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 10**30])
def test_a_number_that_messagepack_cannot_hold_is_refused(number: int) -> None:
    with pytest.raises(InvalidArgument, match="params: a whole number must fit into 64 bits"):
        canonical({"a": [number]})


def test_the_bounds_are_positive() -> None:
    assert all(value > 0 for value in dataclasses.asdict(LIMITS).values())
