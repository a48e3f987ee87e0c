"""Callers who hang up before they are answered."""

import math
import time
from collections.abc import Sequence

from support.capabilities.circuit_breaker_service_failures.calls import MAY_BE_GIVEN_UP_S
from support.capabilities.circuit_breaker_service_failures.client import Adapter
from support.clients.provider_control import Arrival
from support.clients.upstream_control import UpstreamControl
from support.errors import ProbeError
from support.polling import poll

_ARRIVE_WITHIN_S, _NOTICED_WITHIN_S = 2.0, 2.0
_CERTAINLY_S = 0.02  # by which clocks may differ
_LOOKS_EVERY_S = 0.03
_KNOWN_WITHIN_S = 0.8  # that a caller has hung up, to a gateway that looks


class Leavers:
    """Callers of a service through one gateway, until they hang up."""

    def __init__(self, services: UpstreamControl, node: Adapter, service: str, labels: Sequence[str]) -> None:
        """They call; returns when all their calls have reached the service, or should have."""
        self._services = services
        self._pattern = f"/{service}/{labels[0]}" if len(labels) == 1 else f"/{service}/*"
        self._sent = time.time()
        self._left: dict[str, float] = {}  # when whoever called for that path hung up
        self._callers = {f"/{service}/{label}": node.begin(service, label) for label in labels}
        poll(lambda: len(self._calls()) >= len(self._callers), _ARRIVE_WITHIN_S, _LOOKS_EVERY_S)

    def hang_up(self, after_s: float = 0.0) -> None:
        """Each hangs up when the service has had its call for `after_s`; returns when nobody asks for them any more."""
        arrived = {call.path: call.arrived for call in self._calls()}
        for path in [*arrived, *(self._callers.keys() - arrived)]:
            if path in arrived:
                time.sleep(max(0.0, arrived[path] + after_s + _CERTAINLY_S - time.time()))
            self._callers[path].hang_up()
            self._left[path] = time.time()
        poll(lambda: not any(call.open for call in self._calls()), _NOTICED_WITHIN_S, _LOOKS_EVERY_S)

    def given_up(self) -> int:
        """How many of their calls the gateway may have given up before it could know that their callers had hung up."""
        return sum(not self._left_long_before(call) for call in self._long())

    def ignored(self) -> int:
        """How many went on until they were given up, although their callers had hung up long before that."""
        return sum(self._left_long_before(call) for call in self._long())

    def _long(self) -> list[Arrival]:
        return [call for call in self._calls() if not call.ended or call.ended > self._sent + MAY_BE_GIVEN_UP_S]

    def _left_long_before(self, call: Arrival) -> bool:
        return self._left.get(call.path, math.inf) < self._sent + MAY_BE_GIVEN_UP_S - _KNOWN_WITHIN_S

    def see_left(self) -> None:
        """Raises ProbeError unless each had reached the service, and hung up before the gateway gave it up."""
        if self.missing() or self.given_up():
            labels = ", ".join(self._callers)
            raise ProbeError(f"who was to hang up had not reached the service, or was given up before that: {labels}")

    def missing(self) -> int:
        """How many of their calls have not reached the service."""
        return len(self._callers) - len(self._calls())

    def _calls(self) -> list[Arrival]:
        """What has reached the service of theirs, in that order."""
        seen = self._services.arrivals(path=self._pattern)
        return [call for call in seen if call.path in self._callers]
