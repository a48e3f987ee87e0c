"""Invoices, with their amounts in euros."""

from alembic import op

revision = "0001"
down_revision = None
SERVES_FROM = 1


def upgrade() -> None:
    """Makes the tables. `dropped_values` keeps what a way back would lose, until the way forward brings it back."""
    op.execute("""
        CREATE TABLE invoices (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            reference text NOT NULL,
            amount numeric(14, 2) NOT NULL
        )""")
    op.execute("CREATE INDEX invoices_by_reference ON invoices (reference)")
    op.execute("GRANT SELECT, INSERT, UPDATE ON invoices TO invoices_app")
    op.execute("""
        CREATE TABLE dropped_values (
            invoice bigint NOT NULL,
            field text NOT NULL,
            value text NOT NULL,
            PRIMARY KEY (invoice, field)
        )""")


def downgrade() -> None:
    """The way back to nothing."""
    op.execute("DROP TABLE dropped_values")
    op.execute("DROP TABLE invoices")
