"""The one database that nodes and migrators use, which each scenario gets anew: empty, or a copy of a kept one."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from support.containers.service import Store
from support.errors import ProbeError
from support.probes.postgres import connect

_USED = "postgres"  # the database that the platform is told of
_PATIENT_S = 30


class Databases:
    """What is done to whole databases, by the superuser. Every method raises ProbeError."""

    def __init__(self, server: Store) -> None:
        self._server = server

    def make_empty(self) -> None:
        """The database is as PostgreSQL makes one."""
        self._replace_by_copy_of("template0")

    def make(self, kept: str, build: Callable[[], object]) -> None:
        """The database is a copy of `kept`; when that is not there, `build` makes it in the database's place first."""
        if not self._is_there(kept):
            build()
            self._put_aside(kept)
        self._replace_by_copy_of(kept)

    def _put_aside(self, name: str) -> None:
        """It goes by `name` from now on. Nobody may use it meanwhile, so nobody is let in any more."""
        used, kept = Identifier(_USED), Identifier(name)
        with self._aside() as superuser:
            superuser.execute(SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(used))
            superuser.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [_USED]
            )
            superuser.execute(SQL("ALTER DATABASE {} RENAME TO {}").format(used, kept))

    def _replace_by_copy_of(self, template: str) -> None:
        """The one before is put aside, because to drop it costs a checkpoint."""
        if self._is_there(_USED):
            self._put_aside(f"past_{uuid.uuid4().hex}")
        with self._aside() as superuser:
            superuser.execute(SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(_USED), Identifier(template)))

    def _is_there(self, name: str) -> bool:
        with self._aside() as superuser:
            found = superuser.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        return found is not None

    @contextmanager
    def _aside(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection to another database than the one that is used."""
        try:
            with connect(self._server.address(), answers_within_s=_PATIENT_S, database="template1") as superuser:
                yield superuser
        except psycopg.Error as error:
            raise ProbeError(f"PostgreSQL did not make a database: {error}") from error
