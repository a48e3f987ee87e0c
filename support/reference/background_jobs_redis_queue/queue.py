"""The queue of jobs in Redis, as who hands jobs in and who does them use it.

It is a thin layer of its own on redis-py. The promises here are of steps that must not come apart (a job leaves the
queue and gets its lease; a lease runs out and the job is queued again, or put aside), and a script of Redis makes each
of them one. Of the libraries of this kind none keeps them all: some count no try for a job whose worker died, some find
that out after a minute at the earliest, some drop a second job of the same key without telling.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from .settings import JobSettings

TIMEOUT_S = 1.0
_SCRIPT = Path(__file__).with_name("queue.lua").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Job:
    """A job as it is handed in. `after` is the id of one that has to be done before, `unique` a key of its own."""

    id: str
    kind: str
    payload: Mapping[str, Any]
    priority: str = "normal"
    delay_s: float = 0
    unique: str = ""
    after: str = ""
    timeout_s: float = 0  # 0: what is set for all


@dataclass(frozen=True)
class Run:
    """One run of a job. Its `fence` is higher than that of every run before: who has a lower one comes too late."""

    id: str
    fence: int
    kind: str
    payload: Mapping[str, Any]
    tries: int  # this one included
    timeout_s: float
    spent: bool  # it was begun as often as it may be: only whether it is done is looked at


class Queue:
    """Every method raises RedisError when Redis does not answer; whether it did what was asked is not known then."""

    def __init__(self, settings: JobSettings) -> None:
        self._settings = settings
        self.redis = Redis.from_url(
            settings.redis_url, decode_responses=True, protocol=2, retry=Retry(NoBackoff(), 0),
            socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S,
        )  # fmt: skip
        self._script = self.redis.register_script(_SCRIPT)

    def enqueue(self, job: Job) -> tuple[str, str]:
        """ "accepted", "duplicate" (with the id of the job that has the key) or "refused"; and the job's id."""
        outcome, id = self._call(
            "enqueue", job.id, job.kind, json.dumps(job.payload), job.priority, round(job.delay_s * 1000), job.unique,
            job.after, job.timeout_s,
        )  # fmt: skip
        return outcome, id

    def claim(self) -> Run | None:
        """The next job, with a lease; None when there is none. Others whose time has come are queued before."""
        found = self._call("claim", self._lease_ms(), self._settings.job_tries, self._settings.job_crashes)
        if not found:
            return None
        id, fence, kind, payload, tries, timeout_s, spent = found
        limit_s = float(timeout_s) or self._settings.job_timeout_s
        return Run(id, int(fence), kind, json.loads(payload), int(tries), limit_s, bool(spent))

    def renew(self, run: Run) -> bool:
        """Makes the lease last from now; False when the job is not this run's any more."""
        return bool(self._call("renew", run.id, run.fence, self._lease_ms()))

    def progress(self, run: Run, percent: int) -> None:
        """How much is done. It never goes back, also when the job is begun again."""
        self._call("progress", run.id, run.fence, percent)

    def complete(self, run: Run) -> None:
        """It is done, and jobs that waited for it may begin. Nothing happens when it is not this run's any more."""
        self._call("complete", run.id, run.fence, self._result_ms())

    def retry(self, run: Run, error: str, delay_s: float) -> None:
        """It has failed, and is to be tried again."""
        self._call("retry", run.id, run.fence, error, round(delay_s * 1000))

    def put_aside(self, run: Run, error: str) -> None:
        """It has failed for good."""
        self._call("put_aside", run.id, run.fence, error)

    def requeue(self, id: str) -> bool:
        """It is to be done after all; False when it was not put aside, or another job has its key by now."""
        return bool(self._call("requeue", id))

    def cancel(self, id: str) -> bool:
        """It is not to be done, nor what waits for it; False when it is too late. Who does it now is told to end."""
        return bool(self._call("cancel", id, self._result_ms()))

    def tick(self, name: str, due_ms: float, next_ms: float, label: str) -> None:
        """Makes the job of a schedule that was due, unless another has; the schedule is due again at `next_ms`."""
        self._call("tick", name, due_ms, next_ms, str(uuid.uuid4()), "call", json.dumps({"label": label}))

    def show(self, id: str) -> dict[str, str]:
        """What has become of a job; empty when nothing is known of it."""
        return dict(self.redis.hgetall(f"job:{id}"))  # type: ignore[arg-type]

    def _call(self, name: str, *args: str | float) -> Any:
        return self._script(args=[name, *args])

    def _lease_ms(self) -> int:
        return round(self._settings.job_lease_s * 1000)

    def _result_ms(self) -> int:
        return round(self._settings.job_result_s * 1000)
