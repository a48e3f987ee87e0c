"""The roles of the database: one to which the tables belong, and one that serves and can change no table."""

import psycopg
from psycopg.sql import SQL, Identifier

from .settings import OWNER, SERVICE, InvoiceSettings


def provision(settings: InvoiceSettings) -> None:
    """Makes the roles where they are absent, and lets them into the schema; for an administrator, once a database."""
    with psycopg.connect(settings.postgres_url) as connection:
        for role in (OWNER, SERVICE):
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                connection.execute(SQL("CREATE ROLE {} LOGIN").format(Identifier(role)))
        connection.execute(SQL("GRANT USAGE, CREATE ON SCHEMA public TO {}").format(Identifier(OWNER)))
        connection.execute(SQL("GRANT USAGE ON SCHEMA public TO {}").format(Identifier(SERVICE)))
