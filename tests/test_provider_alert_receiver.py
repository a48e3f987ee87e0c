"""The receiver of alerts keeps what it has accepted, alert by alert, and nothing else."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from provider_process import Addresses, provider

from support.clients.alert_receiver_control import AlertReceiverControl

ALERT: dict[str, Any] = {
    "status": "firing",
    "labels": {"alertname": "OrdersFail", "instance": "node-1"},
    "annotations": {"runbook_url": "https://runbooks.example"},
    "startsAt": "2026-11-26T12:00:01.5Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "fingerprint": "c0ffee",
}
ENDED = {**ALERT, "status": "resolved", "fingerprint": "decaf"}


@pytest.fixture(scope="module")
def addresses() -> Iterator[Addresses]:
    with provider("alert-receiver") as found:
        yield found


@pytest.fixture
def control(addresses: Addresses) -> Iterator[AlertReceiverControl]:
    """The control port of a receiver that remembers nothing."""
    made = AlertReceiverControl("alert-receiver", addresses.control_url)
    made.ask("POST", "/forget")
    yield made
    made.close()


def send(addresses: Addresses, body: object) -> int:
    return requests.post(f"{addresses.url}/on-call", json=body, timeout=5).status_code


def notification(*alerts: dict[str, Any]) -> dict[str, Any]:
    return {"status": "firing", "groupKey": "orders", "alerts": list(alerts)}


def test_each_alert_of_a_notification_is_kept(addresses: Addresses, control: AlertReceiverControl) -> None:
    assert send(addresses, notification(ALERT, ENDED)) == 200
    first, second = control.notices()
    assert (first.name, first.fingerprint, first.firing, first.group) == ("OrdersFail", "c0ffee", True, "orders")
    assert first.started % 60 == 1.5
    assert (second.fingerprint, second.firing) == ("decaf", False)
    assert control.notices(control.mark()) == []


def test_what_is_refused_is_not_kept_and_can_be_aimed_at(addresses: Addresses, control: AlertReceiverControl) -> None:
    fault = control.arm("status", times=2, match={"alert": "OrdersFail"}, status=503)
    other = {**ALERT, "labels": {"alertname": "NodeDown"}}
    assert [send(addresses, notification(alert)) for alert in (ALERT, other, ALERT, ALERT)] == [503, 200, 503, 200]
    assert len(fault.hits()) == 2
    assert [notice.name for notice in control.notices()] == ["NodeDown", "OrdersFail"]


@pytest.mark.parametrize("body", [[], {}, {"status": "firing"}, {"status": "on", "alerts": []}, notification({})])
def test_what_is_no_notification_is_refused(addresses: Addresses, control: AlertReceiverControl, body: object) -> None:
    assert send(addresses, body) == 400
    assert control.notices() == []
