"""Customers, the cards that they keep with the provider, and prices."""

from . import money
from .books import Books, Object, new_id
from .cards import Card, named
from .errors import ApiError, invalid
from .parameters import Parameters

_MONTHS = {"month": 1, "year": 12}


class Customers:
    """Customers, payment methods and prices."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def create(self, given: Parameters) -> Object:
        """POST /v1/customers."""
        given.only("email", "name", "metadata", "payment_method", "invoice_settings")
        customer = self._books.add(
            "customer", email=given.text("email"), name=given.text("name"), metadata=given.mapping("metadata"),
            balance=0, currency=None, invoice_settings={"default_payment_method": None}, test_clock=None,
        )  # fmt: skip
        if self._books.first_moment is not None:
            clock = self._books.add(
                "test_helpers.test_clock", frozen_time=self._books.first_moment, name=None, status="ready"
            )
            customer.update(test_clock=clock["id"], created=clock["frozen_time"])
        kept = self._keep(customer, given.needed("payment_method")) if "payment_method" in given else None
        self._choose(customer, given, kept)
        return customer

    def update(self, given: Parameters, id_: str) -> Object:
        """POST /v1/customers/{id}."""
        given.only("email", "name", "metadata", "invoice_settings")
        customer = self._books.get("customer", id_)
        said = {name: value for name in ("email", "name") if (value := given.text(name))}
        customer.update(said, metadata=customer["metadata"] | given.mapping("metadata"))
        self._choose(customer, given, None)
        return customer

    def attach(self, given: Parameters, id_: str) -> Object:
        """POST /v1/payment_methods/{id}/attach. Raises ApiError 402 for a card that is declined at once."""
        given.only("customer")
        return self._keep(self._books.get("customer", given.needed("customer"), "customer"), id_)

    def give(self, customer: Object, card: Card) -> Object:
        """Lets a customer keep a card and pay by it from now on, as one does at the provider's own page."""
        method = self._books.add(
            "payment_method", self._books.now(customer["id"]), type="card", customer=customer["id"],
            card={"brand": card.brand, "last4": card.last4, "exp_month": 12, "exp_year": 2034},
        )  # fmt: skip
        self._books.cards[method["id"]] = card
        return method

    def price(self, given: Parameters) -> Object:
        """POST /v1/prices, of a subscription by the month or year."""
        given.only("currency", "unit_amount", "recurring", "product", "product_data", "nickname", "metadata")
        amount, currency = given.amount("unit_amount"), money.currency(given.needed("currency"))
        money.check(amount, currency, "unit_amount")
        rhythm = given.inner("recurring").only("interval", "interval_count")
        interval = rhythm.one_of("interval", *_MONTHS)
        count = rhythm.integer("interval_count", least=1, default=1)
        product = given.text("product") or new_id("prod")
        return self._books.add(
            "price", active=True, billing_scheme="per_unit", currency=currency, unit_amount=amount, product=product,
            nickname=given.text("nickname"), type="recurring", metadata=given.mapping("metadata"),
            recurring={"interval": interval, "interval_count": count, "usage_type": "licensed"},
        )  # fmt: skip

    def _keep(self, customer: Object, id_: str) -> Object:
        card = named(id_)
        if card is None:
            method = self._books.get("payment_method", id_, "payment_method")
            if method["customer"] != customer["id"]:
                raise invalid("The payment method belongs to another customer.", "payment_method")
            return method
        if not card.attaches:
            details = {"decline_code": card.decline_code}
            raise ApiError(402, "card_error", "Your card was declined.", card.code, **details)
        return self.give(customer, card)

    def _choose(self, customer: Object, given: Parameters, kept: Object | None) -> None:
        """Sets by which card a customer pays; a test card's name stands for the one that was just kept."""
        inner = given.inner("invoice_settings").only("default_payment_method")
        id_ = inner.text("default_payment_method")
        if id_:
            chosen = kept if kept and named(id_) else self._keep(customer, id_)
            customer["invoice_settings"] = {"default_payment_method": chosen["id"]}


def months(price: Object) -> int:
    """How many months one period of a price is."""
    return int(_MONTHS[price["recurring"]["interval"]] * price["recurring"]["interval_count"])
