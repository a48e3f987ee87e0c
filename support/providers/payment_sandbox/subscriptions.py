"""Subscriptions as a platform asks for them: made, changed, previewed, canceled."""

import copy
from typing import Any

from . import proration
from .books import Books, Object, new_id
from .calendar import DAY_S
from .cards import Card
from .customers import months
from .cycle import INCOMPLETE_FOR_S, Account, Cycle
from .errors import ApiError, invalid
from .invoices import Invoices
from .parameters import Parameters

CREATE = (
    "customer", "items", "trial_period_days", "trial_end", "payment_behavior", "default_payment_method", "metadata",
    "proration_behavior", "off_session",
)  # fmt: skip
UPDATE = (
    "items", "proration_behavior", "proration_date", "payment_behavior", "cancel_at_period_end", "cancel_at",
    "default_payment_method", "metadata", "off_session",
)  # fmt: skip
_PRORATIONS = ("create_prorations", "always_invoice", "none")
_BEHAVIORS = ("allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete")
_OVER = ("canceled", "incomplete_expired")


class Subscriptions:
    """Subscriptions, and the previews of what a change would cost."""

    def __init__(self, books: Books, invoices: Invoices, cycle: Cycle) -> None:
        self._books, self._invoices, self._cycle = books, invoices, cycle

    def create(self, given: Parameters) -> Object:
        """POST /v1/subscriptions. Raises ApiError, 402 for a payment that failed with error_if_incomplete."""
        given.only(*CREATE)
        customer = self._books.get("customer", given.needed("customer"), "customer")["id"]
        now, behavior = self._books.now(customer), given.one_of("payment_behavior", *_BEHAVIORS)
        trial_end = _trial_end(given, now)
        items = [self._item(one, now) for one in given.each("items")]
        if not items:
            raise invalid("Missing required param: items.", "items", "parameter_missing")
        subscription = self._rendered(customer, items, given, now, trial_end)
        if trial_end is None and behavior != "default_incomplete":
            self._see_payable(subscription, behavior)
        return self._begin(self._books.add("subscription", now, **subscription), behavior)

    def update(self, given: Parameters, id_: str) -> Object:
        """POST /v1/subscriptions/{id}. Raises ApiError."""
        given.only(*UPDATE)
        subscription = self._live(id_)
        if "items" in given:
            self._change_items(subscription, given)
        changed: dict[str, Any] = _cancellation(subscription, given, self._books.now(subscription["customer"]))
        if "metadata" in given:
            changed["metadata"] = subscription["metadata"] | given.mapping("metadata")
        if method := given.text("default_payment_method"):
            changed["default_payment_method"] = self._books.get("payment_method", method, "default_payment_method")[
                "id"
            ]
        if changed:
            self._books.change("customer.subscription.updated", subscription, **changed)
        return subscription

    def cancel(self, given: Parameters, id_: str) -> Object:
        """DELETE /v1/subscriptions/{id}: over now."""
        given.only()
        subscription = self._live(id_)
        self._cycle.end(subscription)
        return subscription

    def find(self, given: Parameters) -> list[Object]:
        """Those that GET /v1/subscriptions is asked for; canceled ones only by status=all, or that status."""
        wanted = {"customer": customer} if (customer := given.text("customer")) else {}
        status = given.text("status")
        return [
            one
            for one in self._books.all("subscription", **wanted)
            if status == "all" or one["status"] == status or (status is None and one["status"] != "canceled")
        ]

    def pay(self, given: Parameters, id_: str) -> Object:
        """POST /v1/invoices/{id}/pay. Raises ApiError, 402 when the bank declines."""
        given.only("off_session")
        invoice = self._books.get("invoice", id_)
        if invoice["status"] != "open":
            raise invalid(f"Invoice is {invoice['status']}")
        self._cycle.pay(invoice)
        return invoice

    def preview(self, given: Parameters) -> Object:
        """POST /v1/invoices/create_preview: what the next invoice will be if a subscription is changed so."""
        given.only("customer", "subscription", "subscription_details")
        subscription = self._live(given.needed("subscription"), "subscription")
        details = given.inner("subscription_details").only("items", "proration_behavior", "proration_date")
        items, lines = self._plan(subscription, details)
        reason = "subscription_update"
        if details.one_of("proration_behavior", *_PRORATIONS) != "always_invoice":
            account, reason = self._cycle.accounts[subscription["id"]], "subscription_cycle"
            period = self._cycle.bounds(subscription, account.period + 1)
            lines = account.pending + lines + [proration.whole_period(one, subscription, *period) for one in items]
        rendered = self._invoices.rendered(subscription, lines, reason)
        return {"id": new_id("upcoming_in"), "object": "invoice", "created": rendered["period_end"], **rendered}

    def _begin(self, subscription: Object, behavior: str) -> Object:
        trial_end = subscription["trial_end"]
        self._cycle.accounts[subscription["id"]] = Account(period=-1 if trial_end else 0)
        period = (subscription["created"], trial_end) if trial_end else self._cycle.bounds(subscription, 0)
        lines = self._cycle.enter(subscription, *period)
        self._books.emit("customer.subscription.created", subscription)
        if trial_end:
            self._cycle.accounts[subscription["id"]].warned = trial_end - subscription["created"] <= 3 * DAY_S
            lines = [{**line, "amount": 0} for line in lines]
        invoice = self._invoices.drawn(subscription, lines, "subscription_create")
        if trial_end or behavior != "default_incomplete":
            self._cycle.collect(subscription, invoice)
        return subscription

    def _change_items(self, subscription: Object, given: Parameters) -> None:
        items, lines = self._plan(subscription, given)
        behavior = given.one_of("payment_behavior", *_BEHAVIORS)
        if given.one_of("proration_behavior", *_PRORATIONS) != "always_invoice" or not lines:
            self._cycle.apply(subscription, items, lines)
            self._cycle.accounts[subscription["id"]].pending += lines
            return
        if behavior == "error_if_incomplete":
            self._see_payable(subscription, behavior)
        pending = behavior == "pending_if_incomplete"
        if not pending:
            self._cycle.apply(subscription, items, lines)
        invoice = self._invoices.drawn(subscription, lines, "subscription_update")
        if pending:
            self._cycle.accounts[subscription["id"]].update = (invoice["id"], items, lines)
        if self._cycle.collect(subscription, invoice) and pending:
            expires_at = self._books.now(subscription["customer"]) + INCOMPLETE_FOR_S
            told = {"expires_at": expires_at, "subscription_items": items}
            self._books.change("customer.subscription.updated", subscription, pending_update=told)

    def _plan(self, subscription: Object, given: Parameters) -> tuple[list[Object], list[Object]]:
        """The items as they would be, and the lines for that change; none in a trial, or if there is to be none."""
        items, lines = copy.deepcopy(subscription["items"]["data"]), []
        at = given.integer("proration_date", default=self._books.now(subscription["customer"])) or 0
        free = subscription["status"] == "trialing" or given.one_of("proration_behavior", *_PRORATIONS) == "none"
        for one in given.each("items"):
            one.only("id", "price", "quantity")
            found = next((item for item in items if item["id"] == one.needed("id")), None)
            if found is None:
                raise invalid(f"No such subscription item: '{one.needed('id')}'", "items")
            if not found["current_period_start"] <= at <= found["current_period_end"]:
                raise invalid("proration_date must be within the current period", "proration_date")
            old = copy.deepcopy(found)
            found["price"] = self._price(one) if "price" in one else old["price"]
            found["quantity"] = one.integer("quantity", least=1, default=old["quantity"])
            if months(found["price"]) != months(old["price"]) or found["price"]["currency"] != old["price"]["currency"]:
                raise invalid("A change to another interval or currency is not here.", "items")
            if not free and found != old:
                debit = self._cycle.accounts[subscription["id"]].debits[old["id"]]
                lines += proration.change(subscription, old, found, debit, at)
        return items, lines

    def _see_payable(self, subscription: Object, behavior: str) -> None:
        """Raises ApiError where there is no card, or one that will be declined and must not be."""
        method = self._cycle.method(subscription)
        if method is None:
            message = "This customer has no attached payment source or default payment method."
            raise invalid(message, code="resource_missing")
        card: Card = self._books.cards[method]
        if behavior == "error_if_incomplete" and (card.code or card.authentication):
            details = {"decline_code": card.decline_code or "authentication_required"}
            raise ApiError(402, "card_error", "Your card was declined.", card.code or "card_declined", **details)

    def _rendered(
        self, customer: str, items: list[Object], given: Parameters, now: int, trial_end: int | None
    ) -> Object:
        id_ = new_id("sub")
        method = given.text("default_payment_method")
        if method:
            self._books.get("payment_method", method, "default_payment_method")
        for item in items:
            item["subscription"] = id_
        return {
            "id": id_, "customer": customer, "status": "trialing" if trial_end else "incomplete",
            "items": {"object": "list", "has_more": False, "url": "/v1/subscription_items", "data": items},
            "billing_cycle_anchor": trial_end or now, "billing_mode": {"type": "flexible"}, "cancel_at": None,
            "cancel_at_period_end": False, "canceled_at": None, "ended_at": None, "start_date": now,
            "trial_start": now if trial_end else None, "trial_end": trial_end, "latest_invoice": None,
            "pending_update": None, "default_payment_method": method, "currency": items[0]["price"]["currency"],
            "collection_method": "charge_automatically", "metadata": given.mapping("metadata"),
            "test_clock": self._books.get("customer", customer)["test_clock"],
        }  # fmt: skip

    def _item(self, given: Parameters, now: int) -> Object:
        given.only("price", "quantity")
        return {
            "id": new_id("si"),
            "object": "subscription_item",
            "created": now,
            "metadata": {},
            "price": self._price(given),
            "quantity": given.integer("quantity", least=1, default=1),
        }

    def _price(self, given: Parameters) -> Object:
        return self._books.get("price", given.needed("price"), "price")

    def _live(self, id_: str, param: str = "id") -> Object:
        subscription = self._books.get("subscription", id_, param)
        if subscription["status"] in _OVER:
            raise invalid(f"No such subscription: '{id_}': it is over", param, "resource_missing", 404)
        return subscription


def _trial_end(given: Parameters, now: int) -> int | None:
    days = given.integer("trial_period_days", least=1)
    return now + days * DAY_S if days else given.integer("trial_end", least=now + 1)


def _cancellation(subscription: Object, given: Parameters, now: int) -> dict[str, Any]:
    """What an update says of the end."""
    at_end, at = given.flag("cancel_at_period_end"), given.integer("cancel_at", least=now)
    if at_end:
        end = subscription["items"]["data"][0]["current_period_end"]
        return {"cancel_at_period_end": True, "cancel_at": end, "canceled_at": now}
    if at:
        return {"cancel_at_period_end": False, "cancel_at": at, "canceled_at": now}
    return {"cancel_at_period_end": False, "cancel_at": None, "canceled_at": None} if at_end is False else {}
