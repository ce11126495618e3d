import json
import math

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from adapters.core import answers
from adapters.core.exchange import Answer, BadAnswer
from bus.errors import BusError, FailedPrecondition, InvalidArgument, Unavailable

CALL = "DAWG-CORE at http://localhost:8080: POST /api/v1/midi/import"
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def an_answer(status: int, body: bytes = b"", **more: str) -> Answer:
    fields = {"reason": "", "content_type": "", "location": "", "retry_after": ""} | more
    return Answer(status=status, body=body, **fields)


def refusal(status: int, body: bytes = b"", *, has_argument: bool = True, **more: str) -> BusError:
    return answers.refusal(CALL, an_answer(status, body, **more), has_argument=has_argument)


def test_a_project_status_has_its_two_fields_and_the_whole_document() -> None:
    body = b'{"numTracks": 12, "isPlaying": true, "tracks": [{"name": "Bass", "gainDb": -3.5}]}'
    status = answers.project_status(body)
    assert (status.num_tracks, status.is_playing) == (12, True)
    assert status.project["tracks"] == [{"name": "Bass", "gainDb": -3.5}]


def test_a_whole_number_written_with_a_point_is_a_number_of_tracks() -> None:
    assert answers.project_status(b'{"numTracks": 12.0, "isPlaying": false}').num_tracks == 12


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"numTracks": NaN, "isPlaying": true}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"numTracks": ' + b"9" * 5000 + b"}", "not JSON"),
        (b"[1]", "not an object"),
        (b"{}", "no numTracks"),
        (b'{"numTracks": 3}', "no isPlaying"),
        (b'{"numTracks": "3", "isPlaying": true}', "numTracks is '3'"),
        (b'{"numTracks": -1, "isPlaying": true}', "numTracks is -1"),
        (b'{"numTracks": 1.5, "isPlaying": true}', "numTracks is 1.5"),
        (b'{"numTracks": true, "isPlaying": true}', "numTracks is True"),
        (b'{"numTracks": 1e999, "isPlaying": true}', "numTracks is None"),
        (b'{"numTracks": 3, "isPlaying": 1}', "isPlaying is 1"),
    ],
)
def test_rubbish_is_named_and_never_a_status(body: bytes, named: str) -> None:
    with pytest.raises(BadAnswer, match=named):
        answers.project_status(body)


def test_what_no_message_can_carry_is_replaced() -> None:
    deep = '{"a":' * 20 + "1" + "}" * 20
    body = f'{{"half": "\\ud800x", "large": {2**70}, "huge": {10**400}, "inf": 1e999, "deep": {deep}}}'
    document = answers.document(body.encode())
    assert document["half"] == "?x"
    assert document["large"] == float(2**70)
    assert document["huge"] is None
    assert document["inf"] is None
    assert json.dumps(document["deep"]).count("{") == answers.DEEPEST - 1


@settings(deadline=None)
@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_every_document_can_travel_on_as_messagepack_and_as_json(value: dict[str, object]) -> None:
    document = answers.document(json.dumps(value).replace("Infinity", "1e999").encode())
    assert msgpack.unpackb(msgpack.packb(document)) == document
    json.dumps(document, allow_nan=False).encode("utf-8")


@settings(deadline=None)
@given(st.binary(max_size=80) | st.text(max_size=80).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_a_document_or_a_bad_answer(body: bytes) -> None:
    try:
        document = answers.document(body)
    except BadAnswer:
        document = {}
    assert isinstance(document, dict)
    assert answers.document_or_none(body) in (document, None)


def test_the_transport_is_as_told_unless_it_says_otherwise() -> None:
    assert answers.transport(b"", told_to_play=True).is_playing is True
    assert answers.transport(b"OK", told_to_play=False).is_playing is False
    assert answers.transport(b'{"isPlaying": false}', told_to_play=True).is_playing is False


@pytest.mark.parametrize(
    ("status", "has_argument", "kind"),
    [
        (400, True, InvalidArgument),
        (413, True, InvalidArgument),
        (422, True, InvalidArgument),
        (400, False, FailedPrecondition),
        (401, True, FailedPrecondition),
        (404, True, FailedPrecondition),
        (409, True, FailedPrecondition),
        (408, True, Unavailable),
        (429, True, Unavailable),
        (301, True, Unavailable),
        (500, True, Unavailable),
        (503, True, Unavailable),
        (999, True, Unavailable),
    ],
)
def test_each_status_is_a_failure_a_client_can_act_on(
    status: int, has_argument: bool, kind: type[BusError]
) -> None:
    failure = refusal(status, has_argument=has_argument)
    assert type(failure) is kind
    assert failure.details == {"status": status}
    assert str(status) in failure.message


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": "no project is open"}', ": no project is open"),
        (b'{"detail": [1], "message": "busy"}', ": busy"),
        (b"plain\x1b[31m words\r\n", ": plain [31m words"),
        (b"<!doctype html><title>x</title>", ""),
        (b"", ""),
    ],
)
def test_what_it_says_of_the_error_is_handed_on_in_one_line(body: bytes, said: str) -> None:
    failure = refusal(409, body, reason="Conflict")
    assert failure.message == f"{CALL} answered 409 Conflict{said}"


def test_a_redirect_says_where_to_and_that_it_is_not_followed() -> None:
    failure = refusal(302, location="http://elsewhere/")
    assert "'http://elsewhere/'; redirects are not followed" in failure.message


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("99999", 3600.0), ("", None), ("Fri, 31 Dec", None), ("-1", None)]
)
def test_retry_after_is_handed_on_where_it_is_a_number(header: str, seconds: float | None) -> None:
    assert refusal(503, retry_after=header).retry_after == seconds


@settings(deadline=None)
@given(st.integers(100, 999), st.binary(max_size=300), st.text(max_size=20), st.text(max_size=20), st.text())
def test_any_refusal_is_one_short_printable_line(
    status: int, body: bytes, header: str, location: str, reason: str
) -> None:
    failure = refusal(status, body, retry_after=header, location=location, reason=reason)
    assert failure.message.isprintable()
    assert len(failure.message) < 1200
    assert failure.retry_after is None or math.isfinite(failure.retry_after)


@pytest.mark.parametrize(
    "result", [answers.CoreHealth, answers.ProjectStatus, answers.Transport, answers.MidiImport]
)
def test_every_field_of_a_result_is_described(result: type) -> None:
    schema = TypeAdapter(result).json_schema(mode="serialization")
    for name, field in schema["properties"].items():
        assert field.get("description"), name
        if field.get("type") in ("number", "integer"):
            assert field.get("unit"), name
