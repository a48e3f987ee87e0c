"""What is kept or done beside a company's own requests: caches, imports, the rush of others, looks of our staff."""

import datetime
import random
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, NamedTuple

from support.capabilities.multi_tenant_isolation.client import Adapter, Answer, Customer, Import, Refusal
from support.capabilities.multi_tenant_isolation.company import (
    COMMON,
    ELSEWHERE,
    REGION,
    Company,
    Expected,
    InOrder,
    fresh,
)
from support.capabilities.multi_tenant_isolation.probe import RedisContents
from support.errors import ProbeError
from support.polling import look_until, poll
from support.promise import broken, must
from support.worlds.crowds import for_each, threads
from support.worlds.world import turns

if TYPE_CHECKING:
    from support.capabilities.multi_tenant_isolation.world import World

_STUCK_WITHIN_S = 5.0
_PATIENCE_S = 0.2
_HELD_UP_S = 5.0  # by then it is known: nobody has to wait for 20 of these
_BACK_WITHIN_S = 5.0
_CLOCKS_APART = datetime.timedelta(milliseconds=100)


class LookAlikes:
    """Companies whose names could be taken for each other, and what they have in Redis."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._redis = world.opened(RedisContents(world.fleet))
        self._regions: list[str] = []
        self._labels: list[str] = []
        self._cached: dict[str, set[str]] = {}

    def meet(self, names: list[str], regions: list[str]) -> None:
        """A company for each name, with a customer in each region, who was charged."""
        world, family = self._world, fresh("x")
        self._regions, self._labels = regions, names
        for label in names:
            company = world.meet_company(label, name=f"{family}{label}")
            for region in regions:
                customer = company.new_customer(region=region)
                company.store(world.large, customer)
                company.charge(world.large, fresh("invoice"), customer.id)

    def cache_reports(self) -> None:
        """Each has asked for its reports; what Redis then holds of it is remembered. ProbeError where it is nothing."""
        for label in self._labels:
            self._ask(self._world.companies[label])
        self._cached = {label: self._redis.holding(self._world.companies[label].mark) for label in self._labels}
        self._world.expect_heard_rightly()
        if empty := [label for label, held in self._cached.items() if not held]:
            raise ProbeError(f"Redis holds nothing of {empty}, so nothing can be mistaken there")

    def move(self, names: list[str], region: str, other: str) -> None:
        """These change a customer, who is in another region then."""
        for label in names:
            company = self._world.companies[label]
            customer = next(one for one in company.customers.values() if one.region == region)
            company.store(self._world.small, company.new_customer(customer.id, region=other))
            del self._cached[label]

    def expect_untouched(self) -> None:
        """What Redis holds of those that did nothing is what it held. AssertionError with what is not."""
        for label, held in self._cached.items():
            now = self._redis.holding(self._world.companies[label].mark)
            must(now == held, f"Redis held {held} of {label}, and now {now}")

    def expect_right_reports(self) -> None:
        """Everybody's reports are right on both servers. AssertionError with those that are not."""
        for label in self._labels:
            self._ask(self._world.companies[label])
        self._world.expect_heard_rightly()

    def _ask(self, company: Company) -> None:
        for node in self._world.nodes:
            for region in self._regions:
                self._world.hear(company, node.report(company.session, region), company.report(region))


class Started(NamedTuple):
    """An import that was accepted, and what is to become of it."""

    company: Company
    id: str
    customers: list[Customer]
    ending: Import


class Imports:
    """Imports of several companies, one after the other on the same workers."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._started: list[Started] = []
        self._refused: list[Started] = []

    def begin(self, node: Adapter, company: Company, customers: list[Customer], id_: str = "") -> None:
        """Has customers imported; until that has ended they may be there or not. AssertionError when it is refused."""
        self._start(node, Started(company, id_ or fresh("import"), customers, Import.DONE))
        company.abandoned |= {customer.name for customer in customers}

    def start(self, labels: list[str], count: int) -> None:
        """Each company in turn starts `count` imports of two customers, every third of which cannot be stored.

        All companies use the same ids. One of the customers has an address that is taken, or a name with a character
        that no database keeps.
        """
        world = self._world
        for number in range(count):
            upload, *ids = fresh("import"), fresh("customer"), fresh("customer")
            for node, label in zip(turns(world.nodes), labels, strict=False):
                company = world.companies[label]
                good, other = map(company.new_customer, ids)
                if number % 3 != 1:
                    self.begin(node, company, [good, other], upload)
                    continue
                taken = other._replace(email=company.customers[COMMON[0]].email)
                bad = taken if number % 2 else other._replace(name=f"{other.name}\0")
                self._start(node, Started(company, upload, [good, bad], Import.FAILED))

    def start_without_redis(self, labels: list[str]) -> None:
        """Each starts an import of the same id at the small server, which may say "not now", and asks all it can."""
        world, upload, id_ = self._world, fresh("import"), fresh("customer")
        for company in (world.companies[label] for label in labels):
            customer = company.new_customer(id_, region=ELSEWHERE)
            company.abandoned.add(customer.name)
            answer = world.small.start_import(company.session, upload, [customer])
            must(answer.refusal in (None, Refusal.UNAVAILABLE), f"an import was refused as what it is not: {answer}")
            self._refused.append(Started(company, upload, [customer], Import.DONE))
            world.hear_all(world.small, company)

    def start_again(self) -> None:
        """The same imports are started again at the small server, which takes them. AssertionError if it does not."""
        for one in self._refused:
            self._start(self._world.small, one, _BACK_WITHIN_S)

    def interrupt(self) -> None:
        """Breaks the connection of an import that waits for a locked row, and frees that. ProbeError if none did."""
        world, acme = self._world, self._world.acme
        lock = world.opened(world.ground.lock(world.large.sealed, acme.id, COMMON[0]))
        self.begin(world.large, acme, [acme.new_customer(), acme.new_customer(COMMON[0])])
        if not poll(world.ground.break_waiting, _STUCK_WITHIN_S):
            raise ProbeError("no import waited for the locked row")
        lock.close()

    def expect_ended(self, within_s: float) -> None:
        """Within `within_s` each has ended as it should. AssertionError with those that have not."""
        end = time.monotonic() + within_s
        for company, id_, customers, ending in self._started:
            self._world.await_import(company, id_, ending, max(0.0, end - time.monotonic()))
            if ending is Import.DONE:
                company.abandoned -= {customer.name for customer in customers}
                company.customers |= {customer.id: customer for customer in customers}

    def _start(self, node: Adapter, started: Started, within_s: float = 0) -> None:
        answer = look_until(
            lambda answer: answer.refusal is None,
            lambda: node.start_import(started.company.session, started.id, started.customers),
            within_s,
        )
        if answer.refusal is Refusal.INVALID and started.ending is Import.FAILED:
            return  # it was seen at once that this cannot be done
        must(answer.refusal is None, f"an import was refused: {answer}")
        self._started.append(started)


class Rush:
    """Acme's requests wait for a locked row at the large server, while Globex asks."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._usual_s: list[float] = []
        self._rushed_s: list[float] = []
        self._stuck: list[Future[Answer]] = []
        self._doubts: list[str] = []
        self._refused = False
        self._held_s = 0.0

    def measure(self, count: int) -> None:
        """How long `count` requests of Globex take each, one after the other."""
        self._usual_s = [self._timed(number) for number in range(count)]

    def stick(self, count: int, stuck: int, gone: int) -> None:
        """The same while `stuck` requests of Acme wait there, and `gone` others have ceased to."""
        world, acme = self._world, self._world.acme
        customer = acme.customers[COMMON[0]]
        began, lock = time.monotonic(), world.ground.lock(world.large.sealed, acme.id, customer.id)
        with threads(stuck) as pool:
            try:
                self._stuck = [pool.submit(world.large.put_customer, acme.session, customer) for _ in range(stuck)]
                if not poll(world.ground.waiting_for_locks, _STUCK_WITHIN_S):
                    self._doubts.append("no request of Acme waits for the locked row")
                self._give_up(gone)
                while len(self._rushed_s) < count and not self._held_up():
                    self._rushed_s.append(self._timed(len(self._rushed_s)))
                self._doubts += [f"answered early: {one.result()}" for one in self._stuck if one.done()]
            finally:
                lock.close()
                self._held_s = time.monotonic() - began

    def expect_quick(self, times: int, or_s: float) -> None:
        """The slowest took at most `times` as long as the slowest before, or `or_s`. AssertionError if not."""
        self._world.expect_heard_rightly()
        must(not self._refused, f"a request of Globex was refused after {max(self._rushed_s):.3f} s")
        usual, rushed = max(self._usual_s), max(self._rushed_s)
        must(rushed <= max(times * usual, or_s), f"Globex's slowest request took {rushed:.3f} s, before {usual:.3f} s")
        self._expect_patience()
        if self._doubts or self._held_up():
            raise ProbeError(f"Acme's requests did not wait, or Globex did not ask often enough: {self._doubts[:1]}")

    def expect_all_answered(self) -> None:
        """Each of Acme's requests was done in the end, and it is served as before. AssertionError with what was not."""
        refused = [future.result() for future in self._stuck if future.result().refusal]
        must(not refused, f"{len(refused)} of Acme's requests were refused: {refused[:1]}")
        for answer, expected in self._world.acme.questions(self._world.large):
            self._world.hear(self._world.acme, answer, expected)
            self._world.expect_heard_rightly()

    def _expect_patience(self) -> None:
        """None of Acme's requests was refused because the row was locked for a moment. AssertionError if one was."""
        refused = [future.result() for future in self._stuck if future.result().refusal]
        must(
            not refused or self._held_s > _HELD_UP_S,
            f"{len(refused)} of Acme's requests were refused, a row locked for {self._held_s:.1f} s: {refused[:1]}",
        )

    def _give_up(self, count: int) -> None:
        """`count` requests of Acme come, wait behind the others, and are abandoned."""
        world, acme = self._world, self._world.acme

        def leave(_: int) -> None:
            customer = acme.new_customer(region=ELSEWHERE)
            acme.abandoned.add(customer.name)
            if not world.large.abandon_change(acme.session, customer, _PATIENCE_S):
                self._doubts.append("answered before it was given up")

        for_each(range(count), leave, at_once=count)

    def _held_up(self) -> bool:
        return self._refused or max(self._rushed_s, default=0.0) > _HELD_UP_S

    def _timed(self, number: int) -> float:
        began = time.monotonic()
        answer, expected = self._ask(number)
        took = time.monotonic() - began
        self._world.hear(self._world.globex, answer, expected)
        self._refused = self._refused or answer.refusal is not None
        return took

    def _ask(self, number: int) -> tuple[Answer, Expected]:
        """One request of Globex's: of several kinds the one of that number."""
        large, globex = self._world.large, self._world.globex
        first = globex.customers[COMMON[0]]
        match number % 5:
            case 0:
                return large.customer(globex.session, first.id), first
            case 1:
                return large.put_customer(globex.session, first), None
            case 2:
                return large.report(globex.session, REGION), globex.report()
            case 3:
                return large.invoice(globex.session, "invoice-1"), globex.invoices["invoice-1"][1]
        return large.customers(globex.session), sorted(one.name for one in globex.customers.values())


class Noted(NamedTuple):
    """A look: at whom, by whom, and what time it was at the database before it and after it."""

    company: Company
    who: str
    before: datetime.datetime
    after: datetime.datetime


class Looks:
    """Looks of our staff at companies' customers."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._answers: list[tuple[Company, Answer]] = []
        self._noted: list[Noted] = []
        self._denied: list[Answer] = []

    def look(self, labels: list[str], times: int) -> None:
        """Two members of staff, whose names differ in nothing but their case, look at the servers in turn.

        `times` at the first of the companies, and at each of the others after every tenth of these.
        """
        world, name, after = self._world, fresh("ann"), self._world.ground.clock()
        members = [name, name.upper()]
        for number, node in zip(range(times), turns(world.nodes), strict=False):
            for label in labels if number % 10 == 9 else labels[:1]:
                company, who, before = world.companies[label], random.choice(members), after
                self._answers.append((company, world.look(node, company, who)))
                after = world.ground.clock()
                self._noted.append(Noted(company, who, before, after))

    def ask_as_staff(self) -> None:
        """A member of staff asks for what only companies can ask for, at both servers."""
        world, staff = self._world, self._world.staff
        for node in world.nodes:
            self._denied += [node.customers(staff), node.customers_backwards(staff), node.customer(staff, COMMON[0])]
            self._denied += [node.invoice(staff, "invoice-1"), node.report(staff, REGION), node.looks(staff)]
            self._denied += [node.delete_customer(staff, COMMON[0]), node.put_invoice(staff, "invoice-1", COMMON[1], 1)]
            self._denied += [node.put_customer(staff, world.globex.new_customer(COMMON[0]))]

    def expect_shown(self) -> None:
        """They were shown the customers, no bank detail, and nothing else. AssertionError if not."""
        for company, answer in self._answers:
            names = sorted(customer.name for customer in company.customers.values())
            must(company.fits(answer, names), f"our staff were not shown {company.label}'s customers: {answer}")
            must(company.secret not in answer.text, f"our staff were shown bank details: {answer}")
        given = [answer for answer in self._denied if answer.refusal is None]
        must(not given, f"our staff were served as if they were a company: {given[:3]}")

    def expect_nothing_shown(self) -> None:
        """They were refused, and shown nothing of the company's. AssertionError if not."""
        for company, answer in self._answers:
            must(answer.refusal is not None, f"our staff were not refused: {answer}")
            leaked = [mark for mark in company.marks() if mark in answer.text]
            must(not leaked, f"our staff were shown what is {company.label}'s: {answer}")

    def expect_written_down(self) -> None:
        """Each company is told by both servers of each look at it, with who and when. AssertionError if not."""
        for company in self._world.companies.values():
            noted = [one for one in self._noted if one.company is company]
            for node in self._world.nodes:
                answer = node.looks(company.session)
                must(company.fits(answer, InOrder(tuple(company.looks))), f"{company.label}'s log: {answer}")
                for look, one in zip(answer.looks, noted, strict=True):
                    must(_is_between(look.at, one), f"{look} of {company.label}'s was {one}")


def _is_between(told: str, look: Noted) -> bool:
    """Whether what is told, to the second or closer, is the time of the look. AssertionError where it is no time."""
    try:
        at = datetime.datetime.fromisoformat(told)
    except ValueError:
        broken(f"expected a time (ISO 8601), got {told!r}")
    must(at.tzinfo is not None, f"expected a time with its zone, got {told!r}")
    return look.before.replace(microsecond=0) - _CLOCKS_APART <= at <= look.after + _CLOCKS_APART
