"""ClickHouse by its native protocol, which every version speaks that an image may have."""

import logging
from typing import ClassVar

from support.containers.service import MIB, Limits, Store
from support.errors import FleetError
from support.origin import no_answer

# Each insert is a folder of some 30 files for minutes, and a table is dropped file by file: 600 of them take 15 s on a
# machine that is busy.
_EMPTIED_WITHIN_S = 45
_OWN = "('system', 'default', 'INFORMATION_SCHEMA', 'information_schema')"

# The driver warns of each connection that fails. A server that is asked whether it is ready yet, or is down by a
# fault, makes it say so ten times a second.
logging.getLogger("clickhouse_driver").setLevel(logging.CRITICAL)


class ClickHouseService(Store):
    """One ClickHouse server with an empty database `default`, whose user `default` needs no password."""

    kind = "clickhouse"
    port = 9000
    limits = Limits(memory=1024 * MIB, cpus=1, pids=1024)
    # Else the official image lets its user in from inside the container only.
    environment: ClassVar[dict[str, str]] = {"CLICKHOUSE_SKIP_USER_SETUP": "1"}
    question = "SELECT 1"
    setting = "CLICKHOUSE_URL"

    @staticmethod
    def url(host: str, port: int) -> str:
        """clickhouse://user@host:port/database, as clickhouse-driver reads it."""
        return f"clickhouse://default@{host}:{port}/default"

    def answers(self, host: str, port: int, timeout_s: float = 1.0) -> bool:
        """Whether a new connection answers a query."""
        # Loaded here: a fleet without ClickHouse does not wait for its driver.
        from clickhouse_driver import Client
        from clickhouse_driver.errors import Error

        limits = {"connect_timeout": timeout_s, "send_receive_timeout": timeout_s, "sync_request_timeout": timeout_s}
        with no_answer(Error, EOFError), Client(host, port=port, **limits) as client:
            return bool(client.execute("SELECT 1") == [(1,)])
        return False

    def answers_inside(self, host: str, port: int, within_s: float = 2.0) -> bool:
        """The same by the server's own client, run inside its container."""
        ask = ["clickhouse-client", "--host", host, "--port", str(port), "--query", "SELECT 1"]
        return bool(self.exec(["timeout", f"{within_s:g}", *ask]).output.strip() == b"1")

    def _emptied(self) -> object:
        """Drops every table of the database `default`, and every database that is not the server's own."""
        from clickhouse_driver import Client
        from clickhouse_driver.errors import Error

        host, port = self.address()
        tables = "SELECT name FROM system.tables WHERE database = 'default'"
        databases = f"SELECT name FROM system.databases WHERE name NOT IN {_OWN}"
        try:
            with Client(host, port=port, connect_timeout=5, send_receive_timeout=_EMPTIED_WITHIN_S) as client:
                for (name,) in client.execute(tables):
                    client.execute(f"DROP TABLE IF EXISTS default.`{name}`")
                for (name,) in client.execute(databases):
                    client.execute(f"DROP DATABASE IF EXISTS `{name}`")
                left = client.execute(tables) + client.execute(databases)
        except (Error, OSError, EOFError) as error:
            raise FleetError(f"{self.name} was not emptied: {error}") from error
        return left
