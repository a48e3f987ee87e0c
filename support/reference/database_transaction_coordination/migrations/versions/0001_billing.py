"""Accounts and their entries, and the outbox from which analytics is told of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

_LANES = 16


def upgrade() -> None:
    """What must hold of money is a constraint: it holds for every writer, also for those yet to be written."""
    _create_books()
    _create_outbox()


def downgrade() -> None:
    """Takes it all back."""
    for table in ("outbox", "outbox_lanes", "entries", "accounts"):
        op.drop_table(table)


def _create_books() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("customer", sa.Text, nullable=False, index=True),
        sa.Column("balance_cents", sa.BigInteger, nullable=False, server_default="0"),
        sa.UniqueConstraint("id", "customer"),
    )
    op.create_table(
        "entries",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("account_id", sa.Uuid, nullable=False),
        sa.Column("customer", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, sa.CheckConstraint("kind IN ('charge', 'refund')"), nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("amount_cents", sa.BigInteger, sa.CheckConstraint("amount_cents > 0"), nullable=False),
        sa.Column("currency", sa.Text, nullable=False, server_default="EUR"),
        sa.Column("day", sa.Date, sa.CheckConstraint("day BETWEEN '2000-01-01' AND '2099-12-31'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.ForeignKeyConstraint(["account_id", "customer"], ["accounts.id", "accounts.customer"]),
        sa.UniqueConstraint("customer", "reference"),
    )


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("entry_id", sa.Uuid, sa.ForeignKey("entries.id"), nullable=False, unique=True),
        sa.Column("customer", sa.Text, nullable=False),
        sa.Column("lane", sa.SmallInteger, nullable=False),
        sa.Column("payload", JSONB, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("error", sa.Text),
        sa.Column("parked_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )
    op.create_index("outbox_waiting", "outbox", ["lane", "id"], postgresql_where=sa.text("parked_at IS NULL"))
    lanes = op.create_table("outbox_lanes", sa.Column("lane", sa.SmallInteger, primary_key=True))
    op.bulk_insert(lanes, [{"lane": lane} for lane in range(_LANES)])
