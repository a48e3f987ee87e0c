"""One scenario of cached answers: customers whom nobody has seen before, what they asked, and what was paid for."""

import time
from typing import Any

from hamcrest import assert_that, equal_to, less_than

from support.capabilities.llm_response_caching_redis.calls import expect_own, number_of
from support.capabilities.llm_response_caching_redis.client import Adapter, Answer, Outcome, Question
from support.capabilities.llm_response_caching_redis.crowd import Crowd
from support.capabilities.llm_response_caching_redis.embedders import Embedders
from support.capabilities.llm_response_caching_redis.failures import Failures
from support.capabilities.llm_response_caching_redis.fields import Fields
from support.capabilities.llm_response_caching_redis.forgetting import Forgetting
from support.capabilities.llm_response_caching_redis.forms import Forms
from support.capabilities.llm_response_caching_redis.kept import Kept
from support.capabilities.llm_response_caching_redis.lifetime import Lifetime
from support.capabilities.llm_response_caching_redis.log import Log
from support.capabilities.llm_response_caching_redis.neighbours import Neighbours
from support.capabilities.llm_response_caching_redis.outage import Outage
from support.capabilities.llm_response_caching_redis.pairs import Pairs
from support.capabilities.llm_response_caching_redis.room import Room
from support.clients.model_provider_control import ModelProviderControl
from support.errors import ProbeError
from support.faults.faults import Faults
from support.worlds import world
from support.worlds.crowds import threads
from support.worlds.world import part

AT_ONCE = 110
LIVES_S = 19.5  # an answer, at the least; what was asked longer ago may have ended since


class World(world.World[Adapter]):
    """What the steps of one scenario share: the `customer` that sentences speak of, and the `question` asked first.

    `nodes` are the two gateways; the two `renewed` ones have another embedder, and answers live less long there.
    """

    fields = part(Fields)
    pairs = part(Pairs)
    embedders = part(Embedders)
    neighbours = part(Neighbours)
    lifetime = part(Lifetime)
    forgetting = part(Forgetting)
    kept = part(Kept)
    room = part(Room)
    crowd = part(Crowd)
    failures = part(Failures)
    forms = part(Forms)
    outage = part(Outage)
    log = part(Log)

    def __init__(self, stage: world.Stage, faults: Faults) -> None:
        super().__init__(stage, faults)
        self.nodes, self.renewed = self.nodes[:2], self.nodes[2:]
        self.provider = self.opened(ModelProviderControl.of(self.fleet, "model-provider"))
        self.background = self.closing.enter_context(threads(AT_ONCE))
        self.closing.callback(self.provider.heal)  # before the threads are waited for, some of which it may hold
        self.customer = self.fresh("customer")
        self.question = self.new_question()
        self.first = Answer(Outcome.FAILED)
        self._miss_s = 0.0
        self._hits_s: list[float] = []
        self._again: list[Answer] = []

    def see_all_keeping(self) -> None:
        """Every gateway reaches Redis, or it could not forget a document. Raises ProbeError."""
        named = self.customer, self.fresh("document")
        self.see_back([*self.nodes, *self.renewed], lambda gateway: gateway.forget_document(*named))

    def words(self, about: str) -> list[dict[str, str]]:
        """Messages that nobody has sent before."""
        return [{"role": "user", "content": f"What is to be known about {about} in {self.fresh('case')}?"}]

    def new_question(self, **how: Any) -> Question:
        """A question that nobody has asked before."""
        return Question(self.words("prices"), **how)

    def slow_provider(self, delay_s: float) -> None:
        """From now on the provider begins each answer so much later."""
        self.provider.arm("slow", times=None, ms=round(delay_s * 1000))

    # Asking

    def ask_first(self, place: int = 0) -> None:
        """The customer asks the question through the gateway of that `place`, and pays for it."""
        began = time.monotonic()
        self.first = self.nodes[place].ask(self.customer, self.question)
        self._miss_s = time.monotonic() - began
        expect_own(self, self.customer, self.question, self.first)

    def ask_again(self, times: int) -> None:
        """The same, `times` through each gateway."""
        for gateway in self.nodes * times:
            began = time.monotonic()
            self._again.append(gateway.ask(self.customer, self.question))
            self._hits_s.append(time.monotonic() - began)

    # What must hold

    def paid(self, customer: str = "", **match: Any) -> int:
        """How often the provider was asked by the customer, by its own meter."""
        return len(self.provider.calls(customer or self.customer, **match))

    @staticmethod
    def expect_young(since: float) -> None:
        """ProbeError when what was asked at `since` (monotonic seconds) may have come to the end of its life."""
        if time.monotonic() - since > LIVES_S:
            raise ProbeError(
                f"what was asked first was {LIVES_S:g} s old before the last had asked, and may have ended"
            )

    def expect_paid(self, count: int) -> None:
        """The provider was asked so often by the customer."""
        assert_that(self.paid(), equal_to(count), "calls that the provider counted")

    def expect_same_again(self) -> None:
        """Every answer was the first one, to the last member."""
        for answer in self._again:
            number_of(answer)
            assert_that([*answer.parts], equal_to([*self.first.parts]), "an answer, and the first one")

    def expect_fast(self, part: float) -> None:
        """Each took at most so much of the time that the first took. Half of them may stumble over a busy machine."""
        typical = sorted(self._hits_s)[len(self._hits_s) // 2]
        assert_that(typical, less_than(self._miss_s * part), f"seconds; the first took {self._miss_s:.3f} s")
