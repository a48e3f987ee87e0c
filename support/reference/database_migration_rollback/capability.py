"""Invoices over HTTP. A node is alive without its schema, and ready only when its release can work with it."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg.errors import NumericValueOutOfRange, UniqueViolation
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ..json_text import parse_json
from ..settings import Settings
from ..unavailable import UnavailableError
from .connections import Connections
from .history import APPLIED, Applied, History, HistoryError
from .invoices import WORDS, read, write
from .settings import SERVICE, InvoiceSettings

CONNECTIONS = 5
WAIT_S = 5.0  # for a connection
STATEMENT = "-c statement_timeout=10s"
Endpoint = Callable[[Request], Awaitable[Response]]

logger = logging.getLogger(__name__)


class Capability:
    """The capability: its routes, its lifespan, whether its store answers, and what it counts."""

    def __init__(self, node: Settings, environ: Mapping[str, str]) -> None:
        settings = InvoiceSettings.load(environ)
        self._words = WORDS[settings.release]
        self._history = History(settings.release)
        # Statements are not prepared: a plan that is older than a migration costs the first one who uses it an error.
        options = {"options": STATEMENT, "prepare_threshold": None, "autocommit": True}
        self._pool = Connections(
            settings.address(SERVICE), kwargs=options, min_size=1, max_size=CONNECTIONS, timeout=WAIT_S,
            reconnect_timeout=1, open=False,
        )  # fmt: skip

    @property
    def routes(self) -> list[BaseRoute]:
        """What the capability answers to."""
        endpoints: dict[tuple[str, str], Endpoint] = {
            ("POST", "/invoices"): self._issue,
            ("PUT", "/invoices/{reference}"): self._correct,
            ("GET", "/invoices/{reference}"): self._show,
            ("GET", "/ready"): self._ready,
        }
        return [Route(path, _answering(what), methods=[verb]) for (verb, path), what in endpoints.items()]

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Opens the pool, and waits for nobody: the database may come later."""
        async with self._pool:
            yield

    async def healthy(self) -> bool:
        """Always: a restart mends nothing that a node can lack here. Whether it can serve is told by /ready."""
        return True

    def counts(self) -> dict[str, int]:
        """How many connections it has."""
        return {"connections": self._pool.get_stats().get("pool_size", 0)}

    async def _ready(self, _: Request) -> Response:
        """200 while this release can work with the schema, for whoever sends customers to nodes."""
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(APPLIED.encode())).fetchall()
        try:
            self._history.refuse_unfit([Applied(*row) for row in rows])
        except HistoryError as error:
            return JSONResponse({"error": str(error)}, 503)
        return JSONResponse({"status": "ready"})

    async def _issue(self, request: Request) -> Response:
        body = await _body(request)
        values = {"reference": _text(body, "reference"), "cents": _cents(body), "note": body.get("note")}
        async with self._pool.connection() as connection:
            await write(connection, self._words.issue, values)
        return JSONResponse({"reference": values["reference"]}, 201)

    async def _correct(self, request: Request) -> Response:
        values = {"reference": request.path_params["reference"], "cents": _cents(await _body(request))}
        async with self._pool.connection() as connection:
            if not await write(connection, self._words.correct, values):
                raise HTTPException(404, "no such invoice")
        return Response(status_code=204)

    async def _show(self, request: Request) -> Response:
        async with self._pool.connection() as connection:
            found = await read(connection, self._words.read, request.path_params["reference"])
        if not found:
            raise HTTPException(404, "no such invoice")
        return JSONResponse(found._asdict())


def _answering(endpoint: Endpoint) -> Endpoint:
    """`endpoint`, which tells what the database refuses or lacks in the words of HTTP."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except HTTPException as error:
            return JSONResponse({"error": error.detail}, error.status_code)
        except (UniqueViolation, NumericValueOutOfRange) as error:
            return JSONResponse({"error": str(error.diag.message_primary)}, 409)
        except (psycopg.Error, PoolTimeout) as error:
            raise UnavailableError(str(error)) from error

    return answer


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = parse_json((await request.body()).decode())
    except ValueError as error:
        raise HTTPException(400, "expected JSON") from error
    if not isinstance(body, dict):
        raise HTTPException(400, "expected an object")
    return body


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise HTTPException(422, f"{name}: expected a text")
    return value


def _cents(body: dict[str, Any]) -> int:
    value = body.get("cents")
    if type(value) is not int or value < 0:
        raise HTTPException(422, "cents: expected a whole number, not below 0")
    return value
