"""A request to its end, whatever transport brought it: look up, validate, cache, run, answer once.

A transport hands a `Request` and a `Client` to `submit`, and the client is told, exactly once, how it
ended. What is wrong with a request is said at once, never behind a queue, and so is what needs no work.
Everything else becomes a `Job`: a task that opens files, looks into the cache, and waits for its lane;
however that ends, by result, error, cancel or deadline, `_ended` is where it does.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import structlog

from bus.answered import Answered, fingerprint
from bus.cache import ResultCache, content_key
from bus.disk import Disk, heard
from bus.errors import BusError, Cancelled, DeadlineExceeded, InvalidArgument, ResourceExhausted, Unavailable
from bus.failure import translate
from bus.files import Files
from bus.job import Client, Job, JobState, Outcome, Result
from bus.lane import Work
from bus.messages import Request, canonical, pack
from bus.operations import Operation, Operations
from bus.pool import Pool
from bus.publisher import Publisher, job_topic
from bus.settings import Limits
from bus.stats import Stats

log = structlog.get_logger()

# A job's progress is published at most so often; the last always is.
_PROGRESS_INTERVAL_S = 0.1


def _stopping() -> Unavailable:
    return Unavailable("the daemon is stopping", retry_after=1.0)


class Dispatcher:
    """Accepts requests and sees each to its end. All methods are called in the event loop."""

    def __init__(
        self,
        *,
        operations: Operations,
        pool: Pool,
        publisher: Publisher,
        files: Files,
        cache: ResultCache,
        stats: Stats,
        limits: Limits,
        on_change: Callable[[], None],
    ) -> None:
        self._operations = operations
        self._pool = pool
        self._publisher = publisher
        self._disk = Disk(files, cache)
        self._stats = stats
        self._limits = limits
        self._on_change = on_change
        self._answered = Answered(limits)
        self._accepted: Counter[str | None] = Counter()
        self.jobs: dict[str, Job] = {}
        self.draining = False

    # ------------------------------------------------------------- accepting

    def submit(self, request: Request, client: Client) -> None:
        """Accept a request; `client` is told how it ends, at once where it cannot be accepted."""
        try:
            operation = self._operations[request.op]
            params = operation.validate(request.params)
            if operation.immediate:
                outcome: Outcome = self._at_once(operation, params)
            else:
                earlier = self._attach_or_accept(request, operation, params, client)
                if earlier is None:
                    return
                outcome = earlier
        except Exception as error:  # whatever it is, the request ends with an answer
            outcome = failure = translate(error)
            # Names that clients make up must not become keys without bound.
            known = request.op if request.op in self._operations else "(unknown)"
            self._stats.ended(known, code=failure.code, wait_s=None, run_s=None)
        # It has become no job, which would give back the spool's files at its end.
        self._disk.discard(request.params.values())
        client.end(request.id, outcome)

    def _at_once(self, operation: Operation, params: dict[str, Any]) -> Result:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        try:
            value = operation.function(**operation.arguments(params))
            encoded = pack(operation.result.dump_python(value))
        except Exception as error:
            raise translate(error) from error
        elapsed_s = loop.time() - began_s
        self._stats.ended(operation.name, code=None, wait_s=0.0, run_s=elapsed_s)
        return Result(encoded, elapsed_s, cached=False)

    def _attach_or_accept(
        self, request: Request, operation: Operation, params: dict[str, Any], client: Client
    ) -> Outcome | None:
        """Find what an earlier request under this id ended with, wait with it if it runs, or begin."""
        print_ = fingerprint(request.op, canonical(params))
        job = self.jobs.get(request.id)
        earlier = job or self._answered.get(request.id)
        if earlier is not None and earlier.fingerprint != print_:
            raise InvalidArgument(
                f"id: {request.id!r} was used for another request; a new request needs a new id",
                details={"field": "id"},
            )
        if job is not None:
            if client not in job.clients:
                job.clients.append(client)
            return None
        answer = self._answered.get(request.id)
        if answer is not None:
            return answer.outcome
        self._accept(request, operation, params, print_, client)
        return None

    def _accept(
        self, request: Request, operation: Operation, params: dict[str, Any], print_: bytes, client: Client
    ) -> None:
        if self.draining:
            raise _stopping()
        if self._accepted[operation.lane] >= self._limits.queue:
            wait_s = self._pool[operation.lane].expected_wait_s() if operation.lane else 1.0
            raise ResourceExhausted(
                f"queue: full, {self._limits.queue} requests are before this one; try again later",
                retry_after=round(wait_s, 1),
            )
        spool_bytes, spooled = self._disk.reserve(params, operation.files)
        loop = asyncio.get_running_loop()
        job = Job(
            # The params go on as the job's own, where files are soon no longer bytes.
            request.model_copy(update={"params": {}}),
            operation,
            params,
            print_,
            loop.time(),
            [client],
            spool_bytes=spool_bytes,
            spooled=list(spooled),
        )
        self.jobs[job.id] = job
        self._accepted[operation.lane] += 1
        timeout_s = min(request.timeout or operation.timeout_s, self._limits.timeout_s)
        # A client that counts from its own beginning sends what is left of 0.3 s: 0.299985.
        shown_s = round(timeout_s, 3) or timeout_s
        late = DeadlineExceeded(f"timeout: {shown_s:g} s have passed", details={"timeout": timeout_s})
        job.deadline = loop.call_later(timeout_s, self._stop, job, late)
        self._enter(job, JobState.QUEUED)
        job.task = asyncio.create_task(self._run(job), name=f"job {job.id}")
        job.task.add_done_callback(partial(self._ended, job))

    # --------------------------------------------------------------- running

    async def _run(self, job: Job) -> Result:
        structlog.contextvars.bind_contextvars(request_id=job.id, op=job.operation.name)
        prints = await self._disk.open_files(job)
        key = None
        if job.operation.version is not None:
            rest = {name: value for name, value in job.params.items() if name not in job.operation.files}
            hashes = [hash_ for _, hash_ in prints]
            key = content_key(job.operation.name, job.operation.version, canonical(rest), hashes)
            found = await self._disk.recall(job, key)
            if found is not None:
                return self._result(job, await self._followed_up(job, found), cached=True)
        encoded = await (self._in_loop(job) if job.operation.lane is None else self._in_lane(job))
        if key is not None:
            await self._disk.keep(job, key, encoded, prints)
        return self._result(job, await self._followed_up(job, encoded), cached=False)

    @staticmethod
    async def _followed_up(job: Job, encoded: bytes) -> bytes:
        follow_up = job.operation.follow_up
        return encoded if follow_up is None else await follow_up(job.params, encoded)

    @staticmethod
    def _result(job: Job, encoded: bytes, *, cached: bool) -> Result:
        return Result(encoded, asyncio.get_running_loop().time() - job.arrived_s, cached)

    async def _in_loop(self, job: Job) -> bytes:
        self._started(job)
        value = await job.operation.function(**job.operation.arguments(job.params))
        return pack(job.operation.result.dump_python(value))

    async def _in_lane(self, job: Job) -> bytes:
        work = Work(
            job.id,
            job.operation.name,
            job.params,
            job.request.priority,
            on_started=partial(self._started, job),
            on_progress=partial(self._progressed, job),
            ended=asyncio.get_running_loop().create_future(),
        )
        work.ended.add_done_callback(heard)
        self._pool[job.operation.lane or ""].submit(work)
        job.work = work
        return await asyncio.shield(work.ended)

    def _started(self, job: Job) -> None:
        job.started_s = asyncio.get_running_loop().time()
        self._enter(job, JobState.RUNNING)

    def _enter(self, job: Job, state: JobState, **facts: Any) -> None:
        job.state = state
        body = {"state": state.value, **facts}
        self._publisher.publish(job_topic(job.operation.name, job.id, "state"), body)
        self._on_change()

    def _progressed(self, job: Job, fraction: float, stage: str) -> None:
        job.fraction, job.stage = max(job.fraction, fraction), stage
        loop = asyncio.get_running_loop()
        wait_s = job.published_s + _PROGRESS_INTERVAL_S - loop.time()
        if wait_s <= 0:
            self._publish_progress(job)
        elif job.next_progress is None:
            # The latest is told too, also when the engine then says nothing for long.
            job.next_progress = loop.call_later(wait_s, self._publish_progress, job)

    def _publish_progress(self, job: Job) -> None:
        if job.next_progress is not None:
            job.next_progress.cancel()
            job.next_progress = None
        now_s = asyncio.get_running_loop().time()
        job.published_s = now_s
        job.progress_seq += 1
        body: dict[str, Any] = {"fraction": job.fraction, "stage": job.stage}
        if job.started_s is not None and job.fraction > 0:
            body["eta"] = (now_s - job.started_s) * (1 - job.fraction) / job.fraction
        self._publisher.publish(job_topic(job.operation.name, job.id, "progress"), body)
        for client in job.clients:
            client.progress(job.request, job.progress_seq, job.fraction, job.stage)

    # ---------------------------------------------------------------- ending

    def cancel(self, request_id: str) -> str:
        """Stop a request; returns `cancelled`, `cancelling`, `done` or `not_found`."""
        job = self.jobs.get(request_id)
        if job is None:
            return "done" if self._answered.get(request_id) is not None else "not_found"
        if (job.task is not None and job.task.done()) or (job.work is not None and job.work.ended.done()):
            return "done"
        self._stop(job, Cancelled("cancelled by bus.cancel"))
        return "cancelled" if job.work is None or job.work.ended.done() else "cancelling"

    def leave(self, request_id: str, client: Client) -> None:
        """Note that a client has gone and wants no answer; what nobody else waits for is cancelled."""
        job = self.jobs.get(request_id)
        if job is None or client not in job.clients:
            return
        job.clients.remove(client)
        if not job.clients:
            self._stop(job, Cancelled("the client has gone"))

    def _stop(self, job: Job, error: BusError) -> None:
        """End a job with an error; one that runs in a worker ends when the worker is free of it."""
        job.stopped_by = job.stopped_by or error
        if job.work is not None:
            self._pool[job.operation.lane or ""].cancel(job.work, job.stopped_by)
        # Past a deadline nobody waits any longer; the worker is freed behind the answer.
        if job.task is not None and (job.work is None or isinstance(error, DeadlineExceeded)):
            job.task.cancel()

    def _ended(self, job: Job, task: "asyncio.Task[Result]") -> None:
        """Say how a job ended: the one place where it does."""
        outcome = self._outcome(job, task)
        del self.jobs[job.id]
        self._accepted[job.operation.lane] -= 1
        for timer in (job.deadline, job.next_progress):
            if timer is not None:
                timer.cancel()
        self._answered.remember(job.id, job.fingerprint, outcome)
        self._count(job, outcome)
        if isinstance(outcome, Result):
            job.fraction = 1.0
            self._publish_progress(job)
            self._enter(job, JobState.DONE)
        else:
            state = JobState.CANCELLED if isinstance(outcome, Cancelled) else JobState.FAILED
            self._enter(job, state, code=outcome.code)
        for client in job.clients:
            client.end(job.id, outcome)
        for kind in ("state", "progress"):
            self._publisher.forget(job_topic(job.operation.name, job.id, kind))
        self._disk.release(job)

    @staticmethod
    def _outcome(job: Job, task: "asyncio.Task[Result]") -> Outcome:
        if task.cancelled():
            return job.stopped_by or _stopping()
        error = task.exception()
        if error is None:
            return task.result()
        if isinstance(error, BusError):
            log.info("request.failed", request_id=job.id, op=job.operation.name, code=error.code)
            return error
        if isinstance(error, Exception):
            with structlog.contextvars.bound_contextvars(request_id=job.id, op=job.operation.name):
                return translate(error)
        raise error

    def _count(self, job: Job, outcome: Outcome) -> None:
        started_s = job.started_s
        now_s = asyncio.get_running_loop().time()
        self._stats.ended(
            job.operation.name,
            code=outcome.code if isinstance(outcome, BusError) else None,
            wait_s=None if started_s is None else started_s - job.arrived_s,
            run_s=None if started_s is None else now_s - started_s,
            cached=isinstance(outcome, Result) and outcome.cached,
        )

    # -------------------------------------------------------------- stopping

    async def drain(self, grace_s: float) -> None:
        """Take nothing new, end what waits, give what runs `grace_s` seconds, then cancel it."""
        self.draining = True
        self._on_change()
        for job in list(self.jobs.values()):
            if job.state is JobState.QUEUED:
                self._stop(job, _stopping())
        await self._ends(grace_s)
        for job in list(self.jobs.values()):
            self._stop(job, Cancelled("the daemon is stopping"))
        await self._ends(grace_s)

    async def _ends(self, timeout_s: float) -> None:
        tasks = [job.task for job in self.jobs.values() if job.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=timeout_s)
            await asyncio.sleep(0)  # their callbacks, which answer, run after them

    def close(self) -> None:
        """Let the disk's threads go."""
        self._disk.close()
