"""Brings the schema forward and back: one runner at a time, revision by revision, never long in anybody's way."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from alembic import command
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from .history import APPLIED, TABLE, Applied, History, config_of
from .settings import OWNER, SERVICE, InvoiceSettings

RUNNERS_LOCK = 7_311_000  # any number that is no other lock's
ASKED_EVERY_S = 0.05
PAUSE_S = 0.2  # in which those who queued behind a migration get their turn

logger = logging.getLogger(__name__)


class BusyError(Exception):
    """Another runner is at work, or somebody holds what has to change, for longer than this one may wait."""


class Migrator:
    """The migrations of one release, for one database."""

    def __init__(self, settings: InvoiceSettings) -> None:
        self._settings = settings
        self._history = History(settings.release)
        self._address = settings.address(OWNER)
        self._deadline = time.monotonic() + settings.migration_patience_s
        timeout = f"-c lock_timeout={settings.migration_lock_timeout_s:g}s"
        self._engine = create_engine(
            "postgresql+psycopg://", creator=lambda: psycopg.connect(self._address, options=timeout), poolclass=NullPool
        )

    def up(self, to: str) -> None:
        """Applies what the database has not had, up to revision `to` or "head". Raises what `_run` does."""
        self._run(lambda config: command.upgrade(config, to))

    def down(self, to: str) -> None:
        """Takes back what came after revision `to`, or everything ("base"). Raises what `_run` does."""
        self._run(lambda config: command.downgrade(config, to))

    def _run(self, work: Callable[..., None]) -> None:
        """Raises HistoryError, BusyError, alembic's CommandError, psycopg.Error or SQLAlchemyError."""
        with self._alone():
            while True:
                try:
                    return self._attempt(work)
                except OperationalError as error:
                    if not isinstance(error.orig, LockNotAvailable):
                        raise
                    self._pause("somebody holds what has to change")

    def _attempt(self, work: Callable[..., None]) -> None:
        """Revisions that were applied before stay applied: each is a transaction of its own."""
        with self._engine.connect() as connection:
            self._prepare(connection)
            config = config_of(self._settings.release)
            config.attributes.update(connection=connection, settings=self._settings, applied=self._note)
            work(config)

    def _prepare(self, connection: Connection) -> None:
        """Refuses a history that is not this release's. Ends its transaction, so that each revision has its own."""
        with connection.begin():
            connection.execute(text(TABLE))
            connection.execute(text(f"GRANT SELECT ON schema_revisions TO {SERVICE}"))
            applied = [Applied(*row) for row in connection.execute(text(APPLIED))]
        self._history.refuse_unknown(applied)
        self._history.refuse_edited(applied)

    def _note(self, connection: Connection, revision: str, is_upgrade: bool) -> None:
        """Keeps what was applied, in the transaction of the revision itself."""
        connection.execute(text("DELETE FROM schema_revisions WHERE revision = :revision"), {"revision": revision})
        if is_upgrade:
            keep = "INSERT INTO schema_revisions (revision, checksum, serves_from)"
            connection.execute(text(f"{keep} VALUES (:revision, :checksum, :serves_from)"), self._history.row(revision))
        logger.info("%s %s", "applied" if is_upgrade else "took back", revision)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keeps other runners out. The lock is of a session, not of a transaction, and dies with its owner.

        It is asked for again and again: whoever waits inside PostgreSQL has a snapshot, for which an index that is
        built concurrently waits in turn.
        """
        with psycopg.connect(self._address, autocommit=True) as session:
            while not _said(session, "SELECT pg_try_advisory_lock(%s)"):
                self._pause("another runner is at work", ASKED_EVERY_S)
            yield
            if not _said(session, "SELECT pg_advisory_unlock(%s)"):
                raise BusyError("the lock that keeps other runners out was lost")

    def _pause(self, why: str, for_s: float = PAUSE_S) -> None:
        if time.monotonic() > self._deadline:
            raise BusyError(f"{why}, still after {self._settings.migration_patience_s:g} s")
        time.sleep(for_s)


def _said(session: psycopg.Connection[tuple[bool]], question: str) -> bool:
    row = session.execute(question.encode(), [RUNNERS_LOCK]).fetchone()
    return bool(row and row[0])
