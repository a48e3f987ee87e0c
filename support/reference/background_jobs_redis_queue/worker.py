"""A worker: `python -m reference.background_jobs_redis_queue.worker`, configured as the node that starts it.

Each slot is a process of its own that does one job at a time. So a job that ends its process takes no other with it,
and one that hangs is ended for certain, whatever it is doing; the slot is filled again at once.
"""

import logging
import os
import random
import signal
import threading
import time
import traceback
from contextlib import suppress

import httpx2
from psycopg_pool import ConnectionPool
from redis.exceptions import RedisError

from .kinds import LostError, RefusedError, SpentError, Work
from .queue import Queue, Run
from .settings import JobSettings

POLL_S = 0.05
ERROR_MAX = 4000  # characters of a traceback that are kept, the last ones
JITTER = 0.25  # a delay is longer by up to so much of it, so that what failed together does not come back together

logger = logging.getLogger(__name__)


class Slot:
    """Does jobs until it is told to stop; the job in hand is done to its end."""

    def __init__(self, settings: JobSettings) -> None:
        self._settings = settings
        self._queue = Queue(settings)
        self._pool = ConnectionPool(
            settings.postgres_url, min_size=0, max_size=1, timeout=5, check=ConnectionPool.check_connection
        )
        self._work = Work(httpx2.Client(base_url=settings.upstream_url, timeout=None), self._pool, self._queue)
        self._stopping = False
        signal.signal(signal.SIGTERM, self._stop)

    def run(self) -> None:
        """Returns after the job in hand when the process gets SIGTERM."""
        self._pool.open()
        while not self._stopping:
            try:
                run = self._queue.claim()
                if run:
                    self._do(run)
                else:
                    time.sleep(POLL_S)
            except RedisError as error:  # what was claimed and not told comes back when its lease has run out
                logger.warning("the queue does not answer: %s", error)
                time.sleep(POLL_S)

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _do(self, run: Run) -> None:
        ended = threading.Event()
        threading.Thread(target=self._keep, args=(run, ended), daemon=True).start()
        try:
            self._work.do(run)
        except LostError:
            logger.warning("job %s is another's by now", run.id)
        except (RefusedError, SpentError):
            self._queue.put_aside(run, _last_of(traceback.format_exc()))
        except Exception:  # noqa: BLE001  # whatever a job dies of, its worker does not
            self._fail(run, traceback.format_exc())
        else:
            self._queue.complete(run)
        finally:
            ended.set()

    def _fail(self, run: Run, error: str) -> None:
        if run.tries >= self._settings.job_tries:
            self._queue.put_aside(run, _last_of(error))
        else:
            delay_s = self._settings.job_backoff_s * 2 ** (run.tries - 1)
            self._queue.retry(run, _last_of(error), delay_s * random.uniform(1, 1 + JITTER))

    def _keep(self, run: Run, ended: threading.Event) -> None:
        """Renews the lease while the job runs; ends the process when the job is another's, or takes too long."""
        began = renewed = time.monotonic()
        while not ended.wait(self._settings.job_lease_s / 4):
            if time.monotonic() - began > run.timeout_s:
                with suppress(RedisError):  # who is not heard now loses the job with its lease
                    self._fail(run, f"TimeoutError: it took longer than {run.timeout_s:g} s")
                os._exit(1)
            try:
                lost = not self._queue.renew(run)
                renewed = time.monotonic()
            except RedisError:
                lost = time.monotonic() - renewed > self._settings.job_lease_s
            if lost and not ended.is_set():
                os._exit(1)


def _last_of(error: str) -> str:
    return error[-ERROR_MAX:]


class Worker:
    """Keeps its slots filled until SIGTERM, which it passes on; then it waits for the jobs in hand."""

    def __init__(self, settings: JobSettings) -> None:
        self._settings = settings
        self._slots: set[int] = set()
        self._stopping = False
        signal.signal(signal.SIGTERM, self._stop)

    def run(self) -> None:
        """Returns when every slot has ended."""
        while self._slots or not self._stopping:
            while len(self._slots) < self._settings.job_slots and not self._stopping:
                self._slots.add(self._fork())
            if self._stopping:
                self._pass_on()
            ended, _ = os.waitpid(-1, os.WNOHANG)
            self._slots.discard(ended)
            if not ended:
                time.sleep(POLL_S)

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _pass_on(self) -> None:
        """Tells the slots, each time anew: one that has just been forked did not hear it the first time."""
        for slot in self._slots:
            os.kill(slot, signal.SIGTERM)

    def _fork(self) -> int:
        if pid := os.fork():
            return pid
        try:
            Slot(self._settings).run()
        finally:
            os._exit(0)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    Worker(JobSettings.load(os.environ)).run()
