"""The kinds of jobs that there are. A job is a kind's name and JSON: nothing that is handed in is run as code."""

import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager

import httpx2
import psycopg
from psycopg_pool import ConnectionPool

from .queue import Queue, Run

STEPS = 5


class RefusedError(Exception):
    """The service does not want it, now or later: no further try will help."""


class SpentError(Exception):
    """The last run that it may have ended with its worker, and had not done it."""


class LostError(Exception):
    """Another run has the job now, and this one comes too late."""


class Work:
    """What a kind needs: the service, the database, and the queue for its progress."""

    def __init__(self, upstream: httpx2.Client, pool: ConnectionPool, queue: Queue) -> None:
        self.upstream, self.pool, self.queue = upstream, pool, queue

    def do(self, run: Run) -> None:
        """Does the job, unless an earlier run has; the effect is written once, by the run that has the job."""
        if self._begin(run):
            if run.spent:
                raise SpentError(f"its worker died; it was begun {run.tries} times")
            KINDS[run.kind](self, run)
            self._commit(run)

    def call(self, path: str) -> None:
        """Asks the service. RefusedError when it refuses, another error when it fails."""
        answer = self.upstream.post(f"/{path}")
        if 400 <= answer.status_code < 500:
            raise RefusedError(f"the service refused it with {answer.status_code}")
        answer.raise_for_status()

    def _begin(self, run: Run) -> bool:
        """Writes that this run is the last that has begun; False when the job is done already."""
        with self._connected() as connection:
            begun = connection.execute(
                "INSERT INTO job_effects (job, label, begun) VALUES (%s, %s, %s) ON CONFLICT (job) DO UPDATE"
                " SET begun = greatest(job_effects.begun, excluded.begun) RETURNING done",
                [run.id, run.payload["label"], run.fence],
            )
            return begun.fetchone() == (None,)

    def _commit(self, run: Run) -> None:
        """Writes that it is done. LostError when a later run has begun: then that one's effect counts."""
        with self._connected() as connection:
            done = connection.execute(
                "UPDATE job_effects SET done = %s WHERE job = %s AND begun = %s AND done IS NULL",
                [run.fence, run.id, run.fence],
            )
            if done.rowcount == 0:
                raise LostError

    def _connected(self) -> AbstractContextManager[psycopg.Connection]:
        return self.pool.connection()


def call(work: Work, run: Run) -> None:
    """One call of the service."""
    work.call(run.payload["label"])


def steps(work: Work, run: Run) -> None:
    """Several calls, one after the other, with the progress after each."""
    for step in range(1, STEPS + 1):
        work.call(f"{run.payload['label']}/{step}")
        work.queue.progress(run, 100 * step // STEPS)


def crash(work: Work, run: Run) -> None:
    """Calls the service, and takes more memory than there is, which the kernel ends like this."""
    work.call(run.payload["label"])
    os.kill(os.getpid(), signal.SIGKILL)


KINDS: dict[str, Callable[[Work, Run], None]] = {"call": call, "steps": steps, "crash": crash}
