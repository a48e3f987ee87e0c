"""One scenario of circuit breakers: services that nobody has called before, and what of the calls reached them."""

import math
import time
from itertools import pairwise

from hamcrest import assert_that, empty, equal_to

from support.capabilities.circuit_breaker_service_failures.candidate import Candidate
from support.capabilities.circuit_breaker_service_failures.client import Adapter, Outcome, Reply, State
from support.capabilities.circuit_breaker_service_failures.failures import FAILURES, REFUSALS
from support.capabilities.circuit_breaker_service_failures.probing import Probing
from support.clients.provider_control import ArmedFault, Arrival
from support.clients.upstream_control import UpstreamControl
from support.errors import ProbeError
from support.faults.faults import Faults
from support.worlds import world
from support.worlds.crowds import threads
from support.worlds.world import part

OPENS_AFTER = 10  # failures, the least that say anything
WAIT_S = 2.0  # for which an open breaker lets nothing through, at the least


class World(world.World[Adapter]):
    """What the steps of one scenario share: the `service` that sentences speak of, and what its callers heard."""

    probing = part(Probing)
    candidate = part(Candidate)

    def __init__(self, stage: world.Stage, faults: Faults) -> None:
        super().__init__(stage, faults)
        self.services = self.opened(UpstreamControl.of(self.fleet, "upstream"))
        self.service, self.other = self.fresh("service"), self.fresh("service")
        self.background = self.closing.enter_context(threads(8))
        self.replies: list[Reply] = []
        self._holding: ArmedFault | None = None
        self._calls: list[tuple[float, Reply]] = []  # with when they were made (seconds since 1970)

    # What the service does

    def misbehave(self, how: str) -> ArmedFault:
        """From now on the service fails in the way that sentences call `how`, until it is told otherwise."""
        return self.services.arm(times=None, match={"path": f"/{self.service}/*"}, **FAILURES[how])

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
        self._holding = None
        self.services.heal()

    # What callers do

    def call(self, count: int, place: int = 0) -> list[Reply]:
        """`count` calls of the service, one after the other, through the gateway of that `place`."""
        return [self._one(place) for _ in range(count)]

    def call_at_once(self, count: int, place: int = 0) -> list[Reply]:
        """The same at the same time."""
        with threads(count) as pool:
            asked = [pool.submit(self._one, place) for _ in range(count)]
        return [reply.result() for reply in asked]

    def _one(self, place: int) -> Reply:
        sent = time.time()
        self.replies.append(self.nodes[place].call(self.service, "x"))
        self._calls.append((sent, self.replies[-1]))
        return self.replies[-1]

    def let_pass(self, seconds: float) -> None:
        """Waits for as long as a window of the breaker's lasts."""
        world.wait_until(time.monotonic() + seconds)

    def open(self) -> float:
        """The service fails until the first gateway's breaker has opened; returns when (monotonic seconds).

        Raises ProbeError when more calls were let through than it takes, for something else is judged then.
        """
        fault = self.misbehave("fails")
        self.call_at_once(OPENS_AFTER)
        opened = time.monotonic()
        fault.heal()
        if self.call(1)[0].outcome is not Outcome.NOT_ASKED:
            raise ProbeError(f"the breaker was to be open after {OPENS_AFTER} failures, and is not")
        return opened

    # What must hold

    def arrived(self, place: int | None = None, service: str = "") -> int:
        """How many calls the service has seen, by its own count; of the gateway of that `place`, if one is named."""
        name = None if place is None else self.nodes[place].name
        arrivals = self.services.arrivals(path=f"/{service or self.service}/*")
        return sum(name in (None, arrival.via) for arrival in arrivals)

    def expect_arrived(self, count: int) -> None:
        """Exactly `count` calls have reached the service while its breaker let none, or all, through."""
        spared = any(reply.outcome is Outcome.NOT_ASKED for reply in self.replies)
        arrived = [call for call in self._arrivals() if not spared or call.arrived < self._lets_some_through_at()]
        assert_that(len(arrived), equal_to(count), "calls that reached the service, by its own count")

    def expect_not_asked(self, count: int) -> None:
        """The last `count` callers heard that the service was not asked, and when to ask again."""
        heard = self._in_time(count)
        assert_that({reply.outcome for reply in heard}, equal_to({Outcome.NOT_ASKED}), "what callers heard")
        untold = [reply for reply in heard if not reply.retry_after_s or reply.retry_after_s > 3]
        assert_that(untold, empty(), "those who were not told to ask again within 3 s")

    def expect_others_go_on(self, count: int, more: int) -> None:
        """`count` calls of this service at the other gateway, and `more` of another one at the first, all arrive."""
        self.call(count, place=1)
        assert_that(self.arrived(1), equal_to(count), "calls of the service through the other gateway")
        for _ in range(more):
            self.nodes[0].call(self.other, "x")
        assert_that(self.arrived(0, self.other), equal_to(more), "calls of the other service")

    def expect_spared(self, count: int) -> None:
        """None of the last `count` calls has reached the service, and their callers heard so."""
        heard = {reply.outcome for reply in self._in_time(count)}
        assert_that(heard, equal_to({Outcome.NOT_ASKED}), "what callers heard")
        first = self._calls[-count][0]
        arrived = [call for call in self._arrivals() if first <= call.arrived < self._lets_some_through_at()]
        assert_that(arrived, empty(), "calls that reached the service")

    def _in_time(self, count: int) -> list[Reply]:
        """What the last `count` callers heard, but for those who called when the breaker may have waited for its time.

        Raises ProbeError when all of them did.
        """
        heard = [reply for sent, reply in self._calls[-count:] if sent < self._lets_some_through_at()]
        if not heard:
            raise ProbeError(f"no call was made within the {WAIT_S:g} s for which the breaker is open for certain")
        return heard

    def _lets_some_through_at(self) -> float:
        """From when on an open breaker may let calls through: it opened after the tenth had ended at the service."""
        ended = sorted(call.ended for call in self._arrivals() if call.ended)
        return ended[OPENS_AFTER - 1] + WAIT_S if len(ended) >= OPENS_AFTER else math.inf

    def _arrivals(self) -> list[Arrival]:
        return self.services.arrivals(path=f"/{self.service}/*")

    def expect_let_through(self, count: int) -> None:
        """The breaker is closed: `count` calls at once all reach the service and are answered."""
        before = self.arrived()
        heard = {reply.outcome for reply in self.call_at_once(count)}
        assert_that((heard, self.arrived() - before), equal_to(({Outcome.ANSWERED}, count)), "calls, and arrivals")

    def expect_transitions(self, *states: State) -> None:
        """The first gateway's metrics tell of precisely the changes from each of `states` to the next."""
        wanted: dict[tuple[State, State], int] = {}
        for pair in pairwise(states):
            wanted[pair] = wanted.get(pair, 0) + 1
        assert_that(dict(self.nodes[0].transitions(self.service)), equal_to(wanted), "changes of state, as told")
