"""What is kept or done beside a company's own requests: caches, imports, the rush of others, looks of our staff."""

import datetime
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING

from support.capabilities.multi_tenant_isolation.client import Answer, Import
from support.capabilities.multi_tenant_isolation.company import COMMON, Company, fresh
from support.capabilities.multi_tenant_isolation.probe import RedisContents
from support.errors import ProbeError
from support.polling import poll
from support.promise import must
from support.worlds.crowds import threads
from support.worlds.world import turns

if TYPE_CHECKING:
    from support.capabilities.multi_tenant_isolation.world import World

_STUCK_WITHIN_S = 5.0
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

    def change(self, names: list[str]) -> None:
        """These store a customer."""
        for label in names:
            company = self._world.companies[label]
            company.store(self._world.small, company.new_customer())
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


class Imports:
    """Imports of several companies, one after the other on the same workers."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._started: list[tuple[Company, str, Import]] = []

    def start(self, labels: list[str], count: int) -> None:
        """Each company in turn starts `count` imports of two customers; every third has an address that is taken."""
        world = self._world
        for number in range(count):
            for node, label in zip(turns(world.nodes), labels, strict=False):
                company, upload, bad = world.companies[label], fresh("import"), number % 3 == 1
                customers = [company.new_customer() for _ in range(2)]
                if bad:
                    customers[1] = customers[1]._replace(email=company.customers[COMMON[0]].email)
                else:
                    company.customers |= {customer.id: customer for customer in customers}
                answer = node.start_import(company.session, upload, customers)
                must(answer.refusal is None, f"an import was refused: {answer}")
                self._started.append((company, upload, Import.FAILED if bad else Import.DONE))

    def expect_ended(self, within_s: float) -> None:
        """Within `within_s` each has ended as it should. AssertionError with those that have not."""
        end = time.monotonic() + within_s
        for company, upload, ending in self._started:
            self._world.await_import(company, upload, ending, max(0.0, end - time.monotonic()))


class Rush:
    """Acme's requests wait for a locked row at the large server, while Globex asks."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._usual_s: list[float] = []
        self._rushed_s: list[float] = []
        self._stuck: list[Future[Answer]] = []
        self._refused = False

    def measure(self, count: int) -> None:
        """How long `count` requests of Globex take each, one after the other."""
        self._usual_s = [self._timed() for _ in range(count)]

    def stick(self, count: int, stuck: int) -> None:
        """The same while `stuck` requests of Acme wait there. ProbeError when none waits for the row."""
        world, acme = self._world, self._world.acme
        customer = acme.customers[COMMON[0]]
        lock = world.ground.lock(world.large.sealed, acme.id, customer.id)
        with threads(stuck) as pool:
            try:
                self._stuck = [pool.submit(world.large.put_customer, acme.session, customer) for _ in range(stuck)]
                if not poll(world.ground.waiting_for_locks, _STUCK_WITHIN_S):
                    raise ProbeError("no request of Acme waits for the locked row")
                while len(self._rushed_s) < count and not self._refused:
                    self._rushed_s.append(self._timed())
                self._early = [future for future in self._stuck if future.done()]
            finally:
                lock.close()

    def expect_quick(self, times: int, or_s: float) -> None:
        """The slowest took at most `times` as long as the slowest before, or `or_s`. AssertionError if not."""
        self._world.expect_heard_rightly()
        must(not self._refused, f"a request of Globex was refused after {max(self._rushed_s):.3f} s")
        if self._early:
            raise ProbeError(f"{len(self._early)} of Acme's requests did not wait: {self._early[0].result()}")
        usual, rushed = max(self._usual_s), max(self._rushed_s)
        must(rushed <= max(times * usual, or_s), f"Globex's slowest request took {rushed:.3f} s, before {usual:.3f} s")

    def expect_all_answered(self) -> None:
        """Each of Acme's requests was done in the end. AssertionError with those that were refused."""
        refused = [future.result() for future in self._stuck if future.result().refusal]
        must(not refused, f"{len(refused)} of Acme's requests were refused: {refused[:1]}")

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
