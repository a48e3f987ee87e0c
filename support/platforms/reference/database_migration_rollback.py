"""Invoices as the reference platform serves them, its migrator, and its tables."""

from typing import Any

from support.capabilities.database_migration_rollback.client import (
    Errand,
    History,
    Invoice,
    Outcome,
    Revision,
    Roles,
    Tables,
)
from support.clients.node_client import NodeClient
from support.platforms.platform import Door
from support.promise import broken

_ANSWER_WITHIN_S = 15.0
_OUTCOMES = {201: Outcome.DONE, 204: Outcome.DONE, 404: Outcome.UNKNOWN, 409: Outcome.REFUSED, 503: Outcome.UNAVAILABLE}
_FOUND, _UNAVAILABLE = 200, 503
_MIGRATOR = ("python", "-m", "reference.database_migration_rollback")

# A copy of the code that the image runs, with another statement in a revision, and nothing that was compiled of it.
_UNEDITED = """
    cp -r reference /tmp && cd /tmp/reference/database_migration_rollback/migrations/release_1 && rm -rf __pycache__ &&
    sed -i 's/numeric(14, 2)/numeric(15, 2)/' 0001_invoices.py && grep -q 'numeric(15, 2)' 0001_invoices.py &&
    cd /tmp && exec "$@"
"""

_HISTORY = History(
    [*(Revision(f"{number:04}", release) for number, release in enumerate((1, 2, 2, 2, 2, 3), 1))],
    checking="0004",
)
_TABLES = Tables(
    invoices="invoices",
    reference="reference",
    bookkeeping=("alembic_version", "schema_revisions"),
    euros="SELECT reference, (amount * 100)::bigint AS cents FROM invoices",
    cents="SELECT reference, amount_cents AS cents FROM invoices",
    applied="SELECT revision FROM schema_revisions",
    fill="""
        INSERT INTO invoices (reference, amount)
        SELECT 'old-' || number, (number * 7919 %% 1000003) / 100.0 + (number %% 10 = 0)::int * 12345678
        FROM generate_series(1, %(count)s) AS number""",
    issue_again="INSERT INTO invoices (reference, amount_cents) VALUES (%(reference)s, 1)",
    unlawful="INSERT INTO invoices (reference, amount) VALUES ('below zero', -1)",
)


class Adapter(NodeClient):
    """One node, as customers and those who roll out releases meet it."""

    def __init__(self, door: Door) -> None:
        super().__init__(door, _ANSWER_WITHIN_S)

    def issue(self, reference: str, cents: int, note: str | None = None) -> Outcome:
        """One request for a new invoice."""
        return self._outcome("POST", "/invoices", {"reference": reference, "cents": cents, "note": note})

    def correct(self, reference: str, cents: int) -> Outcome:
        """One request to change an amount."""
        return self._outcome("PUT", f"/invoices/{reference}", {"cents": cents})

    def read(self, reference: str) -> Invoice | Outcome:
        """The invoice as the node shows it."""
        answer = self.ask("GET", f"/invoices/{reference}")
        if answer.status_code in (404, _UNAVAILABLE):
            return _OUTCOMES[answer.status_code]
        shown = self.expect(answer, _FOUND, "cents")
        return Invoice(shown["cents"], answer.json().get("note"))

    def ready(self) -> bool:
        """By its readiness, for load balancers."""
        answer = self.ask("GET", "/ready")
        if answer.status_code not in (_FOUND, _UNAVAILABLE):
            broken(f"{self.name}: expected {_FOUND} or {_UNAVAILABLE} of its readiness, got {answer.status_code}")
        return answer.status_code == _FOUND

    def provision(self) -> Errand:
        """The roles."""
        return Errand([*_MIGRATOR, "provision"], {})

    def up(self, release: int, to: str = "") -> Errand:
        """Alembic's upgrade."""
        return Errand([*_MIGRATOR, "up", to or "head"], {"RELEASE": str(release)})

    def up_unedited(self, release: int) -> Errand:
        """By a copy of the code."""
        return Errand(["sh", "-c", _UNEDITED, "sh", *_MIGRATOR, "up", "head"], {"RELEASE": str(release)})

    def down(self, release: int, to: str = "") -> Errand:
        """Alembic's downgrade."""
        return Errand([*_MIGRATOR, "down", to or "base"], {"RELEASE": str(release)})

    def history(self) -> History:
        """The reference platform's own."""
        return _HISTORY

    def roles(self) -> Roles:
        """The reference platform's own."""
        return Roles("invoices_app", "invoices_migrator")

    def tables(self) -> Tables:
        """The reference platform's own."""
        return _TABLES

    def _outcome(self, method: str, path: str, body: dict[str, Any]) -> Outcome:
        answer = self.ask(method, path, body)
        if answer.status_code not in _OUTCOMES:
            broken(
                f"{self.name}: expected one of {sorted(_OUTCOMES)} from {method} {path}, got {answer.status_code}: "
                f"{answer.text[:300]}\nthe last exchanges:\n{self._exchanges.last()}"
            )
        return _OUTCOMES[answer.status_code]
