"""What an operator may set for the invoices and for the migrator of their database."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from psycopg.conninfo import make_conninfo

from ..settings import SettingsError, positive

RELEASES = (1, 2, 3)
OWNER = "invoices_migrator"  # the role to which all tables belong
SERVICE = "invoices_app"  # the role that serves customers; it can change rows, and no table


@dataclass(frozen=True)
class InvoiceSettings:
    """Each field is set by the environment variable of its name in capitals; names carry the unit."""

    postgres_url: str = field(repr=False)  # of an administrator, who makes the roles; nobody serves or migrates as such
    release: int
    migration_lock_timeout_s: float  # how long a migration may stand in the way of those who come after it
    migration_patience_s: float  # how long it goes on trying
    backfill_batch: int  # rows that are carried over in one transaction

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> "InvoiceSettings":
        """Reads the settings from `environ`; raises SettingsError, which never shows a secret's value."""
        release = int(positive(environ, "RELEASE", RELEASES[-1]))
        if release not in RELEASES:
            raise SettingsError(f"RELEASE: expected one of {RELEASES}, got {release}")
        return cls(
            postgres_url=environ.get("POSTGRES_URL", "postgresql://postgres@localhost:5432/postgres"),
            release=release,
            migration_lock_timeout_s=positive(environ, "MIGRATION_LOCK_TIMEOUT_S", 2),
            migration_patience_s=positive(environ, "MIGRATION_PATIENCE_S", 300),
            backfill_batch=int(positive(environ, "BACKFILL_BATCH", 1000)),
        )

    def address(self, role: str) -> str:
        """How `role` reaches the database, in libpq's words."""
        return make_conninfo(
            self.postgres_url, user=role, connect_timeout=2, application_name=f"release {self.release}"
        )
