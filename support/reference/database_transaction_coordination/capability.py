"""Billing in PostgreSQL and its copy in ClickHouse, which agree to the cent."""

import asyncio
import datetime
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress

import jwt
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlalchemy import make_url, select
from sqlalchemy.exc import DBAPIError, NoResultFound, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ..json_text import parse_json
from ..sessions import bearer, unauthenticated
from ..settings import Settings
from ..unavailable import UnavailableError
from . import outbox
from .analytics import Analytics, AnalyticsError, RefusedError
from .billing import WORTH_RETRYING, Billing, ExceedsPaidError, sqlstate
from .entry import Entry
from .reconciliation import reconcile
from .relay import Relay
from .schema import migrate
from .settings import DatabaseSettings

CONNECTIONS = 10
CONNECT_WITHIN_S = 2  # libpq knows no shorter one
# A node that is gone, or cut off, must not hold its locks for ever.
SESSION = "-c statement_timeout=10s -c idle_in_transaction_session_timeout=30s"
CURRENCY = "EUR"
# What a constraint forbids, by its SQLSTATE (PostgreSQL, appendix A).
REFUSALS = {
    "23503": (404, "no such account"),
    "23505": (409, "this reference was used before"),
    "23514": (422, "this amount or day cannot be booked"),
    "22003": (422, "this amount is too large"),
}
Endpoint = Callable[[Request], Awaitable[Response]]


class Capability:
    """The capability: its routes, its lifespan, whether its store answers, and what it counts."""

    def __init__(self, node: Settings, environ: Mapping[str, str]) -> None:
        self._secret = node.jwt_secret
        self._settings = settings = DatabaseSettings.load(environ)
        self._url = make_url(settings.postgres_url).set(drivername="postgresql+psycopg")
        self._connect_args: dict[str, object] = {"connect_timeout": CONNECT_WITHIN_S, "options": SESSION}
        self._engine = create_async_engine(
            self._url, connect_args=self._connect_args, pool_size=CONNECTIONS, max_overflow=0, pool_timeout=5
        )
        self._billing = Billing(self._engine)
        self._registry = CollectorRegistry()
        self._depth = Gauge("billing_outbox_depth", "Events that wait.", registry=self._registry)
        self._parked = Gauge("billing_outbox_parked", "Events that wait for somebody.", registry=self._registry)
        self._relay = Relay(self._engine, self._analytics(), settings, self._registry)

    @property
    def routes(self) -> list[BaseRoute]:
        """What the capability answers to."""
        account = "/accounts/{account:uuid}"
        endpoints: dict[tuple[str, str], Endpoint] = {
            ("POST", "/accounts"): self._open_account,
            ("GET", account): self._show_account,
            ("POST", f"{account}/charges"): self._charge,
            ("POST", f"{account}/refunds"): self._refund,
            ("GET", "/outbox/parked"): self._show_parked,
            ("POST", "/reconciliations"): self._reconcile,
            ("GET", "/metrics"): self._show_metrics,
        }
        return [Route(path, _answering(what), methods=[verb]) for (verb, path), what in endpoints.items()]

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Owns the relay, which runs as long as the node does."""
        await asyncio.to_thread(migrate, self._url, self._connect_args)
        with suppress(AnalyticsError, RefusedError):  # billing does not wait for analytics; the relay tries again
            await self._relay.prepare()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._relay.run())
            yield
            self._relay.stop()
        await self._engine.dispose()

    async def healthy(self) -> bool:
        """Whether PostgreSQL answers. An outage of analytics is bridged by the outbox, so it makes no node unwell."""
        try:
            async with self._engine.connect() as connection:
                return bool((await connection.execute(select(1))).scalar_one() == 1)
        except SQLAlchemyError:
            return False

    def counts(self) -> dict[str, int]:
        """Nothing beyond what every node counts."""
        return {}

    def _analytics(self) -> Analytics:
        return Analytics(self._settings.clickhouse_url, self._settings.clickhouse_timeout_s)

    def _customer(self, request: Request) -> str:
        """Whose books these are, by the token of the request; HTTPException 401 if it is absent, forged or expired."""
        try:
            claims = jwt.decode(bearer(request.headers) or "", self._secret, ["HS256"], {"require": ["exp", "sub"]})
        except jwt.InvalidTokenError as error:
            raise unauthenticated() from error
        return str(claims["sub"])

    async def _open_account(self, request: Request) -> Response:
        account = await self._billing.open_account(self._customer(request))
        return JSONResponse({"account": str(account)}, 201)

    async def _show_account(self, request: Request) -> Response:
        balance = await self._billing.balance(self._customer(request), request.path_params["account"])
        return JSONResponse({"balance_cents": balance})

    async def _charge(self, request: Request) -> Response:
        entry = await self._entry(request, "charge")
        await self._billing.charge(entry)
        return JSONResponse({"entry": str(entry.id)}, 201)

    async def _refund(self, request: Request) -> Response:
        entry = await self._entry(request, "refund")
        await self._billing.refund(entry)
        return JSONResponse({"entry": str(entry.id)}, 201)

    async def _show_parked(self, request: Request) -> Response:
        return JSONResponse({"parked": await outbox.parked(self._engine, self._customer(request))})

    async def _reconcile(self, request: Request) -> Response:
        analytics = self._analytics()
        try:
            return JSONResponse(await reconcile(self._engine, analytics, self._customer(request)))
        finally:
            analytics.close()

    async def _show_metrics(self, _: Request) -> Response:
        waiting, parked = await outbox.depth(self._engine)
        self._depth.set(waiting)
        self._parked.set(parked)
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)

    async def _entry(self, request: Request, kind: str) -> Entry:
        customer, account = self._customer(request), request.path_params["account"]
        try:
            match parse_json((await request.body()).decode()):
                case {
                    "reference": str(reference),
                    "product": str(product),
                    "amount_cents": int(cents),
                    "day": str(day),
                } if not isinstance(cents, bool):
                    on = datetime.date.fromisoformat(day)
                    return Entry(uuid.uuid4(), account, customer, kind, reference, product, cents, CURRENCY, on)
        except ValueError:
            pass
        raise HTTPException(400, "expected a reference, a product, an amount_cents and a day")


def _answering(endpoint: Endpoint) -> Endpoint:
    """The endpoint, with what the stores refuse, or are not there for, turned into an answer."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except NoResultFound:
            return JSONResponse({"error": "no such account"}, 404)
        except ExceedsPaidError:
            return JSONResponse({"error": "more than the customer has paid"}, 422)
        except DBAPIError as error:
            return _refusal(error)
        except (SQLAlchemyError, AnalyticsError, RefusedError) as error:
            raise UnavailableError(str(error)) from error

    return answer


def _refusal(error: DBAPIError) -> Response:
    state = sqlstate(error)
    if state in WORTH_RETRYING:
        return JSONResponse({"error": "others were faster", "retryable": True}, 409, headers={"Retry-After": "0"})
    if state in REFUSALS:
        status, reason = REFUSALS[state]
        return JSONResponse({"error": reason}, status)
    raise UnavailableError(str(error)) from error
