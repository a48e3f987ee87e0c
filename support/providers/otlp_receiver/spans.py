"""Spans as they arrived, one row for each time that one did: what is sent twice stands here twice.

The format: https://opentelemetry.io/docs/specs/otlp/, opentelemetry/proto/trace/v1/trace.proto.
"""

import gzip
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Row = dict[str, Any]
_STATUSES = {0: "unset", 1: "ok", 2: "error"}


class Spans:
    """All spans since the start, or since everything was forgotten, and the bodies that they came in."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._bodies: list[bytes] = []

    def add(self, body: bytes, encoding: str) -> None:
        """What one request brought. Raises ValueError for what is not OTLP."""
        plain = _plain(body, encoding)
        try:
            request = ExportTraceServiceRequest.FromString(plain)
        except Exception as error:  # protobuf's own, which differs from one backend of it to another
            raise ValueError(f"no OTLP: {error}") from error
        self._bodies.append(plain)
        self._rows.extend(_rows(request))

    def of_traces(self, text: str) -> list[Row]:
        """Every span of each trace in which the name or some attribute of a span holds `text`, in order of arrival."""
        told = [(row["trace"], (row["name"], *row["attributes"].values())) for row in self._rows]
        traces = {trace for trace, values in told if any(text in str(value) for value in values)}
        return [row for row in self._rows if row["trace"] in traces]

    def of_trace(self, trace: str) -> list[Row]:
        """Every span of one trace."""
        return [row for row in self._rows if row["trace"] == trace]

    def holding(self, texts: Iterable[str]) -> dict[str, int]:
        """In how many bodies each of `texts` stands, wherever in them."""
        return {text: sum(text.encode() in body for body in self._bodies) for text in texts}

    def clear(self) -> None:
        """Forgets them all."""
        self._rows.clear()
        self._bodies.clear()


def _plain(body: bytes, encoding: str) -> bytes:
    if encoding == "gzip":
        return gzip.decompress(body)
    return zlib.decompress(body) if encoding == "deflate" else body


def _rows(request: ExportTraceServiceRequest) -> Iterator[Row]:
    for resource in request.resource_spans:
        own = _values(resource.resource.attributes)
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield _row(span, own)


def _row(span: Span, resource: Mapping[str, Any]) -> Row:
    return {
        "trace": span.trace_id.hex(),
        "id": span.span_id.hex(),
        "parent": span.parent_span_id.hex(),
        "state": span.trace_state,
        "name": span.name,
        "kind": Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        "began_ns": span.start_time_unix_nano,
        "ended_ns": span.end_time_unix_nano,
        "attributes": _values(span.attributes),
        "events": [{"name": event.name, "attributes": _values(event.attributes)} for event in span.events],
        "links": [{"trace": link.trace_id.hex(), "span": link.span_id.hex()} for link in span.links],
        "status": _STATUSES.get(span.status.code, "unknown"),
        "resource": resource,
    }


def _values(attributes: Iterable[KeyValue]) -> dict[str, Any]:
    return {one.key: _value(one.value) for one in attributes}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    if kind == "kvlist_value":
        return _values(value.kvlist_value.values)
    if kind == "bytes_value":
        return value.bytes_value.hex()
    return getattr(value, kind) if kind else None
