"""The one database that nodes and migrators use, which each scenario gets anew: empty, or a copy of a kept one."""

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
        with self._aside() as superuser:
            there = superuser.execute("SELECT 1 FROM pg_database WHERE datname = %s", [kept]).fetchone()
        if not there:
            build()
            self._keep(kept)
        self._replace_by_copy_of(kept)

    def _keep(self, name: str) -> None:
        """Puts the database aside under `name`. Nobody may use it meanwhile, so nobody is let in any more."""
        used, kept = Identifier(_USED), Identifier(name)
        with self._aside() as superuser:
            superuser.execute(SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(used))
            superuser.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [_USED]
            )
            superuser.execute(SQL("ALTER DATABASE {} RENAME TO {}").format(used, kept))

    def _replace_by_copy_of(self, template: str) -> None:
        used, other = Identifier(_USED), Identifier(template)
        with self._aside() as superuser:
            superuser.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(used))
            superuser.execute(SQL("CREATE DATABASE {} TEMPLATE {}").format(used, other))

    @contextmanager
    def _aside(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection to another database than the one that is used."""
        try:
            with connect(self._server.address(), answers_within_s=_PATIENT_S, database="template1") as superuser:
                yield superuser
        except psycopg.Error as error:
            raise ProbeError(f"PostgreSQL did not make a database: {error}") from error
