"""What other operations answer with, imported into DAWG-CORE on the way out where the request asks for it.

An engine in a worker process knows no DAWG-CORE and need not: an operation with a parameter `send_to_core`
whose result has MIDI in it (`midi_base64`, or the first of its `pieces`) and a field `sent_to_core` is given
this as its follow-up. The result is answered with whatever becomes of the import; `sent_to_core` says what
did: `imported`, or the `code`, `message` and `retry_after` that `core.import_midi` would have ended with.
"""

import asyncio
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

import msgpack

from bus.errors import BusError, DeadlineExceeded
from bus.failure import translate
from bus.messages import pack
from bus.operations import Operation

from .client import Core

SEND: Final = "send_to_core"
SENT: Final = "sent_to_core"


def sending(operations: Iterable[Operation], core: Core) -> list[Operation]:
    """Give every operation that can be asked to send its result to DAWG-CORE the means to do so."""
    follow_up = Sending(core)
    return [
        replace(operation, follow_up=follow_up) if SEND in operation.params.model_fields else operation
        for operation in operations
    ]


class Sending:
    """The follow-up: imports, and puts into the result how it went."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def __call__(self, params: Mapping[str, Any], encoded: bytes) -> bytes:
        """Return the result with `sent_to_core` filled in, or as it is where nothing was asked for."""
        if not params.get(SEND):
            return encoded
        result: dict[str, Any] = msgpack.unpackb(encoded)
        return pack(result | {SENT: await self._sent(result)})

    async def _sent(self, result: Mapping[str, Any]) -> dict[str, Any]:
        pieces = [result, *result.get("pieces", ())]
        data = next((piece["midi_base64"] for piece in pieces if "midi_base64" in piece), "")
        failure: BusError
        try:
            await self._core.import_from(b64decode(data))
        except asyncio.CancelledError:
            # The request's deadline, or the daemon's end: neither may take the music with it.
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
            failure = DeadlineExceeded(
                "the request's time was over before DAWG-CORE had answered; it may have imported the file"
            )
        except Exception as error:  # whatever it is, the result is answered with
            failure = translate(error)
        else:
            return {"imported": True, "code": None, "message": None, "retry_after": None}
        return {
            "imported": False,
            "code": failure.code,
            "message": failure.message,
            "retry_after": failure.retry_after,
        }
