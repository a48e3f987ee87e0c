"""The collector: what arrives is told as it came, each time that it came."""

import gzip
import socket
from collections.abc import Iterator, Mapping

import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from provider_process import Addresses, provider

from support.clients.otlp_receiver_control import OtlpReceiverControl
from support.errors import ProbeError
from support.polling import poll

TRACE, OTHER, SPAN = "ab" * 16, "cd" * 16, "12" * 8


@pytest.fixture(scope="module")
def addresses() -> Iterator[Addresses]:
    with provider("otlp-receiver") as found:
        yield found


@pytest.fixture
def control(addresses: Addresses) -> Iterator[OtlpReceiverControl]:
    """The control port of a collector to which nothing has come."""
    made = OtlpReceiverControl("otlp-receiver", addresses.control_url)
    made.begin_anew("")
    yield made
    made.close()


def request_with(trace: str, order: str) -> bytes:
    """A request with one span of `trace`, which names `order`."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "shop"
    span = resource.scope_spans.add().spans.add(trace_id=bytes.fromhex(trace), span_id=bytes.fromhex(SPAN), kind=2)
    span.attributes.add(key="order").value.string_value = order
    span.events.add(name="exception")
    span.status.code = 2
    return bytes(request.SerializeToString())


def send(addresses: Addresses, body: bytes, headers: Mapping[str, str] | None = None, within_s: float = 5) -> int:
    return requests.post(f"{addresses.url}/v1/traces", data=body, headers=headers, timeout=within_s).status_code


def test_what_arrives_is_told_as_often_as_it_arrived(addresses: Addresses, control: OtlpReceiverControl) -> None:
    packed = gzip.compress(request_with(TRACE, "order-1"))
    assert send(addresses, request_with(TRACE, "order-1")) == 200
    assert send(addresses, packed, {"Content-Encoding": "gzip"}) == 200
    assert send(addresses, request_with(OTHER, "order-2")) == 200
    first, again = control.spans("order-1")
    assert first == again
    assert (first.trace, first.id, first.parent, first.kind, first.status) == (TRACE, SPAN, "", "server", "error")
    assert (first.service, first.exceptions, first.attributes) == ("shop", 1, {"order": "order-1"})
    assert [span.trace for span in control.spans("order")] == [TRACE, TRACE, OTHER]
    assert control.bodies_with(["order-1", "order-3"]) == {"order-1": 2, "order-3": 0}


def test_what_is_no_otlp_is_refused(addresses: Addresses, control: OtlpReceiverControl) -> None:
    assert send(addresses, b"<html>") == 400
    assert send(addresses, b"plain", {"Content-Encoding": "gzip"}) == 400
    assert control.spans("") == []


def test_what_cannot_be_handed_on_is_told(addresses: Addresses, control: OtlpReceiverControl) -> None:
    control.begin_anew("http://127.0.0.1:9")
    assert send(addresses, request_with(TRACE, "order-1")) == 200
    with pytest.raises(ProbeError, match="could not hand on 1"):  # a moment after the answer
        poll(lambda: not control.spans("order-1"), 5)
    control.begin_anew("")
    assert control.spans("order-1") == []


def test_who_sends_does_not_wait_for_what_it_is_handed_on_to(
    addresses: Addresses, control: OtlpReceiverControl
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        control.begin_anew(f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert send(addresses, request_with(TRACE, "order-1"), within_s=3) == 200
        assert len(control.spans("order-1")) == 1


def test_it_refuses_and_is_forgotten(addresses: Addresses, control: OtlpReceiverControl) -> None:
    control.arm("status", status=503)
    assert [send(addresses, request_with(TRACE, "order-1")) for _ in range(2)] == [503, 200]
    assert len(control.trace(TRACE)) == 1
    control.begin_anew("")
    assert control.trace(TRACE) == []
