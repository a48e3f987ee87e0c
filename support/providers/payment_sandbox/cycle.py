"""What time does to a subscription: trials end, periods are renewed, payments are tried again, ends come."""

from collections.abc import Callable
from dataclasses import dataclass, field

from .books import Books, Object
from .calendar import DAY_S, HOUR_S, months_after
from .customers import months
from .errors import ApiError
from .invoices import Invoices, subscription_of
from .proration import Debit, whole_period

_WARNED_BEFORE_S = 3 * DAY_S
INCOMPLETE_FOR_S = 23 * HOUR_S
Step = tuple[int, Callable[[Object], None]]


@dataclass
class Account:
    """What the provider knows of a subscription and does not tell.

    `period` is the number of the current one since the anchor, -1 in a trial. `update` is what comes true when the
    invoice of that id is paid.
    """

    period: int = 0
    warned: bool = False
    debits: dict[str, Debit] = field(default_factory=dict)  # by item
    pending: list[Object] = field(default_factory=list)  # lines for the next invoice
    failures: dict[str, tuple[int, int]] = field(default_factory=dict)  # by invoice: the first, and how many
    update: tuple[str, list[Object], list[Object]] | None = None


class Cycle:
    """The subscriptions' lives."""

    def __init__(self, books: Books, invoices: Invoices) -> None:
        self._books, self._invoices = books, invoices
        self.accounts: dict[str, Account] = {}

    def advance(self, customer: str, to: int) -> int:
        """Sets the clock of `customer` forward, step by step that is due. Raises ValueError for backward."""
        clock = self._books.get("test_helpers.test_clock", self._books.get("customer", customer)["test_clock"])
        if to < clock["frozen_time"]:
            raise ValueError(f"the clock of {customer} stands at {clock['frozen_time']}, and goes forward only")
        subscriptions = self._books.all("subscription", customer=customer)
        while due := [(at, step, one) for one in subscriptions for at, step in self._due(one) if at <= to]:
            at, step, subscription = min(due, key=lambda one: one[0])
            clock["frozen_time"] = max(clock["frozen_time"], at)
            step(subscription)
        clock["frozen_time"] = to
        return to

    def collect(self, subscription: Object, invoice: Object) -> ApiError | None:
        """Tries to have an invoice paid, with what follows from that for its subscription; the error, or None."""
        error = self._invoices.attempted(invoice, self.method(subscription))
        if error is None:
            self._paid(subscription, invoice)
        elif subscription["status"] != "incomplete":
            self._failed(subscription, invoice)
        else:
            self._invoices.fail(invoice, None)
        return error

    def pay(self, invoice: Object) -> None:
        """Has an open invoice paid out of turn, which leaves the days of the next attempts as they are.

        Raises ApiError when the bank declines.
        """
        subscription = self._books.get("subscription", subscription_of(invoice))
        if error := self._invoices.attempted(invoice, self.method(subscription)):
            raise error
        self._paid(subscription, invoice)

    def method(self, subscription: Object) -> str | None:
        """By which payment method a subscription is paid."""
        customer = self._books.get("customer", subscription["customer"])
        default: str | None = customer["invoice_settings"]["default_payment_method"]
        return subscription["default_payment_method"] or default

    def enter(self, subscription: Object, start: int, end: int) -> list[Object]:
        """Puts the items into a period, and returns the lines for it."""
        account, lines = self.accounts[subscription["id"]], []
        for item in subscription["items"]["data"]:
            item.update(current_period_start=start, current_period_end=end)
            lines.append(whole_period(item, subscription, start, end))
            account.debits[item["id"]] = Debit(lines[-1]["amount"], start, end)
        return lines

    def bounds(self, subscription: Object, number: int) -> tuple[int, int]:
        """Start and end of a period, counted from the anchor."""
        anchor = subscription["billing_cycle_anchor"]
        step = months(subscription["items"]["data"][0]["price"])
        return months_after(anchor, number * step), months_after(anchor, (number + 1) * step)

    def end(self, subscription: Object, status: str = "canceled") -> None:
        """It is over."""
        now = self._books.now(subscription["customer"])
        subscription.update(status=status, canceled_at=subscription["canceled_at"] or now, ended_at=now)
        for invoice in self._invoices.open_of(subscription):
            invoice["next_payment_attempt"] = None
        kind = "deleted" if status == "canceled" else "updated"
        self._books.emit(f"customer.subscription.{kind}", subscription)

    def _due(self, subscription: Object) -> list[Step]:
        """What time will do next, and when."""
        status, account = subscription["status"], self.accounts[subscription["id"]]
        steps: list[Step] = []
        if status == "incomplete":
            return [(subscription["created"] + INCOMPLETE_FOR_S, self._expire)]
        if status == "trialing" and not account.warned:
            steps.append((subscription["trial_end"] - _WARNED_BEFORE_S, self._warn))
        if status in ("trialing", "active", "past_due"):
            steps.append(self._at_the_end(subscription))
        if status == "past_due":
            attempts = [one["next_payment_attempt"] for one in self._invoices.open_of(subscription)]
            steps += [(at, self._try_again) for at in attempts if at]
        if subscription["pending_update"]:
            steps.append((subscription["pending_update"]["expires_at"], self._drop_update))
        return steps

    def _at_the_end(self, subscription: Object) -> Step:
        end, cancel_at = subscription["items"]["data"][0]["current_period_end"], subscription["cancel_at"]
        if cancel_at is not None and cancel_at <= end:
            return cancel_at, self.end
        return end, self._renew

    def _warn(self, subscription: Object) -> None:
        self.accounts[subscription["id"]].warned = True
        self._books.emit("customer.subscription.trial_will_end", subscription)

    def _renew(self, subscription: Object) -> None:
        account = self.accounts[subscription["id"]]
        account.period += 1
        before = {"items": {"data": [dict(item) for item in subscription["items"]["data"]]}}
        lines = account.pending + self.enter(subscription, *self.bounds(subscription, account.period))
        account.pending = []
        if subscription["status"] == "trialing":
            before["status"] = subscription["status"]
            subscription["status"] = "active"
        self._books.emit("customer.subscription.updated", subscription, before)
        self.collect(subscription, self._invoices.drawn(subscription, lines, "subscription_cycle"))

    def _try_again(self, subscription: Object) -> None:
        now = self._books.now(subscription["customer"])
        for invoice in self._invoices.open_of(subscription):
            if (invoice["next_payment_attempt"] or now + 1) <= now:
                self.collect(subscription, invoice)

    def _expire(self, subscription: Object) -> None:
        for invoice in self._invoices.open_of(subscription):
            self._invoices.void(invoice)
        self.end(subscription, "incomplete_expired")

    def _paid(self, subscription: Object, invoice: Object) -> None:
        account = self.accounts[subscription["id"]]
        account.failures.pop(invoice["id"], None)
        if account.update and account.update[0] == invoice["id"]:
            self.apply(subscription, *account.update[1:])
        if subscription["status"] in ("incomplete", "past_due", "unpaid") and not self._invoices.open_of(subscription):
            self._books.change("customer.subscription.updated", subscription, status="active")

    def _failed(self, subscription: Object, invoice: Object) -> None:
        """Past due from the first failure on; tried again on set days; after the last of them as the settings say."""
        account, settings = self.accounts[subscription["id"]], self._books.settings
        first, count = account.failures.get(invoice["id"], (self._books.now(subscription["customer"]), 0))
        account.failures[invoice["id"]] = (first, count + 1)
        if account.update and account.update[0] == invoice["id"]:
            self._invoices.fail(invoice, None)
            return
        again = first + settings.dunning_days[count] * DAY_S if count < len(settings.dunning_days) else None
        self._invoices.fail(invoice, again)
        if again is None and settings.dunning_end == "canceled":
            self.end(subscription)
        elif again is None and settings.dunning_end == "unpaid":
            self._books.change("customer.subscription.updated", subscription, status="unpaid")
        elif subscription["status"] != "past_due":
            self._books.change("customer.subscription.updated", subscription, status="past_due")

    def apply(self, subscription: Object, items: list[Object], lines: list[Object]) -> None:
        """Makes other items those of a subscription; `lines` are what was asked for the change."""
        account = self.accounts[subscription["id"]]
        account.update = None
        for line in lines[1::2]:  # the second of each two is the new item's
            item = line["parent"]["subscription_item_details"]["subscription_item"]
            account.debits[item] = Debit(line["amount"], line["period"]["start"], line["period"]["end"])
        listed = {**subscription["items"], "data": items}
        self._books.change("customer.subscription.updated", subscription, items=listed, pending_update=None)

    def _drop_update(self, subscription: Object) -> None:
        update, self.accounts[subscription["id"]].update = self.accounts[subscription["id"]].update, None
        if update:
            self._invoices.void(self._books.get("invoice", update[0]))
        self._books.change("customer.subscription.updated", subscription, pending_update=None)
