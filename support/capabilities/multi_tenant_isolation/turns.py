"""Companies that take turns on one connection to the database: after a success, a failure, or an abandoned request."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from support.capabilities.multi_tenant_isolation.client import Adapter, Customer
from support.capabilities.multi_tenant_isolation.company import COMMON, ELSEWHERE, REGION, Company, fresh
from support.errors import ProbeError
from support.promise import must
from support.worlds.crowds import for_each

if TYPE_CHECKING:
    from support.capabilities.multi_tenant_isolation.world import World

_ATTEMPTS = 20  # a busy machine makes one slow and the next quick: what was answered was not under way


class Turns:
    """Requests of companies in turn, each looked through as it is answered."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._given_up: dict[str, Customer] = {}  # the imports that were

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

        Every fourth is the start of an import, which is started again in the end. ProbeError unless each was under way.
        """
        usual = self._abandon_report if store == "Redis" else self._abandon_change
        took_s = {begin: self._duration(begin) for begin in (usual, self._abandon_import)}
        for number in range(count):
            begin = self._abandon_import if number % 4 == 3 else usual
            part = (number // 4 * 4 + 2) / count if number % 4 == 3 else (number + 0.5) / count
            took_s[begin] = self._catch(begin, took_s[begin], part)
            self._follow(store, number)
        for id_, customer in self._given_up.items():
            self._world.imports.begin(self._world.large, self._world.acme, [customer], id_)

    def _follow(self, store: str, number: int) -> None:
        """One company stores a customer and the other asks, in turn; every second time the first imports one, too."""
        world = self._world
        one, other = (world.acme, world.globex) if number % 2 else (world.globex, world.acme)
        one.store(world.small, one.new_customer())
        if number % 4 < 2:
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

    def _catch(self, begin: Callable[[float], bool], took_s: float, part: float) -> float:
        """Abandons such a request after that part of its time; gives how long one takes by what is known now.

        What was answered sooner was quicker than those before, and is tried again. ProbeError when that never ends.
        """
        for _ in range(_ATTEMPTS):
            began = time.monotonic()
            if begin(took_s * part):
                return took_s
            took_s = min(took_s, time.monotonic() - began)
        raise ProbeError(f"{_ATTEMPTS} requests were answered within {took_s:.3f} s, and could not be abandoned")

    def _duration(self, begin: Callable[[float], bool]) -> float:
        """How long such a request takes when nobody abandons it, in seconds."""
        patience_s = 10.0
        began = time.monotonic()
        if begin(patience_s):
            raise ProbeError(f"the small server did not answer within {patience_s:g} s")
        return time.monotonic() - began

    def _abandon_change(self, after_s: float) -> bool:
        world = self._world
        customer = world.acme.new_customer(region=ELSEWHERE)
        world.acme.abandoned.add(customer.name)
        return world.small.abandon_change(world.acme.session, customer, after_s)

    def _abandon_report(self, after_s: float) -> bool:
        return self._world.small.abandon_report(self._world.acme.session, fresh("region"), after_s)

    def _abandon_import(self, after_s: float) -> bool:
        world, id_ = self._world, fresh("import")
        self._given_up[id_] = customer = world.acme.new_customer(region=ELSEWHERE)
        world.acme.abandoned.add(customer.name)
        return world.small.abandon_import(world.acme.session, id_, [customer], after_s)
