"""Amounts in cents alone. Release 1, which writes euros, cannot serve any more."""

from alembic import op

revision = "0006"
down_revision = "0005"
SERVES_FROM = 2


def upgrade() -> None:
    """All that is dropped can be told from the cents."""
    op.execute("DROP TRIGGER keep_both_amounts ON invoices")
    op.execute("ALTER TABLE invoices DROP COLUMN amount")


def downgrade() -> None:
    """The amounts in euros are back, as they were; an empty column and its trigger would take a release to fill."""
    op.execute("ALTER TABLE invoices ADD COLUMN amount numeric(14, 2)")
    op.execute("UPDATE invoices SET amount = amount_cents / 100.0")
    op.execute("ALTER TABLE invoices ALTER COLUMN amount SET NOT NULL")
    op.execute("""
        CREATE TRIGGER keep_both_amounts BEFORE INSERT OR UPDATE ON invoices
        FOR EACH ROW EXECUTE FUNCTION keep_both_amounts()""")
