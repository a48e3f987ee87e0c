"""One scenario of rate limits: customers whom nobody has seen before, all their calls, and what reached the API."""

import time
from collections import Counter
from collections.abc import Sequence

from hamcrest import assert_that, empty, equal_to, none

from support.capabilities.rate_limiting_redis.calls import Call, excess, see_in_one_window, unjust
from support.capabilities.rate_limiting_redis.client import Adapter, Customer, Resource, Verdict
from support.capabilities.rate_limiting_redis.keys import Keys
from support.capabilities.rate_limiting_redis.outage import Outage
from support.capabilities.rate_limiting_redis.refusals import Refusals
from support.capabilities.rate_limiting_redis.strangers import Strangers
from support.clients.upstream_control import UpstreamControl
from support.faults.faults import Faults
from support.worlds import world
from support.worlds.crowds import threads
from support.worlds.world import part


class World(world.World[Adapter]):
    """What the steps of one scenario share. `calls` is the log, by what sentences call the customer."""

    keys = part(Keys)
    outage = part(Outage)
    refusals = part(Refusals)
    strangers = part(Strangers)

    def __init__(self, stage: world.Stage, faults: Faults) -> None:
        super().__init__(stage, faults)
        self.api = self.opened(UpstreamControl.of(self.fleet, "upstream"))
        self.customers: dict[str, Customer] = {}
        self.labels: dict[str, str] = {}
        self.calls: dict[str, list[Call]] = {}

    def customer(self, name: str, plan: str, known_as: str = "") -> None:
        """A customer whom sentences call `name`, with a name (`known_as`) that nobody has used before."""
        self.customers[name] = Customer(known_as or self.fresh(name), plan)
        self.labels[name] = self.fresh("call")
        self.calls[name] = []

    def look_alikes(self, names: Sequence[str], plan: str) -> None:
        """Customers whose names are easily taken for each other."""
        own = self.fresh("customer")
        for name in names:
            self.customer(name, plan, f"{own}:{name}")

    def move(self, name: str, plan: str) -> None:
        """From now on the customer `name` is on another plan."""
        self.customers[name] = Customer(self.customers[name].name, plan)

    # Calling

    def call(self, name: str, gateway: Adapter, items: int = 1, resource: Resource = Resource.ORDERS) -> Call:
        """One call of the customer `name`, which is in the log when it has been answered."""
        sent = time.monotonic()
        answer = gateway.call(self.customers[name], resource, self.labels[name], str(items))
        self.calls[name].append(Call(items, sent, time.monotonic(), answer))
        return self.calls[name][-1]

    def call_at_once(self, name: str, count: int, gateways: Sequence[Adapter] = ()) -> None:
        """`count` calls at the same time, through `gateways` (all) in turn; returns when all are answered."""
        with threads(count) as pool:
            turns = world.turns(gateways or self.nodes)
            calls = [pool.submit(self.call, name, next(turns)) for _ in range(count)]
        for call in calls:
            call.result()

    def call_one_gateway_after_the_other(self, name: str, count: int) -> None:
        """`count` calls at the same time through the first gateway, and then as many through the second."""
        for gateway in self.nodes:
            self.call_at_once(name, count, [gateway])

    def call_steadily(self, name: str, every_s: float, for_s: float) -> None:
        """One call after the other, through the gateways in turn, a new one every `every_s` seconds."""
        began = time.monotonic()
        for number, gateway in zip(range(round(for_s / every_s)), world.turns(self.nodes), strict=False):
            world.wait_until(began + number * every_s)
            self.call(name, gateway)

    def call_in_turn(self, name: str, count: int, resource: Resource = Resource.ORDERS) -> None:
        """`count` calls one after the other, as soon as each was answered, through the gateways in turn."""
        for _, gateway in zip(range(count), world.turns(self.nodes), strict=False):
            self.call(name, gateway, resource=resource)

    def ask_for(self, name: str, items: Sequence[int]) -> None:
        """One call after the other for so many of `items`, through the gateways in turn."""
        for count, gateway in zip(items, world.turns(self.nodes), strict=False):
            self.call(name, gateway, count)

    def everybody_calls(self, count: int) -> None:
        """Each customer makes `count` calls at once."""
        for name in self.customers:
            self.call_at_once(name, count)

    # What must hold

    def expect_admitted(self, name: str, count: int) -> None:
        """`count` calls of `name` were let in, and so many reached the API; every other was told to wait."""
        calls = self.calls[name]
        see_in_one_window(max(call.answered for call in calls) - min(call.sent for call in calls))
        verdicts = Counter(call.answer.verdict for call in calls)
        assert_that(verdicts[Verdict.ADMITTED], equal_to(count), f"calls of {name} that were let in")
        assert_that(self.arrived(name), equal_to(count), f"calls of {name} that reached the API, by its own count")
        assert_that(verdicts.keys() - {Verdict.ADMITTED, Verdict.LIMITED}, empty(), "other answers")

    def expect_limit_kept(self, name: str, limit: int, window_s: float) -> None:
        """In no window were more than `limit` let in, nobody was refused who had calls left, and the API agrees."""
        calls = self.calls[name]
        assert_that(excess(calls, limit, window_s), none(), f"more than {limit} in {window_s:g} s")
        assert_that(unjust(calls, limit, window_s), empty(), "refused, though there was room")
        assert_that(self.arrived(name), equal_to(sum(call.admitted for call in calls)), "calls that reached the API")

    def expect_told(self, name: str, limit: int, window_s: float) -> None:
        """Every answer told the limit and its window; each call that was let in told one less that is left."""
        answers = [call.answer for call in self.calls[name]]
        told = {(answer.limit, answer.window_s) for answer in answers}
        assert_that(told, equal_to({(limit, round(window_s))}), "limit and window, as told by the gateways")
        left = [answer.remaining for answer in answers if answer.verdict is Verdict.ADMITTED]
        assert_that(left[:limit], equal_to([*range(limit - 1, -1, -1)]), "calls that are left, as told")
        waits = {answer.retry_after_s for answer in answers if answer.verdict is Verdict.LIMITED}
        assert_that(waits - {*range(1, round(window_s) + 1)}, empty(), "when to ask again, as told (seconds)")

    def expect_let_in_when_told(self, name: str) -> None:
        """A call is let in as soon as the time has passed that the last refusal told, and not a second before."""
        refused = self.calls[name][-1]
        wait_s = refused.answer.retry_after_s or 0
        world.wait_until(refused.answered + wait_s)
        verdict = self.call(name, self.nodes[0]).answer.verdict
        assert_that(verdict, equal_to(Verdict.ADMITTED), f"a call {wait_s} s after it was told to wait for so long")

    def expect_all_admitted(self, count: int) -> None:
        """`count` calls of each customer were let in."""
        for name in self.customers:
            self.expect_admitted(name, count)

    def expect_items(self, *items: int) -> None:
        """Precisely the calls for so many `items` were let in, in this order, by the answers and by the API."""
        ((name, calls),) = self.calls.items()
        assert_that([call.cost for call in calls if call.admitted], equal_to(list(items)), "items that were given")
        assert_that(self.arrived(name), equal_to(len(items)), "requests that reached the API")

    def arrived(self, name: str) -> int:
        """How many calls of `name` reached the API, by its own count."""
        return len(self.api.arrivals(path=f"/*/{self.labels[name]}"))
