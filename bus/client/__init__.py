"""The Python client of the daemon, for programs and scripts.

Two forms of the same: `Client` for programs with an event loop, `BlockingClient` for those without. Results
are the plain dicts of the wire; failures are the classes of `bus.errors`, with four more for what only a
client can see: `NotRunning`, `WrongEndpoint`, `WrongKey`, `NotAnswering`.

```python
from bus.client import BlockingClient, NotRunning

with BlockingClient() as client:
    try:
        print("version", client.hello()["version"])
        found = client.call("analyze.beats", path=RECORDING, timeout=60, progress=print)
    except NotRunning:
        raise SystemExit("start it first: dawg-ai serve")
    print(len(found["beats"]), "beats, the first at", found["beats"][0], "s")
```

The same with an event loop: `async with Client() as client: await client.call(...)`, and
`async for event in client.events("job/"): ...` for what the daemon publishes.

What a call promises: it ends once, with a result or an error, and no later than its deadline (and a quarter
of a second, for the daemon's own word on it). If the daemon is restarted meanwhile, or the connection is
cut, the request is sent again under the same id: a daemon that still knows it answers from memory or lets it
go on, a new one does the work again. (An operation with an effect outside, such as `core.play`, may so have
it twice; the caller sees one answer.) A caller that is cancelled, by `asyncio` or Ctrl-C, cancels its
request.

Files: client.py the calls, conversation.py hello, sending and sending again, outstanding.py one request,
subscription.py events, blocking.py the form without an event loop; link.py a socket and whether it is
connected, diagnosis.py why it is not, failures.py what only a client sees.
"""

from bus.client.blocking import BlockingClient
from bus.client.client import Client
from bus.client.conversation import new_id
from bus.client.failures import NotAnswering, NotRunning, WrongEndpoint, WrongKey
from bus.client.subscription import Event, Subscription

__all__ = [
    "BlockingClient",
    "Client",
    "Event",
    "NotAnswering",
    "NotRunning",
    "Subscription",
    "WrongEndpoint",
    "WrongKey",
    "new_id",
]
