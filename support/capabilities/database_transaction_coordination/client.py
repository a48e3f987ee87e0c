"""A customer of billing: opens accounts, is charged, is given money back; and the operator who looks after it.

The routes and messages are the reference platform's; a platform with others needs another module of this name.
An answer that a node should not have given is an AssertionError, with the last exchanges in its message.
"""

import datetime
from typing import NamedTuple

import requests

from support.clients.node_client import NodeClient, member
from support.platforms.platform import Door

ANSWER_WITHIN_S = 15.0  # a node that is silent for so long is taken to be silent for ever
BOOKED = 201
TRIES = 20  # a node that asks to try again more often than that does not mean it


class Booking(NamedTuple):
    """A charge, or a refund if `cents` is below 0, as it was asked for; both stores are held against it."""

    reference: str
    account: str
    product: str
    cents: int
    day: datetime.date


class Report(NamedTuple):
    """The references of what analytics lacked, showed differently, or showed without billing knowing of it."""

    missing: list[str]
    differing: list[str]
    surplus: list[str]


class BillingNode(NodeClient):
    """One node, as a customer reaches it."""

    def __init__(self, door: Door) -> None:
        super().__init__(door, ANSWER_WITHIN_S)

    def act_as(self, token: str) -> None:
        """From now on every request is made with the session of `token`."""
        self._http.headers["Authorization"] = f"Bearer {token}"

    def open_account(self) -> str:
        """Opens an account; returns its id."""
        return str(self.expect(self.ask("POST", "/accounts"), BOOKED, "account")["account"])

    def balance(self, account: str) -> int:
        """The balance of `account` in cents."""
        return int(self.expect(self.ask("GET", f"/accounts/{account}"), 200, "balance_cents")["balance_cents"])

    def book(self, booking: Booking) -> str:
        """Books a charge or a refund; returns the id that it got. AssertionError when it is not booked."""
        return str(self.expect(self.offer(booking), BOOKED, "entry")["entry"])

    def offer(self, booking: Booking) -> requests.Response:
        """Tries to book, and returns the answer, whatever it is; tries again while the node asks for that.

        A loser of a race may be answered by 409 with `retryable`; AssertionError when that never ends.
        """
        for _ in range(TRIES):
            answer = self.attempt(booking, "refunds" if booking.cents < 0 else "charges")
            if answer.status_code != 409 or not member(answer, "retryable"):
                return answer
        raise AssertionError(f"{self.name} asked {TRIES} times to try again with {booking}: {answer.text}")

    def attempt(self, booking: Booking, kind: str = "charges") -> requests.Response:
        """One request to book, with the amount as it is given, and its answer."""
        cents = -booking.cents if kind == "refunds" else booking.cents
        body = {
            "reference": booking.reference,
            "product": booking.product,
            "amount_cents": cents,
            "day": booking.day.isoformat(),
        }
        return self.ask("POST", f"/accounts/{booking.account}/{kind}", body)

    def put_aside(self) -> dict[str, tuple[int, str]]:
        """What analytics refused for good: id of the booking -> number of tries, reason."""
        answer = self.expect(self.ask("GET", "/outbox/parked"), 200, "parked")
        return {parked["entry"]: (parked["attempts"], parked["error"]) for parked in answer["parked"]}

    def reconcile(self) -> Report:
        """Has the customer's books reconciled; returns the ids that the report names."""
        return Report(**self.expect(self.ask("POST", "/reconciliations"), 200, *Report._fields))

    def waiting(self) -> int:
        """How many charges of all customers wait for analytics, by the node's metrics."""
        return int(self._metric("billing_outbox_depth"))

    def alerts_of_drift(self) -> bool:
        """Whether the node's metrics raise the alert that analytics has changed."""
        return self._metric("billing_analytics_schema_drift") > 0

    def _metric(self, name: str) -> float:
        """A metric without labels, of Prometheus's text format. AssertionError when it is not there."""
        answer = self.ask("GET", "/metrics")
        found = [line.split()[1] for line in answer.text.splitlines() if line.startswith(f"{name} ")]
        assert answer.status_code == 200 and found, f"{self.name} has no metric {name}: {answer.text}"
        return float(found[0])
