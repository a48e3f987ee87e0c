"""Answers that are not to be given any more, because what they rest on has changed."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty, equal_to, has_length

from support.capabilities.llm_response_caching_redis.calls import Given, expect_own_each, number_of
from support.capabilities.llm_response_caching_redis.client import Adapter, Answer, Question
from support.polling import poll
from support.promise import must

if TYPE_CHECKING:
    from support.capabilities.llm_response_caching_redis.world import World

_ANSWERED_WITHIN_S = 2.0
_FORGOTTEN_WITHIN_S = 5.0  # a gateway that cannot reach Redis at the moment says so, and is told again


class Forgetting:
    """Questions by what sentences call them, and by which call each was answered before."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._questions: dict[str, tuple[str, Question]] = {}
        self._calls: dict[str, int] = {}
        self._asked = time.monotonic()
        self._told = False
        self._given: list[tuple[int, set[int]]] = []  # the call from before the change, and those since

    def ask_on(self, documents: Sequence[str]) -> None:
        """The customer asks on each of these, on both of the first two, and on none; another customer on the first.

        The customer asks as well on others, whose names are nearly that of the first.
        """
        world = self._world
        near = [documents[0].swapcase(), f"{documents[0]}-2"]
        groups = [*([one] for one in (*documents, *near)), list(documents[:2]), []]
        for group in groups:
            question = world.new_question(documents=group)
            self._questions[" and ".join(group) or "no document"] = (world.customer, question)
        other = world.new_question(documents=documents[:1])
        self._questions[f"another customer's {documents[0]}"] = (world.fresh("customer"), other)
        self._ask_all()

    def ask_by(self, models: Sequence[str]) -> None:
        """The customer asks each model."""
        for model in models:
            self._questions[model] = (self._world.customer, self._world.new_question(model=model))
        self._ask_all()

    def expect_anew(self, *names: str) -> None:
        """Exactly these are asked anew, through either gateway, and each of them once."""
        before = dict(self._calls)
        for place in (1, 0):
            self._ask_all(place)
            anew = {name for name, call in self._calls.items() if call != before[name]}
            assert_that(set(names) - anew, empty(), "answers that were to be made anew")
            self._world.expect_young(self._asked)
            assert_that(anew - set(names), empty(), "other answers that were made anew")
        calls = Counter((call.fields["alias"], call.fields["question"]) for call in self._world.provider.calls())
        counts = {name: calls[who, question.text] for name, (who, question) in self._all()}
        assert_that(counts, equal_to({name: 2 if name in names else 1 for name in counts}), "calls for each in all")

    def change_document(self, document: str) -> None:
        """It has changed, and the first gateway is told so."""
        self._forget(self._world.nodes[0].forget_document, document)

    def change_model(self, model: str) -> None:
        """It has changed, and the first gateway is told so."""
        self._forget(self._world.nodes[0].forget_model, model)

    def change_meanwhile(self, document: str) -> None:
        """It changes while an answer is under way that others ask for before it arrives, and one that nobody does."""
        for others_ask in (True, False):
            world = self._world
            world.question = world.new_question(documents=[document])
            old, since = self._change_meanwhile(document, others_ask)
            since += [number_of(self._ask_again(gateway)) for gateway in world.nodes * 2]
            self._given.append((old, set(since)))

    def expect_new_from_now(self) -> None:
        """Both gateways have given one and the same new answer since the change."""
        for old, since in self._given:
            assert_that(old in since, equal_to(False), "the answer from before the change is given")
            assert_that(since, has_length(1), "calls that gave answers after the change")

    def ask_first(self, document: str) -> None:
        """The customer asks the world's question on it."""
        self._world.question = self._world.new_question(documents=[document])
        self._world.ask_first()

    def try_to_change(self, document: str) -> None:
        """It has changed, and the first gateway is told so; it may say that it cannot see to that now."""
        self._told = self._world.nodes[0].forget_document(self._world.customer, document)

    def expect_forgotten(self, document: str, within_s: float) -> None:
        """By then the gateway says that it is forgotten, and from then on nobody is given the old answer."""
        world = self._world
        if not self._told:
            self._forget(world.nodes[0].forget_document, document, within_s)
        numbers = [number_of(self._ask_again(gateway)) for gateway in world.nodes]
        assert_that(number_of(world.first) in numbers, equal_to(False), "what was told as forgotten is given")
        world.expect_young(self._asked)

    def _change_meanwhile(self, document: str, others_ask: bool) -> tuple[int, list[int]]:
        """The call of the answer that was under way, and of those that others got who asked before it arrived."""
        world = self._world
        held = world.provider.arm("hold_after", match={"alias": world.customer})
        waiting = world.background.submit(self._ask_again, world.nodes[0])
        held.await_waiting(1)
        self._forget(world.nodes[1].forget_document, document)
        asking = [world.background.submit(self._ask_again, gateway) for gateway in world.nodes if others_ask]
        poll(lambda: all(one.done() for one in asking), _ANSWERED_WITHIN_S)
        held.release()
        return number_of(waiting.result()), [number_of(one.result()) for one in asking]

    def _forget(self, forget: Callable[[str, str], bool], name: str, within_s: float = _FORGOTTEN_WITHIN_S) -> None:
        """The gateway says in time that it has forgotten the answers that rest on `name`. AssertionError if not."""
        told = poll(lambda: forget(self._world.customer, name), within_s)
        must(told, f"{within_s:g} s later the gateway still says that it cannot forget {name}")

    def _ask_again(self, gateway: Adapter) -> Answer:
        return gateway.ask(self._world.customer, self._world.question)

    def _ask_all(self, place: int = 0) -> None:
        gateway = self._world.nodes[place]
        given = {name: Given(who, asked, gateway.ask(who, asked)) for name, (who, asked) in self._all()}
        expect_own_each(self._world, [*given.values()])
        self._calls = {name: number_of(one.answer) for name, one in given.items()}

    def _all(self) -> "list[tuple[str, tuple[str, Question]]]":
        return [*self._questions.items()]
