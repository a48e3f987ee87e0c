"""Analytics: the entries of billing in ClickHouse, where they are counted and summed up.

Events may be delivered again, after a crash or an answer that was lost. The table keeps one row for each entry, the
one of the highest version, but only in the end (ReplacingMergeTree). What analysts read is therefore the view
`billing_entries`, which never shows a row twice, nor one that was taken back.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from clickhouse_driver import Client
from clickhouse_driver.errors import Error, ErrorCodes, NetworkError, SocketTimeoutError
from clickhouse_driver.util.helpers import parse_url

from .entry import Entry

COLUMNS = {
    "id": "UUID",
    "account_id": "UUID",
    "customer": "String",
    "kind": "Enum8('charge' = 1, 'refund' = 2)",
    "reference": "String",
    "product": "Enum8('subscription' = 1, 'usage' = 2, 'support' = 3)",
    "change_cents": "Int64",
    "currency": "String",
    "day": "Date",
    "version": "UInt64",
    "deleted": "UInt8",
}
TABLE = f"""
CREATE TABLE IF NOT EXISTS billing_entry_events ({", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())})
ENGINE = ReplacingMergeTree(version) ORDER BY (customer, id)
"""
VIEW = """
CREATE VIEW IF NOT EXISTS billing_entries AS
SELECT id, account_id, customer, kind, reference, product, change_cents, currency, day
FROM billing_entry_events FINAL WHERE deleted = 0
"""
INSERT = f"INSERT INTO billing_entry_events ({', '.join(COLUMNS)}) VALUES"
READ = """
SELECT id, account_id, customer, kind, reference, product,
    if(kind = 'charge', change_cents, -change_cents), currency, day
FROM billing_entries WHERE customer = %(customer)s
"""
DESCRIBE = """
SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = 'billing_entry_events'
"""
FIRST_VERSION = 0

# What a server says that is not able to now: it has too much to do, no room, or is being looked after. It is no word
# about the data.
UNABLE = {
    ErrorCodes.CANNOT_WRITE_TO_FILE_DESCRIPTOR,
    ErrorCodes.TIMEOUT_EXCEEDED,
    ErrorCodes.READONLY,
    ErrorCodes.CANNOT_ALLOCATE_MEMORY,
    ErrorCodes.TOO_MANY_SIMULTANEOUS_QUERIES,
    ErrorCodes.NO_FREE_CONNECTION,
    ErrorCodes.SOCKET_TIMEOUT,
    ErrorCodes.NETWORK_ERROR,
    ErrorCodes.MEMORY_LIMIT_EXCEEDED,
    ErrorCodes.TABLE_IS_READ_ONLY,
    ErrorCodes.NOT_ENOUGH_SPACE,
    ErrorCodes.TOO_MANY_PARTS,
    ErrorCodes.QUERY_WAS_CANCELLED,
}


class AnalyticsError(Exception):
    """Analytics could not be reached, or did not say whether it took what it was given."""


class RefusedError(Exception):
    """Analytics refused what it was given, and would again."""


class Analytics:
    """One connection to ClickHouse. Methods block, so that they are called in threads, but only by one at a time.

    Each raises AnalyticsError.
    """

    def __init__(self, url: str, timeout_s: float) -> None:
        host, options = parse_url(url)
        limits = dict.fromkeys(("connect_timeout", "send_receive_timeout", "sync_request_timeout"), timeout_s)
        self._client = Client(host, **options | limits)

    def prepare(self) -> None:
        """Makes the table and the view where they are not there yet."""
        with _told():
            self._client.execute(TABLE)
            self._client.execute(VIEW)

    def drift(self) -> list[str]:
        """The columns that are missing, or no longer of the type that billing writes. More than these do no harm."""
        with _told():
            there = dict(self._client.execute(DESCRIBE))
        return [name for name, kind in COLUMNS.items() if there.get(name) != kind]

    def insert(self, entries: Iterable[Entry], version: int = FIRST_VERSION, deleted: bool = False) -> None:
        """Writes entries; returns once they are acknowledged. Raises RefusedError too, and then none is written.

        Of several versions of an entry the highest counts; one that is `deleted` takes the entry back.
        """
        rows = [_row(entry) | {"version": version, "deleted": int(deleted)} for entry in entries]
        with _told():
            if rows:
                self._client.execute(INSERT, rows)

    def entries(self, customer: str) -> list[Entry]:
        """What analysts see of a customer."""
        with _told():
            return [Entry(*row) for row in self._client.execute(READ, {"customer": customer})]

    def close(self) -> None:
        """Gives the connection back."""
        self._client.disconnect()


def _row(entry: Entry) -> dict[str, Any]:
    row = vars(entry) | {"change_cents": entry.change_cents}
    return {name: row[name] for name in COLUMNS if name in row}


@contextmanager
def _told() -> Iterator[None]:
    """Tells a server that could not be asked from one that refused."""
    try:
        yield
    except (NetworkError, SocketTimeoutError, OSError, EOFError) as error:
        raise AnalyticsError(f"analytics did not answer: {error}") from error
    except Error as error:  # the server's own, or the driver's when a value does not fit its column
        if error.code in UNABLE:
            raise AnalyticsError(f"analytics is not able to: {error}") from error
        raise RefusedError(str(error).splitlines()[0]) from error
    except (TypeError, ValueError) as error:  # what the driver cannot even encode
        raise RefusedError(str(error)) from error
