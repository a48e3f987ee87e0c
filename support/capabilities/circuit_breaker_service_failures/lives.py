"""Breakers through whole outages: every call ends in a way that is drawn, and a model says what must come of it.

Which kinds of calls meet which state is fixed; which one of a kind it is, how many, in what order and when is drawn.
"""

import math
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from itertools import count as numbers
from itertools import cycle
from threading import Event
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to

from support.capabilities.circuit_breaker_service_failures.calls import (
    MAY_BE_GIVEN_UP_S,
    MAY_BE_SLOW_S,
    MOST_TIMES,
    Call,
    Opening,
    make,
)
from support.capabilities.circuit_breaker_service_failures.client import Adapter, Outcome, Reply, State
from support.capabilities.circuit_breaker_service_failures.kinds import KINDS, Kind
from support.capabilities.circuit_breaker_service_failures.leaving import Leavers
from support.capabilities.circuit_breaker_service_failures.model import LONGEST_WAIT_S, Model
from support.errors import ProbeError
from support.polling import poll
from support.promise import broken, must
from support.worlds.crowds import threads
from support.worlds.draw import Draw

if TYPE_CHECKING:
    from support.capabilities.circuit_breaker_service_failures.world import World

_NAMES = ("orders.{}", "Orders.{}", "orders.{}.eu", "orders.{}-eu")  # services that are called nearly the same
_EVERY_S, _GLANCES, _LOOKS_FROM_S = 0.04, 3, 0.15
_SPREAD, _CLOCKS_S = 0.25, 0.02
_MIXED, _MOST = 20, 60  # no more than are looked at
_DECIDE_FOR_S = 0.85  # for so long those that are slow, or hang, decide nothing
_FIRST_FAILURES = 5  # which open nothing yet after 4 good ones, and the next one does
_ARRIVE_WITHIN_S = 0.8
_WELL_EVERY_S = 0.5


@dataclass(frozen=True)
class Outage:
    """An outage, in letters that stand for kinds of calls.

    `before` it these are made at once. `late`: so many that fail late begin just before the breaker opens. `rounds`:
    what those that decide meet each time, in turn, those in brackets at once. In the second round's wait nobody calls
    for `quiet_s`.
    """

    rounds: tuple[str, ...]
    before: str = "GGGG"
    late: int = 0
    quiet_s: float = 0.0


_LIVES = (
    # After 7 good and 6 bad ones each counts: if one of these were taken for good, two more would have to fail.
    # A pause that is longer than the wait shows that the next one begins when it should.
    (Outage(("GGF", "GUL", "F"), before="GGGGGGGLLLLLL", quiet_s=4.0),),
    # Three who hang up and were counted would bring the next opening forward by three calls, or put it off by as many.
    (Outage(("GHGHF", "G(GG)"), before="UUUU"), Outage(("G(UG)",), before="GGHHHGG", late=3)),
    (Outage(("G(LF)", "U(LL)", "GGG"), late=3),),
    (Outage(("GHHGG",)), Outage(("L", "G(GG)"))),
)


class Deal:
    """What is drawn. Each kind of a letter comes up before any does twice, also among those that decide."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.over = Event()  # nothing more is to be drawn: a promise was broken
        self._kinds = {(letter, decides): self._shuffled(letter) for letter in KINDS for decides in (True, False)}

    def kind(self, letter: str, decides: bool = False) -> Kind:
        """The next of that letter."""
        return next(self._kinds[letter, decides])

    def mixture(self, most: int) -> str:
        """Up to `most` calls, of which fewer fail than go well."""
        return "".join(self.draw.choices("GF", (2, 1), k=self.draw.randint(0, most)))

    def moments(self, count: int, within_s: float) -> list[float]:
        """So many moments, in their order."""
        return sorted(self.draw.uniform(0, within_s) for _ in range(count))

    def _shuffled(self, letter: str) -> Iterator[Kind]:
        return cycle(self.draw.sample(KINDS[letter], len(KINDS[letter])))


class Life:
    """One gateway's breaker for one service. What it does and must not is an AssertionError at once."""

    def __init__(self, world: "World", node: Adapter, service: str, deal: Deal) -> None:
        self.node, self.service = node, service
        self.model = Model()
        self.calls: list[Call] = []
        self._world, self._deal = world, deal
        self._numbers = numbers(1)
        self._refused: list[Call] = []  # since it opened

    def live(self, outages: tuple[Outage, ...]) -> None:
        """From outage to outage, until a promise is broken; afterwards it is closed, unless the last one goes on."""
        try:
            self._live(outages)
        except AssertionError:
            self._deal.over.set()
            raise

    def _live(self, outages: tuple[Outage, ...]) -> None:
        for outage in outages:
            self._go_well(outage.before)
            self._break_down(outage)
            for number, meet in enumerate(outage.rounds):
                self._decide(meet, outage.quiet_s if number == 1 else 0.0)
            while self.model.state is State.OPEN and not set("FL") & set(meet):  # a call took too long on the way
                self._decide(meet, 0.0)
        if self.model.state is State.CLOSED:
            self._go_well("GGGG")

    # Closed

    def _go_well(self, letters: str) -> None:
        with threads(len(letters)) as pool:
            calls = [pool.submit(self._admitted, letter) for letter in letters]
        self.model.count([call.result() for call in calls])

    def _break_down(self, outage: Outage) -> None:
        """Calls, which all fail in the end, until the breaker opens; none of the `late` ones has ended by then."""
        if outage.late:
            self.model.count([self._admitted("F") for _ in range(_FIRST_FAILURES)])
        until = time.time() + _DECIDE_FOR_S if outage.late else math.inf
        with threads(max(1, outage.late)) as pool:
            late = [pool.submit(self._admitted, "L", mark="late") for _ in range(outage.late)]
            self._await_arrivals("late", late)
            self._call_until_open("" if late else self._deal.mixture(_MIXED - len(outage.before)), until)

    def _call_until_open(self, mixture: str, until: float) -> None:
        """Raises ProbeError when one that may open it ends later than `until`, for then others may have ended, too."""
        for letter in mixture.ljust(_MOST, "F"):
            call, opened = self._call(self._deal.kind(letter)), self.model.may_have_opened()
            if call.heard > until and opened != {True}:
                raise ProbeError("calls that were to end after the breaker had opened may have ended before that")
            must(
                call.refused in opened,
                self._told(f"let through or refused ({call}), after which it was open: {opened}"),
            )
            if call.refused:
                last = self.model.last_counted()
                self.model.open(Opening(last.sent, last.heard))
                self._refused = [call]
                return
            self.model.count([call])
        raise ProbeError(f"{_MOST} calls took so long that the breaker need not have opened")

    # Open, and half-open

    def _decide(self, meet: str, quiet_s: float) -> None:
        """Calls until one is let through, and then as many as it takes for a decision."""
        first, rest = meet[0], meet[1:].strip("()")
        calls = [self._let_through(self._deal.kind(first, decides=True), quiet_s)]
        self.model.half_open()
        calls += self._at_once(rest) if "(" in meet else self._in_turn(rest)
        calls = [call for call in calls if not call.unheard]
        unsure, self._refused = [call for call in calls if call.unsure], [call for call in calls if call.refused]
        must(unsure or not self._refused, self._told(f"were to be let through: {self._refused}"))
        if failed := [call for call in calls if not call.well and not call.refused]:
            self.model.open(Opening(min(map(self._earliest, failed)), min(call.heard for call in failed)))
        elif unsure:
            self._find_out(unsure)
        else:
            self.model.close()

    def _find_out(self, unsure: list[Call]) -> None:
        """One that took too long for anybody to be sure that it was good may have opened it: a refused call tells."""
        more = [] if self._refused else [self._call(self._deal.kind("G"))]
        self._refused += [call for call in more if call.refused]
        if self._refused:
            self.model.open(Opening(min(map(self._earliest, unsure)), max(call.heard for call in unsure)))
        else:
            self.model.close()
            self.model.count(more)

    def _in_turn(self, letters: str) -> list[Call]:
        """Those that decide after the first, until one is refused."""
        calls: list[Call] = []
        for letter in letters:
            calls.append(self._call(self._deal.kind(letter, decides=True)))
            if calls[-1].refused:
                break
        return calls

    def _let_through(self, kind: Kind, quiet_s: float) -> Call:
        """Calls now and then, and all the time when the wait is about to end, until one is let through."""
        opened, wait_s = self.model.opened, self.model.wait_s
        for moment in self._moments(quiet_s):
            time.sleep(max(0.0, moment - time.time()))
            call = self._call(kind)
            if not call.refused:
                break
            must(call.sent < opened.latest + wait_s * (1 + _SPREAD), self._told(f"refused after {wait_s:g} s: {call}"))
            self._refused.append(call)
        let_through = call.heard - kind.least_s  # or before that
        must(
            let_through > opened.earliest + wait_s - _CLOCKS_S,
            self._told(f"not left in peace for {wait_s:g} s: {call}"),
        )
        self._expect_told_when(let_through)
        return call

    def _moments(self, quiet_s: float) -> Iterator[float]:
        opened, wait_s = self.model.opened, self.model.wait_s
        looks_from = opened.latest + max(quiet_s, wait_s - _LOOKS_FROM_S)
        if not quiet_s:
            yield from (opened.latest + moment for moment in self._deal.moments(_GLANCES, wait_s - _LOOKS_FROM_S))
        yield looks_from
        while True:
            yield time.time() + _EVERY_S

    def _expect_told_when(self, let_through: float) -> None:
        """Who asked again when told to was let through, and nobody was told to wait for a second longer than that."""
        last = max((call.sent for call in self._refused), default=0.0)
        for call in self._refused:
            told = call.reply.retry_after_s or broken(self._told(f"not told when to ask again: {call}"))
            must(call.heard + told > last, self._told(f"who asked again after {told} s was refused: {call}"))
            must(call.sent + told < let_through + 1, self._told(f"told to wait for {told} s, too long: {call}"))

    def _at_once(self, letters: str) -> list[Call]:
        """Those that decide at the same time; where all of them take long, others are refused meanwhile."""
        mark, asked, began = f"together-{next(self._numbers)}", list[Future[Call]](), time.time()
        with threads(len(letters)) as pool:
            for letter in letters:
                asked.append(pool.submit(self._call, self._deal.kind(letter, decides=True), mark))
                self._await_arrivals(mark, asked)  # one that failed at once would keep the next from being let through
            if set(letters) == {"L"}:
                self._expect_refused_until(began + _DECIDE_FOR_S)
        return [call.result() for call in asked]

    def _expect_refused_until(self, moment: float) -> None:
        """Whoever calls before that, while others decide, is refused, and told when to ask again."""
        call = self._call(self._deal.kind("G"))
        if call.heard < moment:
            told = call.reply.retry_after_s or 0
            must(
                call.refused and 0 < told <= LONGEST_WAIT_S + 1,
                self._told(f"was to be refused while others decide: {call}"),
            )

    # One call

    def _admitted(self, letter: str, mark: str = "") -> Call:
        call = self._call(self._deal.kind(letter), mark)
        must(not call.refused, self._told(f"was to be let through: {call}"))
        return call

    def _call(self, kind: Kind, mark: str = "") -> Call:
        """One call; unless it was refused, its caller must have heard what one of that kind ends with."""
        if self._deal.over.is_set():
            raise ProbeError("a promise was broken meanwhile")
        label = "/".join(filter(None, (kind.name, mark, str(next(self._numbers)))))
        if kind.leaves:
            return self._leave(kind, label)
        call = make(self.node, self.service, label, kind.good)
        call = replace(call, unsure=kind.good and call.took_s > MAY_BE_SLOW_S)
        self.calls.append(call)
        if call.refused:
            return call
        given_up = call.took_s > MAY_BE_GIVEN_UP_S and call.reply.outcome is Outcome.FAILED  # as a slow one may be
        if given_up and kind.good:
            raise ProbeError(f"a call took {call.took_s:.2f} s, and was given up: {call}")
        wanted = Outcome.ANSWERED if kind.answered and not given_up else Outcome.FAILED
        must(call.reply.outcome is wanted, self._told(f"was to be {wanted}: {call}"))
        must(call.took_s > kind.least_s - _CLOCKS_S, self._told(f"ended sooner than after {kind.least_s} s: {call}"))
        if wanted is Outcome.ANSWERED:
            said = call.reply.text == kind.body if kind.status else f"/{self.service}/{label}" in call.reply.text
            must(said, self._told(f"its caller did not hear what the service said: {call}"))
        return call

    def _leave(self, kind: Kind, label: str) -> Call:
        """One whose caller hangs up, when it is certain that the call was let through."""
        sent = time.time()
        caller = Leavers(self._world.services, self.node, self.service, [label])
        caller.hang_up(kind.least_s)
        caller.see_left()
        self.calls.append(call := Call(label, sent, time.time(), Reply(Outcome.UNHEARD), well=True))
        return call

    def _earliest(self, call: Call) -> float:
        """When a call that decides can have ended, at the earliest."""
        name = call.label.partition("/")[0]
        return call.sent + next(kind.least_s for kinds in KINDS.values() for kind in kinds if kind.name == name)

    def _await_arrivals(self, mark: str, asked: list[Future[Call]]) -> None:
        """Returns when all that were `asked` have reached the service, or one of them has ended."""
        if asked and not poll(lambda: self._have_arrived(mark, asked), _ARRIVE_WITHIN_S, 0.02):
            raise ProbeError(f"{len(asked)} calls had not reached the service after {_ARRIVE_WITHIN_S:g} s")

    def _have_arrived(self, mark: str, asked: list[Future[Call]]) -> bool:
        seen = self._world.services.arrivals(path=f"/{self.service}/*/{mark}/*")
        arrived = sum(arrival.via == self.node.name for arrival in seen)
        return arrived >= len(asked) or any(call.done() for call in asked)

    def _told(self, what: str) -> str:
        return f"{self.service} through {self.node.name}, {self._deal.draw}: {what}"


class Lives:
    """Breakers of both gateways for the same services, each of which lives through something else."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._stem = world.fresh("x")
        self._deal = Deal(world.draw())
        self._lives: list[Life] = []
        self._missed: set[tuple[str, str]] = set()  # services whose moments were missed, and the gateway that called
        self._errors: list[BaseException] = []

    def tell(self) -> None:
        """The services do what their callers ask for."""
        for kinds in KINDS.values():
            for kind in kinds:
                kind.tell(self._world.services, self._stem)

    def live(self) -> None:
        """All at once, the second gateway in the opposite order; both are to be well all the time."""
        work = []
        for place, node in enumerate(self._world.nodes):
            for name, outages in zip(_NAMES, _LIVES[:: 1 - 2 * place], strict=True):
                work.append(partial(self._live, node, name, outages))
        with threads(len(work)) as pool:
            living = [pool.submit(one) for one in work]
            self._watch(living)
        self._errors += filter(None, (one.exception() for one in living))

    def _live(self, node: Adapter, name: str, outages: tuple[Outage, ...]) -> None:
        """A life; where its moments were missed another one, of a service of nearly that name. The last is judged."""
        for again in range(MOST_TIMES):
            life = Life(self._world, node, name.format(f"{self._stem}{'e' * again}"), self._deal)
            try:
                life.live(outages)
            except ProbeError:
                if self._deal.over.is_set() or again + 1 == MOST_TIMES:
                    raise
                self._missed.add((life.service, node.name))
            else:
                self._lives.append(life)
                return

    def _watch(self, living: list[Future[None]]) -> None:
        try:
            while not poll(lambda: all(one.done() for one in living), _WELL_EVERY_S):
                self._world.expect_nodes_well()
        except AssertionError as error:
            self._errors.append(error)

    # What must hold

    def expect_as_modelled(self) -> None:
        """Every caller heard what the model says. Where one did not, that is told before what could not be judged."""
        for error in sorted(self._errors, key=lambda error: not isinstance(error, AssertionError)):
            raise error

    def expect_arrivals(self) -> None:
        """By the services' own count each call that was let through came once, by its own gateway, and no other did."""
        wanted = Counter(
            (f"/{life.service}/{call.label}", life.node.name)
            for life in self._lives
            for call in life.calls
            if not call.refused
        )
        came = self._world.services.arrivals(path=f"/*{self._stem}*")
        seen = Counter((one.path, one.via) for one in came if (one.path.split("/")[1], one.via) not in self._missed)
        wrong = {what: (seen[what], wanted[what]) for what in {*seen, *wanted} if seen[what] != wanted[what]}
        must(not wrong, f"calls that came as often (first) as they must not (second), {self._deal.draw}: {wrong}")

    def expect_changes(self) -> None:
        """The metrics of each gateway tell of each change of each of its breakers once."""
        for life in self._lives:
            told = dict(life.node.transitions(life.service))
            assert_that(told, equal_to(dict(life.model.changes)), f"changes of state of {life.service} as told")
