"""The server's side of tracing: a span for each request, whoever sent it, and whatever comes of it."""

import json
import logging
from typing import Any
from urllib.parse import parse_qsl, urlencode

from opentelemetry import trace
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.metrics import NoOpMeterProvider
from starlette.exceptions import HTTPException, WebSocketException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .telemetry import Correlated, Telemetry, failed

_HANDLERS = "starlette.exception_handlers"
_REFUSALS = (HTTPException, WebSocketException)
_PARENT, _STATE, _BAGGAGE = b"traceparent", b"tracestate", b"baggage"

logger = Correlated(logging.getLogger(__name__), {})


def traced(app: ASGIApp, telemetry: Telemetry, public: bool) -> ASGIApp:
    """`app` with a span for each request; `public` is what strangers reach, whose traces and baggage are not ours."""
    spans = OpenTelemetryMiddleware(
        Failures(app),
        default_span_details=_named,
        server_request_hook=_without_secrets,
        tracer_provider=telemetry.provider,
        meter_provider=NoOpMeterProvider(),
        exclude_spans=["receive", "send"],
    )
    return Edge(spans) if public else OneParent(spans)


class Edge:
    """A trace begins here, and whether it is kept is decided here: what strangers say of theirs counts for nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Takes off what they say."""
        await self._app(_without(scope, _PARENT, _STATE, _BAGGAGE), receive, send)


class OneParent:
    """Of two parents neither is believed (W3C Trace Context, 3.2.2: there is one traceparent header)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Takes both off."""
        if sum(name == _PARENT for name, _ in scope["headers"]) > 1:
            scope = _without(scope, _PARENT, _STATE)
        await self._app(scope, receive, send)


class Failures:
    """Answers what nobody else has handled, and tells it on the span, which the instrumentation does by half."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; an answer that has begun is broken off, so that nobody takes it for whole."""
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(_unanswered(scope), receive, noting)
        except Exception as error:
            logger.exception("%s failed", scope["path"])
            trace.get_current_span().record_exception(error)
            if begun or scope["type"] != "http":
                failed(trace.get_current_span(), error)
                raise
            await _answer(error, send)


async def _answer(error: Exception, send: Send) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    # After the head, with which the instrumentation says no more than the status, and before the span's end.
    trace.get_current_span().set_attribute("error.type", type(error).__qualname__)
    await send({"type": "http.response.body", "body": json.dumps({"error": "failed"}).encode()})


def _unanswered(scope: Scope) -> Scope:
    """`scope` without what the node answers to some errors wherever they are met: it would, before they were told."""
    errors, statuses = scope.get(_HANDLERS, ({}, {}))
    refusals = {error: answer for error, answer in errors.items() if issubclass(error, _REFUSALS)}
    return {**scope, _HANDLERS: (refusals, statuses)}


def _named(scope: Scope) -> tuple[str, dict[str, Any]]:
    """A name that many requests have: without what only one has in its path."""
    resource = scope["path"].split("/")[1]
    method = scope.get("method", "LIVE")
    return f"{method} /{resource}", {}


def _without_secrets(span: trace.Span, scope: dict[str, Any]) -> None:
    # The instrumentation tells the query as it came; a token in it would be for everybody to read.
    if scope["query_string"]:
        names = [(name, "REDACTED") for name, _ in parse_qsl(scope["query_string"].decode("latin-1"))]
        span.set_attribute("url.query", urlencode(names))


def _without(scope: Scope, *names: bytes) -> Scope:
    return {**scope, "headers": [(name, value) for name, value in scope["headers"] if name not in names]}
