"""What jobs have left in the platform's database, and when they are due by Redis; its adapter says how to ask."""

from collections import Counter

from redis.exceptions import RedisError

from support.containers.fleet import Fleet
from support.errors import ProbeError
from support.probes.postgres import PostgresProbe
from support.probes.redis import client_of


class Effects:
    """The effects of jobs. Each method raises ProbeError when PostgreSQL does not answer."""

    def __init__(self, fleet: Fleet, query: str) -> None:
        self._postgres, self._query = PostgresProbe(fleet.stores["postgres"]), query

    def of(self, labels: str) -> Counter[str]:
        """How many effects there are for each label that fits the pattern (of LIKE)."""
        query = f"SELECT label, count(*) FROM ({self._query}) AS effects WHERE label LIKE %s GROUP BY label"
        return Counter(dict(self._postgres.rows(query, labels)))

    def tries(self, label: str) -> list[int]:
        """The number of the run, from 1, for each effect of that label."""
        query = f"SELECT by_try FROM ({self._query}) AS effects WHERE label = %s"
        return [int(number) for (number,) in self._postgres.rows(query, label)]

    def uncommitted(self) -> bool:
        """Whether a transaction of a node has written something and is not committed (pg_stat_activity)."""
        query = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'postgres' AND backend_xid IS NOT NULL"
        return self._postgres.rows(query) != [(0,)]

    def close(self) -> None:
        """Gives the connection back."""
        self._postgres.close()


class Due:
    """When jobs that wait for their time are due, as Redis has it."""

    def __init__(self, fleet: Fleet, script: str) -> None:
        self._redis, self._script = client_of(fleet.stores["redis-durable"]), script

    def moments(self) -> tuple[float, dict[str, float]]:
        """When it was asked, by its own clock, and the moment of each job by its id (seconds since the epoch).

        Raises ProbeError when Redis does not answer.
        """
        try:
            with self._redis.pipeline(transaction=True) as both:
                both.time()
                both.eval_ro(self._script, 0)
                (seconds, micros), said = both.execute()
        except RedisError as error:
            raise ProbeError(f"Redis does not say when jobs are due: {error}") from error
        moments = {job: float(moment) / 1000 for job, moment in zip(said[::2], said[1::2], strict=True)}
        return int(seconds) + int(micros) / 1_000_000, moments

    def close(self) -> None:
        """Gives the connection back."""
        self._redis.close()
