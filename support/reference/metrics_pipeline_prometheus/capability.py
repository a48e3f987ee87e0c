"""The shop: orders and exports, which a warehouse keeps, and what is counted of them.

What a customer gets: 200; 429 where the warehouse wants to be asked more slowly; 502 where it fails; 401 and 503 of
what stands before the shop (guards.py). Operators close and open it by PUT and DELETE of /maintenance.
"""

import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route

from ..settings import Settings, positive
from . import meters
from .guards import Maintenance, SignedIn
from .layer import Metered

CONNECTIONS = 200


class Capability:
    """The capability: its routes, its lifespan, whether it is well, and what it counts."""

    def __init__(self, node: Settings, environ: Mapping[str, str]) -> None:
        warehouse = environ.get("UPSTREAM_URL", "http://localhost:9000")
        timeout_s = positive(environ, "WAREHOUSE_TIMEOUT_S", 5)
        limits = httpx2.Limits(max_connections=CONNECTIONS)
        self._warehouse = httpx2.AsyncClient(base_url=warehouse, timeout=timeout_s, limits=limits)
        self._closed = Path(tempfile.gettempdir(), "closed-for-maintenance")
        self._shop = [
            Route("/orders", self._place, methods=["POST"]),
            Route("/orders/{order}", self._view),
            Route("/exports/{export}", self._export),
        ]
        guards = [Middleware(Maintenance, sign=self._closed), Middleware(SignedIn, secret=node.jwt_secret)]
        self._app = Metered(Starlette(routes=self._shop, middleware=guards), self._shop)

    @property
    def routes(self) -> list[BaseRoute]:
        """The operators' paths, which are not counted, and the shop with all that is no other path."""
        return [
            Route("/metrics", meters.show),
            Route("/maintenance", self._maintain, methods=["PUT", "DELETE"]),
            Mount("", app=self._app),
        ]

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Owns the connections to the warehouse."""
        async with self._warehouse:
            yield

    async def healthy(self) -> bool:
        """A shop whose warehouse fails is well, and says so to its customers."""
        return True

    def counts(self) -> dict[str, int]:
        """What it counts is told to Prometheus."""
        return {}

    async def _place(self, request: Request) -> Response:
        order = (await request.json())["order"]
        return await self._asked("POST", f"/orders/{order}")

    async def _view(self, request: Request) -> Response:
        return await self._asked("GET", f"/orders/{request.path_params['order']}")

    async def _asked(self, method: str, path: str) -> Response:
        try:
            answer = await self._warehouse.request(method, path)
        except httpx2.HTTPError as error:
            raise HTTPException(502, "the warehouse does not answer") from error
        _see(answer)
        return JSONResponse({"order": answer.json()})

    async def _export(self, request: Request) -> Response:
        """Passed on piece by piece, because an export may be larger than our memory."""
        asked = self._warehouse.build_request("GET", f"/exports/{request.path_params['export']}")
        try:
            answer = await self._warehouse.send(asked, stream=True)
        except httpx2.HTTPError as error:
            raise HTTPException(502, "the warehouse does not answer") from error
        if answer.status_code >= 400:
            await answer.aclose()  # a refusal that is not read would keep its connection for good
        _see(answer)
        return StreamingResponse(answer.aiter_raw(), headers={"Content-Length": answer.headers["Content-Length"]})

    async def _maintain(self, request: Request) -> Response:
        if request.method == "PUT":
            self._closed.touch()
        else:
            self._closed.unlink(missing_ok=True)
        return JSONResponse({"closed": self._closed.exists()})


def _see(answer: httpx2.Response) -> None:
    """Raises HTTPException for what the warehouse refuses."""
    if answer.status_code == 429:
        raise HTTPException(429, "too many", {"Retry-After": answer.headers.get("Retry-After", "1")})
    if answer.status_code >= 400:
        raise HTTPException(502, "the warehouse has failed")
