"""Amounts in cents beside those in euros, and notes. Whichever release writes an invoice, both amounts are kept."""

from alembic import op

revision = "0002"
down_revision = "0001"
SERVES_FROM = 1

KEEP_BOTH = """
    CREATE FUNCTION keep_both_amounts() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' AND NEW.amount_cents IS NOT NULL
                OR TG_OP = 'UPDATE' AND NEW.amount_cents IS DISTINCT FROM OLD.amount_cents THEN
            NEW.amount := NEW.amount_cents / 100.0;
        ELSE
            NEW.amount_cents := round(NEW.amount * 100);
        END IF;
        RETURN NEW;
    END $$"""


def upgrade() -> None:
    """Nothing of the table is read or rewritten, so the lock that this needs is held for a moment."""
    op.execute("ALTER TABLE invoices ADD COLUMN amount_cents bigint, ADD COLUMN note text")
    op.execute(KEEP_BOTH)
    op.execute("""
        CREATE TRIGGER keep_both_amounts BEFORE INSERT OR UPDATE ON invoices
        FOR EACH ROW EXECUTE FUNCTION keep_both_amounts()""")
    op.execute("""
        UPDATE invoices SET note = value FROM dropped_values WHERE invoice = invoices.id AND field = 'note'""")
    op.execute("DELETE FROM dropped_values WHERE field = 'note'")


def downgrade() -> None:
    """Notes, which release 1 has no place for, are put aside; amounts are there in euros."""
    op.execute("LOCK TABLE invoices IN ACCESS EXCLUSIVE MODE")
    op.execute("""
        INSERT INTO dropped_values (invoice, field, value)
        SELECT id, 'note', note FROM invoices WHERE note IS NOT NULL""")
    op.execute("DROP TRIGGER keep_both_amounts ON invoices")
    op.execute("DROP FUNCTION keep_both_amounts")
    op.execute("ALTER TABLE invoices DROP COLUMN amount_cents, DROP COLUMN note")
