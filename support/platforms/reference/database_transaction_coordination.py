"""Billing and analytics as the reference platform serves them: its routes, its tables, its metrics."""

from typing import NoReturn

import requests

from support.capabilities.database_transaction_coordination.client import (
    AnalyticsTables,
    BillingTables,
    Booking,
    Change,
    Outcome,
    PutAside,
    Report,
    Session,
)
from support.clients.identity import IdentityProvider
from support.clients.node_client import NodeClient, member
from support.platforms.platform import Door
from support.promise import broken

_ANSWER_WITHIN_S = 15.0  # a node that is silent for so long is taken to be silent for ever
_BOOKED, _FOUND, _UNAUTHENTICATED, _NO_SUCH_ACCOUNT, _UNAVAILABLE = 201, 200, 401, 404, 503
# No account, malformed, a reference that was used before, an amount or a day that cannot be.
_REJECTED = (_NO_SUCH_ACCOUNT, 400, 409, 422)

_BILLING = BillingTables(
    entries="""
        SELECT customer, reference, id::text AS id, account_id::text AS account, product,
               CASE kind WHEN 'refund' THEN -amount_cents ELSE amount_cents END AS cents, currency, day
        FROM entries""",
    accounts="SELECT customer, id::text AS account, balance_cents AS cents FROM accounts",
    outbox="""
        SELECT entries.customer, reference, attempts AS tries, parked_at IS NOT NULL AS put_aside
        FROM outbox JOIN entries ON entries.id = entry_id""",
)

_EVENTS = "billing_entry_events"
_COPIED = "account_id, customer, kind, reference, product"


def _replace(row: str) -> str:
    """What writes `row` in the place of rows: of two with the same id the one of the higher version counts."""
    return f"""
        INSERT INTO {_EVENTS} (id, {_COPIED}, change_cents, currency, day, version, deleted)
        SELECT {row} FROM {_EVENTS} WHERE has(%(references)s, reference)"""


def _show(**instead: str) -> str:
    """What shows rows with other values: column -> expression."""
    columns = ["id", *_COPIED.split(", "), "change_cents", "currency", "day"]
    return _replace(", ".join([*(instead.get(name, name) for name in columns), "version + 1", "deleted"]))


def _alter(do: str, undo: str) -> Change:
    return Change(f"ALTER TABLE {_EVENTS} {do}", f"ALTER TABLE {_EVENTS} {undo}")


_ANALYTICS = AnalyticsTables(
    entries="""
        SELECT customer, reference, toString(id) AS id, toString(account_id) AS account,
               toString(product) AS product, change_cents AS cents, currency, day
        FROM billing_entries""",
    deliveries=f"SELECT customer, reference FROM {_EVENTS}",
    keep_deliveries=Change(f"SYSTEM STOP MERGES {_EVENTS}", f"SYSTEM START MERGES {_EVENTS}"),
    lose=_replace(f"id, {_COPIED}, change_cents, currency, day, version + 1, 1"),
    show={
        "reference": _show(reference="%(value)s"),
        "account": _show(account_id="toUUID(%(value)s)"),
        "product": _show(product="%(value)s"),
        "cents": _show(kind="if(toInt64(%(value)s) > 0, 'charge', 'refund')", change_cents="toInt64(%(value)s)"),
        "currency": _show(currency="%(value)s"),
        "day": _show(day="toDate(%(value)s)"),
    },
    double=_replace(f"toUUID(%(id)s), {_COPIED}, change_cents, currency, day, version, deleted"),
    lose_the_table=Change(f"RENAME TABLE {_EVENTS} TO lost", f"RENAME TABLE lost TO {_EVENTS}"),
    # The currency is the same in all rows, so that a default brings back what was there.
    lose_a_column=_alter("DROP COLUMN currency", "ADD COLUMN currency String DEFAULT 'EUR' AFTER change_cents"),
    add_a_column=_alter("ADD COLUMN invoice String DEFAULT ''", "DROP COLUMN invoice"),
    # A table that has too many parts with none (ClickHouse's documentation: settings of MergeTree).
    too_much_to_do=(
        Change(
            f"CREATE TABLE busy AS {_EVENTS} ENGINE = ReplacingMergeTree(version) ORDER BY (customer, id) "
            "SETTINGS parts_to_delay_insert = 0, parts_to_throw_insert = 0",
            "DROP TABLE busy",
        ),
        Change(
            f"RENAME TABLE {_EVENTS} TO idle, busy TO {_EVENTS}", f"RENAME TABLE {_EVENTS} TO busy, idle TO {_EVENTS}"
        ),
    ),
    # Floating-point numbers hold all that is below 2^53 cents exactly.
    amounts_as_floats=_alter("MODIFY COLUMN change_cents Float64", "MODIFY COLUMN change_cents Int64"),
)


class Adapter(NodeClient):
    """One node, as customers and the operator reach it."""

    def __init__(self, door: Door) -> None:
        super().__init__(door, _ANSWER_WITHIN_S)
        self._identity = IdentityProvider(door.environment.get("JWT_SECRET", ""))

    def session(self, customer: str) -> Session:
        """A token of the identity provider, with which customers come."""
        return Session(self._identity.token(customer, []))

    def open_account(self, by: Session) -> str | Outcome:
        """Opens an account; its id."""
        answer = self.ask("POST", "/accounts", token=by)
        if answer.status_code != _BOOKED:
            return self._outcome(answer)
        return str(self.expect(answer, _BOOKED, "account")["account"])

    def balance(self, by: Session, account: str) -> int | Outcome:
        """The balance of `account` in cents."""
        answer = self.ask("GET", f"/accounts/{account}", token=by)
        if answer.status_code != _FOUND:
            return self._outcome(answer)
        cents = self.expect(answer, _FOUND, "balance_cents")["balance_cents"]
        return cents if isinstance(cents, int) else self._unexpected(answer, "a balance in whole cents")

    def charge(self, by: Session, booking: Booking) -> Outcome:
        """One request to book a charge."""
        return self._book(by, booking, "charges", booking.cents)

    def refund(self, by: Session, booking: Booking) -> Outcome:
        """One request to book a refund."""
        return self._book(by, booking, "refunds", -booking.cents)

    def put_aside(self, by: Session) -> dict[str, PutAside] | Outcome:
        """The events that are parked, by the ids of their entries."""
        answer = self.ask("GET", "/outbox/parked", token=by)
        if answer.status_code != _FOUND:
            return self._outcome(answer)
        parked = self.expect(answer, _FOUND, "parked")["parked"]
        try:
            return {one["entry"]: PutAside(one["attempts"], one["error"]) for one in parked}
        except (KeyError, TypeError):
            self._unexpected(answer, "the entry, attempts and error of each")

    def reconcile(self, by: Session) -> Report | Outcome:
        """Reconciles the customer's books."""
        answer = self.ask("POST", "/reconciliations", token=by)
        if answer.status_code != _FOUND:
            return self._outcome(answer)
        return Report(**self.expect(answer, _FOUND, *Report._fields))

    def waiting(self) -> int:
        """The depth of the outbox, by the node's metrics."""
        return int(self._metric("billing_outbox_depth"))

    def alert_is_raised(self) -> bool:
        """Whether any column has drifted, by the node's metrics."""
        return self._metric("billing_analytics_schema_drift") > 0

    def billing_tables(self) -> BillingTables:
        """The reference platform's own."""
        return _BILLING

    def analytics_tables(self) -> AnalyticsTables:
        """The reference platform's own."""
        return _ANALYTICS

    def _book(self, by: Session, booking: Booking, kind: str, cents: int) -> Outcome:
        body = {
            "reference": booking.reference,
            "product": booking.product,
            "amount_cents": cents,
            "day": booking.day.isoformat(),
        }
        answer = self.ask("POST", f"/accounts/{booking.account}/{kind}", body, by)
        if answer.status_code == _BOOKED:
            self.expect(answer, _BOOKED, "entry")
            return Outcome.BOOKED
        return self._outcome(answer)

    def _outcome(self, answer: requests.Response) -> Outcome:
        """What an answer means that is no success. AssertionError for one that a node should not give."""
        if answer.status_code == _UNAVAILABLE:
            return Outcome.UNAVAILABLE
        if answer.status_code == _UNAUTHENTICATED:
            return Outcome.UNAUTHENTICATED
        if answer.status_code in _REJECTED:
            return Outcome.TRY_AGAIN if member(answer, "retryable") else Outcome.REJECTED
        self._unexpected(answer, "a success or a refusal")

    def _metric(self, name: str) -> float:
        """A metric without labels, of Prometheus's text format."""
        answer = self.ask("GET", "/metrics")
        found = [line.split()[1] for line in answer.text.splitlines() if line.startswith(f"{name} ")]
        if answer.status_code != _FOUND or not found:
            self._unexpected(answer, f"a metric {name}")
        return float(found[0])

    def _unexpected(self, answer: requests.Response, expected: str) -> NoReturn:
        broken(
            f"{self.name}: expected {expected} from {answer.request.method} {answer.request.path_url}, "
            f"got {answer.status_code}: {answer.text[:300]}\nthe last exchanges:\n{self._exchanges.last()}"
        )
