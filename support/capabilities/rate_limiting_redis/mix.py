"""Calls of a whole crowd, drawn at random, each of whose answers is held against the caller's own calls alone."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to

from support.capabilities.rate_limiting_redis.calls import LIMITS, WINDOW_S, Call, see_in_time, unexplained
from support.capabilities.rate_limiting_redis.client import Adapter, Customer, Resource, Verdict
from support.capabilities.rate_limiting_redis.crowd import Caller, Habit, crowd
from support.capabilities.rate_limiting_redis.refusals import SENSELESS_ITEMS, UNKNOWN_PLANS
from support.promise import broken
from support.worlds.crowds import threads
from support.worlds.world import turns, wait_until

if TYPE_CHECKING:
    from support.capabilities.rate_limiting_redis.world import World

_SPREAD_S = 1.0  # by which callers begin at different moments; all that they count is at work at the same time
_MENTIONS = ("catalogue", "orders", "orders/catalogue", "catalogue/orders", "new")  # in what is asked for

# What may be asked for, of a plan's limit and of what is left of it.
_WISHES: dict[str, Callable[[Random, int, int], str]] = {
    "one": lambda draw, limit, left: "1",
    "few": lambda draw, limit, left: str(draw.randint(1, limit // 4)),
    "more than half": lambda draw, limit, left: str(draw.randint(limit // 2 + 1, limit)),
    "all that is left": lambda draw, limit, left: str(max(1, left)),
    "one more than is left": lambda draw, limit, left: str(min(max(0, left) + 1, limit)),
    "the whole plan": lambda draw, limit, left: str(limit),
    "more than the plan": lambda draw, limit, left: str(limit + 1),
    "nonsense": lambda draw, limit, left: draw.choice(SENSELESS_ITEMS),
}
_SENSELESS = {"more than the plan", "nonsense"}


@dataclass(frozen=True)
class _Wish:
    """What is asked for, so long after the caller's first call, and on which plan."""

    at_s: float
    what: str
    plan: str


@dataclass(frozen=True)
class _Asked:
    """One call, what it asked for, and as what it is to be refused whatever is left; None if it makes sense."""

    label: str
    wish: _Wish
    items: str
    refused_as: Verdict | None
    call: Call

    def told(self, since: float) -> str:
        """A line of the log, in seconds since that moment."""
        call, answer = self.call, self.call.answer
        when = f"{call.sent - since:.3f} to {call.answered - since:.3f} s, {call.gateway}, {self.wish.plan} plan"
        what = f"{self.items[:20]!r} of {call.resource.name} ({self.wish.what}) -> {answer.verdict.name}"
        left = f"{answer.remaining} left of {answer.limit} in {answer.window_s} s"
        return f"{when}: {what}, {left}, again in {answer.retry_after_s} s, more in {answer.more_in_s} s"


@dataclass(eq=False)
class _Log:
    """All calls of one caller, one after the other, and what is drawn for these."""

    caller: Caller
    draw: Random
    asked: list[_Asked] = field(default_factory=list)

    def before(self, number: int, gateway: str, apart: bool) -> list[Call]:
        """Of the first `number` calls those that count with one to `gateway`: all, unless gateways count apart."""
        calls = [one.call for one in self.asked[:number]]
        return [call for call in calls if not apart or call.gateway == gateway]

    def told(self, number: int) -> str:
        """Who the caller is, and the first `number` calls."""
        caller, began = self.caller, self.asked[0].call.sent
        who = f"a customer named {caller.name!r}" if caller.name else f"a caller from {caller.ways[0][-1]}"
        return "\n".join([who, *(one.told(began) for one in self.asked[:number])])


class Mix:
    """The crowd, and all that it asked for."""

    def __init__(self, world: "World") -> None:
        self._world, self._own = world, world.fresh("customer")
        self._draw = world.draw()
        callers = crowd(self._draw, self._own)
        self._logs = [_Log(one, self._draw.apart(number)) for number, one in enumerate(callers)]

    def call(self) -> None:
        """All of the crowd call side by side, and each of them one call after the other."""
        began, apart = time.monotonic(), "redis" in self._world.faults.held
        with threads(len(self._logs)) as pool:
            callers = [pool.submit(self._live, log, began, apart) for log in self._logs]
        for caller in callers:
            caller.result()

    def expect_explained(self, apart: bool) -> None:
        """Each answer is right by the caller's own calls before: to that gateway if each counts `apart`, else to any.

        Gateways that count apart take no orders. What was let in, and nothing else, has reached the API.
        """
        for log in self._logs:
            for number, one in enumerate(log.asked):
                if wrong := _wrong(one, log.before(number, one.call.gateway, apart), apart):
                    if not apart:
                        see_in_time([asked.call for each in self._logs for asked in each.asked])
                    broken(f"{self._draw}: {log.told(number + 1)}\nbut the last {'; '.join(wrong)}")
        let_in = Counter(one.label for log in self._logs for one in log.asked if one.call.admitted)
        arrived = Counter(one.path.split("/", 2)[2] for one in self._world.api.arrivals(path=f"/*/{self._own}/*"))
        assert_that(arrived - let_in, equal_to({}), "calls that reached the API, and were not let in")
        assert_that(let_in - arrived, equal_to({}), "calls that were let in, and did not reach the API")

    def _live(self, log: _Log, began: float, apart: bool) -> None:
        began += log.draw.uniform(0, _SPREAD_S) if log.caller.habit is Habit.BRIEF else 0
        ways = turns(log.draw.sample(log.caller.ways, len(log.caller.ways)))
        for wish in _wishes(log.caller, log.draw):
            wait_until(began + wish.at_s)
            for gateway in log.draw.sample(self._world.nodes, len(self._world.nodes)):
                self._ask(log, gateway, wish, next(ways, ()), apart)

    def _ask(self, log: _Log, gateway: Adapter, wish: _Wish, came_by: Sequence[str], apart: bool) -> None:
        draw, number = log.draw, len(log.asked)
        # While no orders are taken, most is for the catalogue: else there would be little to be counted.
        resource = draw.choice([*Resource] if wish.what == "one" or not apart else [Resource.CATALOGUE])
        label = f"{self._own}/{self._logs.index(log)}-{number}/{draw.choice(_MENTIONS)}"
        limit = LIMITS.get(wish.plan, LIMITS[log.caller.plan])
        left = limit - _used_at_most(log.before(number, gateway.name, apart))
        items, refused_as = _WISHES[wish.what](draw, limit, left), _refused_as(wish)
        sent = time.monotonic()
        if log.caller.name is None:
            answer = gateway.call_without_account(came_by, resource, label, items)
        else:
            answer = gateway.call(Customer(log.caller.name, wish.plan), resource, label, items)
        cost = 0 if refused_as else int(items)
        call = Call(limit, gateway.name, resource, cost, sent, time.monotonic(), answer)
        log.asked.append(_Asked(label, wish, items, refused_as, call))


def _refused_as(wish: _Wish) -> Verdict | None:
    if wish.plan not in LIMITS:
        return Verdict.UNAUTHENTICATED
    return Verdict.INVALID if wish.what in _SENSELESS else None


def _wishes(caller: Caller, draw: Random) -> Iterator[_Wish]:
    """What a caller asks for, one after the other, from each gateway."""
    if caller.habit is Habit.THOROUGH:
        yield from _all_wishes(caller, draw)
    elif caller.habit is Habit.STEADY:
        yield from (_Wish(0.03 * number, "one", caller.plan) for number in range(LIMITS[caller.plan] // 2 + 1))
    else:
        first = draw.choice(["few", "few", "the whole plan"])
        for number, what in enumerate((first, "one") if caller.name else ("few", "few", "one")):
            yield _Wish(0.4 * number + draw.uniform(0, 0.2), what, caller.plan)


def _all_wishes(caller: Caller, draw: Random) -> list[_Wish]:
    """Everything that there is to ask for.

    The plan is used up in two steps more than a second apart, so that it makes a difference which of these ends. The
    caller is on another plan for one call, twice, and uses all that has come back, until everything has.
    """
    own = caller.plan
    other = own if caller.name is None else draw.choice([plan for plan in LIMITS if plan != own])
    unknown = own if caller.name is None else draw.choice(UNKNOWN_PLANS)
    senseless = draw.sample([("nonsense", own), ("nonsense", own), ("more than the plan", own), ("one", unknown)], 4)
    wishes = [(0.0, "few", own), (0.1, "one more than is left", own)]
    wishes += [(0.2, *one) for one in senseless[:2]]
    wishes += [(1.2, "all that is left", own), (1.2, "more than half", own), (1.3, "all that is left", other)]
    wishes += [(1.3, "few", own), (1.3, "few", other), (1.4, "one more than is left", own)]
    wishes += [(1.5, *one) for one in senseless[2:]]
    wishes += [(2.4, "all that is left", own), (2.5, "one", other), (2.6, "one", own)]
    wishes += [(3.8, draw.choice(["few", "the whole plan", "one more than is left"]), own)]
    return [_Wish(*wish) for wish in wishes]


def _used_at_most(calls: Sequence[Call]) -> int:
    now = time.monotonic()
    return sum(call.cost for call in calls if call.admitted and call.answered > now - WINDOW_S)


def _wrong(one: _Asked, before: Sequence[Call], apart: bool) -> list[str]:
    verdict = one.call.answer.verdict
    if apart and one.call.resource is Resource.ORDERS:
        expected = {Verdict.UNAVAILABLE, one.refused_as or Verdict.UNAVAILABLE}  # it may be looked at first or last
    elif one.refused_as:
        expected = {one.refused_as}
    else:
        return unexplained(one.call, before)
    return [] if verdict in expected else [f"was to be answered as {' or '.join(sorted(v.name for v in expected))}"]
