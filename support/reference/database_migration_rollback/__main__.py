"""The command line of the migrator: `python -m reference.database_migration_rollback up|down [REVISION] | provision`.

Ends with 0 when the database is as it was asked for, 1 when it is not, with the reason, and 2 for words that it does
not understand.
"""

import logging
import os
import sys

import psycopg
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from ..settings import SettingsError
from .history import HistoryError
from .migrator import BusyError, Migrator
from .roles import provision
from .settings import InvoiceSettings

USAGE = "expected up [REVISION], down REVISION (or base), or provision"
FAILURES = (HistoryError, BusyError, CommandError, SQLAlchemyError, psycopg.Error)


def main(words: list[str]) -> int:
    """Does what `words` say; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        settings = InvoiceSettings.load(os.environ)
        match words:
            case ["up", *to] if len(to) < 2:
                Migrator(settings).up(*to or ["head"])
            case ["down", to]:
                Migrator(settings).down(to)
            case ["provision"]:
                provision(settings)
            case _:
                print(USAGE, file=sys.stderr)
                return 2
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    except FAILURES as error:
        print(f"nothing more was changed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
