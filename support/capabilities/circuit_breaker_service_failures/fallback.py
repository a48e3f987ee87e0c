"""What callers get in the place of an answer that a service does not give: one that it gave before.

Services that answer the same questions, each of which fails in a way of its own, through one gateway or the other.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to

from support.capabilities.circuit_breaker_service_failures.calls import LEAST_CALLS, Call, make
from support.capabilities.circuit_breaker_service_failures.client import Adapter, Outcome
from support.capabilities.circuit_breaker_service_failures.failures import FAILURES
from support.capabilities.circuit_breaker_service_failures.model import WAIT_S
from support.errors import ProbeError
from support.promise import must
from support.worlds.crowds import for_each, threads

if TYPE_CHECKING:
    from support.capabilities.circuit_breaker_service_failures.world import World

_GIVEN_FOR_S = 2.5
_EMPTY, _LARGE, _LARGE_BYTES = "basket", "catalogue", 60_000
# As many as it takes to open a breaker; they are alike in every way that names of things can be.
_QUESTIONS = (
    *("prices", "prices/1", "prices/11", "Prices/1", "prices/1/", "prices/1?page=1", "prices/1?page=2"),
    *("prices/1%3Fpage=1", _EMPTY, _LARGE),
)
_REFUSED, _NEW = "no-such-thing", "new"
# Those that take long come last: their answers are the last that are given.
_WAYS = (
    *("fails", "says that it is unavailable", "breaks the connection", "breaks off in the middle of an answer"),
    *("never answers", "begins an answer and falls silent"),
)


@dataclass
class _Service:
    """A service behind one gateway: how it fails, what it answered last, and what they heard who asked again."""

    node: Adapter
    name: str
    how: str
    answers: dict[str, Call] = field(default_factory=dict)
    failed: list[Call] = field(default_factory=list)
    refused: list[Call] = field(default_factory=list)
    asked_last: list[Call] = field(default_factory=list)
    arrived: int = 0
    counted_at: float = 0.0

    def ask(self, questions: Sequence[str]) -> list[Call]:
        """All of them at once."""
        with threads(len(questions)) as pool:
            return list(pool.map(lambda label: make(self.node, self.name, label, True), questions))

    def learn(self) -> None:
        """It answers all of them."""
        self.answers = {call.label: call for call in self.ask(_QUESTIONS)}


class Fallback:
    """The last answers of the services, and what those who asked again heard in their outages."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._stem = world.fresh("asked")
        self._services = [
            _Service(world.nodes[place % len(world.nodes)], f"{self._stem}-{place}", how)
            for place, how in enumerate(_WAYS)
        ]

    def learn(self) -> None:
        """Each service answers all questions twice, otherwise each time, and refuses one."""
        control = self._world.services
        for service in self._services:
            if "part" not in FAILURES[service.how]:  # of an empty answer no part can be missing
                control.answer({"path": f"/{service.name}/{_EMPTY}"}, 200, "")
        control.answer({"path": f"/{self._stem}*/{_REFUSED}"}, 404, "there is no such thing")
        for_each(self._services, lambda service: service.ask([_REFUSED]))
        for word in "old", "new":
            control.answer({"path": f"/{self._stem}*/{_LARGE}"}, 200, (word * _LARGE_BYTES)[:_LARGE_BYTES])
            for_each(self._services, _Service.learn, at_once=2)

    def ask_again(self, age_s: float) -> None:
        """They fail, and all questions are asked until the breakers open, then again, and two when `age_s` are over."""
        for service in self._services:
            match = {"path": f"/{service.name}/*"}
            self._world.services.arm(times=None, match=match, **FAILURES[service.how])
        for_each(self._services, self._ask_until_open, at_once=len(self._services))
        for_each(self._services, lambda service: _ask_last(service, age_s), at_once=len(self._services))

    def _ask_until_open(self, service: _Service) -> None:
        service.failed = service.ask(_QUESTIONS)
        service.refused = service.ask([*_QUESTIONS, _REFUSED, _NEW])
        service.arrived = len(self._world.services.arrivals(path=f"/{service.name}/*"))
        service.counted_at = time.time()

    # What must hold

    def expect_last_answers(self) -> None:
        """Each caller got that service's last answer to that question, called an earlier one.

        Raises ProbeError when it was too old by then.
        """
        for service in self._services:
            for call in (*service.failed, *service.refused, *service.asked_last):
                if call.label in service.answers:
                    _expect_answer(service.answers[call.label], call, f"{service.name}, which {service.how}")

    def expect_left_in_peace(self) -> None:
        """Failures that no caller noticed count: after ten of them the services got no calls.

        Raises ProbeError when the ten did not come so soon after each other that they had to.
        """
        asked = 2 * len(_QUESTIONS) + 1 + LEAST_CALLS
        for service in self._services:
            if service.counted_at > min(call.heard for call in service.failed) + WAIT_S:
                raise ProbeError("the calls took so long that a breaker may have let others through already")
            assert_that(service.arrived, equal_to(asked), f"calls that {service.name}, which {service.how}, got")

    def expect_not_asked(self) -> None:
        """Who asked what a service had not answered, or had refused, heard that it was not asked, and when to ask."""
        unknown = [call for service in self._services for call in service.refused if call.label not in service.answers]
        heard = {call.reply.outcome for call in unknown}
        assert_that(heard, equal_to({Outcome.NOT_ASKED}), "what those heard who asked what was not answered before")
        self._world.expect_told_when(call.reply for call in unknown)

    def expect_forgotten(self, after_s: float) -> None:
        """Once they are `after_s` old, none of the answers is given any more, however often it was asked for."""
        heard = max(call.heard for service in self._services for call in service.answers.values())
        self._world.let_pass(heard + after_s - time.time())
        for service in self._services:
            given = [call for call in service.ask(_QUESTIONS[:2]) if call.reply.outcome is Outcome.ANSWERED_EARLIER]
            must(not given, f"{service.name} was given answers that were {after_s:g} s old: {given}")


def _ask_last(service: _Service, age_s: float) -> None:
    oldest = min(call.sent for call in service.answers.values())
    time.sleep(max(0.0, oldest + age_s - time.time()))
    service.asked_last = service.ask(_QUESTIONS[:2])


def _expect_answer(last: Call, call: Call, where: str) -> None:
    heard, wanted = (call.reply.outcome, call.reply.text), (Outcome.ANSWERED_EARLIER, last.reply.text)
    if heard != wanted and call.heard > last.sent + _GIVEN_FOR_S:
        raise ProbeError(f"the answer was {call.heard - last.sent:.1f} s old when it was asked for again")
    assert_that(heard, equal_to(wanted), f"what the caller heard who asked {where}, for {call.label} again")
