"""PostgreSQL as it comes: durable, with the defaults of its release; whoever reaches its loopback port is trusted."""

from contextlib import suppress
from typing import ClassVar

from support.containers.service import MIB, Limits, Store
from support.errors import FleetError

# What somebody made: PostgreSQL gives its own objects numbers below this one (src/include/access/transam.h).
_MADE = "SELECT oid::regclass::text FROM pg_class WHERE oid >= 16384"
_ROLES = "SELECT rolname FROM pg_roles WHERE oid >= 16384"


class PostgresService(Store):
    """One PostgreSQL server with an empty database; its superuser, and that of the nodes, is `postgres`."""

    kind = "postgres"
    port = 5432
    limits = Limits(memory=512 * MIB, cpus=1, pids=128)
    # Else the official image sorts and compares text as in American English, and the stand-in does not.
    environment: ClassVar[dict[str, str]] = {
        "POSTGRES_HOST_AUTH_METHOD": "trust",
        "POSTGRES_INITDB_ARGS": "--locale=C.UTF-8",
    }
    question = "SELECT 1"
    setting = "POSTGRES_URL"

    @staticmethod
    def url(host: str, port: int) -> str:
        """postgresql://user@host:port/database (libpq, 32.1.1.2, connection URIs)."""
        return f"postgresql://postgres@{host}:{port}/postgres"

    def answers(self, host: str, port: int, timeout_s: float = 1.0) -> bool:
        """Whether a new connection answers a query."""
        # Loaded here: a fleet without PostgreSQL does not wait for its driver.
        import psycopg

        # libpq knows no time-out below 2 s, so a server that hangs is noticed later than `timeout_s` asks for.
        seconds = max(2, round(timeout_s))
        with suppress(psycopg.Error), psycopg.connect(self.url(host, port), connect_timeout=seconds) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
        return False

    def answers_inside(self, host: str, port: int, within_s: float = 2.0) -> bool:
        """The same by the server's own client, run inside its container."""
        ask = ["psql", "--no-psqlrc", "-qtAc", "SELECT 1", self.url(host, port)]
        return bool(self.exec(["timeout", f"{within_s:g}", *ask]).output.strip() == b"1")

    def _emptied(self) -> object:
        """Drops every role and every database that somebody made, and makes an empty `postgres`."""
        import psycopg
        from psycopg.sql import SQL, Identifier

        try:
            # Of two templates this is the one that takes connections, and it must not be the one that is dropped.
            with psycopg.connect(self._url_of("template1"), autocommit=True, connect_timeout=5) as connection:
                names = connection.execute("SELECT datname FROM pg_database WHERE NOT datistemplate").fetchall()
                for (name,) in names:
                    connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
                for (name,) in connection.execute(_ROLES).fetchall():
                    connection.execute(SQL("DROP ROLE {}").format(Identifier(name)))
                connection.execute("CREATE DATABASE postgres TEMPLATE template0")
            with psycopg.connect(self._url_of("postgres"), connect_timeout=5) as connection:
                left = connection.execute(_MADE).fetchall()
        except psycopg.Error as error:
            raise FleetError(f"{self.name} was not emptied: {error}") from error
        return left

    def _url_of(self, database: str) -> str:
        return self.url(*self.address()).rpartition("/")[0] + f"/{database}"
