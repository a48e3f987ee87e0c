"""What jobs have left in the platform's database, by SQL; which table that is its adapter says."""

from collections import Counter

from support.containers.fleet import Fleet
from support.probes.postgres import PostgresProbe


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
