"""What callers get in the place of an answer that a service does not give: one that it gave before.

Services that answer the same questions, each of which fails in a way of its own, through one gateway or the other.
"""

import reprlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

from hamcrest import assert_that, equal_to

from support.capabilities.circuit_breaker_service_failures.calls import (
    LEAST_CALLS,
    MAY_BE_SLOW_S,
    MOST_TIMES,
    NEARLY_S,
    WINDOW_S,
    Call,
    make,
)
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
# Questions that are taken for each other where names are cut, decoded, put together anew, or compared without care.
_ALIKE = (
    ("prices", "prices/", "prices?all", "prices?all="),
    ("prices/1", "prices/11", "Prices/1", "prices%2F1"),
    ("prices/1?page=1", "prices/1?page=2", "prices/1?Page=1", "prices/1%3Fpage=1"),
    ("prices?tag=a", "prices?tag=b", "prices?tag=a&tag=b", "prices?tag=b&tag=a"),
    ("prices?name=a+b", "prices?name=a%20b", "prices?name=a%2Bb", "prices?name=a%252Bb"),
    ("prices?name=a&b", "prices?name=a%26b", "prices?name=%E4", "prices?name=%E5"),
)
_REFUSED, _NEW = "no-such-thing", "new"
_SHORT = reprlib.Repr()  # some answers are large
_SHORT.maxother = 500
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
    questions: Sequence[str]  # as many as it takes to open a breaker
    answers: dict[str, Call] = field(default_factory=dict)
    failed: list[Call] = field(default_factory=list)
    refused: list[Call] = field(default_factory=list)
    asked_last: list[Call] = field(default_factory=list)

    @property
    def open_until(self) -> float:
        """Its breaker, which opened after the first of the calls that failed was made, is open until then at least."""
        return min(call.sent for call in self.failed) + WAIT_S

    @property
    def may_open_early(self) -> bool:
        """Whether a good answer may have counted as slow, or been too old when the last failure was counted."""
        good = self.answers.values()
        took_s, oldest = max(call.took_s for call in good), min(call.sent for call in good)
        return took_s > MAY_BE_SLOW_S or max(call.heard for call in self.failed) > oldest + WINDOW_S - NEARLY_S

    @property
    def in_time(self) -> bool:
        """Whether its breaker was certainly open when all was asked again, and each time most answers were young."""
        asked = self.failed, self.refused, self.asked_last
        first = min(call.sent for call in self.refused)
        return first < self.open_until and all(map(self._most_are_young, asked))

    def _most_are_young(self, calls: Sequence[Call]) -> bool:
        answers = [(call.heard, self.answers[call.label].sent) for call in calls if call.label in self.answers]
        return 2 * sum(heard < sent + _GIVEN_FOR_S for heard, sent in answers) >= len(answers)

    def ask(self, questions: Sequence[str]) -> list[Call]:
        """All of them at once."""
        with threads(len(questions)) as pool:
            return list(pool.map(lambda label: make(self.node, self.name, label, True), questions))

    def learn(self) -> None:
        """It answers all of them."""
        self.answers = {call.label: call for call in self.ask(self.questions)}


class Fallback:
    """The last answers of the services, and what those who asked again heard in their outages."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._draw = world.draw()
        self._begin_anew()

    def _begin_anew(self) -> None:
        """Services that nobody has asked yet."""
        self._stem, nodes = self._world.fresh("asked"), self._world.nodes
        groups = self._draw.sample(_ALIKE, len(_ALIKE))
        self._services = [
            _Service(nodes[place % len(nodes)], f"{self._stem}-{place}", how, self._two(groups, place))
            for place, how in enumerate(_WAYS)
        ]

    def _two(self, groups: Sequence[Sequence[str]], place: int) -> Sequence[str]:
        """Two groups, other ones for each place, and what is answered by nothing and by a lot."""
        questions = [*groups[place % len(groups)], *groups[place - 1], _EMPTY, _LARGE]
        return self._draw.sample(questions, len(questions))

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
        """They fail, and all questions are asked until the breakers open, then again, and two when `age_s` are over.

        Where that came too late, others learn, fail and are asked; what the last ones say is judged.
        """
        self._ask_again(age_s)
        for _ in range(MOST_TIMES - 1):
            if all(map(self._in_time, self._services)):
                return
            self._world.services.heal()
            self._begin_anew()
            self.learn()
            self._ask_again(age_s)

    def _in_time(self, service: _Service) -> bool:
        arrived, asked = self._came(service)
        return service.in_time and not (arrived < asked and service.may_open_early)

    def _ask_again(self, age_s: float) -> None:
        for service in self._services:
            match = {"path": f"/{service.name}/*"}
            self._world.services.arm(times=None, match=match, **FAILURES[service.how])
        for_each(self._services, _ask_until_open, at_once=len(self._services))
        for_each(self._services, lambda service: _ask_last(service, age_s), at_once=len(self._services))

    # What must hold

    def expect_left_in_peace(self) -> None:
        """Failures that no caller noticed count: after ten of them the services got no calls.

        Raises ProbeError when the next calls came so late that the breakers may have let some of them through.
        """
        for service in self._services:
            if min(call.sent for call in service.refused) > service.open_until:
                raise ProbeError(f"{service.name} was asked again when its breaker need not have been open any more")
            arrived, asked = self._came(service)
            if arrived < asked and service.may_open_early:
                raise ProbeError(f"{service.name} took so long that its breaker may have opened before ten failures")
            assert_that(arrived, equal_to(asked), f"calls that {service.name}, which {service.how}, got")

    def _came(self, service: _Service) -> tuple[int, int]:
        """How many calls came to it before its breaker may have let more through, and how many had to."""
        seen = self._world.services.arrivals(path=f"/{service.name}/*")
        arrived = sum(arrival.arrived < service.open_until for arrival in seen)
        return arrived, 2 * len(service.questions) + 1 + LEAST_CALLS

    def expect_last_answers(self) -> None:
        """Each caller got that service's last answer to that question, called an earlier one.

        Raises ProbeError when all is well but for answers that were too old by then, at one of the three times most.
        """
        judged = [self._judge(service) for service in self._services]
        for number, moment in enumerate(("before its breaker opened", "after that", "later")):
            given, too_old = (sum(each[number][place] for each in judged) for place in (0, 1))
            if too_old > given:
                raise ProbeError(f"{too_old} answers were too old when they were asked for again {moment}, {given} not")

    def _judge(self, service: _Service) -> list[tuple[int, int]]:
        """How many answers were given, and how many were too old for that, each time when they were asked for again."""
        _expect_as_spelt(service)
        counts = []
        for calls in service.failed, service.refused, service.asked_last:
            known = [(call, service.answers[call.label]) for call in calls if call.label in service.answers]
            wrong = [(call, last) for call, last in known if not _is_given(last, call)]
            in_time = [_SHORT.repr(both) for both in wrong if both[0].heard < both[1].sent + _GIVEN_FOR_S]
            must(not in_time, f"what callers heard, and the last answer, {service.how}, {self._draw}: {in_time}")
            counts.append((len(known) - len(wrong), len(wrong)))
        return counts

    def expect_not_asked(self) -> None:
        """Who asked what a service had not answered, or had refused, heard that it was not asked, and when to ask.

        Raises ProbeError when all came so late that the breakers may have let them through.
        """
        unknown = [
            call
            for service in self._services
            for call in service.refused
            if call.label not in service.answers and call.heard < service.open_until
        ]
        if not unknown:
            raise ProbeError("what was not answered before was asked when no breaker need have been open any more")
        heard = {call.reply.outcome for call in unknown}
        assert_that(heard, equal_to({Outcome.NOT_ASKED}), "what those heard who asked what was not answered before")
        self._world.expect_told_when(call.reply for call in unknown)

    def expect_forgotten(self, after_s: float) -> None:
        """Once they are `after_s` old, none of the answers is given any more, however often it was asked for."""
        heard = max(call.heard for service in self._services for call in service.answers.values())
        self._world.let_pass(heard + after_s - time.time())
        for service in self._services:
            given = [
                call for call in service.ask(service.questions[:2]) if call.reply.outcome is Outcome.ANSWERED_EARLIER
            ]
            must(not given, f"{service.name} was given answers that were {after_s:g} s old: {given}")


def _ask_until_open(service: _Service) -> None:
    service.failed = service.ask(service.questions)
    service.refused = service.ask([*service.questions, _REFUSED, _NEW])


def _ask_last(service: _Service, age_s: float) -> None:
    oldest = min(call.sent for call in service.answers.values())
    time.sleep(max(0.0, oldest + age_s - time.time()))
    service.asked_last = service.ask(service.questions[:2])


def _expect_as_spelt(service: _Service) -> None:
    """It was asked for what its callers asked for, as they spelt it: so it says in its own words.

    Raises ProbeError when it did not, and answers took so long that they may have counted as failures.
    """
    took_s = max(answer.took_s for answer in service.answers.values())
    for answer in service.answers.values():
        path, _, query = answer.label.partition("?")
        said = f'"path":"/{service.name}/{unquote(path)}","query":"{query}"'
        as_spelt = answer.label in (_EMPTY, _LARGE) or said in answer.reply.text
        if not (as_spelt and answer.reply.outcome is Outcome.ANSWERED) and took_s > MAY_BE_SLOW_S:
            raise ProbeError(f"{service.name} was to be well, and answers took {took_s:.2f} s")
        must(as_spelt, f"who asked {service.name} for {answer.label} got the answer to something else: {answer}")


def _is_given(last: Call, call: Call) -> bool:
    return (call.reply.outcome, call.reply.text) == (Outcome.ANSWERED_EARLIER, last.reply.text)
