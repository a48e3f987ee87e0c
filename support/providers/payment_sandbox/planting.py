"""What happens to a payment without the platform: its books are changed, a customer acts, a bank decides."""

from collections.abc import Mapping
from typing import Any

from . import disputes
from .books import Books, Object
from .cards import CARDS, Card
from .customers import Customers
from .cycle import Cycle
from .parameters import Parameters
from .payments import Payments
from .refunds import Refunds

_MONEY = ("amount", "currency", "created")


class Planting:
    """Changes of the books that no request asked for."""

    def __init__(self, books: Books, payments: Payments, refunds: Refunds, customers: Customers, cycle: Cycle) -> None:
        self._books, self._payments, self._refunds = books, payments, refunds
        self._customers, self._cycle = customers, cycle

    def plant(self, said: Mapping[str, Any]) -> Object:
        """{"add": {amount, currency, ...}}: a payment that succeeded; {"change": id, "set": {...}}; {"remove": id}.

        Without an event, unless {"event": TYPE}. Of a payment, its charge and what was booked are changed too.
        """
        match said:
            case {"add": dict(members)}:
                planted = self._add(dict(members))
            case {"change": str(id_), "set": dict(members)}:
                planted = self._change(self._found(id_), members)
            case {"remove": str(id_)}:
                planted = self._remove(self._found(id_))
            case _:
                raise ValueError(f"expected add, change with set, or remove; got {dict(said)}")
        if said.get("event"):
            self._books.emit(said["event"], planted)
        return planted

    def act(self, said: Mapping[str, Any]) -> Object:
        """What a customer or a bank does: see the cases."""
        match said:
            case {"payment_intent": str(id_), "authenticate": how} | {"payment_intent": str(id_), "finish": how}:
                return self._decide(self._found(id_), how)
            case {"payment_intent": str(id_), "dispute": how}:
                charge = self._found(self._found(id_)["latest_charge"])
                return (
                    disputes.open_(self._books, charge) if how == "open" else disputes.close(self._books, charge, how)
                )
            case {"payment_intent": str(id_), "refund": int(amount)}:
                return self._refunds.create(Parameters({"payment_intent": id_, "amount": str(amount)}))
            case {"customer": str(id_), "card": str(card)} if card in CARDS:
                return self._pay_by(self._found(id_), CARDS[card])
            case {"subscription": str(id_), "cancel": "now" | "at_period_end" as when}:
                return self._cancel(self._found(id_), when)
            case {"refund": str(id_), "finish": how}:
                return self._refunds.finish(self._found(id_), how)
        raise ValueError(f"nobody can do {dict(said)}")

    def _decide(self, intent: Object, how: str) -> Object:
        """The customer has authenticated a payment or failed to, or one that was processed is decided."""
        if intent["status"] not in ("requires_action", "processing") or how not in ("ok", "fail"):
            raise ValueError(f"{intent['id']} is {intent['status']}, and cannot end with {how!r}")
        if how == "ok":
            self._payments.succeed(intent)
        else:
            code = "payment_intent_authentication_failure" if intent["status"] == "requires_action" else "card_declined"
            self._payments.fail(intent, Card(code=code, decline_code="generic_decline"))
        return intent

    def _pay_by(self, customer: Object, card: Card) -> Object:
        """The customer has changed the card by which subscriptions are paid."""
        method = self._customers.give(customer, card)
        customer["invoice_settings"] = {"default_payment_method": method["id"]}
        return customer

    def _cancel(self, subscription: Object, when: str) -> Object:
        """The customer has canceled on the provider's own page, which says a date and not cancel_at_period_end."""
        if when == "now":
            self._cycle.end(subscription)
        else:
            end, now = subscription["items"]["data"][0]["current_period_end"], self._books.now(subscription["customer"])
            self._books.change("customer.subscription.updated", subscription, cancel_at=end, canceled_at=now)
        return subscription

    def _add(self, members: dict[str, Any]) -> Object:
        intent = self._books.add(
            "payment_intent", amount_received=0, amount_capturable=0, customer=None, payment_method="pm_card_visa",
            latest_charge=None, last_payment_error=None, next_action=None, capture_method="automatic",
            client_secret=None, status="succeeded", **members,
        )  # fmt: skip
        if intent["status"] == "succeeded":
            self._payments.settle(intent)
        return intent

    def _change(self, found: Object, members: Mapping[str, Any]) -> Object:
        found.update(members)
        money = {name: value for name, value in members.items() if name in _MONEY}
        for charge in self._charges(found):
            charge.update(money)
            charge["amount_captured"] = charge["amount"] if charge["paid"] else 0
            if entry := self._books.find(charge["balance_transaction"] or ""):
                entry.update(money, net=charge["amount"] - entry["fee"])
        if found["object"] == "payment_intent" and "amount" in members:
            found["amount_received"] = members["amount"]
        return found

    def _remove(self, found: Object) -> Object:
        gone = [found]
        for charge in self._charges(found):
            gone += [charge, *self._books.all("refund", charge=charge["id"])]
        gone += [entry for one in list(gone) for entry in self._books.all("balance_transaction", source=one["id"])]
        for one in gone:
            self._books.remove(one)
        return found

    def _charges(self, found: Object) -> list[Object]:
        is_payment = found["object"] == "payment_intent"
        return self._books.all("charge", payment_intent=found["id"]) if is_payment else []

    def _found(self, id_: str) -> Object:
        found = self._books.find(id_)
        if found is None:
            raise ValueError(f"there is no {id_}")
        return found
