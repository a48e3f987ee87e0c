"""Alembic's entry: applies revisions on the connection that the migrator hands over, each in its own transaction."""

from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo

applied = context.config.attributes["applied"]


def note(ctx: MigrationContext, step: MigrationInfo, heads: Any, run_args: Any) -> None:
    """Tells the migrator of a revision before the transaction that holds it ends."""
    applied(ctx.connection, step.up_revision_id or step.source_revision_ids[0], step.is_upgrade)


context.configure(
    connection=context.config.attributes["connection"], transaction_per_migration=True, on_version_apply=note
)
with context.begin_transaction():
    context.run_migrations()
