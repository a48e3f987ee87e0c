"""Spans of this node: how they begin, what they carry, how an error is told, and how they get to the collector.

Semantic conventions: https://opentelemetry.io/docs/specs/semconv/, the stable ones of HTTP.
"""

import logging
import os
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

# Read when the libraries are loaded: stable names of attributes, and counters of spans that were lost.
os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
os.environ.setdefault("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true")

from opentelemetry import baggage, context, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, Sum
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

from .settings import TracingSettings

VERSION = "1.0.0"
ORDER, TENANT = "order.id", "tenant.id"  # in baggage, and on every span
_LOSSES = ("otel.sdk.processor.span.processed", "otel.sdk.exporter.span.exported")


class Telemetry:
    """The tracer of one node, and what becomes of its spans."""

    def __init__(self, node_name: str, settings: TracingSettings) -> None:
        told = {"service.name": settings.tracing_role, "service.version": VERSION, "service.instance.id": node_name}
        self._reader = InMemoryMetricReader()
        self._meters = MeterProvider([self._reader], shutdown_on_exit=False)
        sampler = ParentBased(TraceIdRatioBased(settings.tracing_ratio))
        self.provider = TracerProvider(sampler, Resource.create(told), shutdown_on_exit=False)
        exporter = OTLPSpanExporter(
            endpoint=f"{settings.otlp_receiver_url}/v1/traces",
            timeout=settings.tracing_timeout_s,
            meter_provider=self._meters,
        )
        batches = BatchSpanProcessor(
            exporter,
            max_queue_size=settings.tracing_queue,
            schedule_delay_millis=settings.tracing_delay_s * 1000,
            max_export_batch_size=settings.tracing_batch,
            meter_provider=self._meters,
        )
        self.provider.add_span_processor(FromBaggage())
        self.provider.add_span_processor(batches)
        self.tracer = self.provider.get_tracer(__name__, VERSION)

    @contextmanager
    def span(self, name: str, kind: SpanKind, attributes: dict[str, Any], *links: Link) -> Iterator[trace.Span]:
        """A span of what is done in the block. An error that leaves it is told as its status.

        The exception itself is recorded where it ends, and nowhere on its way there.
        """
        with self.tracer.start_as_current_span(
            name, kind=kind, attributes=attributes, links=links, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield span
            except Exception as error:
                failed(span, error)
                raise

    def lost(self) -> int:
        """How many spans were dropped, for want of room or because the collector did not take them."""
        metrics = self._reader.get_metrics_data()
        if metrics is None:
            return 0
        scopes = [scope for resource in metrics.resource_metrics for scope in resource.scope_metrics]
        counted = [m.data for scope in scopes for m in scope.metrics if m.name in _LOSSES and isinstance(m.data, Sum)]
        points = [point for data in counted for point in data.data_points]
        return sum(int(point.value) for point in points if point.attributes and "error.type" in point.attributes)

    def shut_down(self) -> None:
        """Sends what waits, and ends. A collector that hangs holds this up for its time-out, for each batch."""
        self.provider.shutdown()
        self._meters.shutdown()


class FromBaggage(SpanProcessor):
    """Puts the order and the tenant on every span that begins in their name."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Reads them from the baggage of the context that the span begins in."""
        for name in (ORDER, TENANT):
            value = baggage.get_baggage(name, parent_context)
            if isinstance(value, str):
                span.set_attribute(name, value)


@contextmanager
def in_name_of(order: str, tenant: str) -> Iterator[None]:
    """Whatever is done in the block is done for `order` of `tenant`, here and in other processes."""
    trace.get_current_span().set_attributes({ORDER: order, TENANT: tenant})
    with attached(baggage.set_baggage(TENANT, tenant, baggage.set_baggage(ORDER, order))):
        yield


@contextmanager
def attached(ctx: Context) -> Iterator[None]:
    """The block runs in `ctx`."""
    token = context.attach(ctx)
    try:
        yield
    finally:
        context.detach(token)


def failed(span: trace.Span, error: BaseException) -> None:
    """What the span is about has failed by `error`."""
    span.set_status(Status(StatusCode.ERROR, type(error).__name__))
    span.set_attribute("error.type", type(error).__qualname__)


class Correlated(logging.LoggerAdapter[logging.Logger]):
    """A logger whose lines name the trace and the span in which they are written."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Adds both, as they stand in the collector."""
        here = trace.get_current_span().get_span_context()
        ids = f"trace_id={trace.format_trace_id(here.trace_id)} span_id={trace.format_span_id(here.span_id)}"
        return f"{msg} {ids}", kwargs
