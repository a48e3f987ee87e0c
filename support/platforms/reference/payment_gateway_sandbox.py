"""Payments of the reference platform: its routes, its answers, the claims of its tokens, its tables."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import requests

from support.capabilities.payment_gateway_sandbox.client import (
    Answer,
    Finding,
    Line,
    Money,
    Order,
    Outcome,
    Quote,
    Receipt,
    Tables,
)
from support.clients.identity import IdentityProvider
from support.clients.node_client import NodeClient, member
from support.platforms.platform import Door
from support.promise import broken

_AT_ONCE = 50
_REFUSALS = {
    202: Outcome.NOT_KNOWN,
    400: Outcome.INVALID,
    401: Outcome.UNAUTHENTICATED,
    402: Outcome.DECLINED,
    403: Outcome.FORBIDDEN,
    404: Outcome.NOT_FOUND,
    409: Outcome.CONFLICT,
    503: Outcome.UNAVAILABLE,
}
_REASONS = {"insufficient_funds": Outcome.WITHOUT_FUNDS, "expired_card": Outcome.EXPIRED}
_TABLES = Tables(
    movements="SELECT owner, kind, amount, currency FROM ledger WHERE side = 'provider'",
    sides="SELECT currency, amount FROM ledger",
    orders="""
        SELECT id::text AS id, EXISTS (
            SELECT FROM payments WHERE order_id = orders.id AND status = 'succeeded') AS settled
        FROM orders""",
    findings="SELECT kind, reference FROM findings",
    subscribers="SELECT customer AS name, customer_id AS provider_id FROM subscriptions WHERE status <> 'declined'"
    " AND customer_id IS NOT NULL",
    lock_order="SELECT FROM orders WHERE id = %s::uuid FOR UPDATE",
    age="""
        WITH payment AS (
            UPDATE payments SET created_at = created_at - make_interval(hours => %(hours)s)
            WHERE order_id::text = %(owner)s
        ), refund AS (
            UPDATE refunds SET created_at = created_at - make_interval(hours => %(hours)s)
            WHERE payment_id IN (SELECT id FROM payments WHERE order_id::text = %(owner)s)
        )
        UPDATE subscriptions SET created_at = created_at - make_interval(hours => %(hours)s)
        WHERE customer = %(owner)s""",
)


class Adapter(NodeClient):
    """One node, as customers and operators reach it."""

    def __init__(self, door: Door) -> None:
        super().__init__(door, answer_within_s=20, at_once=_AT_ONCE)
        self._environment = door.environment
        self._identity = IdentityProvider(door.environment["JWT_SECRET"])

    @property
    def webhook_secrets(self) -> Sequence[str]:
        """As the node's environment has them."""
        return self._environment["PAYMENT_WEBHOOK_SECRETS"].split(",")

    @property
    def api_key(self) -> str:
        """The same."""
        return self._environment["PAYMENT_API_KEY"]

    def webhooks_at(self, origin: str) -> str:
        """The route of webhooks."""
        return f"{origin}/webhooks/payments"

    def tables(self) -> Tables:
        """The reference platform's own."""
        return _TABLES

    def order(self, customer: str, lines: Sequence[Line], currency: str) -> Order | Outcome:
        """Orders."""
        said = [{"quantity": line.quantity, "price": str(line.price)} for line in lines]
        answer = self._as(customer, "POST", "/orders", {"lines": said, "currency": currency})
        if answer.status_code != 201:
            return self._outcome(answer)
        found = self.expect(answer, 201, "order", "amount", "currency")
        return Order(found["order"], customer, Money(Decimal(found["amount"]), found["currency"]))

    def order_for(self, customer: str, price: str, currency: str) -> Outcome:
        """An order of one line, with a price as it is written."""
        said = {"lines": [{"quantity": 1, "price": price}], "currency": currency}
        return self._outcome(self._as(customer, "POST", "/orders", said), 201)

    def pay(self, customer: str, order: str, card: str | int, key: str = "") -> Answer:
        """Pays."""
        headers = {"Idempotency-Key": key} if key else {}
        answer = self._as(customer, "POST", f"/orders/{order}/payments", {"card": card}, headers)
        return self._told(answer)

    def receipt(self, customer: str, order: str) -> Receipt | Outcome:
        """The order as it is shown."""
        answer = self._as(customer, "GET", f"/orders/{order}")
        if answer.status_code != 200:
            return self._outcome(answer)
        found = self.expect(answer, 200, "status", "paid", "refunded", "currency")
        paid, refunded = (Money(Decimal(found[name]), found["currency"]) for name in ("paid", "refunded"))
        return Receipt(found["status"] == "succeeded", paid, refunded)

    def subscribe(self, customer: str, plan: str, card: str | int, trial_days: int = 0) -> Answer:
        """Subscribes."""
        said = {"plan": plan, "card": card, "trial_days": trial_days}
        return self._told(self._as(customer, "POST", "/subscription", said))

    def access(self, customer: str) -> str | None:
        """The plan of the subscription that gives access."""
        answer = self._as(customer, "GET", "/subscription")
        self.expect(answer, 200)
        plan = member(answer, "plan")
        return None if plan is None else str(plan)

    def quote(self, customer: str, plan: str) -> Quote:
        """A quote; its token is its id."""
        answer = self._as(customer, "POST", "/subscription/quotes", {"plan": plan})
        found = self.expect(answer, 200, "quote", "due", "currency")
        return Quote(Money(Decimal(found["due"]), found["currency"]), str(found["quote"]))

    def change(self, customer: str, plan: str, quote: Quote) -> Answer:
        """Changes to the plan that was quoted."""
        return self._told(self._as(customer, "POST", "/subscription/changes", {"quote": quote.token}))

    def cancel(self, customer: str) -> Answer:
        """Cancels."""
        return self._told(self._as(customer, "DELETE", "/subscription"))

    def refund(self, order: str, money: Money) -> Answer:
        """Refunds, as an operator."""
        return self._told(self._refund("operator", order, money, role="operator"))

    def refund_as_customer(self, customer: str, order: str, money: Money) -> Answer:
        """The same route, by the token of a customer."""
        return self._told(self._refund(customer, order, money))

    def reconcile(self, since: int) -> list[Finding]:
        """Reconciles, as an operator."""
        token = self._identity.token("operator", [], role="operator")
        answer = self.ask("POST", "/reconciliations", {"since": since}, token)
        findings = self.expect(answer, 200, "findings")["findings"]
        return [Finding(one["kind"], one["order"]) for one in findings]

    def _refund(self, user: str, order: str, money: Money, role: str | None = None) -> requests.Response:
        token = self._identity.token(user, [], role=role)
        said = {"amount": str(money.amount), "currency": money.currency}
        return self.ask("POST", f"/orders/{order}/refunds", said, token)

    def _as(
        self, customer: str, method: str, path: str, body: Any = None, headers: Mapping[str, str] = {}
    ) -> requests.Response:
        return self.ask(method, path, body, self._identity.token(customer, []), headers)

    def _told(self, answer: requests.Response) -> Answer:
        outcome = self._outcome(answer, 200)
        if member(answer, "status") == "requires_action":
            outcome = Outcome.TO_BE_CONFIRMED
        if outcome is Outcome.DECLINED:
            outcome = _REASONS.get(str(member(answer, "reason")), outcome)
        return Answer(outcome, answer.text)

    def _outcome(self, answer: requests.Response, done: int = 200) -> Outcome:
        """What an answer means. AssertionError for one that a node should not give."""
        if answer.status_code == done:
            return Outcome.DONE
        if answer.status_code not in _REFUSALS:
            asked = f"{answer.request.method} {answer.request.path_url}"
            broken(f"{self.name} answered {asked} by {answer.status_code}: {answer.text[:300]}")
        return _REFUSALS[answer.status_code]
