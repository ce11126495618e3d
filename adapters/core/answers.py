"""What DAWG-CORE's answers mean: results of `core.*`, or the failure a client can act on.

DAWG-CORE promises little (a 200, and two fields of the project's status), so little is required here;
whatever more it says is handed on as it came. Bodies are read by their content, never by their Content-Type:
a JSON document that is labelled as text is one all the same, and a page in HTML is none whatever its label.
"""

import json
import math
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from bus.errors import BusError, FailedPrecondition, InvalidArgument, Unavailable

from .exchange import Answer, BadAnswer

# Deeper than any project document, and shallow enough to stay within the bus's own bound on depth (16).
DEEPEST = 12
# What a bus message can carry: MessagePack's integers.
SMALLEST_INT, LARGEST_INT = -(2**63), 2**64 - 1
LARGEST_FLOAT = 2**1023

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False, json_schema_extra={"unit": "s"})]
Count = Annotated[int, Field(ge=0, json_schema_extra={"unit": "1"})]
Bytes = Annotated[int, Field(ge=0, json_schema_extra={"unit": "B"})]
Document = Annotated[
    dict[str, Any] | None,
    Field(description="What DAWG-CORE said beside its 200, as it came; None where that was no JSON object."),
]


@dataclass(frozen=True)
class CoreHealth:
    """DAWG-CORE runs and says so."""

    url: Annotated[str, Field(description="The address it answered at.")]
    elapsed: Annotated[Seconds, Field(description="From the question to the whole answer.")]
    document: Document


@dataclass(frozen=True)
class ProjectStatus:
    """The project that is open in DAWG-CORE."""

    num_tracks: Annotated[Count, Field(description="Tracks in the project; 0 for an empty one.")]
    is_playing: Annotated[bool, Field(description="Whether the transport runs.")]
    project: Annotated[
        dict[str, Any],
        Field(
            description="The whole status document, with whatever more DAWG-CORE says (names, gains, files)."
        ),
    ]


@dataclass(frozen=True)
class Transport:
    """The transport after a command."""

    is_playing: Annotated[
        bool,
        Field(description="Whether it runs now: as DAWG-CORE said, else as it was told to with success."),
    ]
    document: Document


@dataclass(frozen=True)
class MidiImport:
    """A MIDI file that DAWG-CORE has imported."""

    num_bytes: Annotated[Bytes, Field(description="Size of the file sent.")]
    num_tracks: Annotated[Count, Field(description="Tracks in the file, by its header.")]
    document: Document


def document(body: bytes) -> dict[str, Any]:
    """Read a JSON object, and make it one that MessagePack and JSON can both carry on.

    Half of a surrogate pair becomes `?`, an integer beyond 64 bits a float, and None what cannot be carried:
    an infinite number, lists and objects nested deeper than `DEEPEST`.

    Raises
    ------
    BadAnswer
        If it is not a JSON object in UTF-8.
    """
    try:
        value = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadAnswer("its answer is not JSON") from error
    if not isinstance(value, dict):
        raise BadAnswer("its answer is JSON, but not an object")
    result: dict[str, Any] = _carriable(value, DEEPEST)
    return result


def document_or_none(body: bytes) -> dict[str, Any] | None:
    """Read a JSON object where there is one: of a 200 that promises no body."""
    try:
        return document(body)
    except BadAnswer:
        return None


def project_status(body: bytes) -> ProjectStatus:
    """Read the answer to `GET /api/v1/project/status`.

    Raises
    ------
    BadAnswer
        If it is not an object with `numTracks`, a whole number from 0, and `isPlaying`, true or false.
    """
    project = document(body)
    num_tracks, is_playing = project.get("numTracks"), project.get("isPlaying")
    if isinstance(num_tracks, float) and num_tracks.is_integer():  # some JSON writers know only doubles
        num_tracks = int(num_tracks)
    if not isinstance(num_tracks, int) or isinstance(num_tracks, bool) or not 0 <= num_tracks <= LARGEST_INT:
        raise BadAnswer(f"{_field(project, 'numTracks')}; must be a whole number from 0")
    if not isinstance(is_playing, bool):
        raise BadAnswer(f"{_field(project, 'isPlaying')}; must be true or false")
    return ProjectStatus(num_tracks, is_playing, project)


def transport(body: bytes, *, told_to_play: bool) -> Transport:
    """Read the answer to a transport command that succeeded."""
    said = document_or_none(body)
    is_playing = said.get("isPlaying") if said else None
    return Transport(is_playing if isinstance(is_playing, bool) else told_to_play, said)


def refusal(call: str, answer: Answer, *, has_argument: bool) -> BusError:
    """Return the failure for an answer that is not a success.

    Parameters
    ----------
    call
        Such as `DAWG-CORE at http://localhost:8080: GET /api/v1/health`.
    answer
        Its status is not 200 to 299.
    has_argument
        Whether the call sent something its caller chose, so that a 400 can be the caller's to mend.
    """
    details = {"status": answer.status}
    said = f"{call} answered {answer.line}{_excerpt(answer.body)}"
    if 300 <= answer.status < 400:
        where = f" to {answer.location[:200]!r}" if answer.location else ""
        return Unavailable(
            f"{call} answered {answer.line}{where}; redirects are not followed", details=details
        )
    if answer.status in (408, 425, 429) or not 400 <= answer.status < 500:
        return Unavailable(said, retry_after=_retry_after_s(answer.retry_after), details=details)
    if has_argument and answer.status in (400, 413, 415, 422):
        return InvalidArgument(said, details=details)
    if answer.status in (404, 405, 410):
        said += "; this DAWG-CORE does not have the call, or something else listens there"
    return FailedPrecondition(said, details=details)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _carriable(value: Any, levels: int) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict | list) and levels == 0:
        return None
    if isinstance(value, dict):
        return {_carriable(key, levels): _carriable(item, levels - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_carriable(item, levels - 1) for item in value]
    if isinstance(value, int) and not SMALLEST_INT <= value <= LARGEST_INT:
        value = float(value) if abs(value) < LARGEST_FLOAT else None
    if isinstance(value, float) and not math.isfinite(value):  # 1e999 is JSON
        value = None
    return value


def _field(project: dict[str, Any], name: str) -> str:
    return f"its {name} is {repr(project[name])[:40]}" if name in project else f"its answer has no {name}"


def _excerpt(body: bytes) -> str:
    """Return what an error's body says, in at most one short line, or nothing."""
    said = document_or_none(body) or {}
    for name in ("message", "error", "detail", "reason"):
        if isinstance(said.get(name), str):
            text = said[name]
            break
    else:
        text = body[:400].decode("utf-8", "replace")
        if text.lstrip().startswith("<"):  # a page for a browser says nothing in its first line
            return ""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f": {text[:200]}" if text else ""


def _retry_after_s(header: str) -> float | None:
    # The other form of the header, a date, would need the clocks to agree.
    return min(float(header), 3600.0) if header.isdecimal() and len(header) < 6 else None
