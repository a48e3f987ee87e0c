"""Everything that may become of one call of a service, what its caller hears, and what a breaker makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from support.clients.upstream_control import UpstreamControl

_SLOW_MS, _UNHURRIED_MS = 900, 400  # what counts as slow is between them


@dataclass(frozen=True)
class Kind:
    """One way for a call to end. Callers ask for /service/`name`/…, and the service does as that says.

    `good`: it speaks for the service. `answered`: its caller gets the service's own answer, which has the `status` and
    `body` where these are scripted. `least_s`: no caller hears of it sooner; who `leaves` hangs up then, and the call
    says nothing.
    """

    name: str
    good: bool
    answered: bool
    fault: Mapping[str, Any] | None = None
    status: int | None = None
    body: str = ""
    least_s: float = 0.0
    leaves: bool = False

    def tell(self, services: UpstreamControl, stem: str) -> None:
        """From now on all services whose names have `stem` do so when they are asked for it."""
        match = {"path": f"/*{stem}*/{self.name}/*"}
        if self.status:
            services.answer(match, self.status, self.body)
        if self.fault:
            services.arm(times=None, match=match, **self.fault)


def _answers(status: int, after_ms: int = 0) -> Kind:
    fault = {"do": "slow", "ms": after_ms} if after_ms else None
    name = f"answers-{status}-after-{after_ms}"
    return Kind(name, after_ms < _SLOW_MS, True, fault, status, f"said with {status}", after_ms / 1000)


def _drips(for_ms: int) -> Kind:
    name = f"drips-for-{for_ms}"
    return Kind(name, for_ms < _SLOW_MS, True, {"do": "drip", "ms": for_ms}, 200, "bit by bit", for_ms / 1000)


def _leaves(name: str, after_s: float = 0.0, **fault: str) -> Kind:
    return Kind(name, True, False, {"do": "hang", **fault}, least_s=after_s, leaves=True)


def _fails(status: int) -> Kind:
    return Kind(f"fails-{status}", False, False, {"do": "status", "status": status, "when": "before"})


_REFUSALS = (400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 412, 413, 415, 416, 422, 423, 425, 428, 429, 451)

KINDS: Mapping[str, tuple[Kind, ...]] = {
    # good, and at once
    "G": (
        Kind("well", True, True),
        Kind("empty", True, True, status=200),
        Kind("large", True, True, status=200, body="x" * 100_000),
        *map(_answers, _REFUSALS),
    ),
    # good, in half the time that counts as slow
    "U": (_answers(200, _UNHURRIED_MS), _answers(404, _UNHURRIED_MS), _drips(_UNHURRIED_MS)),
    # a failure, at once
    "F": (
        *map(_fails, (500, 501, 502, 503, 504, 599)),
        Kind("resets", False, False, {"do": "reset"}),
        Kind("breaks-off", False, False, {"do": "reset", "part": "body"}),
    ),
    # a failure, late
    "L": (
        *(_answers(status, _SLOW_MS) for status in (200, 404, 429)),
        _drips(_SLOW_MS),
        Kind("silent", False, False, {"do": "hang"}, least_s=1.2),
        Kind("falls-silent", False, False, {"do": "hang", "part": "head"}, least_s=1.2),
    ),
    # neither: its caller hangs up
    "H": (_leaves("left-at-once"), _leaves("left-when-begun", part="head"), _leaves("left-when-slow", 0.82)),
}
