"""One scenario of rate limits: customers whom nobody has seen before, all their calls, and what reached the API."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import accumulate, product

from hamcrest import assert_that, empty, equal_to, greater_than_or_equal_to, none

from support.capabilities.rate_limiting_redis.calls import (
    LIMITS,
    WINDOW_S,
    Call,
    excess,
    given_up,
    outlasted,
    see_in_one_window,
    see_in_time,
    unjust,
)
from support.capabilities.rate_limiting_redis.client import Adapter, Customer, Resource, Verdict
from support.capabilities.rate_limiting_redis.keys import Keys
from support.capabilities.rate_limiting_redis.mix import Mix
from support.capabilities.rate_limiting_redis.outage import Outage
from support.capabilities.rate_limiting_redis.refusals import Refusals
from support.capabilities.rate_limiting_redis.waves import Waves
from support.clients.upstream_control import UpstreamControl
from support.faults.faults import Faults
from support.worlds import world
from support.worlds.crowds import threads
from support.worlds.world import part

_TRIES = 5  # of what a machine that stands still for a moment spoils


def _spoilt(calls: Sequence[Call]) -> str:
    """Why calls that are to be counted together were not all looked at together, in words; empty where they were."""
    return given_up(calls) or outlasted(calls)


class World(world.World[Adapter]):
    """What the steps of one scenario share. `calls` is the log, by what sentences call the customer."""

    keys = part(Keys)
    mix = part(Mix)
    outage = part(Outage)
    refusals = part(Refusals)
    waves = part(Waves)

    def __init__(self, stage: world.Stage, faults: Faults) -> None:
        super().__init__(stage, faults)
        self.api = self.opened(UpstreamControl.of(self.fleet, "upstream"))
        self.customers: dict[str, Customer] = {}
        self.labels: dict[str, str] = {}
        self.calls: dict[str, list[Call]] = {}

    def see_all_counting(self) -> None:
        """Every gateway counts, as a call of somebody shows. Raises ProbeError."""
        call = Customer(self.fresh("somebody"), "free"), Resource.ORDERS, self.fresh("call")
        self.see_back(self.nodes, lambda gateway: gateway.call(*call).verdict is not Verdict.UNAVAILABLE)

    def customer(self, name: str, plan: str) -> None:
        """A customer whom sentences call `name`, with a name that nobody has used before."""
        self.customers[name] = Customer(self.fresh(name), plan)
        self.labels[name] = f"orders-{self.fresh('catalogue')}"  # which of them it is for, the resource alone says
        self.calls[name] = []

    def move(self, name: str, plan: str) -> None:
        """From now on the customer `name` is on another plan."""
        self.customers[name] = Customer(self.customers[name].name, plan)

    # Calling

    def call(self, name: str, gateway: Adapter, items: int = 1, resource: Resource = Resource.ORDERS) -> Call:
        """One call of the customer `name`, which is in the log when it has been answered."""
        customer = self.customers[name]
        sent = time.monotonic()
        answer = gateway.call(customer, resource, self.labels[name], str(items))
        done = Call(LIMITS[customer.plan], gateway.name, resource, items, sent, time.monotonic(), answer)
        self.calls[name].append(done)
        return done

    def call_at_once(
        self,
        name: str,
        count: int,
        gateways: Sequence[Adapter] = (),
        resources: Sequence[Resource] = tuple(Resource),
        items: int = 1,
    ) -> None:
        """`count` calls at once for so many `items` each, through `gateways` (all) and for `resources` in turn.

        Returns when all are answered.
        """
        kinds = world.turns([*product(resources, gateways or self.nodes)])
        with threads(count) as pool:
            calls = [
                pool.submit(self.call, name, gateway, items, resource)
                for _, (resource, gateway) in zip(range(count), kinds, strict=False)
            ]
        for call in calls:
            call.result()

    def call_anew(
        self, name: str, call: Callable[[], object], spoilt: Callable[[Sequence[Call]], str] = _spoilt
    ) -> None:
        """`call`, which makes all the calls of `name`; where they were `spoilt`, once more for somebody new.

        What came of calls that were spoilt says nothing, or too little.
        """
        for number in range(_TRIES):
            if number:
                self.see_all_counting()  # a gateway that has just given Redis up would refuse whoever comes next
                self.customer(name, self.customers[name].plan)
            call()
            if not spoilt(self.calls[name]):
                return

    def change_plans(self, name: str, waves: Sequence[tuple[str, int]]) -> None:
        """`name` moves to a plan and makes so many calls at once, one such wave after the other.

        Somebody new for whom that is done once more makes first what calls `name` has made by now.
        """
        before = len(self.calls[name])

        def call() -> None:
            if not self.calls[name]:
                self.call_at_once(name, before)
            for plan, count in waves:
                self.move(name, plan)
                self.call_at_once(name, count)

        self.call_anew(name, call)

    def call_one_gateway_after_the_other(self, name: str, count: int) -> None:
        """`count` calls at the same time through the first gateway, and then as many through the second."""
        for gateway in self.nodes:
            self.call_at_once(name, count, [gateway])

    def call_steadily(self, name: str, every_s: float, for_s: float, resource: Resource = Resource.ORDERS) -> None:
        """One call after the other, through the gateways in turn, a new one every `every_s` seconds."""
        began = time.monotonic()
        for number, gateway in zip(range(round(for_s / every_s)), world.turns(self.nodes), strict=False):
            world.wait_until(began + number * every_s)
            self.call(name, gateway, resource=resource)

    def call_in_turn(self, name: str, count: int, resources: Sequence[Resource] = (Resource.ORDERS,)) -> None:
        """`count` calls one after the other, as soon as each was answered, through the gateways in turn."""
        kinds = world.turns([*product(resources, self.nodes)])
        for _, (resource, gateway) in zip(range(count), kinds, strict=False):
            self.call(name, gateway, resource=resource)

    def ask_for(self, name: str, items: Sequence[int], resource: Resource = Resource.ORDERS) -> None:
        """One call after the other for so many of `items`, through the gateways in turn."""
        for count, gateway in zip(items, world.turns(self.nodes), strict=False):
            self.call(name, gateway, count, resource)

    # What must hold

    def expect_admitted(self, name: str, count: int) -> None:
        """`count` calls of `name` were let in, and so many reached the API; every other was told to wait."""
        calls = self.calls[name]
        verdicts = Counter(call.answer.verdict for call in calls)
        see_in_time(calls)
        self.expect_counted(name, calls)
        assert_that(verdicts[Verdict.ADMITTED], greater_than_or_equal_to(count), f"calls of {name} that were let in")
        assert_that(excess(calls, max(call.limit for call in calls), WINDOW_S), none(), f"calls of {name}")
        see_in_one_window(calls)  # or more may rightly have been let in
        assert_that(verdicts[Verdict.ADMITTED], equal_to(count), f"calls of {name} that were let in")

    def expect_counted(self, name: str, calls: Sequence[Call]) -> None:
        """Each of `calls` was let in or told to wait; those let in have reached the API, and no other of `name`."""
        others = {call.answer.verdict for call in calls} - {Verdict.ADMITTED, Verdict.LIMITED}
        assert_that(others, empty(), f"other answers to {name}")
        admitted = sum(call.admitted for call in calls)
        assert_that(self.arrived(name), equal_to(admitted), f"calls of {name} that reached the API, of those let in")

    def expect_limit_kept(self, name: str, limit: int, window_s: float) -> None:
        """In no window were more than `limit` let in, nobody was refused who had calls left, and the API agrees."""
        calls = self.calls[name]
        see_in_time(calls)
        assert_that(excess(calls, limit, window_s), none(), f"more than {limit} in {window_s:g} s")
        assert_that(unjust(calls, window_s), empty(), "refused, though there was room")
        self.expect_counted(name, calls)

    def expect_told(self, name: str, limit: int, window_s: float) -> None:
        """Every answer told the limit and its window; each call that was let in told one less that is left."""
        calls = self.calls[name]
        self.expect_limit_kept(name, limit, window_s)
        see_in_one_window(calls)  # or some are left again
        answers = [call.answer for call in calls]
        told = {(answer.limit, answer.window_s) for answer in answers}
        assert_that(told, equal_to({(limit, round(window_s))}), "limit and window, as told by the gateways")
        self.expect_told_left(calls, limit)

    @staticmethod
    def expect_told_left(calls: Sequence[Call], limit: int) -> None:
        """Each answer, refusals included, told what the calls that were let in by then have left of `limit`."""
        used = accumulate(call.cost if call.admitted else 0 for call in calls)
        told = [call.answer.remaining for call in calls]
        assert_that(told, equal_to([limit - so_far for so_far in used]), "calls that are left, as told")

    def expect_told_to_wait(self, name: str, earliest_s: float, latest_s: float) -> None:
        """Every refusal told to ask again between these times (seconds)."""
        waits = {call.answer.retry_after_s for call in self.calls[name] if not call.admitted}
        allowed = {*range(round(earliest_s), round(latest_s) + 1)}
        assert_that(waits - allowed, empty(), "when to ask again, as told (seconds)")

    def expect_let_in_when_told(self, name: str) -> None:
        """The last call, which was refused, is let in as soon as the time has passed that the refusal told."""
        refused = self.calls[name][-1]
        self.expect_limit_kept(name, refused.limit, WINDOW_S)
        see_in_one_window(self.calls[name])  # or there was room for all of them
        assert_that(refused.admitted, equal_to(False), "the last call, for which there was no room, was let in")
        wait_s = refused.answer.retry_after_s or 0
        world.wait_until(refused.answered + wait_s)
        last = self.call(name, self.nodes[0], refused.cost)
        see_in_time([last])
        told = f"a call {wait_s} s after it was told to wait for so long"
        assert_that(last.answer.verdict, equal_to(Verdict.ADMITTED), told)

    def expect_items(self, *items: int) -> None:
        """Precisely the calls for so many `items` were let in, in this order, and each answer told what is left."""
        ((name, calls),) = self.calls.items()
        limit = calls[0].limit
        self.expect_limit_kept(name, limit, WINDOW_S)
        see_in_one_window(calls)  # or more may rightly have been given
        assert_that([call.cost for call in calls if call.admitted], equal_to(list(items)), "items that were given")
        self.expect_told_left(calls, limit)

    def arrived(self, name: str) -> int:
        """How many calls of `name` reached the API, by its own count."""
        return len(self.api.arrivals(path=f"/*/{self.labels[name]}"))
