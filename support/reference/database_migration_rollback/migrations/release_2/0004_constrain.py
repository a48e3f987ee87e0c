"""Every invoice has its cents, and none is below zero. Old rows are looked at under a lock that lets others write."""

from alembic import op

revision = "0004"
down_revision = "0003"
SERVES_FROM = 1


def upgrade() -> None:
    """New rows are held to it first, then the old ones are seen to."""
    op.execute("ALTER TABLE invoices ADD CONSTRAINT cents_are_there CHECK (amount_cents IS NOT NULL) NOT VALID")
    op.execute("ALTER TABLE invoices ADD CONSTRAINT not_below_zero CHECK (amount_cents >= 0) NOT VALID")
    op.execute("ALTER TABLE invoices VALIDATE CONSTRAINT cents_are_there")
    op.execute("ALTER TABLE invoices VALIDATE CONSTRAINT not_below_zero")


def downgrade() -> None:
    """The amounts stay as they are."""
    op.execute("ALTER TABLE invoices DROP CONSTRAINT not_below_zero, DROP CONSTRAINT cents_are_there")
