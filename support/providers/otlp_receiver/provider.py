"""The collector: takes traces by OTLP over HTTP, keeps what arrived, and hands it on to where it is told to."""

from collections.abc import Mapping
from typing import Any

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from ..door import BeforeTheDeed
from ..meter import Arrival
from ..visit import VISIT
from .spans import Spans

_PROTOBUF = "application/x-protobuf"
_HANDED_ON_WITHIN_S = 5.0


class Provider:
    """What it took it never loses. That it could not be handed on is counted, and is nobody's fault who sent it."""

    names = ()

    def __init__(self) -> None:
        self._spans = Spans()
        self._next = ""  # the address of the collector after this one
        self._not_handed_on: list[Arrival] = []  # of what has arrived since everything was forgotten
        self._http = httpx.AsyncClient(timeout=_HANDED_ON_WITHIN_S, trust_env=False)
        self.app: ASGIApp = BeforeTheDeed(Starlette(routes=[Route("/v1/traces", self._take, methods=["POST"])]))

    @property
    def control(self) -> list[BaseRoute]:
        """What arrived, and where it goes next."""
        return [
            Route("/spans", self._tell),
            Route("/holding", self._hold, methods=["POST"]),
            Route("/next", self._hand_on_to, methods=["POST"]),
        ]

    def fields(self, arrival: Arrival) -> Mapping[str, Any]:
        """None."""
        return {}

    def refusal(self, status: int, headers: Mapping[str, str]) -> Response:
        """An empty body, as a proxy before a collector gives."""
        return Response(status_code=status, headers=dict(headers))

    def calm(self) -> None:
        """Nothing is handed on."""
        self._next = ""

    def forget(self) -> None:
        """Nothing has arrived, too."""
        self.calm()
        self._spans.clear()
        self._not_handed_on = []

    async def _take(self, request: Request) -> Response:
        arrival: Arrival = request.scope[VISIT].arrival
        try:
            self._spans.add(arrival.body, arrival.header("content-encoding"))
        except (ValueError, OSError) as error:
            return JSONResponse({"error": str(error)}, 400)
        # Who sends it is answered first: their patience is for us, and not for the collector after us.
        later = BackgroundTask(self._pass_on, arrival, self._next, self._not_handed_on) if self._next else None
        told = ExportTraceServiceResponse().SerializeToString()
        return Response(told, media_type=_PROTOBUF, background=later)

    async def _pass_on(self, arrival: Arrival, url: str, failed: list[Arrival]) -> None:
        """Hands it on to the collector at `url`; what cannot be is added to `failed`."""
        told = {name: arrival.header(name) for name in ("content-type", "content-encoding")}
        headers = {name: value for name, value in told.items() if value}
        try:
            answer = await self._http.post(f"{url}/v1/traces", content=arrival.body, headers=headers)
            taken = answer.is_success
        except httpx.HTTPError:
            taken = False
        if not taken:
            failed.append(arrival)

    async def _tell(self, request: Request) -> Response:
        """The spans of one `trace`, or of the traces in which a name or an attribute holds the text `holding`."""
        asked = request.query_params
        rows = self._spans.of_trace(asked["trace"]) if "trace" in asked else self._spans.of_traces(asked["holding"])
        return JSONResponse({"spans": rows, "not_handed_on": len(self._not_handed_on)})

    async def _hold(self, request: Request) -> Response:
        """{texts}: in how many bodies each stands."""
        return JSONResponse(self._spans.holding((await request.json())["texts"]))

    async def _hand_on_to(self, request: Request) -> Response:
        """{url}: what arrives goes there, too, from now on."""
        self._next = (await request.json())["url"]
        return JSONResponse({})
