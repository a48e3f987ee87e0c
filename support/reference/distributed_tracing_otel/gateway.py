"""The gateway: what customers reach, by a request or on a line that stays open."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from ..json_text import parse_json
from .calls import Calls, Unanswered
from .settings import TracingSettings
from .telemetry import Correlated, Telemetry, attached, in_name_of

logger = Correlated(logging.getLogger(__name__), {})


class Gateway:
    """Takes orders and hands them to the service."""

    def __init__(self, settings: TracingSettings, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._service = Calls(settings.service_url, telemetry, ours=True)

    @property
    def routes(self) -> list[BaseRoute]:
        """What customers reach."""
        return [
            Route("/orders/{order}", self._order, methods=["POST"]),
            Route("/goods/{order}", self._look),
            WebSocketRoute("/live", self._live),
        ]

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Owns the connections to the service."""
        yield
        await self._service.close()

    async def _order(self, request: Request) -> Response:
        said = await _said(request)
        return JSONResponse({}, await self._place(request.path_params["order"], said))

    async def _look(self, request: Request) -> Response:
        order = request.path_params["order"]
        with in_name_of(order, request.query_params.get("tenant", "")):
            return JSONResponse({}, await self._ask("GET", f"/goods/{order}"))

    async def _live(self, line: WebSocket) -> None:
        """Each order on the line is a trace of its own, because the line's lasts as long as the customer stays."""
        await line.accept()
        its = trace.get_current_span().get_span_context()
        try:
            while True:
                said = await line.receive_json()
                with attached(Context()), self._telemetry.span("LIVE /orders", SpanKind.SERVER, {}, Link(its)):
                    status = await self._place(said["order"], said)
                    _told(status)
                await line.send_json({"order": said["order"], "status": status})
        except WebSocketDisconnect:
            return

    async def _place(self, order: str, said: dict[str, Any]) -> int:
        with in_name_of(order, said.get("tenant", "")):
            logger.info("order %s came in", order)
            return await self._ask("POST", f"/checkout/{order}", {"card": said.get("card", "")})

    async def _ask(self, method: str, path: str, body: Any = None) -> int:
        try:
            status = (await self._service.call(method, path, body)).status_code
        except Unanswered:
            return 502
        return 502 if status >= 500 else status


def _told(status: int) -> None:
    """What became of an order on a line: no instrumentation tells that, as it does of a request."""
    if status >= 500:
        trace.get_current_span().set_status(trace.Status(trace.StatusCode.ERROR))
        trace.get_current_span().set_attribute("error.type", str(status))


async def _said(request: Request) -> dict[str, Any]:
    try:
        said = parse_json((await request.body()).decode())
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
