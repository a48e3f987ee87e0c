"""One scenario of circuit breakers: services that nobody has called before, and what of the calls reached them."""

import time
from itertools import pairwise

from hamcrest import assert_that, empty, equal_to

from support.capabilities.circuit_breaker_service_failures.candidate import Candidate
from support.capabilities.circuit_breaker_service_failures.client import Adapter, Outcome, Reply, State
from support.capabilities.circuit_breaker_service_failures.failures import FAILURES, REFUSALS
from support.capabilities.circuit_breaker_service_failures.probing import Probing
from support.clients.provider_control import ArmedFault
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
        self._sent_at = 0.0  # when the last call was made (seconds since 1970)
        self._arrived_before = 0  # of the last calls that were made one after the other

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
        self._arrived_before = self.arrived()
        return [self._one(place) for _ in range(count)]

    def call_at_once(self, count: int, place: int = 0) -> list[Reply]:
        """The same at the same time."""
        with threads(count) as pool:
            asked = [pool.submit(self._one, place) for _ in range(count)]
        return [reply.result() for reply in asked]

    def _one(self, place: int) -> Reply:
        self._sent_at = time.time()
        self.replies.append(self.nodes[place].call(self.service, "x"))
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
        """Exactly `count` calls have reached the service. AssertionError if not."""
        if any(reply.outcome is Outcome.NOT_ASKED for reply in self.replies):
            self._see_in_time()
        assert_that(self.arrived(), equal_to(count), "calls that reached the service, by its own count")

    def expect_not_asked(self, count: int) -> None:
        """The last `count` callers heard that the service was not asked, and when to ask again."""
        self._see_in_time()
        heard = self.replies[-count:]
        assert_that([r.outcome for r in heard], equal_to([Outcome.NOT_ASKED] * count), "what callers heard")
        untold = [reply for reply in heard if not reply.retry_after_s or reply.retry_after_s > 3]
        assert_that(untold, empty(), "those who were not told to ask again within 3 s")

    def expect_others_go_on(self, count: int, more: int) -> None:
        """`count` calls of this service at the other gateway, and `more` of another one at the first, all arrive."""
        self.call(count, place=1)
        assert_that(self.arrived(1), equal_to(count), "calls of the service through the other gateway")
        for _ in range(more):
            self.nodes[0].call(self.other, "x")
        assert_that(self.arrived(0, self.other), equal_to(more), "calls of the other service")

    def _see_in_time(self) -> None:
        """When the last call was made the breaker had not waited for its time yet, after which it lets some through.

        It opened after the tenth call had ended at the service. Raises ProbeError when that is too long ago.
        """
        ended = sorted(call.ended for call in self.services.arrivals(path=f"/{self.service}/*") if call.ended)
        if len(ended) >= OPENS_AFTER and self._sent_at - ended[OPENS_AFTER - 1] > WAIT_S:
            raise ProbeError(f"the calls took longer than the {WAIT_S:g} s for which the breaker is open for certain")

    def expect_spared(self, count: int) -> None:
        """None of the last `count` calls has reached the service, and their callers heard so."""
        self._see_in_time()
        heard = [reply.outcome for reply in self.replies[-count:]]
        assert_that(heard, equal_to([Outcome.NOT_ASKED] * count), "what callers heard")
        assert_that(self.arrived() - self._arrived_before, equal_to(0), "calls that reached the service")

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
