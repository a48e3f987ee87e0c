"""The provider, through its SDK, which blocks and so works in threads.

Whatever is asked to move money carries a key that is stored already: asked again, it moves nothing twice. An answer
that does not come, or says nothing of the deed, leaves the outcome unknown; it is never taken for a no.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import stripe
from stripe import RequestsClient, StripeClient

AT_ONCE = 24
_PAGE = 100
Found = TypeVar("Found")


class UnknownOutcomeError(Exception):
    """Nobody knows whether it was done."""


class RefusedError(Exception):
    """It was not done, and will not be; `code` says why."""

    def __init__(self, code: str, intent: str | None = None) -> None:
        super().__init__(code)
        self.code, self.intent = code, intent


class NotThereError(Exception):
    """The provider has no such object."""


@dataclass(frozen=True)
class Movements:
    """A payment as the provider has it now, with all that came back of it."""

    intent: stripe.PaymentIntent
    refunds: list[stripe.Refund]
    disputes: list[stripe.Dispute]


class Gateway:
    """Every method raises UnknownOutcomeError; what it says besides."""

    def __init__(self, key: str, url: str, timeout_s: float) -> None:
        # A retry of the SDK's would hide how long it takes; what has no outcome is taken up again by the platform.
        client = RequestsClient(timeout=timeout_s)
        self._stripe = StripeClient(key, base_addresses={"api": url}, http_client=client, max_network_retries=0)
        self._threads = ThreadPoolExecutor(AT_ONCE, "gateway")

    def close(self) -> None:
        """Waits for nobody."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    # One-off payments

    async def pay(self, key: str, amount: int, currency: str, card: str, order: str) -> str:
        """Has `card` charged; returns the id of the payment, whatever became of it. Raises RefusedError."""
        said: Any = {
            "amount": amount, "currency": currency.lower(), "payment_method": card, "confirm": True,
            "metadata": {"order": order, "payment": key},
        }  # fmt: skip
        made = await self._ask(lambda: self._stripe.v1.payment_intents.create(said, {"idempotency_key": key}))
        return made.id

    async def refund(self, key: str, intent: str, amount: int) -> None:
        """Gives `amount` back. Raises RefusedError."""
        said: Any = {"payment_intent": intent, "amount": amount, "metadata": {"refund": key}}
        await self._ask(lambda: self._stripe.v1.refunds.create(said, {"idempotency_key": key}))

    async def movements(self, intent: str) -> Movements:
        """The payment as it is now. Raises NotThereError."""
        return await self._look(lambda: self._movements(intent))

    async def payments_since(self, moment: int) -> list[stripe.PaymentIntent]:
        """All payments that were made from `moment` on (seconds since the epoch), of however many pages."""
        asked: Any = {"created": {"gte": moment}, "limit": _PAGE}
        return await self._look(lambda: list(self._stripe.v1.payment_intents.list(asked).auto_paging_iter()))

    async def given_back_since(self, moment: int) -> set[str]:
        """The ids of the payments of which money was given back, or taken back by a bank, from `moment` on."""
        return await self._look(lambda: self._given_back_since({"created": {"gte": moment}, "limit": _PAGE}))

    def _given_back_since(self, asked: Any) -> set[str]:
        refunds = self._stripe.v1.refunds.list(asked).auto_paging_iter()
        disputes = self._stripe.v1.disputes.list(asked).auto_paging_iter()
        return {str(one.payment_intent) for found in (refunds, disputes) for one in found}

    def _movements(self, id_: str) -> Movements:
        of: Any = {"payment_intent": id_, "limit": _PAGE}
        intent = self._stripe.v1.payment_intents.retrieve(id_)
        refunds = list(self._stripe.v1.refunds.list(of).auto_paging_iter())
        return Movements(intent, refunds, list(self._stripe.v1.disputes.list(of).auto_paging_iter()))

    # Subscriptions

    async def price(self, plan: str, amount: int, currency: str) -> str:
        """The id of the price of a plan, which is made if there is none."""
        said: Any = {
            "currency": currency.lower(), "unit_amount": amount, "recurring": {"interval": "month"},
            "product_data": {"name": plan},
        }  # fmt: skip
        key = f"price-{plan}-{amount}-{currency}"
        made = await self._ask(lambda: self._stripe.v1.prices.create(said, {"idempotency_key": key}))
        return made.id

    async def customer(self, key: str, name: str, card: str) -> str:
        """The id of a customer who pays by `card`. Raises RefusedError."""
        said: Any = {"name": name, "payment_method": card, "invoice_settings": {"default_payment_method": card}}
        made = await self._ask(lambda: self._stripe.v1.customers.create(said, {"idempotency_key": f"customer-{key}"}))
        return made.id

    async def subscribe(self, key: str, customer: str, price: str, trial_days: int) -> str:
        """The id of a new subscription. Raises RefusedError when its first payment fails."""
        said: Any = {
            "customer": customer, "items": [{"price": price}], "payment_behavior": "error_if_incomplete",
            "metadata": {"subscription": key}, **({"trial_period_days": trial_days} if trial_days else {}),
        }  # fmt: skip
        made = await self._ask(lambda: self._stripe.v1.subscriptions.create(said, {"idempotency_key": key}))
        return made.id

    async def subscription(self, id_: str) -> stripe.Subscription:
        """The subscription as it is now. Raises NotThereError."""
        return await self._look(lambda: self._stripe.v1.subscriptions.retrieve(id_))

    async def invoices(self, subscription: str) -> list[stripe.Invoice]:
        """All invoices of a subscription."""
        asked: Any = {"subscription": subscription, "limit": _PAGE}
        return await self._look(lambda: list(self._stripe.v1.invoices.list(asked).auto_paging_iter()))

    async def quote(self, subscription: stripe.Subscription, price: str) -> stripe.Invoice:
        """The invoice that a change to `price` would have now."""
        details = {"items": _changed(subscription, price), "proration_behavior": "always_invoice"}
        said: Any = {"subscription": subscription.id, "subscription_details": details}
        return await self._look(lambda: self._stripe.v1.invoices.create_preview(said))

    async def change(self, key: str, subscription: stripe.Subscription, price: str, as_of: int) -> None:
        """Changes to `price`, for what that was at `as_of`, once it is paid. Raises RefusedError."""
        said: Any = {
            "items": _changed(subscription, price), "proration_behavior": "always_invoice", "proration_date": as_of,
            "payment_behavior": "pending_if_incomplete",
        }  # fmt: skip
        await self._ask(lambda: self._stripe.v1.subscriptions.update(subscription.id, said, {"idempotency_key": key}))

    async def cancel(self, subscription: str) -> None:
        """Lets a subscription end with the period that is paid for. Raises RefusedError."""
        await self._ask(lambda: self._stripe.v1.subscriptions.update(subscription, {"cancel_at_period_end": True}))

    async def _ask(self, call: Callable[[], Found]) -> Found:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, call)
        except stripe.CardError as error:
            declined: Any = error.error
            intent = getattr(declined, "payment_intent", None)
            raise RefusedError(declined.decline_code or error.code or "declined", intent and intent.id) from error
        except stripe.InvalidRequestError as error:
            raise RefusedError(error.code or "invalid") from error
        except stripe.StripeError as error:
            raise UnknownOutcomeError(f"{type(error).__name__} {error.http_status or ''}") from error

    async def _look(self, call: Callable[[], Found]) -> Found:
        try:
            return await self._ask(call)
        except RefusedError as error:
            raise NotThereError(error.code) from error


def told_of(thing: Any, name: str) -> str | None:
    """What the platform has told the provider of a thing by `name`, if anything."""
    found = thing.metadata.to_dict().get(name)
    return None if found is None else str(found)


def _changed(subscription: stripe.Subscription, price: str) -> list[dict[str, str]]:
    return [{"id": subscription["items"].data[0].id, "price": price}]
