"""The payment sandbox, put together."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from ..door import BeforeTheDeed
from ..meter import Arrival
from .api import READ, Api
from .books import Books, new_id
from .control import Control
from .customers import Customers
from .cycle import Cycle
from .idempotency import Idempotency, parameters
from .invoices import Invoices
from .outbox import Outbox
from .payments import Payments
from .planting import Planting
from .refunds import Refunds
from .subscriptions import Subscriptions

# Parameters that tell which order or customer a request is about.
_NAMES_PARTY = ("payment_intent", "charge", "subscription")


class Provider:
    """A payment provider whose every request says which order and which customer it is about."""

    names = ("order", "customer", "key", "replayed", "request", "parameters")

    def __init__(self) -> None:
        self._outbox = Outbox()
        self._books = Books(self._outbox.emitted)
        self._outbox.bind(self._books)
        self._payments, self._refunds = Payments(self._books), Refunds(self._books)
        self._customers, invoices = Customers(self._books), Invoices(self._books, self._payments)
        self._cycle = Cycle(self._books, invoices)
        api = Api(self._books)
        for kind, (path, narrowed_by) in READ.items():
            api.read(kind, path, narrowed_by)
        self._serve_payments(api)
        self._serve_subscriptions(api, invoices)
        self._keys = Idempotency(BeforeTheDeed(api.app()))
        planting = Planting(self._books, self._payments, self._refunds, self._customers, self._cycle)
        self._control = Control(self._books, self._outbox, planting, self._cycle, self._keys)

    @property
    def app(self) -> ASGIApp:
        """Keys are seen to before faults: what is held before it is carried out has its key in flight."""
        return self._keys

    @property
    def control(self) -> list[BaseRoute]:
        """What the sandbox can be told and asked."""
        return self._control.routes

    def fields(self, arrival: Arrival) -> Mapping[str, Any]:
        """`order` and `customer`, as far as the request tells or what it names does; and how it was sent."""
        given = parameters(arrival)
        told = {"order": _within(given, "metadata").get("order"), "customer": given.get("customer")}
        named = [str(given[name]) for name in _NAMES_PARTY if name in given]
        for id_ in [*named, *arrival.path.split("/")[3:4]]:
            if found := self._books.find(id_):
                order, customer = self._books.party(found)
                told = {"order": told["order"] or order, "customer": told["customer"] or customer}
        key = arrival.header("idempotency-key") or None
        return told | {"key": key, "replayed": False, "request": new_id("req"), "parameters": given}

    def refusal(self, status: int, headers: Mapping[str, str]) -> Response:
        """An error of the API."""
        type_ = "api_error" if status >= 500 else "invalid_request_error"
        code = {"code": "rate_limit"} if status == 429 else {}
        error = {"type": type_, "message": f"The provider refuses with {status}.", **code}
        return JSONResponse({"error": error}, status, headers=dict(headers))

    def _serve_payments(self, api: Api) -> None:
        api.on("POST", "payment_intents", self._payments.create)
        api.on("POST", "payment_intents/{id}/confirm", self._payments.confirm)
        api.on("POST", "payment_intents/{id}/cancel", self._payments.cancel)
        api.on("POST", "refunds", self._refunds.create)
        api.on("POST", "customers", self._customers.create)
        api.on("POST", "customers/{id}", self._customers.update)
        api.on("POST", "payment_methods/{id}/attach", self._customers.attach)
        api.on("POST", "prices", self._customers.price)
        api.one("payment_method", "payment_methods")
        api.one("test_helpers.test_clock", "test_helpers/test_clocks")

    def _serve_subscriptions(self, api: Api, invoices: Invoices) -> None:
        subscriptions = Subscriptions(self._books, invoices, self._cycle)
        api.on("POST", "subscriptions", subscriptions.create)
        api.on("POST", "subscriptions/{id}", subscriptions.update)
        api.on("DELETE", "subscriptions/{id}", subscriptions.cancel)
        api.one("subscription", "subscriptions")
        api.many("subscriptions", ("customer", "status"), subscriptions.find)
        api.on("POST", "invoices/create_preview", subscriptions.preview)
        api.on("POST", "invoices/{id}/pay", subscriptions.pay)
        api.one("invoice", "invoices")
        api.many("invoices", ("customer", "status", "subscription"), invoices.find)

    def calm(self) -> None:
        """Settings as at the start, nothing held, no clock for new customers; books and endpoints stay."""
        self._books.calm()
        self._outbox.calm()

    def forget(self) -> None:
        """Empty books, no endpoints, no keys."""
        self._outbox.forget()
        self._books.forget()
        self._cycle.accounts.clear()
        self._keys.expire()


def _within(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = given.get(name)
    return value if isinstance(value, dict) else {}
