"""What `watch` shows of a daemon, put together from its events."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from bus.client import Event

# An ended job stays to be seen for so long, and at most so many do.
_ENDED_S = 8.0
_MOST_ENDED = 10
_ENDED = ("done", "failed", "cancelled")
_PARTS_OF_A_JOB_TOPIC = 5  # job / op / id / kind / and nothing


@dataclass
class JobSeen:
    """One job; times in seconds of the watcher's clock."""

    id: str
    op: str
    began_s: float
    state: str = "queued"
    fraction: float = 0.0
    stage: str = ""
    eta_s: float | None = None
    code: str = ""
    ended_s: float | None = None

    def elapsed_s(self, now_s: float) -> float:
        """Seconds since it was accepted, until it ended."""
        return (self.ended_s if self.ended_s is not None else now_s) - self.began_s


@dataclass
class Picture:
    """The daemon's last words on itself: heartbeat, status, jobs."""

    instance: str = ""
    heartbeat: dict[str, Any] = field(default_factory=dict)
    status: dict[str, Any] = field(default_factory=dict)
    jobs: dict[str, JobSeen] = field(default_factory=dict)

    def take(self, event: Event, now_s: float) -> None:
        """Take in an event."""
        if event.instance != self.instance:
            self.instance = event.instance
            self.heartbeat, self.status, self.jobs = {}, {}, {}
        if event.topic == "heartbeat/":
            self.heartbeat = event.body
        elif event.topic == "status/":
            self._take_status(event.body, now_s)
        elif (job := job_of(event.topic)) is not None:
            self._take_job(*job, event.body, now_s)
        self._forget(now_s)

    def _take_status(self, body: dict[str, Any], now_s: float) -> None:
        self.status = body
        open_jobs = {str(job["id"]): job for job in body.get("jobs", ())}
        for job_id, job in open_jobs.items():
            seen = self.jobs.setdefault(
                job_id, JobSeen(job_id, str(job["op"]), now_s - float(job["elapsed"]), str(job["state"]))
            )
            if seen.state not in _ENDED:
                seen.fraction = max(seen.fraction, float(job["fraction"]))
        # What ended while events were lost is not in the status any more.
        for job_id in [id_ for id_, job in self.jobs.items() if job.ended_s is None and id_ not in open_jobs]:
            if now_s - self.jobs[job_id].began_s > _ENDED_S:
                del self.jobs[job_id]

    def _take_job(self, op: str, job_id: str, kind: str, body: dict[str, Any], now_s: float) -> None:
        job = self.jobs.setdefault(job_id, JobSeen(job_id, op, now_s))
        if kind == "progress":
            job.fraction = float(body.get("fraction", 0.0))
            job.stage = str(body.get("stage", ""))
            job.eta_s = body.get("eta")
        elif kind == "state":
            job.state = str(body.get("state", ""))
            job.code = str(body.get("code", ""))
            if job.state in _ENDED:
                job.ended_s = now_s

    def _forget(self, now_s: float) -> None:
        ended = [job for job in self.jobs.values() if job.ended_s is not None]
        for number, job in enumerate(sorted(ended, key=lambda job: -(job.ended_s or 0.0))):
            if number >= _MOST_ENDED or now_s - (job.ended_s or 0.0) > _ENDED_S:
                del self.jobs[job.id]


def job_of(topic: str) -> tuple[str, str, str] | None:
    """Read operation, id and kind off a job's topic; None for another's."""
    parts = topic.split("/")
    if len(parts) != _PARTS_OF_A_JOB_TOPIC or parts[0] != "job":
        return None
    return parts[1], unquote(parts[2]), parts[3]
