"""Payments over HTTP: customers order, pay and subscribe, operators refund and reconcile, the provider tells."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import jwt
import psycopg
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ..json_text import parse_json
from ..sessions import bearer, unauthenticated
from ..settings import Settings
from . import money
from .gateway import Gateway, NotThereError, UnknownOutcomeError
from .payments import ConflictError, Line, NoSuchOrderError, Payments, pool_of
from .reconciliation import reconcile
from .recovery import Recovery
from .schema import prepare
from .settings import PLAN_CURRENCY, PaymentSettings
from .subscriptions import Subscriptions
from .webhooks import ForgedError, MalformedError, Webhooks

CONNECTIONS = 20
LARGEST_BODY = 256 * 1024
# 202: asked for, and not known yet; whoever asks again gets what came of it.
STATUSES = {"succeeded": 200, "declined": 402}
Endpoint = Callable[[Request], Awaitable[Response]]
logger = logging.getLogger(__name__)


class Capability:
    """The capability: its routes, its lifespan, whether its store answers, and what it counts."""

    def __init__(self, node: Settings, environ: Mapping[str, str]) -> None:
        self._secret = node.jwt_secret
        self._settings = settings = PaymentSettings.load(environ)
        self._pool = pool = pool_of(settings.postgres_url, CONNECTIONS)
        self._gateway = Gateway(settings.payment_api_key, settings.payment_sandbox_url, settings.payment_timeout_s)
        self._payments = Payments(pool, self._gateway)
        self._subscriptions = Subscriptions(pool, self._gateway, settings.payment_plans)
        self._webhooks = Webhooks(
            pool, self._payments, self._subscriptions, settings.payment_webhook_secrets, settings.live
        )
        self._recovery = Recovery(pool, self._payments, self._subscriptions, settings.payment_resume_after_s)

    @property
    def routes(self) -> list[BaseRoute]:
        """What the capability answers to."""
        order = "/orders/{order:uuid}"
        endpoints: dict[tuple[str, str], Endpoint] = {
            ("POST", "/orders"): self._order,
            ("GET", order): self._receipt,
            ("POST", f"{order}/payments"): self._pay,
            ("POST", f"{order}/refunds"): self._refund,
            ("POST", "/subscription"): self._subscribe,
            ("GET", "/subscription"): self._access,
            ("POST", "/subscription/quotes"): self._quote,
            ("POST", "/subscription/changes"): self._change,
            ("DELETE", "/subscription"): self._cancel,
            ("POST", "/reconciliations"): self._reconcile,
            ("POST", "/webhooks/payments"): self._hear,
        }
        return [Route(path, _answering(what), methods=[verb]) for (verb, path), what in endpoints.items()]

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Owns the connections, and the recovery of what has no outcome."""
        await prepare(self._settings.postgres_url)
        async with self._pool, asyncio.TaskGroup() as tasks:
            tasks.create_task(self._recovery.run())
            yield
            self._recovery.stop()
        self._gateway.close()

    async def healthy(self) -> bool:
        """Whether PostgreSQL answers. The provider's outages are the customers' to hear of, and make no node unwell."""
        try:
            async with self._pool.connection() as connection:
                await connection.execute("SELECT 1")
        except (psycopg.Error, PoolTimeout):
            return False
        return True

    def counts(self) -> dict[str, int]:
        """Nothing beyond what every node counts."""
        return {}

    async def _order(self, request: Request) -> Response:
        customer, said = self._customer(request), await _json(request)
        currency = str(said.get("currency"))
        order, amount = await self._payments.order(customer, _lines(said.get("lines"), currency), currency)
        return JSONResponse({"order": str(order), "amount": money.text(amount, currency), "currency": currency}, 201)

    async def _receipt(self, request: Request) -> Response:
        found = await self._payments.receipt(self._customer(request), request.path_params["order"])
        amounts = {name: money.text(found[name], found["currency"]) for name in ("amount", "paid", "refunded")}
        told = {name: found[name] for name in ("currency", "status", "reason", "disputed")}
        return JSONResponse({"order": str(found["id"]), **amounts, **told})

    async def _pay(self, request: Request) -> Response:
        customer, card = self._customer(request), _card(await _json(request))
        key = request.headers.get("idempotency-key")
        paid = await self._payments.pay(customer, request.path_params["order"], card, key)
        told = {"order": str(paid["order_id"]), "payment": str(paid["id"]), "status": paid["status"]}
        told |= {"amount": money.text(paid["amount"], paid["currency"]), "currency": paid["currency"]}
        return JSONResponse({**told, "reason": paid["reason"]}, STATUSES.get(paid["status"], 202))

    async def _refund(self, request: Request) -> Response:
        self._operator(request)
        said = await _json(request)
        amount = money.minor(_text(said, "amount"), _text(said, "currency"))
        refund = await self._payments.refund(request.path_params["order"], amount, _text(said, "currency"))
        status = {"succeeded": 200, "failed": 409, "canceled": 409}.get(refund["status"], 202)
        return JSONResponse({"refund": str(refund["id"]), "status": refund["status"]}, status)

    async def _subscribe(self, request: Request) -> Response:
        customer, said = self._customer(request), await _json(request)
        days = said.get("trial_days", 0)
        if not isinstance(days, int) or isinstance(days, bool) or not 0 <= days <= 365:
            raise HTTPException(400, "trial_days: expected up to 365 days")
        made = await self._subscriptions.subscribe(customer, _text(said, "plan"), _card(said), days)
        status = 402 if made["status"] == "declined" else 200
        return JSONResponse({"subscription": str(made["id"]), "status": made["status"]}, status)

    async def _access(self, request: Request) -> Response:
        return JSONResponse({"plan": await self._subscriptions.access(self._customer(request))})

    async def _quote(self, request: Request) -> Response:
        plan = _text(await _json(request), "plan")
        quote, due = await self._subscriptions.quote(self._customer(request), plan)
        return JSONResponse({"quote": str(quote), "due": money.text(due, PLAN_CURRENCY), "currency": PLAN_CURRENCY})

    async def _change(self, request: Request) -> Response:
        customer, said = self._customer(request), await _json(request)
        wanted, now = await self._subscriptions.change(customer, _id(said, "quote"))
        return JSONResponse({"plan": now}, 200 if now == wanted else 402)

    async def _cancel(self, request: Request) -> Response:
        await self._subscriptions.cancel(self._customer(request))
        return JSONResponse({})

    async def _reconcile(self, request: Request) -> Response:
        self._operator(request)
        since = (await _json(request)).get("since")
        if not isinstance(since, int):
            raise HTTPException(400, "since: expected seconds since 1970")
        found = await reconcile(self._pool, self._gateway, self._payments, self._subscriptions, since)
        return JSONResponse({"findings": [{"kind": kind, "order": order} for kind, order in found]})

    async def _hear(self, request: Request) -> Response:
        await self._webhooks.take(await _body(request), request.headers.get("stripe-signature", ""))
        return JSONResponse({})

    def _customer(self, request: Request) -> str:
        return str(self._claims(request)["sub"])

    def _operator(self, request: Request) -> None:
        if self._claims(request).get("role") != "operator":
            raise HTTPException(403, "only operators may")

    def _claims(self, request: Request) -> dict[str, Any]:
        """What the token of a request says; HTTPException 401 if it is absent, forged or expired."""
        try:
            return jwt.decode(bearer(request.headers) or "", self._secret, ["HS256"], {"require": ["exp", "sub"]})
        except jwt.InvalidTokenError as error:
            raise unauthenticated() from error


def _answering(endpoint: Endpoint) -> Endpoint:
    """The endpoint, with what it refuses, or cannot do now, turned into an answer."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except (NoSuchOrderError, NotThereError):
            return _error(404, "there is no such thing")
        except ConflictError as error:
            return _error(409, str(error))
        except (money.MoneyError, ForgedError, MalformedError) as error:
            return _error(400, str(error) or "not signed by the provider, or no event")
        except (psycopg.Error, PoolTimeout, UnknownOutcomeError) as error:
            # The kind alone: what a database says may hold what it was told.
            logger.warning("%s: %s", request.url.path, type(error).__name__)
            return JSONResponse({"error": "unavailable"}, 503, headers={"Retry-After": "1"})

    return answer


def _error(status: int, reason: str) -> Response:
    return JSONResponse({"error": reason}, status)


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise HTTPException(413, "too large")
    return body


async def _json(request: Request) -> dict[str, Any]:
    try:
        said = parse_json((await _body(request)).decode())
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise HTTPException(400, "expected a JSON object")
    return said


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 200:
        raise HTTPException(400, f"{name}: expected a text")
    return value


def _id(said: Mapping[str, Any], name: str) -> uuid.UUID:
    try:
        return uuid.UUID(_text(said, name))
    except ValueError as error:
        raise HTTPException(400, f"{name}: expected an id") from error


def _card(said: Mapping[str, Any]) -> str:
    card = _text(said, "card")
    if not card.startswith("pm_"):
        # Numbers of cards are for the provider's own form; here they are not even looked at.
        raise HTTPException(400, "card: expected the provider's token for a card")
    return card


def _lines(said: object, currency: str) -> list[Line]:
    """The lines of an order. Raises HTTPException 400, and MoneyError."""
    lines = []
    for one in said if isinstance(said, list) else []:
        match one:
            case {"quantity": int(quantity), "price": str(price)} if quantity > 0 and not isinstance(quantity, bool):
                lines.append(Line(quantity, money.minor(price, currency)))
            case _:
                raise HTTPException(400, "lines: expected a quantity and a price, such as 19.99, of each")
    if not lines or sum(line.quantity * line.price for line in lines) > money.LARGEST:
        raise HTTPException(400, "lines: expected some, of no more than the provider takes")
    return lines
