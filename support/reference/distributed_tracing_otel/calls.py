"""Calls of others: a span for each, and the trace goes with it; what we say among ourselves goes to nobody else."""

import logging
from typing import Any
from urllib.parse import urlsplit

import httpx2
from opentelemetry import propagate
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from .telemetry import Telemetry

TIMEOUT_S = 8.0
CONNECTIONS = 200

# It writes a line for each call, which names no trace; the span tells all of that.
logging.getLogger("httpx2").setLevel(logging.WARNING)


class Unanswered(Exception):
    """The other side gave no answer, or said that it failed."""


class Calls:
    """Calls of one other side. `ours` is one of our own services, which is told whom a call is made for."""

    def __init__(self, url: str, telemetry: Telemetry, ours: bool) -> None:
        self._telemetry, self._ours, self._host = telemetry, ours, urlsplit(url).hostname or ""
        limits = httpx2.Limits(max_connections=CONNECTIONS)
        self._http = httpx2.AsyncClient(base_url=url, timeout=TIMEOUT_S, limits=limits, trust_env=False)

    async def call(self, method: str, path: str, body: Any = None, resend: int = 0) -> httpx2.Response:
        """One call; its answer, whatever it is. Raises Unanswered."""
        told = {"http.request.method": method, "server.address": self._host, "url.path": path}
        if resend:
            told["http.request.resend_count"] = str(resend)
        with self._telemetry.span(method, SpanKind.CLIENT, told) as span:
            try:
                answer = await self._http.request(method, path, json=body, headers=self._headers())
            except httpx2.HTTPError as error:
                raise Unanswered(f"{method} {path}: {type(error).__name__}") from error
            span.set_attribute("http.response.status_code", answer.status_code)
            if answer.status_code >= 400:
                span.set_status(Status(StatusCode.ERROR))
                span.set_attribute("error.type", str(answer.status_code))
            return answer

    async def insist(self, method: str, path: str, attempts: int = 2) -> httpx2.Response:
        """The first answer that is no failure of the other side's, in so many attempts. Raises Unanswered."""
        for number in range(attempts):
            try:
                answer = await self.call(method, path, resend=number)
            except Unanswered:
                if number + 1 == attempts:
                    raise
                continue
            if answer.status_code < 500:
                return answer
        raise Unanswered(f"{method} {path}: {answer.status_code}")

    async def close(self) -> None:
        """Gives the connections back."""
        await self._http.aclose()

    def _headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        if self._ours:
            propagate.inject(headers)
        else:
            TraceContextTextMapPropagator().inject(headers)
        return headers
