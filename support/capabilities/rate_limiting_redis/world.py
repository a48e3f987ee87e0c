"""One scenario of rate limits: customers whom nobody has seen before, all their calls, and what reached the API."""

import time

from hamcrest import assert_that, empty, equal_to, none

from support.capabilities.rate_limiting_redis.calls import Call, excess, unjust
from support.capabilities.rate_limiting_redis.client import Adapter, Customer, Verdict
from support.clients.upstream_control import UpstreamControl
from support.containers.provider import ProviderService
from support.faults.faults import Faults
from support.worlds import world
from support.worlds.crowds import threads


class World(world.World[Adapter]):
    """What the steps of one scenario share. `calls` is the log, by customer."""

    def __init__(self, stage: world.Stage, faults: Faults) -> None:
        super().__init__(stage, faults)
        api = self.fleet.stores["upstream"]
        if not isinstance(api, ProviderService):
            raise TypeError(f"{api.name} is no provider")
        self.api = self.opened(UpstreamControl(api.name, api.control_url))
        self.customers: dict[str, Customer] = {}
        self.calls: dict[str, list[Call]] = {}

    def customer(self, name: str, plan: str) -> None:
        """A customer whom sentences call `name`, by a name that nobody has used before."""
        self.customers[name] = Customer(self.fresh(name), plan)
        self.calls[name] = []

    # Calling

    def call(self, name: str, gateway: Adapter, cost: int = 1) -> None:
        """One call of the customer `name`, which is in the log when it has been answered."""
        sent = time.monotonic()
        answer = gateway.call(self.customers[name], self.customers[name].name, cost)
        self.calls[name].append(Call(cost, sent, time.monotonic(), answer))

    def call_at_once(self, name: str, count: int, cost: int = 1) -> None:
        """`count` calls at the same time, through the gateways in turn; returns when all are answered."""
        with threads(count) as pool:
            gateways = world.turns(self.nodes)
            answers = [pool.submit(self.call, name, next(gateways), cost) for _ in range(count)]
        for answer in answers:
            answer.result()

    def call_steadily(self, name: str, every_s: float, for_s: float) -> None:
        """One call after the other, through the gateways in turn, a new one every `every_s` seconds."""
        began = time.monotonic()
        for number, gateway in zip(range(round(for_s / every_s)), world.turns(self.nodes), strict=False):
            world.wait_until(began + number * every_s)
            self.call(name, gateway)

    # What must hold

    def expect_admitted(self, name: str, count: int) -> None:
        """`count` calls of `name` were let in, and so many reached the API; every other was told to wait."""
        verdicts = [call.answer.verdict for call in self.calls[name]]
        assert_that(verdicts.count(Verdict.ADMITTED), equal_to(count), f"calls of {name} that were let in")
        assert_that(self._arrived(name), equal_to(count), f"calls of {name} that reached the API, by its own count")
        strange = [verdict for verdict in verdicts if verdict not in (Verdict.ADMITTED, Verdict.LIMITED)]
        assert_that(strange, empty(), "answers that are neither")

    def expect_limit_kept(self, name: str, limit: int, window_s: float) -> None:
        """In no window were more than `limit` let in, nobody was refused who had calls left, and the API agrees."""
        calls = self.calls[name]
        assert_that(excess(calls, limit, window_s), none(), f"more than {limit} in {window_s:g} s")
        assert_that(unjust(calls, limit, window_s), empty(), "refused, though there was room")
        assert_that(self._arrived(name), equal_to(sum(call.admitted for call in calls)), "calls that reached the API")

    def _arrived(self, name: str) -> int:
        return len(self.api.arrivals(path=f"/{self.customers[name].name}"))
