"""The tables of billing in PostgreSQL, and the migrations that make them (see migrations)."""

from pathlib import Path

from sqlalchemy import (
    URL,
    BigInteger,
    Column,
    Date,
    DateTime,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    create_engine,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

LANES = 16  # how many relays could work at the same time; the migration makes as many
MIGRATION_LOCK = 4_150_000  # any number that is no other lock's

_metadata = MetaData()

accounts = Table(
    "accounts",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer", Text),
    Column("balance_cents", BigInteger),
)
entries = Table(
    "entries",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid),
    Column("customer", Text),
    Column("kind", Text),
    Column("reference", Text),
    Column("product", Text),
    Column("amount_cents", BigInteger),
    Column("currency", Text),
    Column("day", Date),
)
outbox = Table(
    "outbox",
    _metadata,
    Column("id", BigInteger, primary_key=True),
    Column("entry_id", Uuid),
    Column("customer", Text),
    Column("lane", SmallInteger),
    Column("payload", JSONB),
    Column("attempts", Integer),
    Column("error", Text),
    Column("parked_at", DateTime(timezone=True)),
)
outbox_lanes = Table("outbox_lanes", _metadata, Column("lane", SmallInteger, primary_key=True))


def migrate(url: URL, connect_args: dict[str, object]) -> None:
    """Brings the schema up to date; of several nodes that start at once, one does it and the others wait for it.

    Blocks, so call it in a thread. Raises sqlalchemy.exc.SQLAlchemyError.
    """
    # Loaded here: it takes as long as the migration, and is of no use afterwards.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    engine = create_engine(url, connect_args=connect_args)
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()
