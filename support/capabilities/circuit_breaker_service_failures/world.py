"""One scenario of circuit breakers: services that nobody has called before, and what of the calls reached them."""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import count as numbers
from itertools import cycle, pairwise
from statistics import median

from hamcrest import assert_that, empty, equal_to, less_than

from support.capabilities.circuit_breaker_service_failures.beside import Beside
from support.capabilities.circuit_breaker_service_failures.calls import (
    LEAST_CALLS,
    MAY_BE_SLOW_S,
    Call,
    Opening,
    make,
    opens_at,
)
from support.capabilities.circuit_breaker_service_failures.candidates import Candidates
from support.capabilities.circuit_breaker_service_failures.client import Adapter, Outcome, Reply, State
from support.capabilities.circuit_breaker_service_failures.failures import FAILURES, REFUSALS
from support.capabilities.circuit_breaker_service_failures.fallback import Fallback
from support.capabilities.circuit_breaker_service_failures.lives import Lives
from support.capabilities.circuit_breaker_service_failures.model import LONGEST_WAIT_S, WAIT_S
from support.capabilities.circuit_breaker_service_failures.probing import Probing
from support.capabilities.circuit_breaker_service_failures.spread import Spread
from support.clients.provider_control import ArmedFault, Arrival
from support.clients.upstream_control import UpstreamControl
from support.errors import ProbeError
from support.faults.faults import Faults
from support.promise import broken
from support.worlds import world
from support.worlds.crowds import threads
from support.worlds.world import part

_AT_ONCE, _PAIRS = 2, 10  # so many times as long as a call that is answered takes is not at once


class World(world.World[Adapter]):
    """What the steps of one scenario share: the `service` that sentences speak of, and the calls that were made."""

    probing = part(Probing)
    beside = part(Beside)
    lives = part(Lives)
    spread = part(Spread)
    fallback = part(Fallback)
    candidates = part(Candidates)

    def __init__(self, stage: world.Stage, faults: Faults) -> None:
        super().__init__(stage, faults)
        self.services = self.opened(UpstreamControl.of(self.fleet, "upstream"))
        self.service, self.other = self._new_services()
        self._things, self._numbers = cycle(("prices", "stock")), numbers(1)
        self._calls: list[Call] = []
        self._well = True
        self._holding: ArmedFault | None = None

    def _new_services(self) -> tuple[str, str]:
        """Names that differ in their middle alone, as those of the services of one system do."""
        shop = self.fresh("shop")
        return f"orders.eu.{shop}", f"orders.us.{shop}"

    def begin_anew(self) -> None:
        """Others, which are well and were never called, take the place of services whose moment was missed."""
        self.recover()
        self.service, self.other = self._new_services()
        self._calls.clear()

    # What the service does

    def misbehave(self, how: str) -> None:
        """From now on the service fails in the way that sentences call `how`, until it is told otherwise."""
        self._well = False
        self.arm(how)

    def arm(self, how: str, things: str = "*") -> ArmedFault:
        """Lets those calls of the service fail in that way that ask for `things`, a pattern."""
        return self.services.arm(times=None, match={"path": f"/{self.service}/{things}"}, **FAILURES[how])

    def answer_by(self, what: str) -> None:
        """From now on the service tells its callers `what`, which is no failure of its own."""
        self.services.answer({"path": f"/{self.service}/*"}, REFUSALS[what], "no")

    def hold(self) -> ArmedFault:
        """From now on the service lets its callers wait."""
        if not self._holding:
            self._holding = self.services.arm("hold_before", times=None, match={"path": f"/{self.service}/*"})
        return self._holding

    def recover(self) -> None:
        """The service is well again; whom it has held is answered."""
        self._well, self._holding = True, None
        self.services.heal()

    # What callers do

    def call(self, count: int, place: int = 0) -> list[Call]:
        """`count` calls of the service, one after the other, through the gateway of that `place`."""
        return [self.ask(self._label(), place) for _ in range(count)]

    def call_at_once(self, count: int, place: int = 0) -> list[Call]:
        """The same at the same time."""
        with threads(count) as pool:
            asked = [pool.submit(self.ask, self._label(), place) for _ in range(count)]
        return [call.result() for call in asked]

    def call_other(self, count: int) -> list[Call]:
        """`count` calls of the other service, which is well, through the first gateway, one after the other."""
        return [make(self.nodes[0], self.other, self._label(), well=True) for _ in range(count)]

    def ask(self, label: str, place: int = 0) -> Call:
        """One call of the service, which is noted."""
        self._calls.append(call := make(self.nodes[place], self.service, label, self._well))
        return call

    def _label(self) -> str:
        """What nobody has asked for before, of one of two kinds of things."""
        return f"{next(self._things)}/{next(self._numbers)}"

    def let_pass(self, seconds: float) -> None:
        """Waits for as long as a window or a wait of the breaker's lasts."""
        world.wait_until(time.monotonic() + seconds)

    def open(self) -> Opening:
        """The service fails until the first gateway's breaker has opened, and is then as before.

        Raises ProbeError when more calls were let through than it takes, for something else is judged then.
        """
        well, self._well = self._well, False
        fault = self.arm("fails")
        calls = self.call_at_once(LEAST_CALLS)
        fault.heal()
        self._well = well
        if self.call(1)[0].reply.outcome is not Outcome.NOT_ASKED:
            raise ProbeError(f"the breaker was to be open after {LEAST_CALLS} failures, and is not")
        ended = [self.ended(call) for call in calls if call.reply.outcome is not Outcome.NOT_ASKED]
        return Opening(max(ended, default=calls[0].sent), max(call.heard for call in calls))

    # What reached the service, by its own count

    def arrivals(self, place: int | None = None, service: str = "") -> list[Arrival]:
        """The calls that the service has seen; of the gateway of that `place`, if one is named."""
        name = None if place is None else self.nodes[place].name
        seen = self.services.arrivals(path=f"/{service or self.service}/*")
        return [arrival for arrival in seen if name in (None, arrival.via)]

    def arrival(self, call: Call) -> Arrival:
        """How the service saw that call. AssertionError when its caller heard otherwise, and it did not."""
        seen = self.services.arrivals(path=f"/{self.service}/{call.label}")
        return seen[0] if seen else broken(f"the service was not asked for {call.label}, though its caller heard that")

    def ended(self, call: Call) -> float:
        """When the service had ended its answer to that call."""
        seen = self.arrival(call)
        return seen.ended or seen.arrived

    def _reached(self, calls: Sequence[Call]) -> list[Arrival]:
        paths = {f"/{self.service}/{call.label}" for call in calls}
        return [arrival for arrival in self.arrivals() if arrival.path in paths]

    # What must hold

    def expect_reached(self, count: int, of: int) -> None:
        """Of the last `of` calls the first `count` reached the service: then its breaker opened, or all of them did.

        Raises ProbeError when they took so long that it had to open at another one.
        """
        last = len(self._calls) - of + count - 1
        calls = self._calls[-of:]
        if count < of:
            if (opens := opens_at(self._calls)) != last:
                raise ProbeError(f"the breaker had to open at call {opens}, not {last}: they took too long")
            calls = [call for call in calls if call.heard < self._calls[last].sent + WAIT_S]
        assert_that(len(self._reached(calls)), equal_to(count), "calls that reached the service, by its own count")

    def expect_not_asked(self, count: int) -> None:
        """The last `count` callers heard at once that the service was not asked, and when to ask again."""
        calls = self._in_time(count)
        assert_that({call.reply.outcome for call in calls}, equal_to({Outcome.NOT_ASKED}), "what callers heard")
        self.expect_told_when(call.reply for call in calls)
        self._expect_at_once()

    def expect_told_when(self, replies: Iterable[Reply]) -> None:
        """All of them were told when to ask again, which is within the longest wait."""
        untold = [reply for reply in replies if not 0 < (reply.retry_after_s or 0) <= LONGEST_WAIT_S]
        assert_that(untold, empty(), f"those who were not told to ask again within {LONGEST_WAIT_S:g} s")

    def _expect_at_once(self) -> None:
        """Who hears that the service is not asked waits for no longer than callers of another one, who call in turn."""
        pairs = [(self.call(1)[0], self.call_other(1)[0]) for _ in range(_PAIRS)]
        refused = [call.heard - call.sent for call, _ in pairs if call.reply.outcome is Outcome.NOT_ASKED]
        if not refused:
            raise ProbeError("the breaker was not open for long enough to see how long callers wait for that")
        answered = median(other.heard - other.sent for _, other in pairs)
        assert_that(median(refused), less_than(_AT_ONCE * answered), "seconds until callers hear that it is not asked")

    def expect_others_go_on(self, count: int, more: int) -> None:
        """`count` calls of this service at the other gateway, and `more` of another one at the first, all arrive."""
        self.call(count, place=1)
        assert_that(len(self.arrivals(1)), equal_to(count), "calls of the service through the other gateway")
        self.call_other(more)
        assert_that(len(self.arrivals(0, self.other)), equal_to(more), "calls of the other service")

    def expect_next_spared(self, count: int) -> None:
        """Of `count` more calls none reaches the service."""
        self.call(count)
        self.expect_spared(count)

    def expect_spared(self, count: int) -> None:
        """None of the last `count` calls has reached the service, and their callers heard so."""
        calls = self._in_time(count)
        assert_that({call.reply.outcome for call in calls}, equal_to({Outcome.NOT_ASKED}), "what callers heard")
        assert_that(self._reached(calls), empty(), "calls that reached the service")

    def expect_reached_once(self) -> None:
        """No call has reached the service twice."""
        seen = Counter(arrival.path for arrival in self.arrivals())
        assert_that([path for path, times in seen.items() if times > 1], empty(), "calls that reached it twice")

    def expect_nobody_waited(self, limit_s: float) -> None:
        """No caller has waited for longer than `limit_s`."""
        longest = max(call.heard - call.sent for call in self._calls)
        assert_that(longest, less_than(limit_s), "seconds for which a caller waited")

    def _in_time(self, count: int) -> list[Call]:
        """The last `count` calls but for those that came when the breaker may have waited for its time.

        Raises ProbeError when all of them did.
        """
        until = self._opened_at(self._calls[:-count]) + WAIT_S
        calls = [call for call in self._calls[-count:] if call.heard < until]
        if not calls:
            raise ProbeError(f"no call was made within the {WAIT_S:g} s for which the breaker is open for certain")
        return calls

    def _opened_at(self, calls: Sequence[Call]) -> float:
        """Before that it was not open: ten of these had been made, or answered by the service if as many reached it."""
        ended = sorted(arrival.ended for arrival in self._reached(calls) if arrival.ended)
        sent = sorted(call.sent for call in calls)
        return ended[LEAST_CALLS - 1] if len(ended) >= LEAST_CALLS else sent[LEAST_CALLS - 1]

    def expect_let_through(self, count: int) -> None:
        """The breaker is closed: `count` calls at once all reach the service and are answered.

        Raises ProbeError when they do not, and some took so long that they may have counted as failures.
        """
        before, calls = len(self.arrivals()), self.call_at_once(count)
        seen = {call.reply.outcome for call in calls}, len(self.arrivals()) - before
        took_s = max(call.took_s for call in calls)
        if seen != ({Outcome.ANSWERED}, count) and took_s > MAY_BE_SLOW_S:
            raise ProbeError(f"the service is well, and a call of it took {took_s:.2f} s")
        assert_that(seen, equal_to(({Outcome.ANSWERED}, count)), "what callers heard, and calls that reached it")

    def expect_transitions(self, states: Sequence[State]) -> None:
        """The first gateway's metrics tell of precisely the changes from each of `states` to the next."""
        wanted = Counter(pairwise(states))
        assert_that(dict(self.nodes[0].transitions(self.service)), equal_to(dict(wanted)), "changes of state, as told")
