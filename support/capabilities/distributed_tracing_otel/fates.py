"""What may become of an order, from whichever side it comes, and what must then be told of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from support.capabilities.distributed_tracing_otel.client import NOTHING, Order, Outcome, Said
from support.capabilities.distributed_tracing_otel.tree import LOOK, WAY
from support.clients.upstream_control import UpstreamControl

_SLOW_MS = 100  # a shipment that fails, so that others begin and end meanwhile


class Side(Enum):
    """Where an order comes in, or a look at something."""

    CALL = "gateway"
    BUSY = "busy gateway"  # which keeps a tenth
    LINE = "gateway, on a line"
    INSIDE = "service"
    LOOK = "gateway, to look"


@dataclass(frozen=True)
class Price:
    """How often the partner is asked for the price, by how often it fails at that, and what the customer hears."""

    outcome: Outcome = Outcome.TAKEN
    asked: int = 1
    failed: int = 0
    fault: Mapping[str, Any] = field(default_factory=dict)
    answer: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Shipment:
    """How often the partner fails at the shipment, and by what."""

    failed: int = 0
    fault: Mapping[str, Any] = field(default_factory=dict)

    @property
    def attempts(self) -> int:
        """How often it is tried."""
        return min(self.failed + 1, 3)


_REFUSES, _HANGS_UP, _FORGETS_TO_ANSWER = {"do": "status", "status": 503}, {"do": "reset"}, {"do": "drop_after"}

TOLD = (
    Price(),
    *(Price(asked=2, failed=1, fault=fault) for fault in (_REFUSES, _HANGS_UP, _FORGETS_TO_ANSWER)),
)
NOT_TOLD = (
    Price(Outcome.NO_SUCH_ARTICLE, answer={"status": 404}),
    Price(Outcome.FAILED, answer={"body": "<html>"}),
    *(Price(Outcome.FAILED, asked=2, failed=2, fault=fault) for fault in (_REFUSES, _HANGS_UP)),
)
LOOKED = Price(asked=0)
SHIPMENTS = (
    Shipment(),
    *(Shipment(times, {**_REFUSES, "when": "after"}) for times in (1, 2, 3)),
    Shipment(1, _FORGETS_TO_ANSWER),
    Shipment(2, {**_HANGS_UP, "part": "head"}),
    Shipment(3, _FORGETS_TO_ANSWER),
)


@dataclass(frozen=True)
class Placed:
    """An order, its fate (no shipment where none is sent), and what its caller said of the trace and step it names.

    Inside, `kept` says whether that trace is to be kept; from outside, none of it counts.
    """

    side: Side
    order: Order
    price: Price
    shipment: Shipment | None = None
    said: Said = NOTHING
    trace: str = ""
    span: str = ""
    kept: bool = True

    def __str__(self) -> str:
        return f"{self.order.label} (by the {self.side.value}; {self.price}; {self.shipment}; {self.said})"

    @property
    def state(self) -> str:
        """What its caller added to its trace, as every step and the partner must be told."""
        return ",".join(self.said.tracestate) if self.side is Side.INSIDE else ""

    @property
    def way(self) -> tuple[str, ...]:
        """The kinds of the steps on the way to its end, see `tree`."""
        if self.side is Side.LOOK:
            return LOOK
        way = WAY if self.shipment else (*LOOK, "client")
        return way[2:] if self.side is Side.INSIDE else way

    def wanted(self) -> dict[str, Any]:
        """What must be told of it, see `medley.seen_in`."""
        failed, attempts = self.price.outcome is Outcome.FAILED, self.shipment or Shipment()
        servers = 1 if self.side is Side.INSIDE else 2
        well = attempts.attempts - attempts.failed if self.shipment else 0
        return {
            "servers' steps": ["error" if failed else "unset"] * servers,
            "messages": 1 if self.shipment else 0,
            "attempts": [("error", 1)] * attempts.failed + [("unset", 0)] * well,
            "exceptions": failed + attempts.failed,
            "failed calls": self.price.failed + attempts.failed + (failed and servers > 1),
        }

    def arrange(self, partner: UpstreamControl) -> None:
        """Tells the partner what it has to do with it."""
        prices = {"method": "GET", "path": f"*/{self.order.label}"}
        if self.price.answer:
            partner.answer(prices, **self.price.answer)
        if self.price.fault:
            partner.arm(times=self.price.failed, match=prices, **self.price.fault)
        if self.shipment and self.shipment.failed:
            shipments = {**prices, "method": "POST"}
            partner.arm("slow", self.shipment.failed, match=shipments, ms=_SLOW_MS)
            partner.arm(times=self.shipment.failed, match=shipments, **self.shipment.fault)
