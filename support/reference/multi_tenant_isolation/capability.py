"""What tenants and our staff can ask for over HTTP."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ..json_text import parse_json
from ..sessions import unauthenticated
from ..settings import Settings
from . import records
from .credentials import Credential
from .imports import Imports
from .records import Customer
from .reports import Reports
from .schema import SERVICE, migrate, open_tenant
from .settings import TenantSettings
from .tenancy import BusyError, Tenancy, Transaction, UnknownTenantError
from .vault import DisplacedError, KeysDestroyedError, Vault

REDIS_TIMEOUT_S = 5.0
CONNECT_WITHIN_S = 5
# A node that is gone, or cut off, must not hold its locks for ever.
SESSION = "-c search_path=public -c lock_timeout=8s -c statement_timeout=10s -c idle_in_transaction_session_timeout=10s"
# What a request is told that the database, or a key, has refused.
REFUSALS: dict[type[Exception], tuple[int, str]] = {
    psycopg.errors.UniqueViolation: (409, "this e-mail address is another customer's"),
    psycopg.errors.ForeignKeyViolation: (404, "not found"),
    psycopg.errors.CheckViolation: (400, "this amount cannot be invoiced"),
    psycopg.DataError: (400, "this cannot be kept"),
    KeysDestroyedError: (410, "the key was destroyed"),
    DisplacedError: (422, "this was not sealed for its place"),
    BusyError: (429, "too much under way"),
    psycopg.Error: (503, "unavailable"),
    PoolTimeout: (503, "unavailable"),
    RedisError: (503, "unavailable"),
}
CLIENT_CLOSED_REQUEST = 499  # nobody gets it; nginx has made the number common in logs
Endpoint = Callable[[Request], Awaitable[Response]]
logger = logging.getLogger(__name__)


class Capability:
    """Its routes, its lifespan, whether its stores answer, and what it counts."""

    def __init__(self, node: Settings, environ: Mapping[str, str]) -> None:
        self._secret = node.jwt_secret
        self._settings = settings = TenantSettings.load(environ)
        self._pool = _pool(settings)
        self._redis = Redis.from_url(
            settings.redis_url, decode_responses=True, socket_timeout=REDIS_TIMEOUT_S,
            socket_connect_timeout=REDIS_TIMEOUT_S, retry=Retry(NoBackoff(), 0),
        )  # fmt: skip
        self._tenancy = Tenancy(self._pool, settings.tenant_connections)
        self._vault = Vault(settings.master_key)
        self._reports = Reports(self._redis, settings.report_ttl_s)
        self._imports = Imports(node.node_name, self._redis, self._tenancy, self._vault, self._reports)

    @property
    def routes(self) -> list[BaseRoute]:
        """What the capability answers to."""
        found = self._endpoints().items()
        return [Route(_spanning(path), _answering(what), methods=[verb]) for (verb, path), what in found]

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Owns the worker, which runs as long as the node does."""
        await asyncio.to_thread(migrate, self._settings.postgres_url, self._settings.service_password)
        async with self._redis, self._pool:
            working = asyncio.create_task(self._imports.work())
            yield
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working

    async def healthy(self) -> bool:
        """Whether PostgreSQL answers. Without Redis tenants are served all the same, but for imports."""
        try:
            async with self._pool.connection(timeout=2) as connection:
                return (await connection.execute("SELECT 1")).rowcount == 1
        except (psycopg.Error, PoolTimeout):
            return False

    def counts(self) -> dict[str, int]:
        """How many requests wait for a connection."""
        return {"waiting": self._pool.get_stats().get("requests_waiting", 0)}

    def _endpoints(self) -> dict[tuple[str, str], Endpoint]:
        return {
            ("GET", "/customers"): self._list_customers,
            ("GET", "/customers/{customer}"): self._show_customer,
            ("PUT", "/customers/{customer}"): self._put_customer,
            ("DELETE", "/customers/{customer}"): self._delete_customer,
            ("GET", "/invoices/{invoice}"): self._show_invoice,
            ("PUT", "/invoices/{invoice}"): self._put_invoice,
            ("GET", "/reports/{region}"): self._show_report,
            ("GET", "/imports/{import}"): self._show_import,
            ("PUT", "/imports/{import}"): self._start_import,
            ("GET", "/accesses"): self._list_accesses,
            ("POST", "/tenants"): self._open_tenant,
            ("GET", "/tenants/{tenant}/customers"): self._look_at_customers,
            ("POST", "/tenants/{tenant}/keys"): self._rotate_keys,
            ("DELETE", "/tenants/{tenant}/keys"): self._destroy_keys,
            ("GET", "/openapi.json"): self._describe,
        }

    # For tenants

    def _tenant(self, request: Request) -> uuid.UUID:
        credential = Credential.of(request, self._secret)
        tenant = credential.of_tenant()
        logger.info("%s %r by %r of tenant %s", request.method, request.url.path, credential.user, tenant)
        return tenant

    async def _list_customers(self, request: Request) -> Response:
        tenant, asked = self._tenant(request), request.query_params
        if (order := asked.get("sort", "id")) not in records.ORDERS:
            raise HTTPException(400, f"expected to sort by one of {', '.join(records.ORDERS)}")
        async with self._tenancy.transaction(tenant) as transaction:
            found = await records.customers(transaction, asked.get("name", ""), order)
        return JSONResponse({"customers": found})

    async def _show_customer(self, request: Request) -> Response:
        tenant = self._tenant(request)
        async with self._tenancy.transaction(tenant) as transaction:
            keys = await self._vault.keys(transaction, tenant)
            return _found(await records.customer(transaction, keys, request.path_params["customer"]))

    async def _put_customer(self, request: Request) -> Response:
        tenant = self._tenant(request)
        customer = _customer(await _body(request), request.path_params["customer"])
        async with self._reports.forgetting(tenant), self._tenancy.transaction(tenant) as transaction:
            await records.put_customer(transaction, await self._vault.keys(transaction, tenant), customer)
        return Response(status_code=204)

    async def _delete_customer(self, request: Request) -> Response:
        tenant = self._tenant(request)
        async with self._reports.forgetting(tenant), self._tenancy.transaction(tenant) as transaction:
            if not await records.delete_customer(transaction, request.path_params["customer"]):
                raise HTTPException(404, "not found")
        return Response(status_code=204)

    async def _show_invoice(self, request: Request) -> Response:
        async with self._tenancy.transaction(self._tenant(request)) as transaction:
            return _found(await records.invoice(transaction, request.path_params["invoice"]))

    async def _put_invoice(self, request: Request) -> Response:
        tenant = self._tenant(request)
        match await _body(request):
            case {"customer": str(customer), "cents": int(cents)} if not isinstance(cents, bool):
                invoice = {"id": request.path_params["invoice"], "customer": customer, "cents": cents}
            case _:
                raise HTTPException(400, "expected a customer and cents")
        async with self._reports.forgetting(tenant), self._tenancy.transaction(tenant) as transaction:
            await records.put_invoice(transaction, invoice)
        return Response(status_code=204)

    async def _show_report(self, request: Request) -> Response:
        tenant, region = self._tenant(request), request.path_params["region"]
        report, changes = await self._reports.cached(tenant, region)
        if report is None:
            async with self._tenancy.transaction(tenant) as transaction:
                report = await records.report(transaction, region)
            await self._reports.keep(tenant, region, report, changes)
        return JSONResponse(report)

    async def _show_import(self, request: Request) -> Response:
        state = await self._imports.state(self._tenant(request), request.path_params["import"])
        return _found({"state": state} if state else None)

    async def _start_import(self, request: Request) -> Response:
        tenant = self._tenant(request)
        match await _body(request):
            case {"customers": [*given]}:
                customers = [_customer(fields) for fields in given]
            case _:
                raise HTTPException(400, "expected customers")
        await self._imports.start(tenant, request.path_params["import"], customers)
        return Response(status_code=202)

    async def _list_accesses(self, request: Request) -> Response:
        async with self._tenancy.transaction(self._tenant(request)) as transaction:
            query = "SELECT at, who, what FROM public.accesses ORDER BY at"
            found = await (await transaction.execute(query)).fetchall()
        return JSONResponse({"accesses": [access | {"at": access["at"].isoformat()} for access in found]})

    # For our staff

    async def _open_tenant(self, request: Request) -> Response:
        Credential.of(request, self._secret).of_staff()
        match await _body(request):
            case {"name": str(name), "own_schema": bool(own_schema)}:
                tenant = uuid.uuid4()
            case _:
                raise HTTPException(400, "expected a name and own_schema")
        key = self._vault.new_key(tenant, 1)
        await asyncio.to_thread(open_tenant, self._settings.postgres_url, tenant, name, own_schema, key)
        return JSONResponse({"tenant": str(tenant)}, 201)

    async def _look_at_customers(self, request: Request) -> Response:
        """The look and the note of it are one transaction, so nothing is shown that was not written down."""
        who = Credential.of(request, self._secret).of_staff()
        async with self._tenancy.transaction(_tenant_in(request)) as transaction:
            await transaction.execute("INSERT INTO public.accesses (who, what) VALUES (%s, 'customers')", [who])
            found = await records.customers(transaction)
        return JSONResponse({"customers": found})

    async def _rotate_keys(self, request: Request) -> Response:
        Credential.of(request, self._secret).of_staff()
        tenant = _tenant_in(request)
        async with self._tenancy.transaction(tenant) as transaction:
            version = await self._vault.rotate(transaction, tenant)
        return JSONResponse({"version": version}, 201)

    async def _destroy_keys(self, request: Request) -> Response:
        Credential.of(request, self._secret).of_staff()
        async with self._tenancy.transaction(_tenant_in(request)) as transaction:
            await self._vault.destroy(transaction)
        return Response(status_code=204)

    async def _describe(self, _: Request) -> Response:
        paths: dict[str, dict[str, dict[str, Any]]] = {}
        for verb, path in self._endpoints():
            paths.setdefault(path, {})[verb.lower()] = {}
        return JSONResponse({"openapi": "3.1.0", "info": {"title": "Tenants", "version": "1"}, "paths": paths})


def _pool(settings: TenantSettings) -> AsyncConnectionPool[Transaction]:
    """The connections by which tenants are served: never those of the administrator."""
    service = make_conninfo(
        settings.postgres_url, user=SERVICE, password=settings.service_password, options=SESSION,
        connect_timeout=CONNECT_WITHIN_S,
    )  # fmt: skip
    return AsyncConnectionPool(
        service, min_size=1, max_size=settings.db_connections, open=False, timeout=10,
        kwargs={"row_factory": dict_row}, connection_class=cast(type[Transaction], psycopg.AsyncConnection),
    )  # fmt: skip


def _spanning(path: str) -> str:
    """The path of a route, whose last parameter may have slashes in it, as invoice numbers do."""
    return f"{path[:-1]}:path}}" if path.endswith("}") else path


def _tenant_in(request: Request) -> uuid.UUID:
    try:
        return uuid.UUID(request.path_params["tenant"])
    except ValueError as error:
        raise HTTPException(404, "not found") from error


def _found(row: dict[str, Any] | None) -> Response:
    """What another tenant has is answered as what nobody has."""
    if row is None:
        raise HTTPException(404, "not found")
    return JSONResponse(row)


async def _body(request: Request) -> Any:
    try:
        return parse_json((await request.body()).decode())
    except ValueError as error:
        raise HTTPException(400, "expected JSON") from error


def _customer(fields: Any, id_: str = "") -> Customer:
    """Of what was sent, the fields of a customer; whatever else there is has no say."""
    given = {"id": id_, **fields} if isinstance(fields, dict) and id_ else fields
    match given:
        case {
            "id": str(key), "name": str(name), "email": str(email), "region": str(region),
            "iban": str(iban), "tax_id": str(tax_id),
        }:  # fmt: skip
            return Customer(id_ or key, name, email, region, iban, tax_id)
    raise HTTPException(400, "expected a name, an email, a region, an iban and a tax_id")


def _answering(endpoint: Endpoint) -> Endpoint:
    """The endpoint, with what stores refuse turned into an answer, and ended when nobody waits for that any more."""

    async def answer(request: Request) -> Response:
        try:
            return await _while_connected(request, endpoint)
        except UnknownTenantError:
            # Our staff name tenants by the path; in a credential, one that there is none of is as bad as no credential.
            raise HTTPException(404, "not found") if "tenant" in request.path_params else unauthenticated() from None
        except tuple(REFUSALS) as error:
            status, reason = next(told for kind, told in REFUSALS.items() if isinstance(error, kind))
            if status >= 500:
                logger.warning("%r: %s", request.url.path, error)
            raise HTTPException(status, reason) from error

    return answer


async def _while_connected(request: Request, endpoint: Endpoint) -> Response:
    """What the endpoint answers. When the client goes away its work is cancelled, and what it wrote is rolled back."""
    await request.body()
    work = cast("asyncio.Task[None]", asyncio.current_task())
    watching = asyncio.create_task(_disconnected(request))
    watching.add_done_callback(lambda watch: watch.cancelled() or work.cancel())
    try:
        return await endpoint(request)
    except asyncio.CancelledError:
        if not watching.done():  # it is the node that ends
            raise
        work.uncancel()
        return Response(status_code=CLIENT_CLOSED_REQUEST)
    finally:
        watching.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
