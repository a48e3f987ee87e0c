"""Companies that take turns on one connection to the database: after a success, a failure, or an abandoned request."""

import time
from collections.abc import Callable
from concurrent.futures import wait
from typing import TYPE_CHECKING

from support.capabilities.multi_tenant_isolation.client import Adapter, Customer
from support.capabilities.multi_tenant_isolation.company import (
    COMMON,
    ELSEWHERE,
    REGION,
    Charged,
    Company,
    fresh,
)
from support.errors import ProbeError
from support.polling import poll
from support.promise import must
from support.worlds.crowds import for_each, threads

if TYPE_CHECKING:
    from support.capabilities.multi_tenant_isolation.world import World

_ATTEMPTS = 20  # a busy machine makes one slow and the next quick: what was answered was not under way
# Parts of a request's time, the latest first: whoever is answered before it was quicker than the one that was measured.
# During the last round trip to the database a change is stored, and nobody has been told yet: two of the moments are
# in there. Where it is Redis that is late, a change is stored from the first tenth of its time on, so three are early.
_MOMENTS = {"the database": (0.95, 0.88, 0.6, 0.3), "Redis": (0.9, 0.5, 0.4, 0.3)}
_CENTS = 700
_RENEWED_WITHIN_S = 6.0  # by then it is known

Abandon = Callable[[float], float | None]


class Turns:
    """Requests of companies in turn, each looked through as it is answered."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._given_up: dict[str, Customer] = {}  # the imports that were
        self._renewed_s: list[float] = []  # how long after a change reports told what is stored

    def change(self, labels: list[str], count: int) -> None:
        """Each company in turn sends `count` changes to the small server, every second of which fails half-way.

        Of the others every second corrects a customer. After each the company asks for all its customers.
        """
        world, companies = self._world, [self._world.companies[label] for label in labels]
        for number in range(count):
            for company in companies:
                if number % 2:
                    self._spoil(company, number)
                else:
                    company.store(world.small, company.new_customer(COMMON[0] if number % 4 else ""))
                self._look_round(world.small, company)
        for company in companies:
            self._ask_all(world.small, company)

    def ask(self, labels: list[str], times: int) -> None:
        """Each company in turn asks the small server all its questions, `times` times."""
        world = self._world
        for _ in range(times):
            for label in labels:
                self._ask_all(world.small, world.companies[label])

    def ask_at_once(self, users: dict[str, int], times: int) -> None:
        """So many users of each company ask all questions at the same time, at the servers in turn."""
        world = self._world
        crowd = [world.companies[label] for label, count in users.items() for _ in range(count)]

        def ask(company: Company) -> None:
            for node in list(world.nodes) * times:
                self._ask_all(node, company)

        for_each(crowd, ask, at_once=len(crowd))

    def abandon(self, store: str, count: int) -> None:
        """Acme abandons `count` requests at the small server, which are about the talk with `store`.

        The last quarter are starts of imports, which are started again in the end: before that nothing of Acme's
        is done in the background that could make its reports anew. ProbeError unless each was under way.
        """
        moments = _MOMENTS[store][: count // 4]
        plan = [(begin, part) for part in moments for begin in self._kinds(store)]
        plan += [(self._abandon_import, part) for part in moments]
        took_s = {begin: self._duration(begin) for begin in dict.fromkeys(begin for begin, _ in plan)}
        for number, (begin, part) in enumerate(plan):
            took_s[begin] = self._catch(begin, took_s[begin], part)
            if self._renewed_s[-1] > _RENEWED_WITHIN_S:
                return  # it is known that reports are old
            self._follow(store, number, begin == self._abandon_import)
        for id_, customer in self._given_up.items():
            self._world.imports.begin(self._world.large, self._world.acme, [customer], id_)

    def store_meanwhile(self, count: int) -> None:
        """Acme stores `count` customers at the large server, each while the small one makes a report on its region.

        The moments are spread over what comes after the first third: before that nothing was read for the report.
        """
        world, acme = self._world, self._world.acme
        took_s = min(self._duration(self._abandon_report) for _ in range(2))
        with threads(1) as pool:
            for number in range(count):
                customer = acme.new_customer(region=fresh("region"))
                report = pool.submit(world.small.report, acme.session, customer.region)
                wait([report], timeout=took_s * (0.3 + 0.7 * (number + 0.5) / count))
                acme.store(world.large, customer)
                must(report.result().refusal is None, f"Acme was refused a report: {report.result()}")
                if not self._is_renewed(customer, fresh("invoice")):
                    return

    def expect_reports_renewed(self, within_s: float) -> None:
        """At most `within_s` after each of these changes reports agreed with the database. AssertionError if not."""
        slowest = max(self._renewed_s)
        must(
            slowest <= within_s,
            f"after a change of Acme's its report did not tell what was stored for {slowest:.1f} s",
        )

    def _kinds(self, store: str) -> list[Abandon]:
        if store == "Redis":
            return [self._abandon_report, self._abandon_storing, self._abandon_report]
        return [self._abandon_charging, self._abandon_deletion, self._abandon_storing]

    def _follow(self, store: str, number: int, both_import: bool) -> None:
        """One company stores a customer and the other asks, in turn; now and then the first imports one, too."""
        world = self._world
        one, other = (world.acme, world.globex) if number % 2 else (world.globex, world.acme)
        one.store(world.small, one.new_customer())
        every = 2 if store == "Redis" else 4  # there it is chance which server takes it, the late one or the other
        if number % every == 0 or (both_import and number % 4 == 1):
            world.imports.begin(world.small, one, [one.new_customer(region=ELSEWHERE)])
        for company in (one, other) if store == "Redis" else ():
            world.hear(company, world.small.report(company.session, REGION), company.report())
        self._look_round(world.small, other)

    def _ask_all(self, node: Adapter, company: Company) -> None:
        """Every question, after a change that leaves all as it was, so that no report is one from before."""
        company.store(node, company.customers[COMMON[0]])
        self._world.hear_all(node, company)

    def _look_round(self, node: Adapter, company: Company) -> None:
        names = sorted(customer.name for customer in company.customers.values())
        self._world.hear(company, node.customers(company.session), names)

    def _spoil(self, company: Company, number: int) -> None:
        answer = self._world.small.spoiled(
            company.session, fresh("customer"), company.customers[COMMON[1]], number // 2
        )
        must(answer.refusal, f"a change of {company.label}'s that cannot be made was made: {answer}")

    def _catch(self, begin: Abandon, took_s: float, part: float) -> float:
        """Abandons such a request after that part of its time; gives how long one takes by what is known now.

        What was answered sooner was quicker than those before, and is tried again. ProbeError when that never ends.
        """
        for _ in range(_ATTEMPTS):
            answered_s = begin(took_s * part)
            if answered_s is None:
                return took_s
            took_s = min(took_s, answered_s)
        raise ProbeError(f"{_ATTEMPTS} requests were answered within {took_s:.3f} s, and could not be abandoned")

    def _duration(self, begin: Abandon) -> float:
        """How long such a request takes when nobody abandons it, in seconds."""
        patience_s = 10.0
        answered_s = begin(patience_s)
        if answered_s is None:
            raise ProbeError(f"the small server did not answer within {patience_s:g} s")
        return answered_s

    # What Acme abandons: each is given how long Acme waits, and gives how long the answer took, None if it did not come

    def _abandon_storing(self, after_s: float) -> float | None:
        small, acme = self._world.small, self._world.acme
        customer = acme.new_customer(region=fresh("region"))
        acme.abandoned.add(customer.name)
        return self._abandon_change(customer, lambda _: small.abandon_change(acme.session, customer, after_s))

    def _abandon_deletion(self, after_s: float) -> float | None:
        small, acme, customer = self._world.small, self._world.acme, self._one_elsewhere()
        acme.abandoned.add(acme.customers.pop(customer.id).name)
        return self._abandon_change(customer, lambda _: small.abandon_deletion(acme.session, customer.id, after_s))

    def _abandon_charging(self, after_s: float) -> float | None:
        small, acme, customer = self._world.small, self._world.acme, self._one_elsewhere()

        def send(invoice: str) -> bool:
            return small.abandon_invoice(acme.session, invoice, customer.id, _CENTS, after_s)

        return self._abandon_change(customer, send)

    def _abandon_report(self, after_s: float) -> float | None:
        world = self._world
        return _timed(lambda: world.small.abandon_report(world.acme.session, fresh("region"), after_s))

    def _abandon_import(self, after_s: float) -> float | None:
        world, id_ = self._world, fresh("import")
        self._given_up[id_] = customer = world.acme.new_customer(region=ELSEWHERE)
        world.acme.abandoned.add(customer.name)
        return _timed(lambda: world.small.abandon_import(world.acme.session, id_, [customer], after_s))

    def _one_elsewhere(self) -> Customer:
        """A customer of Acme's, alone in a region."""
        customer = self._world.acme.new_customer(region=fresh("region"))
        self._world.acme.store(self._world.large, customer)
        return customer

    def _abandon_change(self, customer: Customer, send: Callable[[str], bool]) -> float | None:
        """Abandons a change that is about the customer, or an invoice of that id, while the region's report is cached.

        Then it waits until the report tells what the database holds. Nothing else is stored by Acme meanwhile, as that
        would have its reports made anew.
        """
        invoice = fresh("invoice")
        self._agrees(customer, invoice)
        answered_s = _timed(lambda: send(invoice))
        self._is_renewed(customer, invoice)
        return answered_s

    def _is_renewed(self, customer: Customer, invoice: str) -> bool:
        """Waits until the report agrees with the database, notes how long that took, and tells whether it did."""
        began = time.monotonic()
        renewed = poll(lambda: self._agrees(customer, invoice), _RENEWED_WITHIN_S)
        self._renewed_s.append(time.monotonic() - began)
        return renewed

    def _agrees(self, customer: Customer, invoice: str) -> bool:
        """Whether the report on the customer's region, where nobody else is, tells what the database holds."""
        world, acme = self._world, self._world.acme
        cents = _CENTS if world.ground.rows(invoice) else 0
        stored = Charged(((customer.name, cents),) if world.ground.rows(customer.name) else ())
        return acme.fits(world.large.report(acme.session, customer.region), stored)


def _timed(send: Callable[[], bool]) -> float | None:
    """How long the answer took, in seconds; None if it was not waited for."""
    began = time.monotonic()
    return None if send() else time.monotonic() - began
