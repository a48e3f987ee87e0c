"""Orders in PostgreSQL, each with a job that confirms it: both are committed, or neither is.

A job that is queued before the commit may run for an order that nobody has; one that is queued after it is lost with
its node. So the transaction writes the job into an outbox, and a relay carries it to the queue, as often as it takes.
"""

import logging
import threading
import uuid

import psycopg
from psycopg.errors import UniqueViolation
from psycopg_pool import ConnectionPool
from redis.exceptions import RedisError

from .queue import Job, Queue

BATCH = 100
INTERVAL_S = 0.1
_LOCK = 5_230_000  # any number that is no other lock's
_TABLES = """
CREATE TABLE IF NOT EXISTS job_orders (reference text PRIMARY KEY, label text NOT NULL);
CREATE TABLE IF NOT EXISTS job_outbox (id bigserial PRIMARY KEY, job uuid NOT NULL, label text NOT NULL);
-- The highest fence that has begun a job, and the one that has done it.
CREATE TABLE IF NOT EXISTS job_effects (job text PRIMARY KEY, label text NOT NULL, begun int NOT NULL, done int);
"""

logger = logging.getLogger(__name__)


def migrate(url: str) -> None:
    """Makes the tables; of several nodes that start at once the others wait."""
    with psycopg.connect(url) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        connection.execute(_TABLES)


class Orders:
    """Takes orders, and carries their jobs to the queue."""

    def __init__(self, pool: ConnectionPool, queue: Queue) -> None:
        self._pool, self._queue = pool, queue

    def place(self, reference: str, label: str) -> bool:
        """Takes an order and the job that confirms it; False when its reference is taken."""
        job = str(uuid.uuid4())
        try:
            with self._pool.connection() as connection:
                connection.execute("INSERT INTO job_outbox (job, label) VALUES (%s, %s)", [job, label])
                connection.execute("INSERT INTO job_orders (reference, label) VALUES (%s, %s)", [reference, label])
        except UniqueViolation:
            return False
        return True

    def relay(self) -> bool:
        """Carries jobs to the queue, which knows those that it has; returns whether more may wait.

        What another relay has in hand is passed over, and so is what is not committed yet: its turn comes.
        """
        with self._pool.connection() as connection:
            wanted = "SELECT id, job, label FROM job_outbox ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED"
            rows = connection.execute(wanted, [BATCH]).fetchall()
            for id, job, label in rows:
                self._queue.enqueue(Job(str(job), "call", {"label": label}))
                connection.execute("DELETE FROM job_outbox WHERE id = %s", [id])
        return len(rows) == BATCH

    def run(self, stopping: threading.Event) -> None:
        """Relays until `stopping`; an outage of either store is waited out."""
        while not stopping.is_set():
            try:
                more = self.relay()
            except (psycopg.Error, RedisError) as error:
                logger.warning("no job relayed: %s", error)
                more = False
            if not more:
                stopping.wait(INTERVAL_S)
