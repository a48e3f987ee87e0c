"""No two invoices have the same reference. The index is built while customers write."""

from alembic import op

revision = "0005"
down_revision = "0004"
SERVES_FROM = 1


def upgrade() -> None:
    """What an earlier try has left is no index, and IF NOT EXISTS would take it for one: it goes first."""
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS invoices_one_by_reference")
        op.execute("CREATE UNIQUE INDEX CONCURRENTLY invoices_one_by_reference ON invoices (reference)")


def downgrade() -> None:
    """The index of release 1 has been there all the while."""
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS invoices_one_by_reference")
