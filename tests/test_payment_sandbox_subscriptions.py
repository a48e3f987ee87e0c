"""Subscriptions at the payment sandbox, through the official SDK and by a clock that is wound."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe
from provider_process import Addresses, provider
from stripe import StripeClient

from support.clients.payment_sandbox_control import PaymentSandboxControl
from support.errors import ProbeError

DAY = 86400


class Shop:
    """A seller of subscriptions, for 30.00 USD a month, whose customers have clocks of their own."""

    def __init__(self, addresses: Addresses) -> None:
        self.stripe = StripeClient("sk_test", base_addresses={"api": addresses.url}, max_network_retries=0)
        self.control = PaymentSandboxControl("payment-sandbox", addresses.control_url)
        self.control.ask("POST", "/forget")

    def price(self, amount: int = 3000, **changed: Any) -> str:
        said = {
            "currency": "usd",
            "unit_amount": amount,
            "recurring": {"interval": "month"},
            "product_data": {"name": "Plan"},
            **changed,
        }
        return self.stripe.v1.prices.create(said).id

    def customer(self, joins: int, card: str = "pm_card_visa") -> str:
        self.control.give_new_customers_a_clock(joins)
        settings: Any = {"default_payment_method": card}
        return self.stripe.v1.customers.create({"payment_method": card, "invoice_settings": settings}).id

    def subscribe(self, customer: str, **changed: Any) -> stripe.Subscription:
        said: Any = {"customer": customer, "items": [{"price": self.price()}], **changed}
        return self.stripe.v1.subscriptions.create(said)

    def now(self, subscription: stripe.Subscription) -> stripe.Subscription:
        return self.stripe.v1.subscriptions.retrieve(subscription.id)

    def invoices(self, subscription: stripe.Subscription) -> list[stripe.Invoice]:
        """Oldest first."""
        return list(self.stripe.v1.invoices.list({"subscription": subscription.id}).auto_paging_iter())[::-1]

    def events(self, *kinds: str) -> list[stripe.Event]:
        """Of these types, oldest first."""
        found = list(self.stripe.v1.events.list({"limit": 100}).auto_paging_iter())[::-1]
        return [event for event in found if event.type in kinds]


@pytest.fixture(scope="module")
def addresses() -> Iterator[Addresses]:
    with provider("payment-sandbox") as found:
        yield found


@pytest.fixture
def shop(addresses: Addresses) -> Iterator[Shop]:
    made = Shop(addresses)
    yield made
    made.control.see_that_the_books_add_up()
    made.control.close()


def at(day: str) -> int:
    """Midnight of a day, in seconds since the epoch."""
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def test_three_periods_from_the_31st_are_paid_on_the_last_day_of_each_month(shop: Shop) -> None:
    customer = shop.customer(at("2026-01-31"))
    subscription = shop.subscribe(customer)
    assert subscription.status == "active"
    ends = []
    for day in ("2026-02-28", "2026-03-31", "2026-04-30"):
        ends.append(shop.now(subscription)["items"].data[0].current_period_end)
        shop.control.wind_clock(customer, at(day))
    assert ends == [at("2026-02-28"), at("2026-03-31"), at("2026-04-30")]
    invoices = shop.invoices(subscription)
    assert [(one.status, one.total, one.created) for one in invoices] == [
        ("paid", 3000, at(day)) for day in ("2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30")
    ]
    assert [one.billing_reason for one in invoices] == ["subscription_create"] + ["subscription_cycle"] * 3
    sums = shop.control.sums(customer=customer)
    assert (sums.charges, sums.money_in, sums.live_subscriptions) == (4, {"usd": 12000}, 1)
    assert shop.control.now(customer) == at("2026-04-30")


def test_everything_that_is_due_is_done_when_the_clock_is_wound_far(shop: Shop) -> None:
    customer = shop.customer(at("2026-01-31"))
    subscription = shop.subscribe(customer)
    shop.control.wind_clock(customer, at("2027-01-30"))
    assert len(shop.invoices(subscription)) == 12
    with pytest.raises(ProbeError, match="goes forward only"):
        shop.control.wind_clock(customer, at("2026-01-31"))


def test_a_trial_is_free_and_paid_for_when_it_ends(shop: Shop) -> None:
    customer = shop.customer(at("2026-01-01"))
    subscription = shop.subscribe(customer, trial_period_days=14)
    assert (subscription.status, subscription.trial_end) == ("trialing", at("2026-01-15"))
    shop.control.wind_clock(customer, at("2026-01-12"))
    assert len(shop.events("customer.subscription.trial_will_end")) == 1
    shop.control.wind_clock(customer, at("2026-01-15"))
    found = shop.now(subscription)
    assert (found.status, found["items"].data[0].current_period_end) == ("active", at("2026-02-15"))
    assert [one.total for one in shop.invoices(subscription)] == [0, 3000]


@pytest.mark.parametrize("end", ["canceled", "unpaid", "past_due"])
def test_a_payment_that_fails_is_tried_again_on_set_days_and_then_it_ends(shop: Shop, end: str) -> None:
    shop.control.settings(dunning_end=end)
    customer = shop.customer(at("2026-01-01"))
    subscription = shop.subscribe(customer)
    shop.control.act(customer=customer, card="pm_card_chargeCustomerFail")
    seen = []
    for day in ("2026-02-01", "2026-02-02", "2026-02-04", "2026-02-06"):
        shop.control.wind_clock(customer, at(day))
        seen.append((shop.now(subscription).status, shop.invoices(subscription)[-1].attempt_count))
    assert seen == [("past_due", 1), ("past_due", 2), ("past_due", 3), (end, 4)]
    failed = shop.events("invoice.payment_failed")
    assert [event.created for event in failed] == [
        at(day) for day in ("2026-02-01", "2026-02-02", "2026-02-04", "2026-02-06")
    ]
    assert failed[0].data.object["next_payment_attempt"] == at("2026-02-02")
    assert len(shop.events("customer.subscription.deleted")) == (1 if end == "canceled" else 0)
    assert shop.control.sums(customer=customer).live_subscriptions == (0 if end == "canceled" else 1)


def test_a_card_that_is_good_again_makes_good_what_failed(shop: Shop) -> None:
    customer = shop.customer(at("2026-01-01"))
    subscription = shop.subscribe(customer)
    shop.control.act(customer=customer, card="pm_card_chargeCustomerFail")
    shop.control.wind_clock(customer, at("2026-02-01"))
    invoice = shop.invoices(subscription)[-1]
    with pytest.raises(stripe.CardError):
        shop.stripe.v1.invoices.pay(invoice.id)
    shop.control.act(customer=customer, card="pm_card_visa")
    shop.control.wind_clock(customer, at("2026-02-02"))
    assert (shop.now(subscription).status, shop.invoices(subscription)[-1].status) == ("active", "paid")
    payments: Any = shop.invoices(subscription)[-1].payments
    assert shop.stripe.v1.payment_intents.retrieve(payments.data[0].payment.payment_intent).status == "succeeded"


def test_an_upgrade_costs_what_was_quoted_to_the_cent(shop: Shop) -> None:
    customer = shop.customer(at("2026-01-01"))
    subscription = shop.subscribe(customer)
    item = subscription["items"].data[0].id
    shop.control.wind_clock(customer, at("2026-01-11") + 12345)
    for amount in (5000, 9999):
        change: Any = {"items": [{"id": item, "price": shop.price(amount)}], "proration_behavior": "always_invoice"}
        quoted = shop.stripe.v1.invoices.create_preview(
            {"customer": customer, "subscription": subscription.id, "subscription_details": change}
        )
        shop.stripe.v1.subscriptions.update(subscription.id, change)
        invoice = shop.invoices(subscription)[-1]
        assert (invoice.total, invoice.status, invoice.billing_reason) == (quoted.total, "paid", "subscription_update")
        assert [line.amount for line in invoice.lines.data] == [line.amount for line in quoted.lines.data]
        shop.control.wind_clock(customer, at("2026-01-21"))
    # Of 31 days there are 20 d 20 h 34 min 15 s left at the first, and 11 d at the second.
    assert [one.total for one in shop.invoices(subscription)] == [3000, 3364 - 2018, 3548 - 1774]
    shop.control.wind_clock(customer, at("2026-02-01"))
    assert shop.invoices(subscription)[-1].total == 9999


def test_a_proration_can_wait_for_the_next_invoice_or_not_be_made(shop: Shop) -> None:
    customer = shop.customer(at("2026-01-01"))
    subscription = shop.subscribe(customer)
    item = subscription["items"].data[0].id
    halfway: Any = {"items": [{"id": item, "price": shop.price(6200)}], "proration_date": at("2026-01-16") + DAY // 2}
    shop.control.wind_clock(customer, at("2026-01-16") + DAY // 2)
    shop.stripe.v1.subscriptions.update(subscription.id, halfway)
    quoted = shop.stripe.v1.invoices.create_preview({"subscription": subscription.id})
    shop.control.wind_clock(customer, at("2026-02-01"))
    assert [line.amount for line in shop.invoices(subscription)[-1].lines.data] == [-1500, 3100, 6200]
    assert quoted.total == shop.invoices(subscription)[-1].total == 7800
    change: Any = {"items": [{"id": item, "quantity": 2}], "proration_behavior": "none"}
    shop.stripe.v1.subscriptions.update(subscription.id, change)
    shop.control.wind_clock(customer, at("2026-03-01"))
    assert shop.invoices(subscription)[-1].total == 12400


def test_what_a_downgrade_gives_back_is_taken_off_the_next_invoice(shop: Shop) -> None:
    customer = shop.customer(at("2026-01-01"))
    subscription = shop.subscribe(customer)
    change: Any = {
        "items": [{"id": subscription["items"].data[0].id, "price": shop.price(1000)}],
        "proration_behavior": "always_invoice",
    }
    shop.stripe.v1.subscriptions.update(subscription.id, change)
    assert [(one.total, one.amount_due) for one in shop.invoices(subscription)] == [(3000, 3000), (-2000, 0)]
    shop.control.wind_clock(customer, at("2026-03-01"))
    assert [one.amount_due for one in shop.invoices(subscription)][2:] == [0, 0]
    assert shop.stripe.v1.customers.retrieve(customer).balance == 0


def test_an_upgrade_that_is_pending_comes_true_when_it_is_paid(shop: Shop) -> None:
    customer = shop.customer(at("2026-01-01"))
    subscription = shop.subscribe(customer)
    item, dear = subscription["items"].data[0], shop.price(9000)
    shop.control.act(customer=customer, card="pm_card_chargeCustomerFail")
    change: Any = {
        "items": [{"id": item.id, "price": dear}],
        "proration_behavior": "always_invoice",
        "payment_behavior": "pending_if_incomplete",
    }
    pending = shop.stripe.v1.subscriptions.update(subscription.id, change)
    assert pending.pending_update and pending["items"].data[0].price.id == item.price.id
    assert pending.status == "active"
    shop.control.act(customer=customer, card="pm_card_visa")
    shop.stripe.v1.invoices.pay(str(pending.latest_invoice))
    found = shop.now(subscription)
    assert (found.pending_update, found["items"].data[0].price.id) == (None, dear)


def test_an_upgrade_that_nobody_pays_is_dropped_or_makes_it_past_due(shop: Shop) -> None:
    customer = shop.customer(at("2026-01-01"))
    subscription = shop.subscribe(customer)
    item, dear = subscription["items"].data[0], shop.price(9000)
    shop.control.act(customer=customer, card="pm_card_chargeCustomerFail")
    change: Any = {"items": [{"id": item.id, "price": dear}], "proration_behavior": "always_invoice"}
    at_once: Any = {**change, "payment_behavior": "error_if_incomplete"}
    with pytest.raises(stripe.CardError):
        shop.stripe.v1.subscriptions.update(subscription.id, at_once)
    assert len(shop.invoices(subscription)) == 1
    pending: Any = {**change, "payment_behavior": "pending_if_incomplete"}
    shop.stripe.v1.subscriptions.update(subscription.id, pending)
    shop.control.wind_clock(customer, at("2026-01-02"))
    found = shop.now(subscription)
    assert (found.pending_update, found["items"].data[0].price.id) == (None, item.price.id)
    assert [one.status for one in shop.invoices(subscription)] == ["paid", "void"]
    shop.stripe.v1.subscriptions.update(subscription.id, change)
    found = shop.now(subscription)
    assert (found.status, found["items"].data[0].price.id) == ("past_due", dear)


def test_a_first_payment_that_fails_leaves_it_incomplete_until_it_expires_or_nothing_at_all(shop: Shop) -> None:
    customer = shop.customer(at("2026-01-01"), "pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError):
        shop.subscribe(customer, payment_behavior="error_if_incomplete")
    assert shop.stripe.v1.subscriptions.list({"customer": customer, "status": "all"}).data == []
    subscription = shop.subscribe(customer)
    assert subscription.status == "incomplete"
    shop.control.wind_clock(customer, at("2026-01-02"))
    assert shop.now(subscription).status == "incomplete_expired"
    later = shop.subscribe(customer)
    shop.control.act(customer=customer, card="pm_card_visa")
    shop.stripe.v1.invoices.pay(str(later.latest_invoice))
    assert shop.now(later).status == "active"


def test_nobody_subscribes_without_a_card_that_can_be_kept(shop: Shop) -> None:
    customer = shop.stripe.v1.customers.create({"email": "a@example.org"}).id
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source"):
        shop.subscribe(customer)
    with pytest.raises(stripe.CardError):
        shop.stripe.v1.payment_methods.attach("pm_card_chargeDeclined", {"customer": customer})
    kept = shop.stripe.v1.payment_methods.attach("pm_card_visa", {"customer": customer})
    assert shop.subscribe(customer, default_payment_method=kept.id).status == "active"


@pytest.mark.parametrize("by", ["the platform", "the provider's page"])
def test_a_cancellation_at_the_end_of_the_period_takes_effect_then(shop: Shop, by: str) -> None:
    customer = shop.customer(at("2026-01-31"))
    subscription = shop.subscribe(customer)
    if by == "the platform":
        shop.stripe.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    else:
        shop.control.act(subscription=subscription.id, cancel="at_period_end")
    found = shop.now(subscription)
    assert (found.status, found.cancel_at) == ("active", at("2026-02-28"))
    assert found.cancel_at_period_end is (by == "the platform")
    shop.control.wind_clock(customer, at("2026-02-28") - 1)
    assert shop.now(subscription).status == "active"
    shop.control.wind_clock(customer, at("2026-02-28"))
    assert shop.now(subscription).status == "canceled"
    assert len(shop.invoices(subscription)) == 1
    assert shop.stripe.v1.subscriptions.list({"customer": customer}).data == []


def test_a_cancellation_is_taken_back_or_is_at_once(shop: Shop) -> None:
    subscription = shop.subscribe(shop.customer(at("2026-01-31")))
    shop.stripe.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    kept = shop.stripe.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": False})
    assert (kept.cancel_at, kept.canceled_at) == (None, None)
    assert shop.stripe.v1.subscriptions.cancel(subscription.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError, match="it is over"):
        shop.stripe.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})


def test_a_clock_that_stands_gives_all_events_the_same_second(shop: Shop) -> None:
    customer = shop.customer(at("2026-01-31"))
    said: Any = {"amount": 100, "currency": "usd", "customer": customer, "payment_method": "pm_card_visa"}
    intent = shop.stripe.v1.payment_intents.create(said | {"confirm": True})
    shop.stripe.v1.refunds.create({"payment_intent": intent.id})
    assert {event.created for event in shop.stripe.v1.events.list().data} == {at("2026-01-31")}
    clock: Any = shop.stripe.v1.customers.retrieve(customer).test_clock
    assert shop.stripe.v1.test_helpers.test_clocks.retrieve(clock).frozen_time == at("2026-01-31")
