"""What is kept or done beside a company's own requests: caches, imports, the rush of others, looks of our staff."""

import datetime
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, NamedTuple

from support.capabilities.multi_tenant_isolation.client import Adapter, Answer, Customer, Import, Refusal
from support.capabilities.multi_tenant_isolation.company import COMMON, Company, fresh
from support.capabilities.multi_tenant_isolation.probe import RedisContents
from support.errors import ProbeError
from support.polling import poll
from support.promise import must
from support.worlds.crowds import for_each, threads
from support.worlds.world import turns

if TYPE_CHECKING:
    from support.capabilities.multi_tenant_isolation.world import World

_STUCK_WITHIN_S = 5.0
_PATIENCE_S = 0.2
_HELD_UP_S = 5.0  # by then it is known: nobody has to wait for 20 of these
_CLOCKS_APART_S = 5.0


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

    def begin(self, node: Adapter, company: Company, customers: list[Customer]) -> None:
        """Has customers imported; until that has ended they may be there or not. AssertionError when it is refused."""
        self._start(node, Started(company, fresh("import"), customers, Import.DONE))
        company.abandoned |= {customer.name for customer in customers}

    def start(self, labels: list[str], count: int) -> None:
        """Each company in turn starts `count` imports of two customers, every third of which cannot be stored.

        One of its customers has an address that is taken, or a name with a character that no database keeps.
        """
        world = self._world
        for number in range(count):
            for node, label in zip(turns(world.nodes), labels, strict=False):
                company = world.companies[label]
                good, other = company.new_customer(), company.new_customer()
                if number % 3 != 1:
                    self.begin(node, company, [good, other])
                    continue
                taken = other._replace(email=company.customers[COMMON[0]].email)
                bad = taken if number % 2 else other._replace(name=f"{other.name}\0")
                self._start(node, Started(company, fresh("import"), [good, bad], Import.FAILED))

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

    def _start(self, node: Adapter, started: Started) -> None:
        answer = node.start_import(started.company.session, started.id, started.customers)
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

    def measure(self, count: int) -> None:
        """How long `count` requests of Globex take each, one after the other."""
        self._usual_s = [self._timed() for _ in range(count)]

    def stick(self, count: int, stuck: int, gone: int) -> None:
        """The same while `stuck` requests of Acme wait there, and `gone` others have ceased to.

        ProbeError when none waits for the row.
        """
        world, acme = self._world, self._world.acme
        customer = acme.customers[COMMON[0]]
        lock = world.ground.lock(world.large.sealed, acme.id, customer.id)
        with threads(stuck) as pool:
            try:
                self._stuck = [pool.submit(world.large.put_customer, acme.session, customer) for _ in range(stuck)]
                if not poll(world.ground.waiting_for_locks, _STUCK_WITHIN_S):
                    raise ProbeError("no request of Acme waits for the locked row")
                self._give_up(gone)
                while len(self._rushed_s) < count and not self._held_up():
                    self._rushed_s.append(self._timed())
                self._doubts += [f"answered early: {one.result()}" for one in self._stuck if one.done()]
            finally:
                lock.close()

    def expect_quick(self, times: int, or_s: float) -> None:
        """The slowest took at most `times` as long as the slowest before, or `or_s`. AssertionError if not."""
        self._world.expect_heard_rightly()
        must(not self._refused, f"a request of Globex was refused after {max(self._rushed_s):.3f} s")
        usual, rushed = max(self._usual_s), max(self._rushed_s)
        must(rushed <= max(times * usual, or_s), f"Globex's slowest request took {rushed:.3f} s, before {usual:.3f} s")
        if self._doubts or self._held_up():
            raise ProbeError(f"Acme's requests did not wait, or Globex did not ask often enough: {self._doubts[:1]}")

    def expect_all_answered(self) -> None:
        """Each of Acme's requests was done in the end. AssertionError with those that were refused."""
        refused = [future.result() for future in self._stuck if future.result().refusal]
        must(not refused, f"{len(refused)} of Acme's requests were refused: {refused[:1]}")

    def _give_up(self, count: int) -> None:
        """`count` requests of Acme come, wait behind the others, and are abandoned."""
        world, acme = self._world, self._world.acme

        def leave(_: int) -> None:
            if not world.large.abandon_change(acme.session, acme.new_customer(), _PATIENCE_S):
                self._doubts.append("answered before it was given up")

        for_each(range(count), leave, at_once=count)

    def _held_up(self) -> bool:
        return self._refused or max(self._rushed_s, default=0.0) > _HELD_UP_S

    def _timed(self) -> float:
        world, globex = self._world, self._world.globex
        began = time.monotonic()
        answer = world.large.customer(globex.session, COMMON[0])
        took = time.monotonic() - began
        world.hear(globex, answer, globex.customers[COMMON[0]])
        self._refused = self._refused or answer.refusal is not None
        return took


class Looks:
    """Looks of our staff at Globex's customers."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._answers: list[Answer] = []
        self._began = self._now()

    def look(self, times: int) -> None:
        """A member of staff looks, at the servers in turn."""
        world = self._world
        for _, node in zip(range(times), turns(world.nodes), strict=False):
            self._answers.append(node.look(world.staff, world.globex.id))

    def expect_shown(self) -> None:
        """They were shown the customers, and no bank detail. AssertionError if not."""
        globex = self._world.globex
        names = sorted(customer.name for customer in globex.customers.values())
        for answer in self._answers:
            must(globex.fits(answer, names), f"our staff were not shown Globex's customers: {answer}")
            must(globex.secret not in answer.text, f"our staff were shown bank details: {answer}")

    def expect_nothing_shown(self) -> None:
        """They were refused, and shown nothing of Globex's. AssertionError if not."""
        for answer in self._answers:
            must(answer.refusal is not None, f"our staff were not refused: {answer}")
            leaked = [mark for mark in self._world.globex.marks() if mark in answer.text]
            must(not leaked, f"our staff were shown what is Globex's: {answer}")

    def expect_written_down(self) -> None:
        """Globex is told of each look, with who and when, by both servers. AssertionError if not."""
        world = self._world
        for node in world.nodes:
            told = node.looks(world.globex.session).looks
            must([look.who for look in told] == [world.staff_member] * len(self._answers), f"Globex's log: {told}")
            for look in told:
                at = datetime.datetime.fromisoformat(look.at).timestamp()
                near = self._began - _CLOCKS_APART_S <= at <= self._now() + _CLOCKS_APART_S
                must(near, f"{look} was now, or a moment ago")

    def expect_none_for_acme(self) -> None:
        """Acme's log is empty. AssertionError if not."""
        for node in self._world.nodes:
            answer = node.looks(self._world.acme.session)
            must(answer.refusal is None and not answer.looks, f"Acme's log: {answer}")

    @staticmethod
    def _now() -> float:
        return datetime.datetime.now(datetime.UTC).timestamp()
