"""What Jaeger shows of a trace, by its query API (v3, which answers OTLP as JSON)."""

from collections.abc import Iterator, Mapping
from typing import Any

import requests

from support.clients.otlp_receiver_control import Span
from support.containers.fleet import Fleet
from support.containers.jaeger import JaegerService
from support.errors import FleetError, ProbeError

_ANSWERS_WITHIN_S = 5.0
_ABSENT = 404
# opentelemetry/proto/trace/v1/trace.proto
_KINDS = {0: "unspecified", 1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
_STATUSES = {0: "unset", 1: "ok", 2: "error"}


class Jaeger:
    """The fleet's Jaeger. What it does not answer is a ProbeError."""

    def __init__(self, fleet: Fleet) -> None:
        service = fleet.named(JaegerService.kind)
        if not isinstance(service, JaegerService):
            raise FleetError(f"{service.name} is no Jaeger")
        self._url = service.query_url
        self.takes_at = service.url(service.name, service.port)  # as the fleet's network sees it
        self._http = requests.Session()
        self._http.trust_env = False  # no proxy stands between the suite and its own containers

    def trace(self, trace: str) -> list[Span]:
        """The spans of one trace; none where Jaeger does not know it. What arrived twice is shown once."""
        try:
            answer = self._http.get(f"{self._url}/api/v3/traces/{trace}", timeout=_ANSWERS_WITHIN_S)
        except requests.RequestException as error:
            raise ProbeError(f"Jaeger does not answer about the trace {trace}: {error}") from error
        if answer.status_code == _ABSENT:
            return []
        if not answer.ok:
            raise ProbeError(f"Jaeger refused to show the trace {trace}: {answer.status_code} {answer.text[:300]}")
        return list(_spans(answer.json()["result"]["resourceSpans"]))

    def close(self) -> None:
        """Gives the connection back."""
        self._http.close()


def _spans(resources: list[Any]) -> Iterator[Span]:
    for resource in resources:
        own = _values(resource.get("resource", {}))
        for scope in resource.get("scopeSpans", []):
            yield from (_span(said, own) for said in scope.get("spans", []))


def _span(said: Mapping[str, Any], resource: Mapping[str, Any]) -> Span:
    return Span(
        trace=said["traceId"],
        id=said["spanId"],
        parent=said.get("parentSpanId", ""),
        state=said.get("traceState", ""),
        name=said["name"],
        kind=_KINDS[said.get("kind", 0)],
        began_ns=int(said["startTimeUnixNano"]),
        ended_ns=int(said["endTimeUnixNano"]),
        attributes=_values(said),
        events=[{"name": event["name"], "attributes": _values(event)} for event in said.get("events", [])],
        links=[{"trace": link["traceId"], "span": link["spanId"]} for link in said.get("links", [])],
        status=_STATUSES[said.get("status", {}).get("code", 0)],
        resource=resource,
    )


def _values(holder: Mapping[str, Any]) -> dict[str, Any]:
    return {one["key"]: next(iter(one["value"].values()), None) for one in holder.get("attributes", [])}
