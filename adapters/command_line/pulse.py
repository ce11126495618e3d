"""Whether the daemon lives, as its events tell it: restarts, missed heartbeats, lost events."""

from dataclasses import dataclass, field

from bus.client import Event

# The heartbeats a daemon may miss before it is worth a word (bus/README.md).
_MISSED = 3


@dataclass
class Pulse:
    """What was heard, and when; times in seconds of any one clock that only goes forward.

    Parameters
    ----------
    heartbeat_s
        Seconds between two heartbeats.
    heard_s
        When listening began.
    """

    heartbeat_s: float
    heard_s: float
    instance: str = ""
    silent: bool = False
    _seq: int = 0
    _seen: dict[str, int] = field(default_factory=dict)

    def take(self, event: Event, now_s: float) -> list[str]:
        """Take in an event; returns what it says of the daemon's life, a sentence each."""
        notices = []
        if event.instance != self.instance:
            if self.instance:
                notices.append(f"the daemon was restarted ({self.instance} -> {event.instance})")
            self.instance, self._seq, self._seen = event.instance, 0, {}
        elif self.silent:
            notices.append(f"the daemon is heard again, after {now_s - self.heard_s:.1f} s")
        self.silent, self.heard_s = False, now_s
        if not event.replay:
            if 0 < self._seq < event.seq - 1:
                notices.append(f"{event.seq - 1 - self._seq} events were lost: this reader is too slow")
            self._seq = event.seq
        return notices

    def is_new(self, event: Event) -> bool:
        """Whether an event was not shown before: last values are sent again whenever somebody subscribes."""
        known = event.seq <= self._seen.get(event.topic, 0)
        if event.body.get("state") in ("done", "failed", "cancelled"):
            self._forget(event.topic)
        else:
            self._seen[event.topic] = event.seq
        return not (known and event.replay)

    def _forget(self, topic: str) -> None:
        """Drop the topics of a job that has ended, which has no other event."""
        job = topic.removesuffix("state/")
        for kind in ("state/", "progress/"):
            self._seen.pop(job + kind, None)

    def listen(self, now_s: float) -> list[str]:
        """Notice silence, once for each."""
        silence_s = now_s - self.heard_s
        if self.silent or silence_s < _MISSED * self.heartbeat_s:
            return []
        self.silent = True
        return [f"no heartbeat for {silence_s:.1f} s: the daemon is stopped, stuck or gone"]
