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
from .idempotency import Idempotency, parameters
from .outbox import Outbox
from .payments import Payments
from .planting import Planting
from .refunds import Refunds

_NAMES_ORDER = ("payment_intent", "charge", "refund")  # parameters that tell which order a request is about


class Provider:
    """A payment provider whose every request says which order and which customer it is about."""

    def __init__(self) -> None:
        self._outbox = Outbox()
        self._books = Books(self._outbox.emitted)
        self._outbox.bind(self._books)
        payments, refunds = Payments(self._books), Refunds(self._books)
        api = Api(self._books)
        for kind, (path, narrowed_by) in READ.items():
            api.read(kind, path, narrowed_by)
        api.on("POST", "payment_intents", payments.create)
        api.on("POST", "payment_intents/{id}/confirm", payments.confirm)
        api.on("POST", "payment_intents/{id}/cancel", payments.cancel)
        api.on("POST", "refunds", refunds.create)
        self._keys = Idempotency(BeforeTheDeed(api.app()))
        planting = Planting(self._books, payments, refunds)
        self._control = Control(self._books, self._outbox, planting, self._keys)

    @property
    def app(self) -> ASGIApp:
        """Keys are seen to before faults: what is held before it is carried out has its key in flight."""
        return self._keys

    @property
    def control(self) -> list[BaseRoute]:
        """What the sandbox can be told and asked."""
        return self._control.routes

    def fields(self, arrival: Arrival) -> Mapping[str, Any]:
        """`order` and `customer`, as far as the request tells or what it names does; key, replayed, parameters."""
        given = parameters(arrival)
        told = {"order": _within(given, "metadata").get("order"), "customer": given.get("customer")}
        named = [str(given[name]) for name in _NAMES_ORDER if name in given]
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

    def forget(self) -> None:
        """Empty books, no endpoints, no keys."""
        self._outbox.forget()
        self._books.forget()
        self._keys.expire()


def _within(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = given.get(name)
    return value if isinstance(value, dict) else {}
