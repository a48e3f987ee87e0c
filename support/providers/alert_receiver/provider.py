"""The alert receiver: takes notifications as Alertmanager's webhooks send them, and keeps what it has accepted.

Format: prometheus.io/docs/alerting/latest/configuration, section webhook_config.
"""

import json
import time
from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from ..door import BeforeTheDeed
from ..meter import Arrival
from ..visit import VISIT

FIELDS = ("alert", "notice")
_OF_AN_ALERT = ("status", "labels", "annotations", "startsAt", "endsAt", "fingerprint")


class Provider:
    """Every path takes notifications. A request that is no notification is refused with 400, and not accepted."""

    names = FIELDS

    def __init__(self) -> None:
        self._accepted: list[dict[str, Any]] = []
        self.app: ASGIApp = BeforeTheDeed(Starlette(routes=[Route("/{path:path}", self._take, methods=["POST"])]))

    @property
    def control(self) -> list[BaseRoute]:
        """What has been accepted."""
        return [Route("/notifications", self._read)]

    def fields(self, arrival: Arrival) -> Mapping[str, Any]:
        """`alert`, the name that all alerts of a notification have, and `notice`: firing or resolved."""
        said = _notification(arrival.body) or {}
        names = {alert["labels"].get("alertname", "") for alert in said.get("alerts", [])}
        return {"alert": names.pop() if len(names) == 1 else "", "notice": said.get("status", "")}

    def refusal(self, status: int, headers: Mapping[str, str]) -> Response:
        """A short JSON object."""
        return JSONResponse({"error": f"refused with {status}"}, status, headers=dict(headers))

    def calm(self) -> None:
        """It is never told anything but faults."""

    def forget(self) -> None:
        """Nothing has been accepted."""
        self._accepted.clear()

    async def _take(self, request: Request) -> Response:
        arrival: Arrival = request.scope[VISIT].arrival
        said = _notification(arrival.body)
        if said is None:
            return JSONResponse({"error": "this is no notification"}, 400)
        alerts = [{name: alert.get(name) for name in _OF_AN_ALERT} for alert in said["alerts"]]
        accepted = {"seq": arrival.seq, "at": time.time(), "notice": said["status"], "alerts": alerts}
        self._accepted.append(accepted | {"group": said.get("groupKey", "")})
        return JSONResponse({"seq": arrival.seq})

    async def _read(self, request: Request) -> Response:
        """?since=SEQ: what was accepted after that request, in order: seq, at (seconds), notice, group, alerts."""
        since = int(request.query_params.get("since", 0))
        return JSONResponse({"accepted": [one for one in self._accepted if one["seq"] > since]})


def _notification(body: bytes) -> dict[str, Any] | None:
    """The notification that `body` is; None when it is none."""
    try:
        said = json.loads(body)
        well = said["status"] in ("firing", "resolved") and all(alert["labels"] for alert in said["alerts"])
    except (ValueError, KeyError, TypeError):
        return None
    return said if well else None
