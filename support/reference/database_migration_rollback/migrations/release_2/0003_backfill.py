"""The amounts in cents of invoices that were there before, some at a time; what is done is not done again."""

from alembic import context, op
from sqlalchemy import text

revision = "0003"
down_revision = "0002"
SERVES_FROM = 1

# A row that somebody has changed meanwhile is read again before it is written, and has its cents by then.
BATCH = text("""
    WITH batch AS (
        SELECT id FROM invoices WHERE id > :after AND amount_cents IS NULL ORDER BY id LIMIT :size
    ), carried AS (
        UPDATE invoices SET amount_cents = round(amount * 100)
        WHERE id IN (SELECT id FROM batch) AND amount_cents IS NULL
    )
    SELECT max(id) FROM batch""")


def upgrade() -> None:
    """Each batch is a transaction: no row is held for longer, and a runner that dies leaves off where it was."""
    size = context.config.attributes["settings"].backfill_batch
    after: int | None = 0
    with op.get_context().autocommit_block():
        while after is not None:
            after = op.get_bind().execute(BATCH, {"after": after, "size": size}).scalar()


def downgrade() -> None:
    """The column goes with the revision before."""
